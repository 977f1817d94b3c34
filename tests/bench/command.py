#!/usr/bin/env python3
"""How long the operator command takes with 100,000 items, and how much memory.

    command.py [--items N] [--short]

Prints the figures, and fails where one is over its limit: `status` within
0.2 s, the first line of `list` at once, and its memory bounded.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
COMMAND = TREE / f"{os.environ.get('BIN', '')}spool/dcmspool"
ROUNDS = 5
MEMORY_MIB = 20

CONF = """StorageLocation = "{0}/spool";
receiver = {{ LocalAET = "ENS-SCP"; RemoteAET = "*"; }};
routes = ( {{ DuplexTargetConfigNames = "pacs"; }} );
destinations = ( {{ Name = "pacs"; RemoteAET = "PACS";
    RemoteHost = "127.0.0.1"; RemotePort = 1; }} );
"""
RECORD = """dcmspool-result 1
Item: {0}
MessageID: 1
SOPInstanceUID: 1.2.3.{1}
Destination: pacs
State: {2}
Status: 0x{3:04X}
Attempts: 1
Next-Attempt: 2026-11-24T12:00:00.000000Z
"""


def fill(spool, items):
    """Half of them wait, the rest is deferred, failed and held."""
    queue = spool / "queue" / "pacs"
    for state in ("new", "active", "deferred", "hold", "failed", "sent",
                  "corrupt", "result"):
        (queue / state).mkdir(parents=True, mode=0o700)
    for folder in ("tmp", "result"):
        (spool / folder).mkdir(mode=0o700)
    (spool / "version").write_text("dcmspool-spool 1\n")
    for i in range(items):
        state = ("new", "new", "deferred", "failed", "hold")[i % 5]
        name = (f"20261124T{i // 36000 % 24:02d}{i // 600 % 60:02d}"
                f"{i // 10 % 60:02d}.{i:06d}Z-m1-1.2.3.{i}.dcm")
        os.close(os.open(queue / state / name, os.O_CREAT | os.O_WRONLY))
        if state in ("deferred", "failed"):
            (queue / "result" / name).write_text(
                RECORD.format(name, i, state, 0xA900 if i % 2 else 0xA700))


def whole(*words):
    """Seconds of a command to its end: the median."""
    times = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        subprocess.run([COMMAND, *words], stdout=subprocess.DEVNULL,
                       check=False)
        times.append(time.monotonic() - began)
    return sorted(times)[ROUNDS // 2]


def memory(*words):
    """The most that it has resident while its output is read, MiB."""
    peak_kib = 0
    with subprocess.Popen([COMMAND, *words],
                          stdout=subprocess.PIPE) as process:
        while process.stdout.read(1 << 16):
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            found = re.search(r"VmHWM:\s*(\d+)", status)
            peak_kib = max(peak_kib, int(found[1]) if found else 0)
    assert peak_kib > 0
    return peak_kib / 1024


def first_line(*words):
    """Seconds to the first of its output."""
    times = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        with subprocess.Popen([COMMAND, *words],
                              stdout=subprocess.PIPE) as process:
            assert process.stdout.readline()
            times.append(time.monotonic() - began)
            process.stdout.close()
            process.wait()
    return sorted(times)[ROUNDS // 2]


def by_name():
    """Seconds for 1,000 whole names, as xargs(1) brings them."""
    names = subprocess.run(
        [COMMAND, "list", "--unsorted", "-0", "pacs/hold"], check=True,
        capture_output=True, text=True).stdout.split("\0")[:1000]
    return whole("release", "--dry-run", *names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100000)
    parser.add_argument("--short", action="store_true", help="20,000 items")
    options = parser.parse_args()
    items = 20000 if options.short else options.items
    with tempfile.TemporaryDirectory(prefix="dcmspool-bench.") as folder:
        conf = pathlib.Path(folder) / "dcmspool.conf"
        conf.write_text(CONF.format(folder))
        os.environ["DCMSPOOL_CONF"] = str(conf)
        fill(pathlib.Path(folder) / "spool", items)
        rows = [
            ("status", whole("status"), 0.2),
            ("list, first line", first_line("list"), 0.1),
            ("list --unsorted, first line",
             first_line("list", "--unsorted"), 0.05),
            ("list -l of failed, first line",
             first_line("list", "-l", "pacs/failed"), 0.1),
            ("list, all", whole("list"), None),
            ("show --status, all that match none",
             whole("show", "--status", "0x0124"), None),
            ("release of 1,000 by name", by_name(), 1.0),
            ("metrics", whole("metrics"), 0.5),
            ("report", whole("report"), None),
        ]
        sizes = [(words, memory(*words)) for words in (
            ["list"], ["list", "--unsorted"])]
    for name, seconds, limit in rows:
        print(f"{items} items: {name}: {seconds * 1000:.0f} ms"
              + ("" if limit is None else f" (limit {limit * 1000:.0f} ms)"))
    for words, mib in sizes:
        print(f"{items} items: {' '.join(words)}: {mib:.1f} MiB"
              f" (limit {MEMORY_MIB} MiB)")
    return any(limit is not None and seconds > limit
               for _, seconds, limit in rows) or any(
                   mib > MEMORY_MIB for _, mib in sizes)


if __name__ == "__main__":
    sys.exit(main())
