"""Who may connect from where, and how much of the receiver a peer gets."""

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


def test_larger_than_may_be(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, receiver={
        "MaxInstanceBytes": 100_000})
    small, large = instance.make(pixels=9000), instance.make(pixels=200_000)
    other = instance.make(pixels=9000)  # an equal one may be the same job
    with gateway.modality(small, large) as ct:
        assert ct.store(small).status == 0
        response = ct.store(large)
        assert (response.status, response.comment) == (
            0xA700, "larger than MaxInstanceBytes")
        assert list((gateway.spool / "tmp").iterdir()) == []
        assert ct.store(other).status == 0
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
