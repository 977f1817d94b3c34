"""dcmspool-sender --echo: would a destination take us, and if not, why?"""

import os
import shutil
import socket
import subprocess
import threading

import pytest
from peers import instance

import gateway as gateways
import pki
import test_orthanc
import tools

USAGE, UNAVAILABLE, NO_HOST, PROTOCOL, TEMPORARY, NO_PERMISSION = (
    64, 69, 68, 76, 75, 77)
NOT_SO = 1


def ask(gateway, name="pacs"):
    done = tools.run(gateways.SENDER, "-c", gateway.conf, "--echo", name)
    print(done.stdout)
    return done


def assert_told(done, code, words, to_do):
    """Every refusal says what happened, what to do, and which file."""
    assert done.returncode == code, done.stdout
    assert f"pacs: nothing would be delivered: {words}" in done.stdout
    (advice,) = (line for line in done.stdout.splitlines()
                 if line.startswith("What to do: "))
    assert to_do in advice
    assert "The configuration is /" in done.stdout


@pytest.fixture
def made(make_gateway):
    """A gateway that is not started, with a spool that is there."""
    def make(settings, **more):
        one = make_gateway({"pacs": settings}, **more)
        one.sender.start()
        one.sender.stop()
        return one
    return make


def queue(gateway, *instances):
    for number, item in enumerate(instances):
        path = item.write(gateway.folder / f"{number}.dcm")
        assert gateway.command("import", "pacs", path).returncode == 0


class Listener:
    """Takes connections, and does with each what it is told."""

    def __init__(self, serve):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.kept = []
        self.serve = serve
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            self.kept.append(connection)
            self.serve(connection)

    def close(self):
        # The thread is in accept(), which close() alone does not end.
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for connection in self.kept:
            connection.close()


@pytest.fixture
def listener():
    started = []

    def start(serve):
        started.append(Listener(serve))
        return started[-1]

    yield start
    for one in started:
        one.close()


def answer(data):
    """Reads the request, and writes data."""
    def serve(connection):
        try:
            connection.recv(1 << 16)
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has heard enough
    return serve


def test_it_takes_us(made, storescp):
    gateway = made(storescp().port)
    done = ask(gateway)
    assert done.returncode == 0
    assert "in the clear; we are ENS-SCU, and call it PACS" in done.stdout
    assert "pacs: it would take us; it answered C-ECHO within" in done.stdout
    assert "Nothing is queued" in done.stdout


def test_what_is_queued_is_proposed(made, tmp_path):
    """storescp without --accept-all takes uncompressed data sets alone."""
    port = tools.free_port()
    process = subprocess.Popen(
        ["storescp", "-od", tmp_path, str(port)], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    try:
        tools.wait_until(lambda: tools.listening(port), 10, "storescp")
        gateway = made(port)
        compressed = instance.make()
        compressed.transfer = "1.2.840.10008.1.2.4.90"
        queue(gateway, instance.make(), compressed)
        done = ask(gateway)
    finally:
        tools.end_session(process)
    assert done.returncode == NOT_SO
    assert "pacs: it would take us; it answered C-ECHO" in done.stdout
    assert ("takes   SecondaryCaptureImageStorage in LittleEndianExplicit\n"
            in done.stdout)
    assert ("refuses SecondaryCaptureImageStorage in JPEG2000LosslessOnly: it "
            "takes the SOP class, but not in this transfer syntax\n"
            in done.stdout)
    assert "What to do: have it take what it refuses" in done.stdout


def test_the_queue_is_left_alone(made, storescp):
    gateway = made(storescp().port)
    queue(gateway, instance.make())
    (item,) = gateway.items("pacs", "new")
    before = sorted(p for p in gateway.spool.rglob("*"))
    assert ask(gateway).returncode == 0
    assert gateway.items("pacs", "new") == [item]
    assert sorted(p for p in gateway.spool.rglob("*")) == before


def test_beside_a_running_sender(start_gateway, storescp):
    gateway = start_gateway({"pacs": storescp().port})
    assert ask(gateway).returncode == 0


def test_without_a_spool(make_gateway, storescp):
    gateway = make_gateway({"pacs": storescp().port})
    done = ask(gateway)
    assert done.returncode == 0
    assert "The spool cannot be read" in done.stdout


def test_unknown_destination(made, storescp):
    done = ask(made(storescp().port), "PACS2")
    assert done.returncode == USAGE
    assert "there is no destination PACS2 in" in done.stdout
    assert "there are: pacs" in done.stdout


def test_name_that_does_not_resolve(made):
    assert_told(ask(made({"RemotePort": 104,
                          "RemoteHost": "pacs.invalid"})),
                NO_HOST, "the name pacs.invalid does not resolve",
                "destinations[0].RemoteHost")


def test_connection_refused(made):
    port = tools.free_port()
    assert_told(ask(made(port)), UNAVAILABLE,
                f"nothing listens on 127.0.0.1 port {port} "
                "(connection refused)", "RemotePort in destinations[0]")


@pytest.mark.skipif(not shutil.which("ip") or os.geteuid() != 0,
                    reason="it takes root and iproute2 for a namespace")
def test_black_hole(made):
    """Packets to it are dropped, by nobody at the far end of a link."""
    name = f"dcmspool-echo-{os.getpid()}"
    gateway = made({"RemotePort": 104, "RemoteHost": "192.0.2.10",
                    "ConnectTimeout": 1})
    steps = ["ip link set lo up", "ip link add ve0 type veth peer name ve1",
             "ip addr add 192.0.2.1/24 dev ve0", "ip link set ve0 up",
             "ip link set ve1 up",
             "ip neigh add 192.0.2.10 lladdr 02:00:00:00:00:01 dev ve0"]
    assert tools.run("ip", "netns", "add", name).returncode == 0
    try:
        for step in steps:
            done = tools.run("ip", "netns", "exec", name, *step.split())
            if "mount" in done.stdout:  # ip(8) itself, before the step
                pytest.skip(f"network namespaces: {done.stdout.strip()}")
            assert done.returncode == 0, done.stdout
        done = tools.run("ip", "netns", "exec", name, gateways.SENDER, "-c",
                         gateway.conf, "--echo", "pacs")
    finally:
        tools.run("ip", "netns", "del", name)
    assert_told(done, UNAVAILABLE, "192.0.2.10 port 104 does not answer "
                "within 1 s (ConnectTimeout)", "firewall")


def test_silence(made, listener):
    peer = listener(lambda connection: None)
    assert_told(ask(made({"RemotePort": peer.port, "AssociateTimeout": 1})),
                UNAVAILABLE, "it took the connection, and gave no answer in "
                "time", "destinations[0].RemotePort")


def test_it_hangs_up(made, listener):
    peer = listener(answer(b""))
    assert_told(ask(made(peer.port)), PROTOCOL,
                "it hung up without an answer", "its log")


def test_it_aborts(made, listener):
    peer = listener(answer(bytes.fromhex("07 00 00000004 00 00 02 00")))
    assert_told(ask(made(peer.port)), PROTOCOL,
                "it aborted the association", "its log")


def test_it_is_something_else(made, listener):
    peer = listener(answer(b"220 mail.example.org ESMTP Postfix\r\n"))
    assert_told(ask(made(peer.port)), PROTOCOL,
                "what it answers is no DICOM", "its DICOM port")


@pytest.mark.parametrize("result, source, reason, code, words, to_do", [
    (1, 1, 3, NO_PERMISSION, "it does not know our AE title ENS-SCU "
     "(rejected, 1/1/3)", "destinations[0].LocalAET"),
    (1, 1, 7, NO_PERMISSION, "it does not answer to the AE title PACS "
     "(rejected, 1/1/7)", "destinations[0].RemoteAET"),
    (2, 3, 2, TEMPORARY, "it has too much to do just now (rejected, 2/3/2)",
     "destinations[0].Lanes"),
    (1, 1, 1, NO_PERMISSION, "rejected for good (1/1/1): no reason given",
     "its log"),
])
def test_it_rejects(made, listener, result, source, reason, code, words, to_do):
    peer = listener(answer(
        bytes([3, 0, 0, 0, 0, 4, 0, result, source, reason])))
    assert_told(ask(made(peer.port)), code, words, to_do)


def test_orthanc_does_not_know_us(made, tmp_path):
    if test_orthanc.ORTHANC is None:
        pytest.skip("no Orthanc here")
    folder = tmp_path / "orthanc"
    folder.mkdir()
    orthanc = test_orthanc.Orthanc(folder, {}, DicomCheckCalledAet=True)
    orthanc.start()
    try:
        assert_told(ask(made(orthanc.port)), NO_PERMISSION,
                    "it does not answer to the AE title PACS",
                    "destinations[0].RemoteAET")
        done = ask(made({"RemotePort": orthanc.port, "RemoteAET": "ORTHANC"}))
        assert done.returncode == 0
    finally:
        orthanc.stop()


QRSCP = """
NetworkTCPPort = {port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
known = (ENS-SCU, localhost, 104)
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ARCHIVE {folder} RW (9, 1024mb) {peers}
AETable END
"""


@pytest.mark.skipif(not shutil.which("dcmqrscp"), reason="no dcmqrscp here")
def test_dcmqrscp_checks_titles(made, tmp_path):
    port = tools.free_port()
    conf = tmp_path / "dcmqrscp.cfg"
    conf.write_text(QRSCP.format(port=port, folder=tmp_path, peers="known"))
    process = subprocess.Popen(
        ["dcmqrscp", "-c", str(conf)], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    try:
        tools.wait_until(lambda: tools.listening(port), 10, "dcmqrscp")
        ok = {"RemotePort": port, "RemoteAET": "ARCHIVE"}
        assert ask(made(ok)).returncode == 0
        assert_told(ask(made({**ok, "RemoteAET": "NOBODY"})), NO_PERMISSION,
                    "it does not answer to the AE title NOBODY",
                    "destinations[0].RemoteAET")
    finally:
        tools.end_session(process)


def test_titles_that_are_passed_on(made, storescp):
    """%calling: those of the first item that waits."""
    gateway = made({"RemotePort": storescp().port, "LocalAET": "%calling"})
    queue(gateway, instance.make())
    assert ask(gateway).returncode == 0


class Pki:
    def __init__(self, folder):
        self.ca = pki.Authority(folder / "clinic")
        self.other = pki.Authority(folder / "other")
        self.ours = self.ca.issue("gateway")
        self.pacs = self.ca.issue("pacs")
        self.expired = self.ca.issue("expired", begin=-9, end=-2)
        self.stranger = self.other.issue("stranger")

    def group(self, one=None, **more):
        one = one or self.ours
        return {"Certificate": str(one.cert), "PrivateKey": str(one.key),
                "TrustedCertificates": str(self.ca.cert), **more}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


def tls_peer(storescp, certificates, one=None):
    one = one or certificates.pacs
    return storescp("+tls", str(one.key), str(one.cert), "+cf",
                    str(certificates.ca.cert))


def test_tls(made, storescp, certificates):
    peer = tls_peer(storescp, certificates)
    done = ask(made({"RemotePort": peer.port, "tls": certificates.group()}))
    assert done.returncode == 0
    assert "with TLS" in done.stdout


def test_tls_we_do_not_trust_it(made, storescp, certificates):
    peer = tls_peer(storescp, certificates, certificates.stranger)
    assert_told(ask(made({"RemotePort": peer.port,
                          "tls": certificates.group()})),
                NO_PERMISSION, "we do not trust it: the certificate of",
                "destinations[0].tls.TrustedCertificates")


def test_tls_it_does_not_trust_us(made, storescp, certificates):
    peer = tls_peer(storescp, certificates)
    assert_told(ask(made({"RemotePort": peer.port, "tls": certificates.group(
                    certificates.stranger)})),
                NO_PERMISSION, "it does not trust us: ",
                "destinations[0].tls.Certificate")


def test_tls_it_is_another(made, storescp, certificates):
    peer = tls_peer(storescp, certificates)
    assert_told(ask(made({"RemotePort": peer.port, "tls": certificates.group(
                    PeerCertificate="archive.example.org")})),
                NO_PERMISSION, "it is not whom we mean: ",
                "destinations[0].tls.PeerCertificate")


def test_tls_where_there_is_none(made, storescp, certificates):
    done = ask(made({"RemotePort": storescp().port, "AssociateTimeout": 2,
                     "tls": certificates.group()}))
    assert done.returncode in (PROTOCOL, UNAVAILABLE), done.stdout
    assert "nothing would be delivered" in done.stdout
    assert "TLS" in done.stdout.split("What to do: ")[1]


def test_no_tls_where_there_is(made, storescp, certificates):
    peer = tls_peer(storescp, certificates)
    done = ask(made({"RemotePort": peer.port, "AssociateTimeout": 2}))
    assert done.returncode in (PROTOCOL, UNAVAILABLE), done.stdout
    assert "nothing would be delivered" in done.stdout
    assert "destinations[0].tls" in done.stdout.split("What to do: ")[1]
