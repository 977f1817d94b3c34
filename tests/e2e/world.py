"""An authority and what it issues, and TLS made with it."""

import re
import ssl
import subprocess

import pki
import pytest
import tools
from peers import instance
from peers.modality import Modality, Rejected, contexts_for


class World:
    """An authority and the certificates that most tests need."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = pki.Authority(folder / "clinic")
        self.other_ca = pki.Authority(folder / "other")
        self.gateway = self.ca.issue("gateway", san="DNS:gw.example.org")
        self.modality = self.ca.issue("ct1")
        self.pacs = self.ca.issue("pacs", san="DNS:pacs.example.org")
        self.bad = {
            "expired": self.ca.issue("expired", begin=-9, end=-2),
            "not yet": self.ca.issue("early", begin=2, end=9),
            "revoked": self.ca.issue("revoked"),
            "self-signed": pki.self_signed(self.ca.folder, "selfsigned"),
            "stranger": self.other_ca.issue("stranger"),
        }
        self.ca.revoke(self.bad["revoked"])

    def tls(self, identity=None, **more):
        """The group, with lists."""
        one = identity or self.gateway
        return {"Certificate": str(one.cert), "PrivateKey": str(one.key),
                "TrustedCertificates": str(self.ca.cert),
                "RevocationLists": str(self.ca.crl), **more}

    def context(self, identity=None, ca=None, server=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server
                                 else ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca or self.ca.cert)
        if identity:
            context.load_cert_chain(identity.cert, identity.key)
        return context

    def dcmtk(self, identity, ca=None):
        return ("+tls", identity.key, identity.cert, "+cf", ca or self.ca.cert)

    def connect(self, port, identity=None, **more):
        """A modality over TLS, not associated yet."""
        ct = Modality(port, contexts_for(instance.make()), **more)
        ct.sock = self.context(identity or self.modality).wrap_socket(ct.sock)
        return ct

    def good_one(self, gateway, identity=None):
        with self.connect(gateway.port, identity) as ct:
            assert ct.store(instance.make()).status == 0

    def refused(self, gateway, identity=None, **more):
        """How the association is rejected."""
        with pytest.raises(Rejected) as e:
            with self.connect(gateway.port, identity, **more):
                pass
        return e.value.args


REASONS = {"expired": "certificate has expired",
           "not yet": "certificate is not yet valid",
           "revoked": "certificate revoked",
           "self-signed": "self-signed certificate",
           "stranger": "unable to get local issuer certificate"}


class Stunnel:
    def __init__(self, folder, world, identity, accept, connect, client):
        self.conf = folder / f"stunnel-{accept}.conf"
        self.conf.write_text(f"""
foreground = yes
pid =
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[dicom]
client = {"yes" if client else "no"}
accept = 127.0.0.1:{accept}
connect = 127.0.0.1:{connect}
cert = {identity.cert}
key = {identity.key}
CAfile = {world.ca.cert}
verifyChain = yes
requireCert = yes
""", "ascii")
        self.port = accept

    def __enter__(self):
        self.process = subprocess.Popen(
            ["stunnel4", self.conf], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        tools.wait_until(lambda: tools.listening(self.port), 10)
        return self

    def __exit__(self, *_):
        tools.end_session(self.process)


def warnings(daemon, since=0):
    return [line for line in daemon.log[since:]
            if re.search(r" (warning|error) ", line)
            and "runs-as-root" not in line]  # as the tests do
