"""Calls that fail, and file systems that are full."""

import errno
import os
import random

import pytest

import disk
import gateway

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
