"""What misbehaving destinations do to the sender. All are played once, beside
each other; each test is the verdict on one."""

import field
import pytest
import sending
import suite

CASES = suite.sender_cases()


@pytest.fixture(scope="session")
def verdicts():
    return field.run_all(CASES, sending.play_once, make=sending.make)


def test_there_are_enough_and_none_twice(verdicts):
    assert verdicts.get("field", []) == []
    assert len({c.name for c in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("name", [c.name for c in CASES])
def test_misbehaviour(verdicts, name):
    verdict = verdicts[name]
    assert verdict.faults == [], (verdict.words, verdict.log)
