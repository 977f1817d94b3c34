"""Nothing that a test started outlives the run, however that ends: a process
that only waits for the end of ours then kills what still bears our mark in its
environment, whoever its parent and whatever its session is by now."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid

NAME = "DCMSPOOL_TEST_RUN"
LIMIT_S = 10

_watcher = None  # its standard input ends with us


def end_with_us():
    """Once in a run; the workers of a run have the mark of the first."""
    global _watcher
    if NAME in os.environ:
        return
    mark = uuid.uuid4().hex
    _watcher = subprocess.Popen(
        [sys.executable, __file__, mark], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    os.environ[NAME] = mark


def environment():
    """For programs that get an environment of their own."""
    return {NAME: os.environ[NAME]} if NAME in os.environ else {}


def marked(mark):
    """The process IDs that bear it."""
    wanted = f"{NAME}={mark}".encode()
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)
        except OSError:
            continue


def end_all(mark):
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        found = list(marked(mark))
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


if __name__ == "__main__":
    sys.stdin.read()
    end_all(sys.argv[1])
