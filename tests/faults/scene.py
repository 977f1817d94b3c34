"""What the faults of links, of answers, of inotify, of hands and of numbers
share: both daemons, destinations, a ledger, and the judge at the end.

    with Scene(relayed=True) as scene:
        entry = scene.store(instance.make())
        ...
        assert scene.findings() == []
"""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

_TESTS = pathlib.Path(__file__).resolve().parent.parent
for _folder in (_TESTS, _TESTS / "e2e", _TESTS / "faults"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

import gateway as gateways
import judge
import tools
from peers import modality, pdu
from peers.destination import Destination
from relay import Relay

OUT = ".build/san" if gateways.SANITIZED else ".build/release"
STATES = ("new", "active", "deferred", "hold", "failed", "sent", "corrupt")
LOST = (OSError, pdu.Closed, pdu.Aborted, modality.Rejected)


def shim(name):
    """The path of tests/faults/NAME_shim.so, made where it is not there."""
    target = f"{OUT}/tests/faults/{name}_shim.so"
    done = tools.run("make", "-s", "-C", tools.TREE, target)
    assert done.returncode == 0, done.stdout
    return tools.TREE / target


@contextlib.contextmanager
def preloaded(name, **environment):
    """What is started within has the shim and its settings."""
    asan = os.environ.get("ASAN_OPTIONS", "")
    new = {"LD_PRELOAD": str(shim(name)), **environment,
           "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0"}
    old = {key: os.environ.get(key) for key in new}
    os.environ.update({key: str(value) for key, value in new.items()})
    try:
        yield
    finally:
        for key, value in old.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


class Scene:
    """names: the destinations, each with a route of its own (calling AE title
    "TO-" and its number) where there are several. within: makes the context
    in which the daemons are started."""

    def __init__(self, names=("pacs",), relayed=False, routes=None, top=None,
                 receiver=None, netns=None, host="127.0.0.1", seed=0,
                 within=contextlib.nullcontext, **each):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dcmspool-fault."))
        self.ledger = judge.Ledger()
        self.pacs = {name: Destination().start() for name in names}
        self.relays = {}
        settings = {}
        for name, one in self.pacs.items():
            port = one.port
            if relayed:
                self.relays[name] = Relay(port, host, netns, seed).start()
                port = self.relays[name].port
            settings[name] = {"RemotePort": port, "RemoteHost": host, **each}
        if len(names) > 1:
            routes = [{"RemoteAET": f"TO-{i}", "DuplexTargetConfigNames": name,
                       **(routes or [{}])[0]} for i, name in enumerate(names)]
        self.aets = {name: f"TO-{i}" for i, name in enumerate(names)}
        self.gateway = gateways.Gateway(self.folder, settings, routes=routes,
                                        receiver=receiver, top=top)
        self.relay_in = None  # between modality and receiver: connect_in()
        self.pool = concurrent.futures.ThreadPoolExecutor(64)
        self.explained = 0  # duplicates, beside those that relays explain
        self.trouble = []
        self.poisoned = False  # lanes may die
        self.within = within
        self._closed = False

    def __enter__(self):
        try:
            with self.within():
                self.gateway.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def destination(self):
        return next(iter(self.pacs.values()))

    @property
    def relay(self):
        return next(iter(self.relays.values()))

    @property
    def spool(self):
        return self.gateway.spool

    def connect_in(self, seed=0):
        self.relay_in = Relay(self.gateway.port, seed=seed).start()
        return self.relay_in

    # the modality

    def store(self, one, message_id=1, timeout=40, to=None, port=None,
              calling="JD-SCU", **more):
        """One association and one request, into the ledger: its entry."""
        if to is not None:
            calling = self.aets[to] if len(self.aets) > 1 else calling
            more.setdefault("destinations", (to,))
        entry = self.ledger.sent(one.uid, one.digest, message_id, **more)
        try:
            with modality.Modality(port or self.gateway.port,
                                   modality.contexts_for(one), calling,
                                   timeout=timeout) as ct:
                ct.send(one, message_id)
                got = ct.read_response(timeout)
                entry.answered(got.status, got.message_id, got.comment, got.at)
        except LOST:
            if not entry.answers:
                entry.unanswered()
        return entry

    def store_later(self, *args, **more):
        """The same in a thread: a future."""
        return self.pool.submit(self.store, *args, **more)

    # the daemons

    def kill(self, *daemons):
        """SIGKILL; what a lane had then may come once more."""
        for name in daemons or ("receiver", "sender"):
            if name == "sender":
                self.explained += sum(
                    d.get("Lanes", 1)
                    for d in self.gateway.destinations.values())
            getattr(self.gateway, name).kill()

    def restart(self, *daemons):
        self.kill(*daemons)
        with self.within():
            for name in daemons or ("sender", "receiver"):
                getattr(self.gateway, name).start()

    def log(self, daemon="sender"):
        return "\n".join(getattr(self.gateway, daemon).log)

    # the end

    def drain(self, timeout=20):
        for name in self.pacs:
            self.gateway.wait_empty(name, timeout)

    def findings(self, **options):
        """Stops everything and asks the judge."""
        explained = self.explained + sum(
            r.lost_answers for r in self.relays.values())
        self.close()
        explained = max(explained, self.explained + sum(
            r.lost_answers for r in self.relays.values()))
        options.setdefault("duplicates_allowed", explained)
        found = judge.judge(self.ledger, judge.arrivals(self.pacs), self.spool,
                            **options)
        for one in self.pacs.values():
            found += [f"a violation: {v}" for v in one.violations]
        found += self.trouble
        found += [line for name in ("sender", "receiver")
                  for line in getattr(self.gateway, name).log
                  if not self.poisoned and re.search(" (lane|child)-died ",
                                                     line)]
        self.explained = explained
        self.remove()
        return found

    def figures(self):
        return {**self.ledger.figures(),
                "deliveries": sum(len(p.received) for p in self.pacs.values()),
                "duplicates": judge.duplicates(
                    self.ledger, judge.arrivals(self.pacs))}

    def close(self):
        if self._closed:
            return
        self._closed = True
        if self.relay_in is not None:
            self.relay_in.stop()
        for relay in self.relays.values():
            relay.stopping.set()
        self.pool.shutdown(wait=True, cancel_futures=True)
        try:
            self.gateway.finish()
        except (AssertionError, OSError, subprocess.SubprocessError) as e:
            self.trouble.append(f"at the end: {e}")
        for relay in self.relays.values():
            relay.stop()
        for one in self.pacs.values():
            one.stop()

    def remove(self):
        if "KEEP" not in os.environ:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            for name in ("sender", "receiver"):
                (self.folder / f"{name}.log").write_text(self.log(name))


class Clock:
    """How long is left of a soak."""

    def __init__(self, seconds):
        self.until = time.monotonic() + seconds

    def __bool__(self):
        return time.monotonic() < self.until

    @property
    def left(self):
        return max(0, self.until - time.monotonic())


def in_parallel(work, parts):
    """work(part) for each, in threads; what they raise is raised."""
    failed = []

    def run(part):
        try:
            work(part)
        except BaseException as e:
            failed.append(e)

    threads = [threading.Thread(target=run, args=(p,)) for p in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def add(total, figures):
    """Sums up figures."""
    for key, value in figures.items():
        total[key] = total.get(key, 0) + value
    return total
