"""Certificates made on the fly, with the openssl program."""

import datetime
import pathlib
import re
import shutil

import tools

CONF = """
[ca]
default_ca = ca
[ca]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
crlnumber = {folder}/crlnumber
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 30
policy = policy
copy_extensions = copy
unique_subject = no
[policy]
commonName = supplied
[req]
distinguished_name = dn
x509_extensions = authority
[dn]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
"""

CA = "basicConstraints=critical,CA:TRUE"


class Identity:
    def __init__(self, cert, key):
        self.cert, self.key = pathlib.Path(cert), pathlib.Path(key)

    @property
    def fingerprint(self):
        done = openssl("x509", "-in", self.cert, "-noout", "-fingerprint",
                       "-sha256")
        return "sha256:" + re.search(r"=([0-9A-F:]+)", done).group(1)

    def copy_to(self, other):
        shutil.copyfile(self.cert, other.cert)
        shutil.copyfile(self.key, other.key)


def openssl(*words):
    done = tools.run("openssl", *words)
    assert done.returncode == 0, done.stdout
    return done.stdout


def stamp(days):
    when = datetime.datetime.utcnow() + datetime.timedelta(days=days)
    return when.strftime("%Y%m%d%H%M%SZ")


class Authority:
    def __init__(self, folder, parent=None):
        """parent: who certifies it, instead of itself."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.conf = self.folder / "ca.conf"
        self.conf.write_text(CONF.format(folder=self.folder), "ascii")
        (self.folder / "index.txt").touch()
        (self.folder / "serial").write_text("1000\n", "ascii")
        (self.folder / "crlnumber").write_text("01\n", "ascii")
        self.cert = self.folder / "ca.pem"
        self.key = self.folder / "ca.key"
        self.crl = self.folder / "crl.pem"
        if parent:
            one = parent.issue(f"{self.folder.name} authority", more=CA)
            shutil.copyfile(one.cert, self.cert)
            shutil.copyfile(one.key, self.key)
        else:
            openssl("req", "-x509", "-config", self.conf, "-newkey", "ec",
                    "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "365", "-subj", f"/CN={self.folder.name} authority",
                    "-keyout", self.key, "-out", self.cert)
        self.identity = Identity(self.cert, self.key)
        self.publish()

    def issue(self, name, begin=-1, end=365, passphrase=None, san=None,
              rsa=False, more=None, file=None, digest="sha256"):
        """begin, end: days from now. rsa: bits. more: another extension."""
        file = file or name
        one = Identity(self.folder / f"{file}.pem", self.folder / f"{file}.key")
        request = self.folder / f"{file}.csr"
        kind = ((f"rsa:{2048 if rsa is True else rsa}",) if rsa else
                ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
        openssl("req", "-new", "-config", self.conf, "-newkey", *kind,
                "-subj", f"/CN={name}", "-keyout", one.key, "-out", request,
                *(("-addext", f"subjectAltName={san}") if san else ()),
                *(("-addext", more) if more else ()),
                *(("-passout", f"pass:{passphrase}") if passphrase
                  else ("-nodes",)))
        openssl("ca", "-config", self.conf, "-batch", "-notext", "-md", digest,
                "-in", request, "-out", one.cert, "-startdate", stamp(begin),
                "-enddate", stamp(end))
        return one

    def revoke(self, identity):
        openssl("ca", "-config", self.conf, "-revoke", identity.cert)
        self.publish()

    def publish(self, path=None, begin=0, end=30):
        """A list, from day `begin` to day `end`."""
        openssl("ca", "-config", self.conf, "-gencrl", "-out",
                path or self.crl, "-crl_lastupdate", stamp(begin),
                "-crl_nextupdate", stamp(end))


def self_signed(folder, name):
    one = Identity(folder / f"{name}.pem", folder / f"{name}.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "365", "-subj",
            f"/CN={name}", "-keyout", one.key, "-out", one.cert)
    return one
