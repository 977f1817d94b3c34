"""Long folders that are read slowly: nobody but their own items waits for
that, and not for long; and the order by SOP Instance UID holds. Folders that
were long: a fresh one takes their place, whoever is killed meanwhile."""

import datetime
import os
import pathlib
import socket
import tempfile
import threading
import time

import pytest

import disk
import scene
import watches
from backlog import Items
from gateway import SANITIZED
from peers import instance
from peers.destination import Answer

MANY = 5000 if SANITIZED else 50000
PATIENCE_S = 5  # a delivery while the scan takes far longer
MISSED = "a scan that takes minutes is over"


@pytest.fixture
def slowly(tmp_path):
    """Reading new/ of pacs takes 20 ms a name, while there is this file."""
    path = tmp_path / "slow"

    def make(gateway, us=20000):
        gateway.sender.env.update(
            LD_PRELOAD=str(scene.shim("slow")), SLOW_US=str(us),
            SLOW_FOLDER="queue/pacs/new", SLOW_WHILE=str(path))
        return path
    return make


def start(gateway):
    """Makes its folders, and no more."""
    gateway.start()
    gateway.stop()


def fill(gateway, n):
    """One item, and n links to it behind, as good as n items."""
    new = gateway.path("pacs", "new")
    _, first = Items().write(new, instance.new_uid(), 1)
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp = now.strftime("%Y%m%dT%H%M%S")
    for i in range(n):
        os.link(new / first, new / f"{stamp}.{i:06d}Z-m1-1.2.{i}.dcm")
    return first


def write_late(folder, items, uid):
    """An item that comes late when the folder is read: its digest and name."""
    for _ in range(100):
        digest, name = items.write(folder, uid, 1, b"first")
        names = os.listdir(folder)
        if names.index(name) > 0.8 * len(names):
            return digest, name
        (folder / name).unlink()
    return pytest.skip("no name is late on this file system")


class Watchdog:
    """What a service manager hears."""

    def __init__(self, gateway, limit_s):
        path = str(gateway.folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.heard = []  # times
        gateway.sender.env.update(NOTIFY_SOCKET=path,
                                  WATCHDOG_USEC=str(int(limit_s * 1e6)))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            if b"WATCHDOG=1" in self.socket.recv(4096):
                self.heard.append(time.monotonic())


def test_a_long_folder_keeps_nobody_waiting(make_gateway, destination, slowly):
    pacs, other = destination(), destination()
    gateway = make_gateway({"pacs": pacs, "other": other}, routes=[
        {"DuplexTargetConfigNames": "other"}])
    start(gateway)
    first = fill(gateway, MANY)
    waits = instance.new_uid()
    Items().write(gateway.path("other", "new"), waits, 1)
    slow, watchdog = slowly(gateway), Watchdog(gateway, 1)
    slow.touch()
    began = time.monotonic()
    gateway.start()
    scene.tools.wait_until(lambda: other.uids() == [waits], PATIENCE_S,
                           "the other one has its item")
    for _ in range(3):
        assert gateway.store(instance.make()).status == 0
    scene.tools.wait_until(lambda: len(watchdog.heard) > 2, PATIENCE_S,
                           "the watchdog is fed")
    assert pacs.received == [], MISSED
    assert time.monotonic() - began < 3 * PATIENCE_S
    pacs.default = Answer(status=0xA900)
    gateway.sender.log.clear()
    slow.unlink()
    gateway.sender.wait_log(" failed ", 2 * PATIENCE_S)
    failed = gateway.sender.wait_log(" failed destination=pacs")
    assert first in failed  # the oldest
    gateway.sender.stop()


def test_a_rescan_stops_nothing(make_gateway, destination, slowly):
    """Neither the periodic one, for which a reload stands here, nor that after
    lost events."""
    pacs = destination()
    gateway = make_gateway({"pacs": pacs}, Lanes=2)
    start(gateway)
    fill(gateway, 2000)
    pacs.default = Answer(delay=0.05)
    slow = slowly(gateway)
    gateway.start()
    scene.tools.wait_until(lambda: pacs.received, PATIENCE_S, "it begins")
    slow.touch()
    gateway.sender.hup()
    began, before = time.monotonic(), len(pacs.received)
    scene.tools.wait_until(lambda: len(pacs.received) > before + 40,
                           2 * PATIENCE_S, "it goes on")
    one = gateway.store(instance.make())
    assert one.status == 0 and one.seconds < PATIENCE_S
    assert time.monotonic() - began < 2000 * 0.02 / 2, MISSED
    slow.unlink()
    gateway.sender.stop()


@pytest.mark.alone
def test_order_after_events_were_lost(make_gateway, destination, slowly):
    """The event of the older one was lost, that of the newer one was not: it
    waits, and what was known goes on."""
    if not watches.may_limit():
        pytest.skip(f"needs root: {watches.QUEUE_LIMIT} cannot be set")
    pacs, other = destination(), destination()
    gateway = make_gateway({"pacs": pacs, "other": other}, routes=[
        {"DuplexTargetConfigNames": "other"}])
    start(gateway)
    queue, items = gateway.spool / "queue", Items()
    new, uid = queue / "pacs" / "new", instance.new_uid()
    for i in range(100):
        (new / f"not-an-item-{i}").touch()
    slow = slowly(gateway, 60000)
    with watches.few_events(16):
        gateway.start()
    (queue / "pacs" / "paused").touch()
    gateway.sender.wait_log(" paused destination=pacs")
    known = [instance.new_uid() for _ in range(2)]
    for each in known:
        items.write(new, each, 1)
    (queue / "other" / "paused").touch()
    gateway.sender.wait_log(" paused destination=other")
    with watches.stopped(gateway.sender):
        for i in range(20):
            (queue / "pacs" / "deferred" / f"noise-{i}").touch()
        old_digest, older = write_late(new, items, uid)
        slow.touch()
    gateway.sender.wait_log("events-lost")
    new_digest, newer = items.write(new, uid, 2, b"second")
    (queue / "pacs" / "paused").unlink()
    scene.tools.wait_until(lambda: len(pacs.received) >= 2, PATIENCE_S,
                           "what is known goes on")
    (queue / "other" / "paused").unlink()
    for _ in range(5):  # by then the newer one would have gone
        assert gateway.store(instance.make()).status == 0
    assert pacs.uids() == known
    assert {older, newer} <= set(gateway.items("pacs", "new"))
    slow.unlink()
    gateway.wait_empty("pacs")
    assert [r.digest for r in pacs.received[2:]] == [old_digest, new_digest]


@pytest.fixture
def on_ext4():
    """A folder where folders do not shrink."""
    if not disk.may_mount():
        pytest.skip("needs root: no file system can be mounted")
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="dcmspool-fault.",
                                     dir=parent) as folder:
        try:
            with disk.small_file_system(pathlib.Path(folder), 64) as mounted:
                yield mounted
        except LookupError as e:
            pytest.skip(f"no file system can be mounted: {e}")


def enlarge(folder):
    """Empty, with room for many names."""
    if folder.stat().st_size <= 1 << 20:
        first = folder / "first"
        first.touch()
        for i in range(4500):
            os.link(first, folder / f"{i:0250}")
        for name in os.listdir(folder):
            (folder / name).unlink()
    assert folder.stat().st_size > 1 << 20


@pytest.mark.skipif(SANITIZED, reason="a preloaded shim and sanitizers do not "
                    "mix")
@pytest.mark.limit(120)
def test_a_renewed_folder_at_every_step(on_ext4, make_gateway, tmp_path):
    spool = on_ext4 / "spool"
    gateway = make_gateway({"pacs": 104}, top={"StorageLocation": str(spool)})
    gateway.spool = spool
    start(gateway)
    receiver, new = gateway.receiver, gateway.path("pacs", "new")
    fresh, items = new.with_name(".new~"), Items()
    trace = tmp_path / "trace"

    def life(**crash):
        receiver.env = {"LD_PRELOAD": str(scene.shim("crash")),
                        "CRASH_PROGRAM": "dcmspool-receiver",
                        "CRASH_FORK": "0", **crash}
        try:
            receiver.start()
        except AssertionError:  # it ended before it was ready
            return False
        receiver.stop()
        return True

    enlarge(new)
    assert life(CRASH_TRACE=str(trace))
    assert new.stat().st_size < 1 << 20 and not fresh.exists()
    calls = trace.read_text().splitlines()
    begin = next(i for i, c in enumerate(calls) if ".new~" in c)
    for at in range(begin, begin + 9):  # counted from 1: from before it on
        enlarge(new)
        assert not life(CRASH_AT=str(at))
        _, name = items.write(new, instance.new_uid(), 1)
        assert life()
        assert gateway.items("pacs", "new") == [name], calls[at - 1]
        assert not fresh.exists()
        (new / name).unlink()
