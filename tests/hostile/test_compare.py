"""That compare.py still plays on DCMTK's own programs, by a few cases of which
it is known what they make."""

import functools

import pytest
import strangers
import suite
from strangers import REFUSED, SAME, TOOK

SCP = {"message/byte-by-byte": SAME, "message/uid-path": TOOK,
       "associate/id-twice": TOOK, "message/uid-65": REFUSED}
SCU = {"response/status-c000": SAME, "response/status-b000": SAME,
       "response/uid-other": TOOK, "moment/early": TOOK}


def results(cases, known, make):
    chosen = [c for c in cases if c.name in known]
    return {s.name: s.result for s in
            strangers.play_all(chosen, make, n=4).values()}


def test_storescp():
    assert results(suite.receiver_cases(), SCP, strangers.Storescp) == SCP


@pytest.mark.parametrize("program", ["storescu", "dcmsend"])
def test_scu(program):
    assert results(suite.sender_cases(), SCU,
                   functools.partial(strangers.Scu, program)) == SCU
