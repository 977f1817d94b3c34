"""A long queue, both daemons killed and started, and who comes meanwhile."""

import backlog


def test_backlog():
    figures, found = backlog.drain(5000, kills=2)
    print(figures)
    assert found == []
