"""What hostile peers do to the receiver. All are played once, beside each
other; each test is the verdict on one."""

import field
import findings
import pytest
import suite

CASES = suite.receiver_cases()


@pytest.fixture(scope="session")
def verdicts():
    return field.run_all(CASES, field.attack_once)


def test_there_are_enough_and_none_twice(verdicts):
    assert verdicts.get("field", []) == []
    assert len({c.name for c in CASES}) == len(CASES) >= 300


def test_findings_are_of_cases():
    assert findings.unused([c.name for c in CASES], findings.RECEIVER) == []


@pytest.mark.parametrize("name", [c.name for c in CASES])
def test_attack(verdicts, name):
    verdict = verdicts[name]
    assert verdict.faults == [], (verdict.words, verdict.log)
