"""Items that kill their lane, or their association, each time."""

import poison
import pytest


@pytest.mark.parametrize("restart", [False, True], ids=["", "parent killed"])
def test_kills_its_lane(restart):
    _, found = poison.kills_its_lane(restart)
    assert found == []


def test_parent_killed_after_each_death():
    _, found = poison.stopped_between_deaths()
    assert found == []


def test_breaks_the_link():
    _, found = poison.breaks_all([
        ("abort", "data"), ("rst", "command"), ("fin", "in-answer"),
        ("silence", "answer")])
    assert found == []
