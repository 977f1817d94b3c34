"""Who may connect from where, and how much of the receiver a peer gets."""

import re
import resource
import socket
import threading
import time

import pytest
from peers import instance, pdu
from peers.modality import Modality, Rejected, contexts_for

import tools


def outcome(gateway, source, calling="JD-SCU", host="127.0.0.1"):
    """The rejection's numbers, or the status of a C-STORE."""
    made = instance.make()
    try:
        with Modality(gateway.port, contexts_for(made), calling=calling,
                      host=host, source=source) as ct:
            return ct.store(made).status
    except Rejected as e:
        return e.args


@pytest.mark.parametrize("networks, good, bad", [
    ("127.0.0.2", ["127.0.0.2"], ["127.0.0.1", "127.0.0.3"]),
    ("127.0.0.0/30, 127.1.0.0/16", ["127.0.0.1", "127.0.0.3", "127.1.2.3"],
     ["127.0.0.4", "127.2.0.1"]),
    ("*", ["127.0.0.9"], []),
    ("0.0.0.0/0", ["127.0.0.9"], []),
    ("10.0.0.0/8, ::/0", [], ["127.0.0.1"])])
def test_receiver_peer(start_gateway, pacs, networks, good, bad):
    gateway = start_gateway({"pacs": pacs}, receiver={"Peer": networks})
    for source in good:
        assert outcome(gateway, source) == 0
    for source in bad:
        seen = len(gateway.receiver.log)
        assert outcome(gateway, source) == (1, 1, 1)
        line = gateway.receiver.wait_log(r"\brejected\b", since=seen)
        assert f"peer={source}" in line and "why=Peer" in line


@pytest.mark.parametrize("networks, wanted", [
    ("::1", 0), ("::/64, 10.0.0.0/8", 0), ("2001:db8::/32", (1, 1, 1)),
    ("127.0.0.0/8", (1, 1, 1)), ("0.0.0.0/0", (1, 1, 1))])
def test_receiver_peer_ipv6(start_gateway, pacs, networks, wanted):
    gateway = start_gateway({"pacs": pacs}, receiver={
        "Peer": networks, "LocalInterface": ""})
    assert outcome(gateway, None, host="::1") == wanted


def test_an_ae_title_goes_with_a_network(start_gateway, pacs, destination):
    other = destination()
    gateway = start_gateway({"pacs": pacs, "other": other}, routes=[
        {"RemoteAET": "CT1", "Peer": "127.0.0.2",
         "DuplexTargetConfigNames": "pacs"},
        {"RemoteAET": "CT1", "Peer": "127.0.1.0/24",
         "DuplexTargetConfigNames": "other"},
        {"RemoteAET": "MR*", "DuplexTargetConfigNames": "other"}])
    assert outcome(gateway, "127.0.0.2", "CT1") == 0
    assert (len(pacs.received), len(other.received)) == (1, 0)
    assert outcome(gateway, "127.0.1.77", "CT1") == 0
    assert (len(pacs.received), len(other.received)) == (1, 1)
    assert outcome(gateway, "127.0.0.3", "CT1") == (1, 1, 1)
    assert outcome(gateway, "127.0.0.3", "MR7") == 0
    line = gateway.receiver.wait_log(r"\brejected\b")
    assert "peer=127.0.0.3" in line and "calling=CT1" in line


def test_reload_takes_new_networks(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, receiver={"Peer": "127.0.0.2"})
    assert outcome(gateway, "127.0.0.1") == (1, 1, 1)
    gateway.receiver_settings["Peer"] = "127.0.0.1"
    gateway.write_conf()
    gateway.receiver.hup()
    assert outcome(gateway, "127.0.0.1") == 0
    assert outcome(gateway, "127.0.0.2") == (1, 1, 1)


def test_so_many_of_one_peer(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, receiver={
        "MaxAssociations": 4, "MaxAssociationsPerPeer": 2})
    made = instance.make()
    open_ones = [Modality(gateway.port, contexts_for(made),
                          source="127.0.0.2").associate() for _ in range(2)]
    assert outcome(gateway, "127.0.0.2") == (2, 3, 2)
    assert "MaxAssociationsPerPeer" in gateway.receiver.wait_log("rejected")
    assert outcome(gateway, "127.0.0.1") == 0
    for one in open_ones:
        one.release()
    tools.wait_until(lambda: outcome(gateway, "127.0.0.2") == 0, 5)


class Flood:
    """Connections of one host: n of them open all the time."""

    def __init__(self, port, source, n, first=b""):
        self.address, self.source, self.first = port, source, first
        self.sockets = [None] * n
        self.made = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _connect(self):
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((self.source, 0))
        sock.connect_ex(("127.0.0.1", self.address))
        self.made += 1
        return sock

    def _is_gone(self, sock):
        try:
            if self.first:
                sock.send(self.first)
            return sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError as e:
            return e.errno not in (107, 11)  # not connected yet

    def _run(self):
        while not self.stopping.is_set():
            for i, sock in enumerate(self.sockets):
                if sock is None or self._is_gone(sock):
                    if sock is not None:
                        sock.close()
                    self.sockets[i] = self._connect()
            self.stopping.wait(0.05)

    def __enter__(self):
        self.thread.start()
        tools.wait_until(lambda: self.made >= len(self.sockets), 20)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        for sock in self.sockets:
            if sock is not None:
                sock.close()


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.alone
@pytest.mark.limit(120)
@pytest.mark.parametrize("first", [b"", b"\x01\x00\x00\x00\x10\x00"],
                         ids=["silent", "slow"])
def test_a_thousand_connections_of_one_host(
        start_gateway, pacs, many_files, first):
    """Those that are closed come again at once; another host is served."""
    gateway = start_gateway({"pacs": pacs})
    made = instance.make()
    slowest = 0
    with Flood(gateway.port, "127.0.0.2", 1000, first) as flood:
        for _ in range(30):
            begun = time.monotonic()
            with gateway.modality(made) as ct:
                assert ct.store(made).status == 0
            slowest = max(slowest, time.monotonic() - begun)
            tools.slow(0.1)
        assert len(gateway.receiver.processes()) < 90
        made_in_all = flood.made
    print(f"slowest {slowest:.3f} s beside {made_in_all} connections")
    assert slowest < 1, slowest
    closed = [line for line in gateway.receiver.log if "not-served" in line]
    assert 1 <= len(closed) < 40, len(closed)
    assert any(re.search(r"more-not-served connections=\d+", line)
               for line in closed)
    # and that host is served when it behaves
    tools.wait_until(
        lambda: len(gateway.receiver.processes()) < 10, 30)
    assert outcome(gateway, "127.0.0.2") == 0


def test_larger_than_may_be(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, receiver={
        "MaxInstanceBytes": 100_000})
    small, large = instance.make(pixels=9000), instance.make(pixels=200_000)
    with gateway.modality(small, large) as ct:
        assert ct.store(small).status == 0
        response = ct.store(large)
        assert (response.status, response.comment) == (
            0xA700, "larger than MaxInstanceBytes")
        assert list((gateway.spool / "tmp").iterdir()) == []
        assert ct.store(small).status == 0
    assert len(pacs.received) == 2


@pytest.mark.alone
def test_so_many_a_second(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"RemoteAET": "FAST"}, {"MaxRate": 5}])
    made = instance.make()
    for calling, n, least, most in (("FAST", 50, 0, 2), ("SLOW", 13, 2, 4)):
        begun = time.monotonic()
        with gateway.modality(made, calling=calling) as ct:
            for _ in range(n):
                assert ct.store(instance.make()).status == 0
            assert least <= time.monotonic() - begun < most


def test_fragments_of_a_byte_are_no_progress(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, receiver={"DimseTimeout": 2})
    made = instance.make()
    begun = time.monotonic()
    with gateway.modality(made) as ct:
        ct.send(made, upto=0)
        context = ct.context_for(made.sop_class, made.transfer)
        with pytest.raises((pdu.Closed, OSError)):
            while time.monotonic() - begun < 10:
                pdu.send(ct.sock, pdu.pdv(context, False, False, b"x"))
                tools.slow(0.1)
        ct.close()
    assert time.monotonic() - begun < 6
    gateway.receiver.wait_log("bytes a second are too few")
    assert pacs.received == []


def test_a_request_without_end(start_gateway, pacs):
    """No memory for what nobody needs."""
    gateway = start_gateway({"pacs": pacs}, receiver={"ARTIM": 5})
    with socket.create_connection(("127.0.0.1", gateway.port), 10) as sock:
        sock.sendall(b"\x01\x00\x7f\xff\xff\xf0")
        begun = time.monotonic()
        with pytest.raises(OSError):
            while True:
                sock.sendall(bytes(65536))
        assert time.monotonic() - begun < 3
    gateway.receiver.wait_log("not-associated")
    assert outcome(gateway, "127.0.0.1") == 0
