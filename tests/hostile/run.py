"""The hostile suite as a table: attack, what happened, verdict.

    run.py [-k WORD] [--json FILE] [receiver|sender]
"""

import argparse
import dataclasses
import json
import pathlib
import sys
import time

_tests = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_tests / "hostile"), str(_tests), str(_tests / "e2e")]

import field as fields
import leftovers
import suite


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
    for name, v in sorted(verdicts.items()):
        print(f"{'ok ' if v.ok else 'BAD'} {name:44} {v.seconds:6.2f} "
              f"{v.words}")
        for fault in v.faults:
            print(f"        {fault}"[:600])
    bad = sum(not v.ok for v in verdicts.values())
    print(f"{len(verdicts)} played, {bad} not as expected, "
          f"{time.monotonic() - begun:.1f} s", *trouble)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(
            [dataclasses.asdict(v) for v in verdicts.values()], indent=1))
    return 1 if bad or trouble else 0


if __name__ == "__main__":
    sys.exit(main())
