"""inotify: events lost, folders made anew, watches and instances exhausted."""

import pytest

import watches


@pytest.mark.alone
def test_events_lost():
    if not watches.may_limit():
        pytest.skip(f"needs root: {watches.QUEUE_LIMIT} cannot be set")
    _, found = watches.overflow()
    assert found == []


def test_folders_made_anew():
    _, found = watches.made_anew()
    assert found == []


@pytest.mark.parametrize("limits", [
    {"INOTIFY_INSTANCES": 0}, {"INOTIFY_WATCHES": 0}, {"INOTIFY_WATCHES": 3}],
    ids=["no instance", "no watch", "three watches"])
def test_none_left(limits):
    _, found = watches.none_left(**limits)
    assert found == []
