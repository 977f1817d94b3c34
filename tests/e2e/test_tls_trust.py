"""Whose certificates are good: lists, authorities in between, names, and what
nothing of a session outlives."""

import re
import socket
import ssl
import subprocess
import threading

import pytest
from peers import instance, pdu

import pki
import tools
from world import REASONS, Stunnel, World, warnings


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("pki"))


class Between:
    """A root, an authority that it has certified, and whom that certifies."""

    def __init__(self, folder):
        self.root = pki.Authority(folder / "root")
        self.ca = pki.Authority(folder / "issuing", self.root)
        self.revoked_ca = pki.Authority(folder / "gone", self.root)
        self.root.revoke(self.revoked_ca.identity)
        self.good = self.chain(self.ca, self.ca.issue("ct1"))
        self.alone = self.ca.issue("ct2")
        self.orphan = self.chain(self.revoked_ca,
                                 self.revoked_ca.issue("ct3"))
        self.gateway = self.root.issue("gateway")

    @staticmethod
    def chain(ca, one):
        path = one.cert.with_suffix(".chain.pem")
        path.write_bytes(one.cert.read_bytes() + ca.cert.read_bytes())
        return pki.Identity(path, one.key)

    def lists(self, path, *authorities):
        path.write_bytes(b"".join(ca.crl.read_bytes() for ca in authorities))
        return str(path)


@pytest.fixture(scope="module")
def between(tmp_path_factory):
    return Between(tmp_path_factory.mktemp("between"))


def is_refused(gateway, world, identity, reason):
    since = len(gateway.receiver.log)
    with pytest.raises((pdu.Closed, OSError)):
        with world.connect(gateway.port, identity):
            pass
    line = gateway.receiver.wait_log("not-associated", since=since)
    assert reason in line
    return line


# lists


def lists_of(world, kind, path):
    if kind == "of another":
        return str(world.other_ca.crl)
    begin, end = {"overdue": (-9, -2), "not yet": (2, 9)}[kind]
    world.ca.publish(path, begin, end)
    return str(path)


LISTS = [("overdue", "CRL has expired"),
         ("not yet", "CRL is not yet valid"),
         ("of another", "unable to get certificate CRL")]


@pytest.mark.parametrize("kind, reason", LISTS)
def test_a_list_that_tells_nothing_lets_no_modality_in(
        start_gateway, pacs, world, tmp_path, kind, reason):
    lists = tmp_path / "crl.pem"
    gateway = start_gateway({"pacs": pacs}, receiver={"tls": world.tls(
        RevocationLists=lists_of(world, kind, lists))})
    is_refused(gateway, world, world.modality, reason)
    # The lists are renewed.
    gateway.receiver_settings["tls"]["RevocationLists"] = str(world.ca.crl)
    gateway.write_conf()
    assert "reloaded" in gateway.receiver.hup()
    world.good_one(gateway)


@pytest.mark.parametrize("kind, reason", LISTS)
def test_nor_is_sent_to_a_destination(
        start_gateway, storescp, world, tmp_path, kind, reason):
    scp = storescp(*world.dcmtk(world.pacs))
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port, "tls": world.tls(
            RevocationLists=lists_of(world, kind, tmp_path / "crl.pem"))}},
        routes=[{"ResponseTimeout": 2}])
    assert gateway.store(instance.make()).status == 0xA700
    gateway.wait_down("pacs")
    assert any(reason in line for line in warnings(gateway.sender))
    assert list(scp.folder.iterdir()) == []


# authorities in between


def test_authorities_in_between(start_gateway, pacs, world, between, tmp_path):
    """Lists are asked for of the one that issued a certificate; those above it
    may have none, but where they have it counts."""
    unknown = "unable to get local issuer certificate"
    no_list = "unable to get certificate CRL"
    root, ca, gone = between.root, between.ca, between.revoked_ca
    table = [  # trusted, lists of, who comes, why not
        (root, (), between.good, None),
        (root, (root, ca), between.good, None),
        (root, (ca,), between.good, None),
        (root, (root,), between.good, no_list),
        (root, (), between.alone, unknown),
        (root, (root, gone), between.orphan, "certificate revoked"),
        (root, (), between.orphan, None),
        (ca, (), between.good, None),
        (ca, (ca,), between.alone, None),
        (ca, (), between.orphan, "unable to get"),
    ]
    gateway = start_gateway({"pacs": pacs}, receiver={
        "tls": world.tls(between.gateway)})
    world = World.__new__(World)
    world.ca, world.modality = root, between.good
    for trusted, lists, who, reason in table:
        gateway.receiver_settings["tls"].update({
            "TrustedCertificates": str(trusted.cert),
            "RevocationLists": between.lists(tmp_path / "crl.pem", *lists)
            if lists else ""})
        gateway.write_conf()
        assert "reloaded" in gateway.receiver.hup()
        if reason:
            is_refused(gateway, world, who, reason)
        else:
            world.good_one(gateway, who)


def test_a_certificate_for_something_else(
        start_gateway, storescp, pacs, world):
    """Of a server, shown by a modality; of a client, by a destination."""
    scp = storescp(*world.dcmtk(world.ca.issue(
        "clientonly", more="extendedKeyUsage=clientAuth")))
    gateway = start_gateway(
        {"pacs": {"RemotePort": scp.port, "tls": world.tls()}},
        receiver={"tls": world.tls()}, routes=[{"ResponseTimeout": 2}])
    reason = "unsuitable certificate purpose"
    is_refused(gateway, world, world.ca.issue(
        "serveronly", more="extendedKeyUsage=serverAuth"), reason)
    with world.connect(gateway.port, world.ca.issue(
            "either", more="extendedKeyUsage=serverAuth,clientAuth")) as ct:
        assert ct.store(instance.make()).status == 0xA700
    assert any(reason in line for line in warnings(gateway.sender))


# names


def test_names_of_a_certificate(start_gateway, pacs, world):
    one = world.ca.issue(
        "CT 1", san="DNS:ct1.example.org,IP:127.0.0.9,URI:urn:ct:1")
    star = world.ca.issue("*", file="star", san="DNS:*.example.org")
    table = [  # PeerCertificate, of whom
        ("ct 1", one), ("CT1.EXAMPLE.ORG", one), ("*.example.org", one),
        ("127.0.0.9", one), ("urn:ct:?", one), ("no,ct1.*", one),
        ("ct1", None), ("example.org", None), ("ct1.example.org.", None),
        ("*ample.com", None), ("[.]example.org", None),
        ("c?1", None),  # what a certificate says is no pattern
    ]
    gateway = start_gateway({"pacs": pacs}, receiver={"tls": world.tls()})
    for names, good in table:
        gateway.receiver_settings["tls"]["PeerCertificate"] = names
        gateway.write_conf()
        assert "reloaded" in gateway.receiver.hup()
        if good:
            world.good_one(gateway, good)
        else:
            for who in (one, star):
                assert world.refused(gateway, who) == (1, 1, 1)


# other programs, with what is no good


def s_client(gateway, world, identity, *more):
    """It ends when we end it, or have said nothing until ARTIM."""
    return tools.run(
        "openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}",
        "-CAfile", world.ca.cert, "-cert", identity.cert, "-key",
        identity.key, *more, stdin=subprocess.DEVNULL, timeout=20)


@pytest.mark.parametrize("kind", list(REASONS))
def test_s_client_is_refused(start_gateway, pacs, world, kind):
    gateway = start_gateway({"pacs": pacs}, receiver={
        "tls": world.tls(Profile="BCP195-ND")})
    one = world.bad[kind]
    for protocol in "-tls1_2", "-tls1_3":
        since = len(gateway.receiver.log)
        done = s_client(gateway, world, one, protocol)
        assert protocol == "-tls1_3" or "alert" in done.stdout
        assert REASONS[kind] in gateway.receiver.wait_log(
            "not-associated", since=since)
    world.good_one(gateway)


@pytest.mark.parametrize("kind", list(REASONS))
def test_stunnel_is_refused(start_gateway, pacs, world, tmp_path, kind):
    """In front of a modality, and of a destination."""
    one = world.bad[kind]
    with Stunnel(tmp_path, world, one, tools.free_port(), pacs.port,
                 False) as behind:
        gateway = start_gateway(
            {"pacs": {"RemotePort": behind.port, "tls": world.tls()}},
            receiver={"tls": world.tls()}, routes=[{"ResponseTimeout": 2}])
        with Stunnel(tmp_path, world, one, tools.free_port(), gateway.port,
                     True) as before:
            done = tools.run("echoscu", "-to", 5, "-aec", "ENS-SCP",
                             "127.0.0.1", before.port)
            assert done.returncode != 0
        assert REASONS[kind] in gateway.receiver.wait_log("not-associated")
        with world.connect(gateway.port) as ct:
            assert ct.store(instance.make()).status == 0xA700
        gateway.wait_down("pacs")
        assert any(REASONS[kind] in line for line in warnings(gateway.sender))
        assert pacs.received == []


# protocols and sessions


PROFILES = ["BCP195", "BCP195-ND", "BCP195-Extended"]


@pytest.mark.parametrize("profile", PROFILES)
def test_protocols_and_suites(start_gateway, pacs, world, profile):
    """What each has, with keys of both kinds, and what none has; RFC 8996 and
    RFC 9325."""
    kinds = {"rsa": world.ca.issue(f"rsa-{profile}", rsa=True),
             "ecdsa": world.gateway}
    table = [  # of the client, whose key, of which profiles
        (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), "rsa",
         PROFILES),
        (("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"), "rsa", PROFILES),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), "ecdsa",
         PROFILES),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"), "ecdsa",
         PROFILES),
        (("-tls1_3",), "rsa", PROFILES[:2]),
        (("-tls1_3",), "ecdsa", PROFILES[:2]),
        (("-tls1_2", "-cipher", "AES128-SHA"), "rsa", PROFILES[:1]),
        (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA"), "rsa", []),
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"), "ecdsa", []),
        (("-tls1_2", "-cipher", "NULL:eNULL"), "rsa", []),
        (("-tls1_2", "-cipher", "aNULL"), "rsa", []),
        (("-tls1_1", "-cipher", "ALL"), "rsa", []),
        (("-tls1", "-cipher", "ALL"), "rsa", []),
    ]
    for kind, one in kinds.items():
        gateway = start_gateway({"pacs": pacs}, receiver={
            "tls": world.tls(one, Profile=profile)})
        for options, key, profiles in table:
            if key != kind:
                continue
            if "-cipher" in options:
                options = (*options[:-1], options[-1] + ":@SECLEVEL=0")
            done = s_client(gateway, world, world.modality, *options)
            got = re.search(r"^New, (\S+), Cipher is (\S+)", done.stdout,
                            re.MULTILINE).groups()
            assert (got[1] != "(NONE)") == (profile in profiles), (
                options, got)
        gateway.stop()


@pytest.mark.parametrize("how", [{"rsa": 1024}, {"digest": "sha1"}])
def test_weak_certificates(start_gateway, pacs, world, how):
    """Shown by a peer, and our own."""
    weak = world.ca.issue(f"weak-{list(how)[0]}", **how)
    gateway = start_gateway({"pacs": pacs}, receiver={"tls": world.tls()})
    s_client(gateway, world, weak, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0")
    assert re.search("too weak|too small",
                     gateway.receiver.wait_log("not-associated"))
    gateway.receiver_settings["tls"] = world.tls(weak)
    gateway.write_conf()
    line = gateway.receiver.hup()
    assert "receiver.tls.Certificate: " in line
    assert re.search("too weak|too small", line)
    world.good_one(gateway)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_session_does_not_come_back(start_gateway, pacs, world, version):
    """So that a list, or a reload, counts from the next connection on."""
    gateway = start_gateway({"pacs": pacs}, receiver={
        "tls": world.tls(Profile="BCP195-ND")})
    context = world.context(world.modality)
    context.maximum_version = ssl.TLSVersion[version]
    session = None
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", gateway.port)) as raw:
            with context.wrap_socket(raw, session=session) as sock:
                assert sock.version() == version.replace("_", ".")
                assert not sock.session_reused
                sock.sendall(pdu.associate_rq("JD-SCU", "ENS-SCP", [
                    (1, "1.2.840.10008.1.1", ["1.2.840.10008.1.2"])], 16384))
                assert pdu.read_pdu(sock)[0] == 2
                session = sock.session


def test_no_renegotiation(start_gateway, pacs, world):
    gateway = start_gateway({"pacs": pacs}, receiver={
        "tls": world.tls(Profile="BCP195-ND"), "ARTIM": 5})
    with subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port}",
             "-CAfile", world.ca.cert, "-cert", world.modality.cert, "-key",
             world.modality.key, "-tls1_2"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        seen = b""
        while b"Extended master secret" not in seen:
            seen += client.stdout.read1()
        client.stdin.write(b"R\n")
        client.stdin.flush()
        rest, _ = client.communicate(timeout=20)
    assert b"RENEGOTIATING" in rest and b"no renegotiation" in rest
    world.good_one(gateway)


def test_a_slow_destination_is_cut(start_gateway, world):
    """One that draws the handshake out, a byte at a time."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def trickle(sock):
        with sock:
            sock.recv(4096)
            try:
                for byte in b"\x16\x03\x03\x10\x00" + bytes(100):
                    sock.sendall(bytes((byte,)))
                    if stop.wait(0.3):
                        return
            except OSError:
                pass

    def serve():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=trickle, args=(sock,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    gateway = start_gateway(
        {"pacs": {"RemotePort": listener.getsockname()[1],
                  "AssociateTimeout": 2, "tls": world.tls()}},
        routes=[{"ResponseTimeout": 2}])
    assert gateway.store(instance.make()).status == 0xA700
    gateway.wait_down("pacs", timeout=8)
    assert "no progress in time" in gateway.sender.wait_log("link-down")
    stop.set()
    listener.close()


# reload, and what status says


def test_a_reload_that_cannot_be_keeps_what_was(
        start_gateway, storescp, world, tmp_path):
    ours = pki.Identity(tmp_path / "cert.pem", tmp_path / "key.pem")
    world.gateway.copy_to(ours)
    trusted, lists = tmp_path / "ca.pem", tmp_path / "crl.pem"
    trusted.write_bytes(world.ca.cert.read_bytes())
    lists.write_bytes(world.ca.crl.read_bytes())
    scp = storescp(*world.dcmtk(world.pacs))
    group = world.tls(ours, TrustedCertificates=str(trusted),
                      RevocationLists=str(lists))
    gateway = start_gateway({"pacs": {"RemotePort": scp.port, "tls": group}},
                            receiver={"tls": group})
    other = world.ca.issue("renewed")
    for path, text, wanted in (
            (ours.key, other.key.read_bytes(), "mismatch"),
            (ours.cert, other.cert.read_bytes(), "mismatch"),
            (ours.cert, b"", "there is no certificate"),
            (trusted, b"-----BEGIN CERTIFICATE-----\nMAAA\n"
             b"-----END CERTIFICATE-----\n", "damaged"),
            (lists, None, "No such file")):
        kept = path.read_bytes()
        path.unlink()
        if text is not None:
            path.write_bytes(text)
        for daemon in (gateway.receiver, gateway.sender):
            line = daemon.hup()
            assert " error " in line and wanted in line, line
            assert str(path) in line or str(ours.key) in line
        world.good_one(gateway)
        path.write_bytes(kept)
    for daemon in (gateway.receiver, gateway.sender):
        assert " info " in daemon.hup()
    world.good_one(gateway)


def test_status_says_when_ours_end(make_gateway, world, tmp_path):
    near = world.ca.issue("near", end=12)
    group = world.tls(near)
    gateway = make_gateway(
        {"pacs": {"RemotePort": 1, "tls": world.tls()},
         "plain": {"RemotePort": 1}}, receiver={"tls": group})
    gateway.receiver.start()
    assert "certificate-expires" in gateway.receiver.wait_log("certificate-")
    found = {one["Whose"]: one["Ends"]
             for one in gateway.json("status")["Certificates"]}
    assert list(found) == ["receiver", "pacs"]
    when = pki.openssl("x509", "-in", near.cert, "-noout", "-enddate")
    day = re.search(r" (\d+) ", when).group(1)
    assert found["receiver"][8:10] == f"{int(day):02}"
    text = gateway.command("status").stdout
    assert re.search(r"^certificate\treceiver\t1[12]$", text, re.M), text
