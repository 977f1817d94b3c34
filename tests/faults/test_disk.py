"""Calls that fail, and file systems that are full."""

import errno
import os
import random

import pytest

import disk
import gateway
import tools
from peers import instance
from peers.destination import Answer

SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))
SERVICES = 12


@pytest.mark.limit(150)
@pytest.mark.skipif(
    gateway.SANITIZED, reason="a preloaded shim and sanitizers do not mix")
def test_calls_that_fail(tmp_path):
    """One point of each role and call: both daemons live, full service
    returns, nothing is lost and no answer untrue."""
    print(f"SEED={SEED}")
    points = disk.sample(SEED)
    figures, found = disk.run(
        [points[i::SERVICES] for i in range(SERVICES)], tmp_path)
    print(figures)
    assert found == []
    assert figures["disk points"] > len(points) // 4


@pytest.mark.skipif(
    gateway.SANITIZED, reason="a preloaded shim and sanitizers do not mix")
def test_rests_that_stay(tmp_path):
    """What the receiver may not remove for a while goes later."""
    figures, found = disk.run_group(
        [disk.Point("receiver", False, "unlink", errno.EACCES, n, disk.MANY)
         for n in range(2)], tmp_path)
    assert found == []
    assert figures["disk points"] == 2


@pytest.mark.skipif(
    gateway.SANITIZED, reason="a preloaded shim and sanitizers do not mix")
def test_a_marker_that_cannot_be_read_at_first(tmp_path):
    """It is read later: what the destination said is not thrown away."""
    with disk.Service(tmp_path, answer_s=20) as service:
        control = service.controls["receiver"]
        service.pacs["pacs"].default = Answer(0xB007, delay=0.3)
        made = instance.make(sop_class=instance.CT_IMAGE)
        with service.gateway.modality(made) as ct:
            ct.send(made)
            tools.wait_until(lambda: service.pacs["pacs"].received)
            control.arm(disk.Point(
                "receiver", True, "open", errno.EIO, 0, disk.MANY))
            service.gateway.sender.wait_log(r"\bdelivered\b")
            receiver = service.gateway.receiver
            receiver.wait_log(r"\bmarker-broken\b", since=len(receiver.log))
            control.disarm()
            response = ct.read_response()
        assert (response.status, response.seconds < 10) == (0xB007, True)
    assert service.findings == []


@pytest.mark.skipif(not disk.may_mount(), reason="mounts nothing: not root")
@pytest.mark.parametrize("what", disk.FULL_DISKS)
def test_full(tmp_path, what):
    """New work is refused, what is queued goes on, and full service returns
    by itself when there is room again."""
    try:
        figures, found = disk.filled(what, tmp_path, **disk.FULL_DISKS[what])
    except LookupError as e:
        pytest.skip(f"mounts nothing: {e}")
    print(figures)
    assert found == []
