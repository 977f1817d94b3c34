"""What all suites share: nothing outlives the run, and, when tests run beside
each other (pytest-xdist), which run alone, and which begin first."""

import leftovers
import pytest

ALONE = "alone: measures time, or changes what others feel; check.sh runs it after the others"


def pytest_configure(config):
    config.addinivalue_line("markers", ALONE)
    leftovers.end_with_us()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """The long ones begin early, and apart: xdist deals out the first quarter
    in runs of neighbours."""
    if not config.getoption("numprocesses", None) and not hasattr(
            config, "workerinput"):
        return
    long = [i for i in items if i.get_closest_marker("limit")]
    rest = [i for i in items if not i.get_closest_marker("limit")]
    step = max(1, len(rest) // (4 * max(1, len(long))))
    for n, item in enumerate(long):
        rest.insert(n * (step + 1), item)
    items[:] = rest
