"""Links that break between sender and destination, and before the receiver."""

import pytest

import links


def short(cuts, step):
    """Of all cuts, one in so many; each place, offset and how among them."""
    chosen = cuts[::step]
    for part in ("place", "offset", "how"):
        assert len({getattr(c, part) for c in chosen}) == len(
            {getattr(c, part) for c in cuts})
    return chosen


def test_cut_deliveries():
    _, found = links.cut_deliveries(short(links.CUTS, 5))
    assert found == []


def test_cut_receptions():
    _, found = links.cut_receptions(
        [c for c in links.CUTS if c.how != "silence"][::9]
        + [links.Fault("data", "middle", "silence")])
    assert found == []


@pytest.mark.parametrize("mode", ["refuse", "silent", "hole"])
def test_outage(mode):
    _, found = links.outages([mode], 20)
    assert found == []


def test_who_waits_hurries_a_long_backoff():
    _, found = links.long_backoff()
    assert found == []


@pytest.mark.parametrize("how", [
    {"rate": 1000}, {"latency": 0.6, "jitter": 0.3}], ids=["1kB/s", "600ms"])
def test_slow(how):
    _, found = links.slow(**how, n=1)
    assert found == []


def test_flapping():
    _, found = links.flap(4)
    assert found == []


def test_interface_goes_down():
    why_not = links.namespaces_work()
    if why_not:
        pytest.skip(f"network namespaces: {why_not}")
    _, found = links.interface(10)
    assert found == []
