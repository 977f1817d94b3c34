#!/usr/bin/env python3
"""The benchmarks: `run.py --list` names them, `run.py NAME...` runs some.

    run.py [--list] [--short] [--rounds N] [--out FOLDER] [--disk FOLDER]
           [NAME...]

Each figure is measured in this run against something else, in turn, several
times: the median and, in parentheses, the lowest and the highest round. A NAME
may also be the beginning of some names. The ext4 is a loop mount of a file in
--disk, which takes root; without it the file lies in memory, so that the
machine's disk makes no noise. --out gets the table as text and JSON, and the
plots. --short is what `make check` runs: it fails only where a figure is so
far off that something must be broken.

Exit code: 0; 1 where something is broken.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import place
import rows_calls
import rows_dcmtk
import rows_queue
import rows_rivals
import rows_state
import table
from figure import skipped

import leftovers  # rig.py says where it is

MODULES = (rows_dcmtk, rows_rivals, rows_state, rows_queue, rows_calls)
ROWS = {name: row for module in MODULES for name, row in module.ROWS.items()}
SHORT = [name for module in MODULES for name in module.SHORT]


class Bench:
    """What each figure is given."""

    def __init__(self, work, disk, short, rounds):
        self.work, self.disk = pathlib.Path(work), disk
        self.short, self.rounds = short, rounds
        self.series = {}  # plots: {file: arguments of table.plot}

    def place(self, kind="ext4", **more):
        if kind == "tmpfs":
            return place.tmpfs(self.work)
        return place.ext4(self.disk, **more)


def chosen(names, short):
    if not names:
        return SHORT if short else list(ROWS)
    found = []
    for name in names:
        fits = [name] if name in ROWS else [
            row for row in ROWS if row.startswith(name)]
        if not fits:
            sys.exit(f"run.py: no figure {name}; see --list")
        found += [row for row in fits if row not in found]
    return found


def run(bench, name):
    try:
        return ROWS[name](bench, name)
    except place.Skip as why:
        return [skipped(name, why)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--disk")
    options = parser.parse_args()
    if options.list:
        print("\n".join(ROWS))
        return 0
    leftovers.end_with_us()
    for name in ("TCP_NODELAY", "TCP_BUFFER_LENGTH", "DCMSPOOL_CONF"):
        os.environ.pop(name, None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    work = place.work_folder()
    bench = Bench(work, options.disk or work, options.short,
                  options.rounds or (3 if options.short else 5))
    figures = []
    try:
        for name in chosen(options.names, options.short):
            for figure in run(bench, name):
                print(figure.as_text(), flush=True)
                figures.append(figure)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if options.out:
        table.write(options.out, figures, bench.series)
    broken = [figure.name for figure in figures if figure.broken]
    if broken:
        print(f"broken: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
