"""All long forms of the fault tests, one after the other, and a table of
figures. Every module in this folder with a function

    soak(seconds, seed) -> (figures {name: number}, findings [text])

takes part, in a process of its own. By the environment:

    SOAK_S  seconds in all (600)
    SEED    of all that is random; printed, to run the same again
    ONLY    modules, separated by commas, instead of all
"""

import importlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
for _folder in (HERE.parent, HERE.parent / "e2e", HERE):
    sys.path.insert(0, str(_folder))

import leftovers

SOAK_S = 600
SHARES = {"crash": 3, "everything": 3, "kills": 2}  # of the time; 1 for all others
LEAST_S = 10
ENDLESS_S = 600  # beyond its time


def modules():
    found = [path.stem for path in sorted(HERE.glob("*.py"))
             if path.stem != "soak"
             and "\ndef soak(" in path.read_text(encoding="utf-8")]
    only = os.environ.get("ONLY", "")
    return [name for name in found if not only or name in only.split(",")]


def run(name, seconds, seed):
    """One module in a process of its own: figures and findings."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        report = pathlib.Path(folder, "report")
        try:
            done = subprocess.run(
                [sys.executable, __file__, name, str(seconds), str(seed),
                 str(report)], timeout=seconds + ENDLESS_S,
                env={**os.environ, "TMPDIR": folder}, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace")
        except subprocess.TimeoutExpired:
            return {}, [f"did not end {ENDLESS_S} s after its time"]
        if not report.exists():
            return {}, [f"ended with {done.returncode}:\n"
                        + done.stdout[-4000:]]
        return json.loads(report.read_text(encoding="utf-8"))


def run_here(name, seconds, seed, report):
    result = importlib.import_module(name).soak(float(seconds), int(seed))
    pathlib.Path(report).write_text(json.dumps(result), encoding="utf-8")


def main():
    if len(sys.argv) == 5:
        return run_here(*sys.argv[1:])
    leftovers.end_with_us()
    seconds = float(os.environ.get("SOAK_S") or SOAK_S)
    seed = int(os.environ.get("SEED") or random.randrange(1 << 32))
    names = modules()
    shares = sum(SHARES.get(name, 1) for name in names)
    print(f"SEED={seed} SOAK_S={seconds:g}: {' '.join(names)}", flush=True)
    findings = {}
    for name in names:
        share = max(LEAST_S, seconds * SHARES.get(name, 1) / shares)
        begin = time.monotonic()
        figures, findings[name] = run(name, share, seed)
        print(f"\n{name}: {time.monotonic() - begin:.0f} s, "
              f"{len(findings[name])} findings", flush=True)
        for what, value in figures.items():
            print(f"  {what:40} {value:>10}", flush=True)
        for text in findings[name]:
            print(f"  FINDING {text}", flush=True)
    texts = [text for found in findings.values() for text in found]
    print(f"\n{'lost':42} {count(texts, 'lost:'):>10}"
          f"\n{'untrue answers':42} {count(texts, 'untrue:'):>10}"
          f"\n{'findings in all':42} {len(texts):>10}"
          f"\nSEED={seed} repeats it")
    return 1 if texts or not names else 0


def count(texts, word):
    return sum(word in text for text in texts)


if __name__ == "__main__":
    sys.exit(main())
