"""Crash at every step, and random kills: the short forms. The long ones, all
points and more time, are tests/faults/crash.py and kills.py, for make soak."""

import os
import random
import time

import pytest

import crash
import gateway as gateways
import kills
import tools
from peers import destination, instance

POINTS = 150
POINTS_S = 30
KILLS_S = 8
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))

pytestmark = pytest.mark.skipif(
    gateways.SANITIZED, reason="a preloaded shim and sanitizers do not mix")


@pytest.mark.limit(150)
def test_crash_at_a_sample_of_steps(tmp_path):
    print(f"SEED={SEED}")
    until = time.monotonic() + POINTS_S
    calls = crash.count_calls(tmp_path)
    points = crash.sample(calls, POINTS, SEED)
    outcomes = crash.run_points(points, until, tmp_path)
    print(crash.summary(outcomes))
    assert crash.report(outcomes) == []
    roles = {(o.point.scene, o.point.role) for o in outcomes if o.call}
    assert len(roles) > len(calls) / 2  # slow machines do not get far


@pytest.mark.limit(150)
def test_random_kills(tmp_path):
    print(f"SEED={SEED}")
    figures, findings = kills.Load(tmp_path, KILLS_S, SEED).go()
    print(figures)
    assert findings == []
    assert figures["kills"] > 5 and figures["kills, successes"] > 50


def test_a_crash_is_what_it_seems(tmp_path):
    """The shim ends the process that it is told to, at the call that it is
    told, and no other."""
    outcome = crash.run_point(crash.Point("lane", 0), tmp_path)
    assert outcome.call is None and outcome.calls > 20
    outcome = crash.run_point(crash.Point("sender", 1), tmp_path)
    assert outcome.call.startswith("openat")
    assert outcome.findings == []


@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_a_parent_that_dies_leaves_no_child(
        side, make_gateway, pacs):
    """One is in the middle of a delivery, or of a wait; the new daemon starts
    at once, and has the spool for itself when it is ready."""
    gw = make_gateway({"pacs": pacs}).start()
    pacs.script = [destination.Answer(delay=1.5)]
    one = instance.make(300000)
    with gw.modality(one) as ct:
        ct.send(one)
        tools.wait_until(lambda: pacs.received, 5, "it has arrived")
        daemon = getattr(gw, side)
        old = daemon.process.pid
        children = [p for p in daemon.processes() if p != old]
        assert children
        daemon.process.kill()
        daemon.process.wait(5)
        daemon.start()
        assert tools.processes(old) == {}
        if side == "sender":
            assert ct.read_response(10).status == 0
            assert len(pacs.received) == 2
            assert pacs.received[0].answered == 0 or pacs.closes + pacs.aborts
        else:
            ct.close()
    gw.wait_empty("pacs")
