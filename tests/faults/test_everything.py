"""All of it at once: the short form. The long one is
tests/faults/everything.py, for make soak."""

import os
import random

import everything
import pytest

SECONDS = 8
SEED = int(os.environ.get("SEED") or random.randrange(1 << 32))


@pytest.mark.limit(200)
def test_everything_at_once(tmp_path):
    print(f"SEED={SEED}")
    figures, findings = everything.Everything(tmp_path, SECONDS, SEED).go()
    print(figures)
    assert findings == []
    assert figures["everything: kills"] > 5
    assert figures["everything: successes"] > 20
    assert figures["everything: ledger lines"] > 50
