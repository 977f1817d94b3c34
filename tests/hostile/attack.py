"""What an attack is, and what became of it."""

import dataclasses
import re


@dataclasses.dataclass
class Attack:
    """One, by name, with what has to come of it."""

    name: str
    play: object  # callable(wire)
    expect: str  # a pattern of the words that come back, see wire.py
    log: str = r"\bended\b"  # of the log line that tells of it
    warnings: int = 1  # lines above info, at most
    slow: bool = False  # it waits for a time limit
    settings: str = "usual"  # of the field
    check: object = None  # callable(wire): more that has to hold
    kind: str = ""  # the row that it counts in


@dataclasses.dataclass
class Verdict:
    name: str
    expected: str
    kind: str = ""
    words: str = ""
    log: str = ""
    loud: int = 0  # lines above info
    seconds: float = 0.0
    faults: list = dataclasses.field(default_factory=list)

    @property
    def ok(self):
        return not self.faults


def of_kinds(parts):
    """The cases of each (kind, callable), marked with it."""
    for kind, part in parts:
        for case in part():
            case.kind = case.kind or kind
            yield case


def judge_words(attack, words):
    if re.fullmatch(attack.expect, words):
        return []
    return [f"came: {words!r}, expected: {attack.expect!r}"]
