"""A peer takes over a process that talks to it, and tries what it can.

tests/faults/takeover_shim.c makes the attempts, one a process: each has to fail
or to end the process, and the daemon has to go on."""

import mmap
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

import pytest
from peers import instance, pdu

import gateway as gateways
import tools

OUT = ".build/san" if gateways.SANITIZED else ".build/release"
SHIM = tools.TREE / OUT / "tests/faults/takeover_shim.so"
NOT_TRIED, TRIES, FAILED, SUCCEEDED = range(4)
LAYOUT = struct.Struct("5i64s256s256s256s256s256s64s")

pytestmark = [
    pytest.mark.skipif(not SHIM.exists(), reason="make check builds the shim"),
    pytest.mark.limit(240)]


@pytest.fixture
def tmp_path():
    """One that the user can get at."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dcmspool-takeover-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class Control:
    def __init__(self, folder, spool, port, own_folder):
        self.path = folder / "control"
        self.path.write_bytes(bytes(LAYOUT.size))
        self.path.chmod(0o666)
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)
        self.sibling = subprocess.Popen(["sleep", "300"])
        self.port, self.spool, self.own_folder = port, spool, own_folder
        self.key = folder / "key.pem"
        self.key.write_text("secret")
        self.key.chmod(0o600)
        self.outside = folder / "outside"
        self.item = spool / "queue/other/hold/item.dcm"
        self.association = ""

    def order(self, attack):
        LAYOUT.pack_into(
            self.map, 0, attack, NOT_TRIED, 0, self.port, self.sibling.pid,
            b"", *(str(p).encode() for p in (
                self.spool, self.item, self.own_folder, self.key,
                self.outside, self.association)))

    def seen(self):
        attack, outcome, error, _, _, name, *_ = LAYOUT.unpack(self.map[:])
        return attack, outcome, error, name.rstrip(b"\0").decode()


def stranger_things(gateway):
    """What no process of this association has to do with."""
    other = gateway.spool / "queue/other"
    marker = gateway.spool / "result/1-1/1.other"
    marker.parent.mkdir()
    stays = gateway.spool / "queue/pacs/new/stays"
    for path in (other / "hold/item.dcm", other / "down", marker, stays):
        path.write_text("not yours")
        owner = gateway.spool.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
    os.chown(marker.parent, owner.st_uid, owner.st_gid)


def run_all(gateway, daemon, control, provoke):
    """[(name, what became of it)] of every attack there is."""
    results, number = [], 0
    parent = daemon.process.pid
    while True:
        number += 1
        since = len(daemon.log)
        control.order(number)
        provoke()
        tools.wait_until(lambda: control.seen()[0] == 0, 10, "the attack")
        # Past the last one there is none of that number.
        if control.seen()[1] == NOT_TRIED:
            return results
        if control.seen()[1] == TRIES:
            line = daemon.wait_log(r"(child|lane)-died ", 10, since)
            assert re.search(r'how="signal \d+', line), line
            assert len([found for found in daemon.log[since:] if re.search(
                r"(child|lane)-died ", found)]) == 1
        _, outcome, error, name = control.seen()
        if outcome == TRIES:
            how = re.search(r'how="([^"]*)"', line).group(1)
        elif outcome == FAILED:
            how = os.strerror(error)
        else:
            how = "SUCCEEDED"
        results.append((name, how))
        assert daemon.running and daemon.process.pid == parent


def judge(results):
    for name, how in results:
        print(f"{name:36} {how}")
    assert len(results) >= 60
    # The sanitizers' own memory is larger than any limit.
    expected = ["a memory bomb"] if gateways.SANITIZED else []
    assert [name for name, how in results if how == "SUCCEEDED"] == expected


@pytest.fixture(params=["root", "nobody"])
def besiege(request, make_gateway, pacs, tmp_path):
    """Starts a gateway whose daemon can be taken over."""
    if os.geteuid() != 0:
        pytest.skip("takes root")
    user = "" if request.param == "root" else request.param
    shim = tmp_path / SHIM.name  # the tree may be root's alone
    shutil.copy(SHIM, shim)
    gateway = make_gateway({"pacs": pacs, "other": tools.free_port()},
                           routes=[{"DuplexTargetConfigNames": "pacs"}],
                           # Each attack is a connection that breaks.
                           receiver={"DimseTimeout": 300,
                                     "MaxAssociationsPerPeer": 10000},
                           top={"User": user})

    def start(which, own_folder):
        daemon = getattr(gateway, which)
        control = Control(tmp_path, gateway.spool, pacs.port,
                          gateway.spool / own_folder)
        request.addfinalizer(control.sibling.kill)
        daemon.env = {"LD_PRELOAD": str(shim),
                      "TAKEOVER_CONTROL": str(control.path),
                      "ASAN_OPTIONS": "verify_asan_link_order=0"}
        gateway.start()
        stranger_things(gateway)
        return gateway, daemon, control

    yield start
    shutil.rmtree(gateway.spool / "result/1-1", ignore_errors=True)


def unharmed(gateway, control):
    stays = gateway.spool / "queue/pacs/new/stays"
    assert control.item.read_text() == stays.read_text() == "not yours"
    stays.unlink()
    assert not control.outside.exists()
    assert not list(gateway.spool.rglob("*attack*"))
    assert not (gateway.spool / "queue/pacs/paused").exists()
    assert gateway.store(instance.make()).status == 0


def test_a_child_of_the_receiver(besiege):
    gateway, daemon, control = besiege("receiver", "queue/pacs/new")
    one = instance.make()

    def provoke():
        try:
            with gateway.modality(one):
                pass
        except pdu.Closed:
            pass  # it died

    def received():
        return [p for p in (gateway.spool / "tmp").iterdir() if p.stat().st_size]

    large = instance.make(200_000)
    other = gateway.modality(large)
    try:
        other.associate().send(large, upto=100_000)
        path, = tools.wait_until(received, 10, "an instance on its way")
        control.association, secret = path.name.rsplit(".", 1)
        assert re.fullmatch(r"[0-9a-f]{16}", secret), path
        judge(run_all(gateway, daemon, control, provoke))
    finally:
        other.close()
    unharmed(gateway, control)


def test_a_lane_of_the_sender(besiege):
    gateway, daemon, control = besiege("sender", "queue/pacs")

    def provoke():
        gateway.store(instance.make())

    judge(run_all(gateway, daemon, control, provoke))
    gateway.wait_empty("pacs", 30)
    unharmed(gateway, control)
