"""Each limit of the receiver, and how DCMTK's own tools meet it. What only a
peer does that breaks the protocol is in tests/hostile and test_bad_input.py."""

import contextlib
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from peers import instance
from peers.destination import Answer

import tools

SMALL, LARGE = 2_000, 60_000
EIB = 1 << 60
TAKEN, FULL = "Response (Success)", "Response (Refused: OutOfResources)"
CONGESTED, TOO_MANY = "Temporary Congestion", "Local Limit Exceeded"


class Detour:
    """A port that leads to the receiver from another address: storescu cannot
    choose its own."""

    def __init__(self, port, source):
        self.target, self.source = ("127.0.0.1", port), (source, 0)

    def __enter__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def _serve(self):
        while True:
            try:
                ours, _ = self.server.accept()
            except OSError:
                return
            theirs = socket.create_connection(self.target, 10, self.source)
            for ends in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._copy, args=ends, daemon=True
                                 ).start()

    @staticmethod
    def _copy(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def storescu(tmp_path):
    """Sends one of so many bytes each: what storescu says."""
    def send(port, *sizes, calling="CT", sop_class=instance.SECONDARY_CAPTURE):
        with start_storescu(tmp_path, port, *sizes, calling=calling,
                            sop_class=sop_class) as process:
            return process.communicate(timeout=60)[0]
    return send


@contextlib.contextmanager
def start_storescu(folder, port, *sizes, calling="CT",
                   sop_class=instance.SECONDARY_CAPTURE):
    paths = [instance.make(pixels=size, sop_class=sop_class).write(
        folder / f"{i}.dcm") for i, size in enumerate(sizes or [LARGE])]
    process = subprocess.Popen(
        ["storescu", "-v", "-R", "-nh", "-aet", calling, "-aec", "ENS-SCP",
         "127.0.0.1", str(port), *map(str, paths)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("limits", [
    {"MaxAssociations": 1, "MaxAssociationsPerPeer": 1},
    {"MaxAssociations": 2, "MaxAssociationsPerPeer": 1}])
def test_so_many_associations(start_gateway, pacs, storescu, tmp_path, limits):
    gateway = start_gateway({"pacs": pacs}, receiver=limits)
    pacs.default = Answer(delay=3)
    with start_storescu(tmp_path, gateway.port) as first:
        tools.wait_until(lambda: pacs.received)
        assert TOO_MANY in storescu(gateway.port)
        with Detour(gateway.port, "127.0.0.2") as other:
            pacs.default = Answer()
            said = storescu(other.port)
        assert (TAKEN if limits["MaxAssociations"] > 1 else TOO_MANY) in said
        assert TAKEN in first.communicate(timeout=20)[0]
    tools.wait_until(lambda: TAKEN in storescu(gateway.port))


def test_so_large(start_gateway, pacs, storescu):
    gateway = start_gateway({"pacs": pacs}, receiver={
        "MaxInstanceBytes": LARGE})
    said = storescu(gateway.port, SMALL, LARGE, SMALL)
    assert re.findall(r"Response \((Success|Refused: OutOfResources)\)", said
                      ) == ["Success", "Refused: OutOfResources", "Success"]
    assert len(pacs.received) == 2


@pytest.mark.parametrize("limit", [
    {"MinFreeBytes": EIB}, {"MinFreeInodes": EIB}], ids=lambda x: [*x][0])
def test_so_much_free(start_gateway, pacs, storescu, limit):
    gateway = start_gateway({"pacs": pacs}, top=limit)
    assert CONGESTED in storescu(gateway.port)
    gateway.top.update({key: 0 for key in limit})
    gateway.write_conf()
    gateway.receiver.hup()
    assert TAKEN in storescu(gateway.port)


def test_so_many_instances_a_second(start_gateway, pacs, storescu):
    """Of one source; another one's route has no limit."""
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"RemoteAET": "CT", "MaxRate": 2}, {}])
    seconds = {}
    for calling in ("CT", "MR"):
        begun = time.monotonic()
        said = storescu(gateway.port, *[SMALL] * 5, calling=calling)
        seconds[calling] = time.monotonic() - begun
        assert said.count(TAKEN) == 5
    assert seconds["MR"] < 1.9 < seconds["CT"] < 6, seconds


def test_what_a_source_may_send(start_gateway, pacs, storescu):
    """By AE title, network and SOP class together."""
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"RemoteAET": "CT", "Peer": "127.0.0.2", "SOPClass": instance.CT_IMAGE},
        {"RemoteAET": "MR"}])
    with Detour(gateway.port, "127.0.0.2") as other:
        assert TAKEN in storescu(other.port, sop_class=instance.CT_IMAGE)
        assert "No Acceptable Presentation Contexts" in storescu(other.port)
    assert "No Reason" in storescu(gateway.port, sop_class=instance.CT_IMAGE)
    assert TAKEN in storescu(gateway.port, calling="MR")


def test_so_much_queued_for_a_destination(start_gateway, destination, storescu):
    full, other = destination(), destination()
    full.stop()
    gateway = start_gateway(
        {"full": {"RemotePort": full.port, "MaxQueueBytes": 2 * LARGE - 1},
         "other": other},
        routes=[{"RemoteAET": "CT", "DuplexTargetConfigNames": "full",
                 "AnswerWhen": "spooled"},
                {"DuplexTargetConfigNames": "other"}])
    said = storescu(gateway.port, *[LARGE] * 4)
    assert said.count(TAKEN) == said.count(FULL) == 2, said
    assert TAKEN in storescu(gateway.port, calling="MR")
    full.start()
    gateway.wait_empty("full", 30)
    tools.wait_until(lambda: TAKEN in storescu(gateway.port), 20)


@pytest.mark.parametrize("stop", ["stop", "kill"])
def test_so_much_queued_of_one_peer(start_gateway, destination, storescu, stop):
    pacs = destination()
    pacs.stop()
    gateway = start_gateway(
        {"pacs": pacs.port}, receiver={"MaxQueueBytesPerPeer": 2 * LARGE - 1},
        routes=[{"DuplexTargetConfigNames": "pacs", "AnswerWhen": "spooled"}])

    def ct():
        return storescu(gateway.port)

    said = storescu(gateway.port, *[LARGE] * 4)
    assert said.count(TAKEN) == said.count(FULL) == 2, said
    gateway.receiver.wait_log(
        r' refused .*why="queue full: MaxQueueBytesPerPeer"')
    assert CONGESTED in ct()
    gateway.receiver.wait_log(" rejected .*result=2 source=3 reason=1 "
                              "why=MaxQueueBytesPerPeer")
    # whoever else comes is taken
    with Detour(gateway.port, "127.0.0.2") as mr:
        assert TAKEN in storescu(mr.port, calling="MR")
    # set aside is not gone, and whose it is a restart finds out
    for path in gateway.path("pacs", "new").iterdir():
        path.rename(gateway.path("pacs", "hold", path.name))
    getattr(gateway.receiver, stop)()
    gateway.receiver.start()
    tools.wait_until(lambda: CONGESTED in ct(), 20, "the count of a start")
    for path in gateway.path("pacs", "hold").iterdir():
        path.rename(gateway.path("pacs", "new", path.name))
    assert CONGESTED in ct()
    # delivered, it is
    pacs.start()
    gateway.wait_empty("pacs", 30)
    tools.wait_until(lambda: TAKEN in ct(), 20, "room for the first peer")


def test_so_long_in_the_midst(start_gateway, pacs, tmp_path):
    """A sender that stops inside an instance, and comes back too late."""
    gateway = start_gateway({"pacs": pacs}, receiver={"DimseTimeout": 1})
    with start_storescu(tmp_path, gateway.port, 200_000_000) as process:
        tools.wait_until(lambda: any(
            p.stat().st_size for p in (gateway.spool / "tmp").iterdir()))
        process.send_signal(signal.SIGSTOP)
        gateway.receiver.wait_log(" ended .*how=timeout")
        process.send_signal(signal.SIGCONT)
        assert TAKEN not in process.communicate(timeout=30)[0]
    assert pacs.received == []


def test_so_long_between_two(start_gateway, pacs, tmp_path):
    gateway = start_gateway({"pacs": pacs}, receiver={"IdleTimeout": 1})
    pacs.default = Answer(delay=1.5)  # waiting for us is not idle
    with start_storescu(tmp_path, gateway.port, SMALL, SMALL) as process:
        tools.wait_until(lambda: pacs.received)
        process.send_signal(signal.SIGSTOP)
        gateway.receiver.wait_log(" ended .*how=idle stored=1 ")
        process.send_signal(signal.SIGCONT)
        said = process.communicate(timeout=30)[0]
    assert said.count(TAKEN) == 1 and "Store Failed" in said, said


def test_so_long_before_the_request(start_gateway, pacs, storescu):
    gateway = start_gateway({"pacs": pacs}, receiver={"ARTIM": 1})
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", gateway.port), 10) as sock:
        assert sock.recv(100) == b""
    assert 0.9 < time.monotonic() - begun < 5
    gateway.receiver.wait_log("not-associated")
    assert TAKEN in storescu(gateway.port)


def test_as_many_contexts_as_there_can_be(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    done = tools.run("echoscu", "-ppc", "128", "-pts", "38", "-aec", "ENS-SCP",
                     "127.0.0.1", gateway.port)
    assert done.returncode == 0, done.stdout + done.stderr
    gateway.receiver.wait_log(r" associated .*contexts=128 refused=0 ")
