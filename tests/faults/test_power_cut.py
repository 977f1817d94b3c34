"""The power is cut at each point of a run."""

import os
import random

import pytest

import gateway
import power_cut

SEED = int(os.environ.get("SEED") or random.randrange(1 << 30))

pytestmark = pytest.mark.skipif(
    gateway.SANITIZED, reason="a preloaded shim and sanitizers do not mix")


def test_every_point(tmp_path):
    """Accepted on timeout, spooled, delivered, deferred, failed, joined, for
    one and for two destinations: nothing that was answered is lost, nothing
    that is torn is delivered."""
    print(f"SEED={SEED}")
    figures, found = power_cut.examine(SEED, 8, 3, 3, parent=tmp_path)
    print(figures)
    assert found == []
    assert figures["power-cut points"] > 300
    assert figures["power-cut states started"] > 50


@pytest.mark.parametrize("call", ["sync", "syncdir"])
def test_it_would_be_found(tmp_path, call):
    """Where the disk knows nothing of the fsyncs, the answers are lost."""
    recording = power_cut.Recording(tmp_path, SEED).make().read([call])
    luck, lost = random.Random(SEED), set()
    for point in range(recording.record.points + 1):
        for state in power_cut.states_at(recording, point, luck, 2):
            lost.update(f.split(": ", 1)[1] for f in state.findings())
    for sop_class in (power_cut.CR, power_cut.NM, power_cut.DX):
        uids = [u for u, c in recording.sop_class.items() if c == sop_class]
        assert any(u in text for text in lost for u in uids), sop_class
