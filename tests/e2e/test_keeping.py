"""KeepSent and KeepFailed: what goes, what stays, and when the clock is wrong."""

import os
import struct

import pytest
from peers import instance
from peers.destination import Answer

import gateway as gateways
import tools

SHIM = tools.TREE / ".build/release/tests/faults/clock_shim.so"
HOUR, YEAR = 3600, 366 * 86400

pytestmark = [
    pytest.mark.skipif(gateways.SANITIZED, reason="no shim beside sanitizers"),
    pytest.mark.skipif(not SHIM.exists(), reason="make check builds the shim")]


@pytest.fixture
def kept(make_gateway, pacs):
    """One item delivered and one failed, with an hour for both."""
    gateway = make_gateway({"pacs": pacs}, KeepSent=HOUR, KeepFailed=HOUR)
    gateway.start()
    pacs.script = [Answer(), Answer(0xC001)]
    assert gateway.store(instance.make()).status == 0
    assert gateway.store(instance.make()).status == 0xC001
    gateway.wait_items("pacs", "failed", 1)
    gateway.stop()
    return gateway


def clock(gateway, ahead):
    """Environment of programs whose clock is so many seconds ahead."""
    path = gateway.folder / "offset"
    path.write_bytes(struct.pack("=q", ahead * 1_000_000))
    return {"LD_PRELOAD": str(SHIM), "CLOCK_OFFSET": str(path)}


def there(gateway):
    return [s for s in ("sent", "failed") if gateway.items("pacs", s)]


@pytest.mark.parametrize("keep_sent, keep_failed, ahead, rest", [
    (HOUR, HOUR, 0, ["sent", "failed"]),
    (HOUR, HOUR, HOUR - 30, ["sent", "failed"]),
    (HOUR, HOUR, HOUR + 30, []),
    (HOUR, 0, HOUR + 30, ["failed"]),
    (0, HOUR, 30, ["failed"]),
    (0, 0, 30, ["failed"]),
    # what came there while the clock was ahead, and is right again
    (HOUR, HOUR, 30 - HOUR, ["sent", "failed"]),
    (HOUR, HOUR, -HOUR - 30, ["failed"]),
    (HOUR, HOUR, -50 * YEAR, ["failed"]),
    # as long as it can be
    (100 * YEAR, 100 * YEAR, 99 * YEAR, ["sent", "failed"]),
    (100 * YEAR, 100 * YEAR, 101 * YEAR, [])])
def test_what_is_kept(kept, keep_sent, keep_failed, ahead, rest):
    """The command and the sender mean the same."""
    kept.destinations["pacs"].update(KeepSent=keep_sent, KeepFailed=keep_failed)
    kept.write_conf()
    env = clock(kept, ahead)
    said = tools.run(gateways.COMMAND, "-c", kept.conf, "expire", "--dry-run",
                     env={**os.environ, **env})
    assert said.returncode == 0, said.stdout
    assert said.stdout == "".join(
        f"would expire\tpacs/{state}\t1\n" for state in ("sent", "failed")
        if state not in rest)
    assert there(kept) == ["sent", "failed"]
    kept.sender.env = env
    seen = len(kept.sender.log)
    kept.sender.start()
    gone = 2 - len(rest)
    for state in {"sent", "failed"} - set(rest):
        kept.sender.wait_log(
            f" expired destination=pacs state={state} items=1", 10, seen)
    kept.sender.stop()
    assert there(kept) == rest
    assert len([line for line in kept.sender.log[seen:]
                if " expired " in line]) == gone
    # no record is left of what has gone
    assert len(list(kept.path("pacs", "result").iterdir())) == len(rest)
