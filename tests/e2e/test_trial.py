"""-n of the daemons: what would hinder a start, and what to do about it."""

import os
import re
import socket
import subprocess

import pytest

import gateway as gateways
import pki
import tools

CANNOT, TEMPORARY, CONFIG = 73, 75, 78
BOTH = [gateways.RECEIVER, gateways.SENDER]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root")

each = pytest.mark.parametrize("program", BOTH, ids=lambda p: p.name)


def check(gateway, program, user=None):
    """The exit code, what is on standard error, and what on output."""
    command = [str(program), "-n", "-c", str(gateway.conf)]
    done = subprocess.run(command, text=True, capture_output=True, timeout=20,
                          user=user, extra_groups=[] if user else None,
                          check=False)
    print(done.stderr + done.stdout)
    return done.returncode, done.stderr, done.stdout


@each
def test_nothing_hinders(make_gateway, pacs, program):
    gateway = make_gateway({"pacs": pacs})
    code, problems, said = check(gateway, program)
    assert (code, problems) == (0, "")
    assert f"{gateway.conf} is good" in said
    assert "is made at the first start" in said
    assert not gateway.spool.exists()
    if program == gateways.SENDER:
        assert f"-c {gateway.conf} --echo pacs\n" in said
    else:
        assert f"port {gateway.port} of 127.0.0.1" in said


@each
def test_nothing_is_changed(start_gateway, pacs, program):
    gateway = start_gateway({"pacs": pacs})
    gateway.stop()
    before = {p: p.lstat() for p in sorted(gateway.spool.rglob("*"))}
    assert check(gateway, program)[:2] == (0, "")
    after = {p: p.lstat() for p in sorted(gateway.spool.rglob("*"))}
    assert [(p, s.st_mtime_ns, s.st_mode) for p, s in before.items()] == [
        (p, s.st_mtime_ns, s.st_mode) for p, s in after.items()]


@each
def test_beside_one_that_runs(start_gateway, pacs, program):
    """The port is its own, then."""
    code, problems, said = check(start_gateway({"pacs": pacs}), program)
    assert (code, problems) == (0, "")
    assert "runs on this spool already" in said


def test_port_in_use(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs})
    with socket.create_server(("127.0.0.1", gateway.port)):
        code, problems, _ = check(gateway, gateways.RECEIVER)
    assert code == TEMPORARY
    assert f"port {gateway.port} is in use by another program" in problems
    assert f"receiver.IPPort in {gateway.conf}" in problems


@needs_root
def test_port_of_root(make_gateway, pacs, nobody, program_of):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start",
              encoding="ascii") as f:
        if int(f.read()) < 1024:
            pytest.skip("here everybody may listen on ports below 1024")
    gateway = make_gateway({"pacs": pacs}, receiver={"IPPort": 999})
    gateway.folder.chmod(0o777)
    code, problems, _ = check(gateway, program_of(gateways.RECEIVER), nobody)
    assert code == CANNOT
    assert "user nobody may not listen on port 999" in problems
    assert "CAP_NET_BIND_SERVICE" in problems


def test_address_of_another(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs},
                           receiver={"LocalInterface": "192.0.2.1"})
    code, problems, _ = check(gateway, gateways.RECEIVER)
    assert code == CONFIG
    assert "receiver.LocalInterface 192.0.2.1 is no address" in problems


@each
@needs_root
def test_spool_of_another(start_gateway, pacs, program, nobody, program_of):
    gateway = start_gateway({"pacs": pacs})
    gateway.stop()
    code, problems, _ = check(gateway, program_of(program), nobody)
    assert code == CANNOT
    assert (f"user nobody may not write to {gateway.spool}" in problems
            and "chown -R nobody" in problems)


@each
@needs_root
def test_root_and_a_spool_of_another(start_gateway, pacs, program, nobody):
    """What root would make there, its owner could not move."""
    gateway = start_gateway({"pacs": pacs})
    gateway.stop()
    tools.run("chown", "-R", "nobody", gateway.spool)
    code, _, said = check(gateway, program)
    assert code == 0
    assert 'write User = "nobody"; in' in said
    gateway.top["User"] = "nobody"
    gateway.write_conf()
    code, problems, said = check(gateway, program)
    assert (code, problems) == (0, "")
    assert "write User" not in said
    folder = gateway.path("pacs", "new")
    tools.run("chown", "root", folder)
    code, problems, _ = check(gateway, program)
    assert code == CANNOT
    assert f"user nobody may not write to {folder}, which belongs to root" in (
        problems)


@each
def test_unknown_user(make_gateway, pacs, program):
    gateway = make_gateway({"pacs": pacs}, top={"User": "no-such-user"})
    code, problems, _ = check(gateway, program)
    assert code == CONFIG
    assert "there is no user no-such-user" in problems
    assert str(gateway.conf) in problems


@each
def test_spool_that_is_none(make_gateway, pacs, program):
    gateway = make_gateway({"pacs": pacs})
    gateway.spool.mkdir()
    assert check(gateway, program)[0] == 0
    (gateway.spool / "letter.txt").write_text("dear", "ascii")
    code, problems, _ = check(gateway, program)
    assert code == CONFIG
    assert "is not a spool of dcmspool" in problems
    assert "write another StorageLocation in" in problems


@each
def test_spool_without_a_parent(make_gateway, pacs, program, tmp_path):
    gateway = make_gateway({"pacs": pacs}, top={
        "StorageLocation": str(tmp_path / "not" / "there")})
    code, problems, _ = check(gateway, program)
    assert code == CANNOT
    assert "does not exist" in problems and "install -d -m 0700" in problems


def test_little_space(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs}, top={"MinFreeBytes": 1 << 60})
    gateway.sender.start()
    gateway.sender.stop()
    code, _, said = check(gateway, gateways.RECEIVER)
    assert code == 0
    assert "less than MinFreeBytes" in said


@pytest.mark.parametrize("days", [-3, 9])
@each
def test_certificate_that_ends(make_gateway, pacs, tmp_path, program, days):
    authority = pki.Authority(tmp_path / "ca")
    one = authority.issue("gateway", begin=-9, end=days)
    tls = {"Certificate": str(one.cert), "PrivateKey": str(one.key),
           "TrustedCertificates": str(authority.cert)}
    gateway = make_gateway(
        {"pacs": {"RemotePort": pacs.port, "tls": tls}},
        receiver={"tls": tls})
    place = {gateways.RECEIVER: "receiver.tls",
             gateways.SENDER: "destinations[0].tls"}[program]
    code, problems, said = check(gateway, program)
    if days > 0:
        assert (code, problems) == (0, "")
        assert re.search(re.escape(f"{place}.Certificate {one.cert} ends in ")
                         + "[89] days", said)
    else:
        assert code == CONFIG
        assert re.search(re.escape(f"{place}.Certificate {one.cert} has ended ")
                         + "[23] days ago", problems)


def test_all_at_once(make_gateway, pacs, tmp_path):
    gateway = make_gateway({"pacs": pacs}, top={
        "StorageLocation": str(tmp_path / "not" / "there")})
    with socket.create_server(("127.0.0.1", gateway.port)):
        code, problems, _ = check(gateway, gateways.RECEIVER)
    assert code == CANNOT
    assert "is in use" in problems and "StorageLocation" in problems


@pytest.mark.parametrize("routes, receiver, note", [
    ([{}, {"RemoteAET": "CT1"}], {}, "routes[0] takes everything"),
    ([{"RemoteAET": "CT1"}], {"RemoteAET": "ct1"},
     "routes[0].RemoteAET means CT1, which is rejected: add it to "
     "receiver.RemoteAET"),
    ([{"LocalAET": "ARCHIVE"}], {},
     "routes[0].LocalAET means ARCHIVE, which is rejected"),
    ([{"RemoteAET": "CT*"}], {"RemoteAET": "CT1, MR1"},
     "receiver.RemoteAET lets MR1 in, and no route takes"),
])
@each
def test_what_does_not_meet(make_gateway, pacs, program, routes, receiver,
                            note):
    gateway = make_gateway({"pacs": pacs}, routes=routes, receiver=receiver)
    code, problems, said = check(gateway, program)
    assert (code, problems) == (0, "")
    assert f": note: {note}" in said


@each
def test_a_key_that_all_can_read(make_gateway, pacs, program, tmp_path):
    one = pki.self_signed(tmp_path, "ours")
    secret = tmp_path / "passphrase"
    secret.write_text("x\n")
    link = tmp_path / "link.pem"
    link.symlink_to(one.key)
    group = {"Certificate": str(one.cert), "PrivateKey": str(link),
             "PassphraseFile": str(secret), "RequirePeerCertificate": False}
    gateway = make_gateway({"pacs": {"RemotePort": pacs.port, "tls": group}},
                           receiver={"tls": group})
    for mode, told in ((0o600, False), (0o640, False), (0o644, True)):
        one.key.chmod(mode)
        secret.chmod(mode)
        code, problems, said = check(gateway, program)
        assert (code, problems) == (0, "")
        for path in (link, secret):
            assert (f"{path} is open to every user" in said) == told


@each
def test_destinations_that_get_nothing_or_all(make_gateway, pacs, program):
    gateway = make_gateway({"pacs": pacs, "spare": pacs, "loop": 104},
                           routes=[{"DuplexTargetConfigNames": "pacs,loop"}])
    gateway.destinations["loop"]["RemotePort"] = gateway.port
    gateway.write_conf()
    code, _, said = check(gateway, program)
    assert code == 0
    assert "destinations[1], spare, is in no route" in said
    assert "destinations[2], loop, is our own receiver" in said


@each
def test_no_configuration(tmp_path, program):
    done = tools.run(program, "-n", "-c", tmp_path / "none.conf")
    assert done.returncode == CONFIG
    assert "none.conf" in done.stdout and "dcmspool.conf(5)" in done.stdout
