"""The hostile suite, and the same on DCMTK's storescp, storescu and dcmsend, side
by side: how many of each kind each one gets right, and what goes wrong.

    compare.py [-k WORD] [--json FILE]

With DCMTK 3.6.7 of Debian 12:

    726 attacks                 dcmspool  storescp
    as is expected of dcmspool       726       302
    another refusal                    -       181
    what is none taken for good        -       159
    no word, and held on to            -        84

    357 destinations            dcmspool  storescu  dcmsend
    what they meant                  357       319      316
    a failure that was none            -         5        5
    a success that was none            -        33       35
    hung                               -         -        1

52 of the 159 are AE titles, of which storescp has no list; 46 have 0x0000 for a
C-STORE: with SOP Instance UIDs that are paths or hold a newline or a NUL, another
class than the context's, a command set that cannot be read, an empty data set.
Both SCUs believe a success that came before the data set was sent, or that names
another instance or class; dcmsend one for another message, too. None of them
crashed.
"""

import argparse
import collections
import dataclasses
import functools
import json
import pathlib
import sys

_tests = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_tests / "hostile"), str(_tests), str(_tests / "e2e")]

import field as fields
import leftovers
import strangers
import suite
from strangers import HELD, LOST, REFUSED, RESULTS, SAME, TOOK

EXAMPLES = 8  # of each way to go wrong

# Of an SCP and of an SCU.
MEANS = {
    SAME: ("as is expected of dcmspool", "tells what the destination meant"),
    REFUSED: ("another refusal, or none with a reason", "a failure that was none"),
    TOOK: ("what is none was taken for good", "a success that was none"),
    HELD: ("no word, and the one connection held", ""),
    LOST: ("ended, grown, or served nobody any more", "crashed, or hung"),
}


def compare(side, word):
    """The verdicts on ours, and what was seen of each of the others."""
    cases, once, make = suite.SIDES[side]
    cases = [c for c in cases() if word in c.name]
    ours = fields.run_all(cases, once, make=make)
    trouble = ours.pop("field", [])
    assert not trouble, trouble
    ours = {c.name: ours[c.name] for c in cases}
    if side == "receiver":
        others = {"storescp": strangers.Storescp}
    else:
        others = {p: functools.partial(strangers.Scu, p)
                  for p in ("storescu", "dcmsend")}
    return ours, {name: strangers.play_all(cases, other)
                  for name, other in others.items()}


def print_table(side, ours, others):
    kinds = collections.Counter(v.kind for v in ours.values())
    results = [r for r in RESULTS if MEANS[r][side == "sender"]]
    print(f"\n{'':57}", *(f"  | {name:{9 * len(results) - 2}}"
                           for name in others), sep="")
    print(f"{'kind':40}{'played':>7}{'dcmspool':>10}", end="")
    for _ in others:
        print("  |", *(f"{r:>8}" for r in results), end="")
    print()
    for kind, n in [*kinds.items(), ("all", sum(kinds.values()))]:
        of = lambda seen: [s for s in seen.values() if kind in (s.kind, "all")]
        good = sum(v.ok for v in of(ours))
        print(f"{kind:40}{n:7}{good:10}", end="")
        for seen in others.values():
            counted = collections.Counter(s.result for s in of(seen))
            print("  |", *(f"{counted[r]:8}" for r in results), end="")
        print()
    print()
    for result in results:
        print(f"  {result:9}{MEANS[result][side == 'sender']}")


def print_examples(name, seen):
    for result in (LOST, TOOK, HELD, REFUSED):
        found = [s for s in seen.values() if s.result == result]
        step = max(1, len(found) // EXAMPLES)
        for s in found[::step][:EXAMPLES]:
            print(f"{name} {result}: {s.name}: {s.words} ({s.after}), "
                  f"expected: {s.expected}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="")
    parser.add_argument("--json")
    args = parser.parse_args()
    leftovers.end_with_us()
    report, bad = {}, 0
    for side in suite.SIDES:
        ours, others = compare(side, args.k)
        if not ours:
            continue
        print_table(side, ours, others)
        for name, seen in others.items():
            print_examples(name, seen)
        bad += sum(not v.ok for v in ours.values())
        report[side] = {name: [dataclasses.asdict(v) for v in seen.values()]
                        for name, seen in {"dcmspool": ours, **others}.items()}
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(report, indent=1))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
