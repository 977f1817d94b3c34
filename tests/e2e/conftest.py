"""Fixtures: peers, gateways, and a time limit for every test."""

import os
import pathlib
import pwd
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import pytest

import gateway as gateways
import tools
from peers.destination import Destination

LIMIT_S = 60


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): instead of 60")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    # nohup(1) and a shell's "&" leave some ignored, and what is started here
    # would ignore them, too.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def time_limit(request):
    marker = request.node.get_closest_marker("limit")
    seconds = marker.args[0] if marker else LIMIT_S

    def on_alarm(*_):
        raise TimeoutError(f"the test took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def destination():
    """Starts Python destinations; all are stopped at the end."""
    started = []

    def start(**more):
        started.append(Destination(**more).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()
    for one in started:
        assert one.violations == []


@pytest.fixture
def pacs(destination):
    return destination()


@pytest.fixture
def storescp(tmp_path):
    started = []

    def start(*options, name=None, **more):
        folder = tmp_path / (name or f"storescp-{len(started)}")
        started.append(tools.Storescp(folder, *options, **more).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def make_gateway(request, tmp_path, destination):
    """Makes gateways that are not started yet; what must hold after every
    test is checked at the end."""
    made = []

    def make(destinations, **more):
        folder = tmp_path / f"gateway-{len(made)}"
        folder.mkdir()
        made.append(gateways.Gateway(folder, destinations, **more))
        return made[-1]

    yield make
    failures = []
    for one in made:
        try:
            one.finish()
        except (AssertionError, OSError) as e:
            failures.append(e)
        for daemon in (one.sender, one.receiver):
            request.node.add_report_section(
                "teardown", daemon.program.name, "\n".join(daemon.log[-60:]))
    if failures:
        raise failures[0]


@pytest.fixture
def start_gateway(make_gateway):
    return lambda *args, **more: make_gateway(*args, **more).start()


@pytest.fixture
def to_pacs(start_gateway, pacs):
    """The usual one: a gateway before `pacs`."""
    return start_gateway({"pacs": pacs})


@pytest.fixture
def nobody(tmp_path):
    """A user who may get at the test's folder, and at nothing in it."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o055)
    return pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def program_of(tmp_path):
    """A copy of a program where everybody may run it."""
    def copy(program):
        return shutil.copy(program, tmp_path / program.name)
    return copy
