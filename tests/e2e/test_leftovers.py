"""What a killed run leaves behind: nothing."""

import os
import pathlib
import subprocess
import sys

import leftovers
import pytest

import tools

RUN = """
import subprocess, sys, time
import leftovers
leftovers.end_with_us()
one = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"],
                       stdout=subprocess.PIPE, start_new_session=True)
print(one.pid, one.stdout.readline().decode().strip(), flush=True)
{end}
"""


def lives(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text("latin-1")
    except OSError:
        return False
    return stat[stat.rindex(")") + 2] != "Z"


@pytest.mark.parametrize("end", ["time.sleep(600)", "sys.exit(3)"])
def test_nothing_outlives_a_run(end):
    env = {name: value for name, value in os.environ.items()
           if name != leftovers.NAME}
    with subprocess.Popen([sys.executable, "-c", RUN.format(end=end)],
                          stdout=subprocess.PIPE, cwd=tools.TESTS,
                          env=env, text=True) as run:
        pids = [int(word) for word in run.stdout.readline().split()]
        assert len(pids) == 2
        if "sleep" in end:
            assert all(lives(pid) for pid in pids)
            run.kill()
    tools.wait_until(lambda: not any(lives(pid) for pid in pids), 10)
