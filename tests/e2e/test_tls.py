"""TLS at both ends, with certificates made on the fly."""

import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from peers import instance, pdu
from peers.destination import Answer
from peers.modality import Modality, contexts_for

import pki
import tools
from world import REASONS, Stunnel, World, warnings

PASSPHRASE = "open-5esame-nobody-logs-this"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def secure(start_gateway, pacs, world):
    """A gateway with TLS on its side of the modality."""
    return start_gateway({"pacs": pacs}, receiver={
        "tls": world.tls(), "ARTIM": 2, "DimseTimeout": 2})


@pytest.fixture
def make_storescp(storescp, world):
    return lambda identity=None, *more: storescp(
        *world.dcmtk(identity or world.pacs), *more)


def test_an_abort_while_waiting(secure, pacs, world):
    """In a record of its own, or in the one behind the data set's."""
    pacs.default = Answer(delay=3)
    for apart in (False, True):
        since = len(secure.receiver.log)
        with world.connect(secure.port) as ct:
            ct.send(instance.make())
            if apart:
                tools.wait_until(lambda: len(pacs.received) == 2)
            pdu.send(ct.sock, pdu.abort())
            secure.receiver.wait_log(r"\bhung-up\b", 10, since)
            secure.receiver.wait_log(r"\bended\b.*how=aborted", 10, since)
            ct.close()
    secure.wait_empty("pacs")


# DCMTK's programs


@pytest.mark.parametrize("profile, theirs", [
    ("BCP195", "+px"), ("BCP195-ND", "+py"), ("BCP195-Extended", "+pz")])
def test_dcmtk_both_ways(
        start_gateway, make_storescp, world, tmp_path, profile, theirs):
    scp = make_storescp(None, theirs)
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port,
                  "tls": world.tls(Profile=profile)}},
        receiver={"tls": world.tls(Profile=profile)})
    made = [instance.make(pixels=n) for n in (2, 512, 16384, 700000)]
    paths = [one.write(tmp_path / f"{one.uid}.dcm") for one in made]
    ours = world.dcmtk(world.modality)
    done = tools.run("echoscu", *ours, theirs, "-aec", "ENS-SCP", "127.0.0.1",
                     gateway.port)
    assert done.returncode == 0, done.stdout
    done = tools.run("storescu", *ours, theirs, "-aec", "ENS-SCP", "127.0.0.1",
                     gateway.port, *paths)
    assert done.returncode == 0, done.stdout
    got = {one.uid: one.digest for one in scp.instances()}
    assert got == {one.uid: one.digest for one in made}
    line = gateway.receiver.wait_log(r"\bassociated\b.*STORESCU")
    assert "certificate=ct1" in line and "tls=TLSv1." in line
    assert warnings(gateway.receiver) + warnings(gateway.sender) == []


@pytest.mark.parametrize("kind", list(REASONS))
def test_modality_is_refused(secure, world, tmp_path, kind):
    path = instance.make().write(tmp_path / "a.dcm")
    one = world.bad[kind]
    begun = time.monotonic()
    done = tools.run("storescu", *world.dcmtk(one), "-aec", "ENS-SCP",
                     "127.0.0.1", secure.port, path)
    assert done.returncode != 0
    assert time.monotonic() - begun < 1.9
    line = secure.receiver.wait_log("not-associated")
    assert REASONS[kind] in line and "peer=127.0.0.1" in line
    assert len(warnings(secure.receiver)) == 1
    world.good_one(secure)


def test_modality_without_certificate(secure, world):
    raw = socket.create_connection(("127.0.0.1", secure.port), 10)
    with pytest.raises((OSError, ssl.SSLError)):
        with world.context().wrap_socket(raw) as sock:
            sock.sendall(b"x" * 100)
            assert sock.recv(1) != b""
    line = secure.receiver.wait_log("not-associated")
    assert "did not return a certificate" in line
    assert len(warnings(secure.receiver)) == 1
    world.good_one(secure)


def test_modality_need_not_show_one(start_gateway, pacs, world):
    gateway = start_gateway({"pacs": pacs}, receiver={
        "tls": world.tls(RequirePeerCertificate=False)})
    ct = Modality(gateway.port, contexts_for(instance.make()))
    ct.sock = world.context().wrap_socket(ct.sock)
    with ct:
        assert ct.store(instance.make()).status == 0
    with pytest.raises((pdu.Closed, OSError)):
        with world.connect(gateway.port, world.bad["expired"]):
            pass


@pytest.mark.parametrize("kind", list(REASONS))
def test_destination_is_refused(start_gateway, make_storescp, world, kind):
    scp = make_storescp(world.bad[kind])
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port, "tls": world.tls()}},
        routes=[{"ResponseTimeout": 3}])
    response = gateway.store(instance.make())
    assert response.status == 0xA700
    gateway.wait_down("pacs")
    assert any(REASONS[kind] in line for line in warnings(gateway.sender))
    assert len(gateway.items("pacs", "new")) == 1
    # It gets a certificate that is good.
    scp.stop()
    scp.options = world.dcmtk(world.pacs)
    scp.start()
    gateway.wait_empty("pacs", 15)
    assert len(scp.instances()) == 1


def test_destination_refuses_us(start_gateway, storescp, world):
    scp = storescp(*world.dcmtk(world.pacs, world.other_ca.cert))
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port, "tls": world.tls()}},
        routes=[{"ResponseTimeout": 2}])
    assert gateway.store(instance.make()).status == 0xA700
    gateway.wait_down("pacs")
    assert any("unknown ca" in line for line in warnings(gateway.sender)), (
        gateway.sender.log)


# one end in the clear


def test_plain_modality_at_a_tls_port(secure, world):
    begun = time.monotonic()
    with pytest.raises((pdu.Closed, pdu.Aborted, AssertionError, OSError)):
        secure.store(instance.make())
    assert time.monotonic() - begun < 1.5
    line = secure.receiver.wait_log("not-associated")
    assert "TLS: " in line
    world.good_one(secure)


def test_tls_modality_at_a_plain_port(to_pacs, world):
    begun = time.monotonic()
    with pytest.raises((OSError, ssl.SSLError)):
        world.connect(to_pacs.port, timeout=10)
    assert time.monotonic() - begun < 3
    to_pacs.receiver.wait_log("not-associated")
    assert to_pacs.store(instance.make()).status == 0


def test_plain_destination_where_tls_is_due(start_gateway, storescp, world):
    scp = storescp()
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port, "tls": world.tls()}},
        routes=[{"ResponseTimeout": 8}])
    begun = time.monotonic()
    assert gateway.store(instance.make()).status == 0xA700
    gateway.wait_down("pacs")
    assert time.monotonic() - begun < 20


def test_tls_destination_that_is_called_in_the_clear(
        start_gateway, make_storescp):
    scp = make_storescp()
    gateway = start_gateway({"pacs": scp.port},
                            routes=[{"ResponseTimeout": 8}])
    assert gateway.store(instance.make()).status == 0xA700
    gateway.wait_down("pacs")
    gateway.sender.wait_log("link-down")


# other programs


def s_client(world, port, *more):
    one = world.modality
    return tools.run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile",
        world.ca.cert, "-verify_return_error", "-cert", one.cert, "-key",
        one.key, *more, stdin=subprocess.DEVNULL, timeout=20)


def test_s_client_is_told_whom_we_trust(secure, world):
    done = s_client(world, secure.port, "-tls1_3")
    assert "clinic authority" in done.stdout.split("Acceptable client")[1]
    assert "New, TLSv1.3" in done.stdout and "Reused" not in done.stdout


def test_stunnel_on_both_sides(start_gateway, pacs, world, tmp_path):
    """What has no TLS of its own has stunnel in front of it."""
    with Stunnel(tmp_path, world, world.pacs, tools.free_port(), pacs.port,
                 False) as behind:
        gateway = start_gateway(
            {"pacs": {"RemotePort": behind.port, "tls": world.tls()}},
            receiver={"tls": world.tls()})
        with Stunnel(tmp_path, world, world.modality, tools.free_port(),
                     gateway.port, True) as before:
            made = [instance.make(pixels=200000) for _ in range(20)]
            with Modality(before.port, contexts_for(*made)) as ct:
                for one in made:
                    assert ct.store(one).status == 0
            paths = [one.write(tmp_path / f"{one.uid}.dcm") for one in made]
            done = tools.run("dcmsend", "-aec", "ENS-SCP", "127.0.0.1",
                             before.port, *paths)
            assert done.returncode == 0, done.stdout
        assert len(pacs.received) == 40
        assert {r.digest for r in pacs.received} == {
            one.digest for one in made}
        assert warnings(gateway.receiver) == []
        gateway.sender.stop()


# the wire's properties


class Tap:
    """Passes bytes on to a port, and keeps those that go there."""

    def __init__(self, port):
        self.target = port
        self.sent = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self.target))
            for a, b, keep in ((here, there, self.sent), (there, here, None)):
                threading.Thread(target=self._pass, args=(a, b, keep),
                                 daemon=True).start()

    @staticmethod
    def _pass(a, b, keep):
        try:
            while data := a.recv(65536):
                if keep is not None:
                    keep += data
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def records(self):
        """Sizes of the application data records."""
        at, sizes = 0, []
        while at + 5 <= len(self.sent):
            size = int.from_bytes(self.sent[at + 3:at + 5], "big")
            if self.sent[at] == 23:
                sizes.append(size)
            at += 5 + size
        return sizes


def test_head_and_body_are_one_record(start_gateway, make_storescp, world):
    scp = make_storescp()
    tap = Tap(scp.port)
    gateway = start_gateway(
        {"pacs": {"RemotePort": tap.port, "tls": world.tls()}})
    made = instance.make(pixels=1_000_000)
    assert gateway.store(made).status == 0
    gateway.sender.stop()
    sizes = tap.records()
    full = sum(1 for size in sizes if size >= 16384)
    # handshake, request, command, release, good-bye; a rest for each PDU
    assert full >= made.size // 16384 - 8
    assert len(sizes) - full < 12 + made.size // 16000, sizes
    assert sum(1 for size in sizes if size < 60) <= 6, sizes


@pytest.mark.parametrize("stage", ["hello", "finish", "request", "data"])
def test_a_byte_a_second_is_cut(secure, world, stage):
    raw = socket.create_connection(("127.0.0.1", secure.port), 20)
    to_them, to_us = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = world.context(world.modality).wrap_bio(to_us, to_them)

    def exchange(action):
        while True:
            try:
                value = action()
                raw.sendall(to_them.read())
                return value
            except ssl.SSLWantReadError:
                raw.sendall(to_them.read())
                to_us.write(raw.recv(65536))

    if stage == "hello":
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        slow = to_them.read()
    elif stage == "finish":
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        raw.sendall(to_them.read())
        while not (slow := to_them.read()):
            to_us.write(raw.recv(65536))
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
    else:
        exchange(tls.do_handshake)
        made = instance.make()
        tls.write(pdu.associate_rq("JD-SCU", "ENS-SCP", [
            (1, made.sop_class, [made.transfer])], 16384))
        if stage == "data":
            raw.sendall(to_them.read())
            exchange(lambda: tls.read(10))
            tls.write(pdu.pdv(1, True, True, bytes(1000)))
        slow = to_them.read()
    begun = time.monotonic()
    with pytest.raises(OSError):
        for byte in slow:
            raw.sendall(bytes((byte,)))
            tools.slow(0.25)
            raw.setblocking(False)
            try:
                if raw.recv(4096) == b"":
                    raise OSError("closed")
            except BlockingIOError:
                pass
            finally:
                raw.setblocking(True)
            assert time.monotonic() - begun < 8
    secure.receiver.wait_log("no progress in time")
    raw.close()
    world.good_one(secure)


def test_answers_do_not_wait_for_an_acknowledgement(secure, world):
    made = instance.make()
    with world.connect(secure.port) as ct:
        ct.store(made)
        seconds = sorted(ct.store(instance.make()).seconds
                         for _ in range(50))
    assert seconds[25] < 0.02, seconds


def test_several_pdus_in_one_record(secure, world, pacs):
    """What TLS holds is not seen by poll."""
    several = [instance.make(pixels=100) for _ in range(2)]
    with world.connect(secure.port) as ct:
        ct.store(instance.make(pixels=100))
        record = b""
        for made in several:
            context = ct.context_for(made.sop_class, made.transfer)
            command = pdu.pack_command({
                "AffectedSOPClassUID": made.sop_class,
                "AffectedSOPInstanceUID": made.uid, "CommandField": 1,
                "MessageID": 7, "Priority": 0, "CommandDataSetType": 1})
            record += pdu.pdv(context, True, True, command)
            record += pdu.pdv(context, False, True, b"".join(made.chunks()))
        ct.sock.sendall(record)
        begun = time.monotonic()
        assert ct.read_response().status == 0
        assert ct.read_response().status == 0
        assert time.monotonic() - begun < 1
    assert len(pacs.received) == 3


def test_kept_warm_and_many_lanes(start_gateway, make_storescp, world):
    scp = make_storescp()
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port, "Lanes": 4, "IdleTimeout": 1,
                  "tls": world.tls()}}, receiver={"tls": world.tls()})

    def send():
        with world.connect(gateway.port) as ct:
            for _ in range(10):
                assert ct.store(instance.make(pixels=50000)).status == 0

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tools.wait_until(lambda: len(list(scp.folder.iterdir())) == 40)
    tools.wait_until(lambda: tools.connections(scp.port) == 0, 10,
                     "the idle ones are released")
    world.good_one(gateway)
    assert warnings(gateway.sender) == []


# whose certificate


def test_receiver_names_its_peers(start_gateway, pacs, world):
    for names, good in (("ct*", True), ("CT1", True), ("ct2, mr*", False),
                        (world.modality.fingerprint, True),
                        (world.modality.fingerprint.lower().replace(":", "")
                         .replace("sha256", "sha256:"), True),
                        (world.pacs.fingerprint, False)):
        gateway = start_gateway({"pacs": pacs}, receiver={
            "tls": world.tls(PeerCertificate=names)})
        if good:
            world.good_one(gateway)
        else:
            assert world.refused(gateway) == (1, 1, 1)
            assert "why=PeerCertificate" in gateway.receiver.wait_log(
                "rejected")
        gateway.stop()


def test_an_ae_title_goes_with_a_certificate(start_gateway, pacs, world):
    gateway = start_gateway(
        {"pacs": pacs}, receiver={"tls": world.tls()}, routes=[
            {"RemoteAET": "CT1", "PeerCertificate": "ct1"},
            {"RemoteAET": "PACS", "PeerCertificate": "pacs.example.org"},
            {"RemoteAET": "BOTH", "PeerCertificate": "ct1, pacs"}])
    made = instance.make()
    for who, calling in ((world.modality, "CT1"), (world.pacs, "PACS"),
                         (world.modality, "BOTH"), (world.pacs, "BOTH")):
        with world.connect(gateway.port, who, calling=calling) as ct:
            assert ct.store(made).status == 0
    for who, calling in ((world.pacs, "CT1"), (world.modality, "PACS"),
                         (world.gateway, "BOTH")):
        assert world.refused(gateway, who, calling=calling) == (1, 1, 1)
    line = gateway.receiver.wait_log("rejected")
    assert "why=PeerCertificate" in line and "certificate=pacs" in line


def test_destination_has_to_be_the_one(start_gateway, make_storescp, world):
    scp = make_storescp(world.modality)
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port,
                  "tls": world.tls(PeerCertificate="pacs*")}},
        routes=[{"ResponseTimeout": 2}])
    assert gateway.store(instance.make()).status == 0xA700
    gateway.wait_down("pacs")
    assert any("PeerCertificate" in line and "ct1" in line
               for line in warnings(gateway.sender))
    assert list(scp.folder.iterdir()) == []
    gateway.destinations["pacs"]["tls"]["PeerCertificate"] = "ct?"
    gateway.write_conf()
    gateway.sender.hup()
    gateway.wait_empty("pacs", 15)
    assert len(scp.instances()) == 1


def test_destination_by_its_fingerprint_alone(
        start_gateway, make_storescp, world):
    one = world.bad["self-signed"]
    scp = make_storescp(one)
    for pinned, status in ((one.fingerprint, 0),
                           (world.pacs.fingerprint, 0xA700)):
        gateway = start_gateway(
            {"pacs": {"RemotePort": scp.port, "tls": world.tls(
                TrustedCertificates="", RevocationLists="",
                RequirePeerCertificate=False, PeerCertificate=pinned)}},
            routes=[{"ResponseTimeout": 2}])
        assert gateway.store(instance.make()).status == status
        gateway.stop()
    assert len(scp.instances()) == 1


# files, at the start and at a reload


def start_fails(gateway, *daemons):
    texts = []
    for daemon in daemons or (gateway.receiver, gateway.sender):
        for more in ((), ("-n",)):
            done = tools.run(daemon.program, "-c", gateway.conf, *more,
                             timeout=10)
            assert done.returncode == 78, done.stdout
            assert PASSPHRASE not in done.stdout
            texts.append(done.stdout)
    return texts


DAMAGED = ("-----BEGIN CERTIFICATE-----\nMAAA\n"
           "-----END CERTIFICATE-----\n")


@pytest.mark.parametrize("key, text, wanted", [
    ("Certificate", None, "No such file"),
    ("Certificate", "no certificate\n", "there is no certificate"),
    ("PrivateKey", None, "No such file"),
    ("PrivateKey", "no key\n", "there is no private key"),
    ("TrustedCertificates", None, "No such file"),
    ("TrustedCertificates", "", "there is no certificate"),
    ("RevocationLists", None, "No such file"),
    ("RevocationLists", "-----BEGIN X509 CRL-----\nxx\n-----END X509 CRL-----",
     "a revocation list (PEM) in it is damaged"),
    ("TrustedCertificates", DAMAGED, "a certificate (PEM) in it is damaged"),
    ("Certificate", DAMAGED, "a certificate (PEM) in it is damaged")])
def test_a_bad_file_is_a_start_error(
        make_gateway, world, tmp_path, key, text, wanted):
    path = tmp_path / "bad.pem"
    if text is not None:
        path.write_text(text, "ascii")
    group = world.tls(**{key: str(path)})
    gateway = make_gateway({"pacs": {"RemotePort": 1, "tls": group}},
                           receiver={"tls": group})
    texts = start_fails(gateway)
    for text, group in zip(texts, ("receiver.tls",) * 2 +
                           ("destinations[0].tls",) * 2):
        assert f"{group}.{key}: " in text and str(path) in text
        assert wanted in text


def test_a_key_of_another_certificate(make_gateway, world):
    group = world.tls(PrivateKey=str(world.pacs.key))
    gateway = make_gateway({"pacs": 1}, receiver={"tls": group})
    for text in start_fails(gateway, gateway.receiver):
        assert "receiver.tls.PrivateKey: " in text and "mismatch" in text


@pytest.fixture
def locked(world, tmp_path):
    one = world.ca.issue(f"locked-{tmp_path.name}", passphrase=PASSPHRASE)
    one.passphrase = tmp_path / "passphrase"
    one.passphrase.write_text(PASSPHRASE + "\n", "ascii")
    return one


def test_a_key_with_a_passphrase(start_gateway, make_storescp, world, locked):
    scp = make_storescp()
    group = world.tls(locked, PassphraseFile=str(locked.passphrase))
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port, "tls": group}},
        receiver={"tls": group})
    with world.connect(gateway.port) as ct:
        assert ct.store(instance.make()).status == 0
        for daemon in (gateway.receiver, gateway.sender):
            for pid in daemon.processes():
                for file in ("cmdline", "environ"):
                    with open(f"/proc/{pid}/{file}", "rb") as f:
                        assert PASSPHRASE.encode() not in f.read()
            assert not any(PASSPHRASE in line for line in daemon.log)


def test_a_wrong_passphrase(make_gateway, world, locked):
    locked.passphrase.write_text("wrong\n", "ascii")
    group = world.tls(locked, PassphraseFile=str(locked.passphrase))
    gateway = make_gateway({"pacs": 1}, receiver={"tls": group})
    for text in start_fails(gateway, gateway.receiver):
        assert "receiver.tls.PassphraseFile: " in text
        assert str(locked.passphrase) in text and "does not open" in text
    del group["PassphraseFile"]
    gateway = make_gateway({"pacs": 1}, receiver={"tls": group})
    for text in start_fails(gateway, gateway.receiver):
        assert "there is none for it" in text


def shown(world, port):
    """The name in the certificate that a port shows."""
    with world.connect(port).sock as sock:
        return dict(pair[0] for pair in sock.getpeercert()["subject"])[
            "commonName"]


def test_reload_takes_new_certificates(
        start_gateway, make_storescp, world, tmp_path):
    ours = pki.Identity(tmp_path / "cert.pem", tmp_path / "key.pem")
    world.gateway.copy_to(ours)
    scp = make_storescp()
    tap = Tap(scp.port)
    gateway = start_gateway(
        {"pacs": {"RemotePort": tap.port, "tls": world.tls(ours)}},
        receiver={"tls": world.tls(ours)})
    assert shown(world, gateway.port) == "gateway"
    with world.connect(gateway.port) as ct:
        assert ct.store(instance.make()).status == 0
        # An association keeps what it began with.
        world.pacs.copy_to(ours)
        gateway.receiver.hup()
        gateway.sender.hup()
        assert shown(world, gateway.port) == "pacs"
        assert ct.store(instance.make()).status == 0
    # What cannot be used is not taken.
    ours.key.write_text("nothing\n", "ascii")
    for daemon in (gateway.receiver, gateway.sender):
        line = daemon.hup()
        assert " error " in line and str(ours.key) in line
    assert shown(world, gateway.port) == "pacs"
    world.good_one(gateway)


def test_reload_takes_new_lists(start_gateway, pacs, world):
    one = world.ca.issue("shortlived")
    gateway = start_gateway({"pacs": pacs}, receiver={"tls": world.tls()})
    with world.connect(gateway.port, one) as ct:
        assert ct.store(instance.make()).status == 0
    world.ca.revoke(one)
    gateway.receiver.hup()
    with pytest.raises((pdu.Closed, OSError)):
        with world.connect(gateway.port, one):
            pass
    assert "revoked" in gateway.receiver.wait_log("not-associated")


@pytest.mark.parametrize("end, event", [
    (10, "warning certificate-expires"), (40, None),
    (-1, "error certificate-expired")])
def test_the_end_of_our_own(start_gateway, world, tmp_path, end, event):
    one = world.ca.issue(f"ending-{tmp_path.name}", begin=-5, end=end)
    gateway = start_gateway(
        {"pacs": {"RemotePort": 1, "tls": world.tls(one)}},
        receiver={"tls": world.tls(one)})
    for daemon, whose in ((gateway.receiver, "receiver"),
                          (gateway.sender, "pacs")):
        if event:
            line = daemon.wait_log(event)
            assert f"whose={whose}" in line and str(one.cert) in line
            if end > 0:
                assert re.search(r"days=(9|10)\b", line)
        else:
            assert not any("certificate-" in line for line in daemon.log)


def test_an_rsa_chain_with_an_intermediate(start_gateway, pacs, world, tmp_path):
    one = world.ca.issue("rsa-gateway", rsa=True)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(one.cert.read_bytes() + world.ca.cert.read_bytes())
    gateway = start_gateway({"pacs": pacs}, receiver={
        "tls": world.tls(pki.Identity(chain, one.key))})
    world.good_one(gateway)


def test_a_peer_that_is_trusted_by_itself(start_gateway, pacs, world):
    """Certificates are exchanged, as between two devices without a CA."""
    one = world.bad["self-signed"]
    gateway = start_gateway({"pacs": pacs}, receiver={"tls": {
        **world.tls(TrustedCertificates=str(one.cert)),
        "RevocationLists": ""}})
    with world.connect(gateway.port, one) as ct:
        assert ct.store(instance.make()).status == 0
    with pytest.raises((pdu.Closed, OSError)):
        with world.connect(gateway.port):
            pass


def test_stop_with_an_open_association(secure, world):
    with world.connect(secure.port) as ct:
        assert ct.store(instance.make()).status == 0
        secure.receiver.signal(signal.SIGTERM)
        with pytest.raises((pdu.Aborted, pdu.Closed)):
            ct.read_response(timeout=10)
        ct.close()
    assert secure.receiver.wait_exit() == 0
