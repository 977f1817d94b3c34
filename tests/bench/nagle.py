"""How much faster dcmsend is through dcmspool than straight to storescp.

Stock DCMTK peers leave Nagle's algorithm on, so each response waits for a
delayed acknowledgement. Both ways in one run, alternating, the same files, the
same programs. Prints instances a second and the ratio, medians of the rounds;
fails below --least.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "e2e")]

import gateway as gateways
import tools
from peers import instance


def seconds(port, files):
    began = time.monotonic()
    done = tools.run("dcmsend", "-aec", "ENS-SCP", "-aet", "JD-SCU",
                     "127.0.0.1", port, *files, timeout=300)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stdout
    return took


def compare(folder, size, n, rounds):
    """The times of n instances of size bytes, of each round: (direct, through
    dcmspool)."""
    folder.mkdir()
    files = [instance.make(pixels=size).write(folder / f"{i}.dcm")
             for i in range(n)]
    direct, behind = (
        tools.Storescp(folder / name, "+xa").start()
        for name in ("direct", "behind"))
    gateway = gateways.Gateway(folder, {"pacs": behind}).start()
    try:
        seconds(gateway.port, files[:1])  # warm, as it is in use
        times = [(seconds(direct.port, files), seconds(gateway.port, files))
                 for _ in range(rounds)]
        for scp in (direct, behind):
            arrived = len(list(scp.folder.iterdir()))
            assert arrived == n, f"{arrived} of {n} in {scp.folder.name}"
    finally:
        gateway.finish()
        direct.stop()
        behind.stop()
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--least", type=float, default=10)
    args = parser.parse_args()
    for name in ("TCP_NODELAY", "TCP_BUFFER_LENGTH"):
        os.environ.pop(name, None)  # stock
    slow = False
    with tempfile.TemporaryDirectory(prefix="dcmspool-bench.") as work:
        for size, n in ((525000, 40), (8000, 25)):
            n *= 1 if args.short else 5
            times = compare(pathlib.Path(work, str(size)), size, n,
                            3 if args.short else 5)
            ratios = [direct / through for direct, through in times]
            direct, through = map(statistics.median, zip(*times))
            ratio = statistics.median(ratios)
            slow = slow or ratio < args.least
            print(f"dcmsend, {len(times)} times {n} instances of {size} "
                  f"bytes: direct {n / direct:.0f}/s, "
                  f"through dcmspool {n / through:.0f}/s, "
                  f"ratio {ratio:.1f} "
                  f"({min(ratios):.1f} to {max(ratios):.1f})", flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
