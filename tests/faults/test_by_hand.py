"""The operator's hands in the queue, the clock and the configuration."""

import os

import by_hand
import pytest

SEED = int(os.environ.get("SEED", "1"))


def test_everywhere_at_random():
    print(f"SEED={SEED}")
    figures, found = by_hand.rummage(4, SEED)
    assert found == []
    assert figures["acts by hand"] > 100


@pytest.mark.parametrize("on_timeout", ["refuse", "accept"])
def test_no_false_answer(on_timeout):
    _, found = by_hand.waited_for(on_timeout)
    assert found == []


def test_in_two_folders():
    _, found = by_hand.in_two_folders()
    assert found == []


def test_into_active():
    _, found = by_hand.into_active()
    assert found == []


def test_one_name_twice():
    _, found = by_hand.one_name_twice()
    assert found == []


def test_files_of_somebody_else():
    _, found = by_hand.foreign()
    assert found == []


def test_edited_with_dcmodify():
    _, found = by_hand.edited()
    assert found == []


def test_clock_jumps():
    _, found = by_hand.clock_jumps()
    assert found == []


@pytest.mark.parametrize("kill", [False, True], ids=["", "and a restart"])
def test_destination_taken_out_and_put_back(kill):
    _, found = by_hand.taken_out(kill=kill)
    assert found == []
