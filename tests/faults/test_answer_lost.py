"""Answers that are lost, and modalities that send again."""

import pytest

import answers


def test_every_case():
    _, found = answers.play()
    assert found == []


@pytest.mark.parametrize("torn", [False, True], ids=["", "torn"])
@pytest.mark.parametrize("daemons", answers.RESTARTS, ids="+".join)
def test_resend_after_a_restart(daemons, torn):
    _, found = answers.restarted(daemons, torn)
    assert found == []


def test_sender_dies_before_the_answer():
    _, found = answers.restarted_in_flight()
    assert found == []
