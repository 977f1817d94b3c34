"""The hostile suite as a table: each case, what came of it, and what had before
it was mended; then how many of each kind.

    run.py [-k WORD] [--json FILE] [receiver|sender]
"""

import argparse
import collections
import dataclasses
import json
import pathlib
import sys
import time

_tests = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_tests / "hostile"), str(_tests), str(_tests / "e2e")]

import field as fields
import findings
import leftovers
import suite


def print_kinds(verdicts):
    kinds = collections.Counter(v.kind for v in verdicts.values())
    print(f"\n{'kind':40}{'played':>8}{'as expected':>13}{'mended':>8}")
    for kind, n in kinds.items():
        of = [v for v in verdicts.values() if v.kind == kind]
        print(f"{kind:40}{n:8}{sum(v.ok for v in of):13}"
              f"{sum(findings.of(v.name) != '' for v in of):8}")
    print()


def as_row(verdict):
    return {**dataclasses.asdict(verdict),
            "before": findings.of(verdict.name)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="")
    parser.add_argument("--json")
    parser.add_argument("side", nargs="?", default="receiver",
                        choices=sorted(suite.SIDES))
    args = parser.parse_args()
    leftovers.end_with_us()
    cases, once, make = suite.SIDES[args.side]
    cases = [c for c in cases() if args.k in c.name]
    begun = time.monotonic()
    verdicts = fields.run_all(cases, once, make=make)
    trouble = verdicts.pop("field", [])
    verdicts = {c.name: verdicts[c.name] for c in cases if c.name in verdicts}
    for name, v in sorted(verdicts.items()):
        print(f"{'ok ' if v.ok else 'BAD'} {name:44} {v.seconds:6.2f} "
              f"{v.words}")
        for fault in v.faults:
            print(f"        {fault}"[:600])
        if findings.of(name):
            print(f"        before: {findings.of(name)}")
    print_kinds(verdicts)
    bad = sum(not v.ok for v in verdicts.values())
    print(f"{len(verdicts)} played, {bad} not as expected, "
          f"{time.monotonic() - begun:.1f} s", *trouble)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(
            [as_row(v) for v in verdicts.values()], indent=1))
    return 1 if bad or trouble else 0


if __name__ == "__main__":
    sys.exit(main())
