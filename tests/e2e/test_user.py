"""User: root binds and reads keys, and is root never again."""

import os
import pathlib
import pwd
import re
import shutil
import stat
import subprocess
import tempfile

import pytest
from peers import instance

import gateway as gateways
import pki
import tools

USER = "nobody"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")


@pytest.fixture
def tmp_path():
    """One that the user can get at."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dcmspool-user-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def gateway(make_gateway, pacs):
    return make_gateway({"pacs": pacs}, top={"User": USER})


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {key: value.split() for key, value in
            (line.split(":", 1) for line in text.splitlines())}


def ids():
    entry = pwd.getpwnam(USER)
    return entry.pw_uid, entry.pw_gid


def has_become(pid):
    seen, (uid, gid) = status(pid), ids()
    assert set(seen["Uid"]) == {str(uid)}
    assert set(seen["Gid"]) == {str(gid)}
    assert set(seen["Groups"]) <= {str(gid)}
    for which in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(seen[which][0], 16) == 0, which
    assert seen["NoNewPrivs"] == ["1"]
    # Of a process that may be traced they are its own.
    if not gateways.SANITIZED:
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)


def test_all_processes_are_the_user(gateway):
    gateway.start()
    one = instance.make()
    with gateway.modality(one) as ct:
        assert ct.store(one).status == 0
        for daemon in (gateway.receiver, gateway.sender):
            processes = list(daemon.processes())
            assert len(processes) > 1
            for pid in processes:
                has_become(pid)
    assert not [line for line in gateway.receiver.log + gateway.sender.log
                if "runs-as-root" in line]


def test_the_spool_is_the_users_alone(gateway, pacs):
    pacs.stop()
    gateway.start()
    gateway.store(instance.make())
    uid, _ = ids()
    for path in [gateway.spool, *gateway.spool.rglob("*")]:
        try:
            seen = path.stat()
        except FileNotFoundError:  # written and renamed at each probe
            continue
        assert seen.st_uid == uid, path
        assert stat.S_IMODE(seen.st_mode) == (
            0o700 if path.is_dir() else 0o600), path


def test_an_empty_folder_of_root_is_given_to_the_user(gateway):
    gateway.spool.mkdir(mode=0o755)
    (gateway.spool / "lost+found").mkdir()
    gateway.start()
    assert gateway.spool.stat().st_uid == ids()[0]
    assert stat.S_IMODE(gateway.spool.stat().st_mode) == 0o700


def run(daemon, **more):
    return subprocess.run([daemon.program, "-c", daemon.conf], timeout=20,
                          capture_output=True, text=True, **more)


def test_the_spool_of_another(gateway):
    gateway.spool.mkdir()
    (gateway.spool / "version").write_text("dcmspool-spool 1\n")
    for daemon in (gateway.receiver, gateway.sender):
        done = run(daemon)
        assert done.returncode == 78
        assert "belongs to user 0, and User is nobody" in done.stderr
    shutil.rmtree(gateway.spool)


@pytest.mark.parametrize("user, said", [
    ("nobody-of-that-name", "there is no user nobody-of-that-name"),
    ("root", "is root"), ("no body", "is not a user's name")])
def test_users_that_cannot_be(gateway, user, said):
    gateway.top["User"] = user
    gateway.write_conf()
    for daemon in (gateway.receiver, gateway.sender):
        done = run(daemon)
        assert done.returncode == 78
        assert said in done.stderr
    assert not gateway.spool.exists()


def test_only_root_can_become_another(gateway):
    gateway.top["User"] = "daemon"
    gateway.write_conf()
    uid, gid = ids()
    # The tree may lie where only root gets at.
    for daemon in (gateway.receiver, gateway.sender):
        program = gateway.folder / daemon.program.name
        shutil.copy(daemon.program, program)
        done = subprocess.run([program, "-c", daemon.conf], timeout=20,
                              capture_output=True, text=True, user=uid,
                              group=gid, extra_groups=[])
        assert done.returncode == 78
        assert "only root can become daemon" in done.stderr


def test_root_is_warned_of(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    for daemon in (gateway.receiver, gateway.sender):
        assert daemon.wait_log(r"warning runs-as-root ")


def test_a_port_below_1024(gateway):
    """It is bound before, and kept where a new one cannot be had."""
    before = gateway.receiver_settings["IPPort"] = gateway.port = (
        tools.free_port(700, 1000))
    gateway.write_conf()
    gateway.start()
    assert gateway.store(instance.make()).status == 0
    gateway.receiver_settings["IPPort"] = before + 1
    gateway.write_conf()
    gateway.receiver.hup()
    assert gateway.receiver.wait_log(r"listen-failed .*Permission denied")
    assert gateway.store(instance.make()).status == 0
    # An address at the same port overlaps with the old one.
    gateway.receiver_settings.update(IPPort=before, LocalInterface="")
    gateway.write_conf()
    gateway.receiver.hup()
    has_become(gateway.receiver.process.pid)


def test_keys_that_are_roots_alone(make_gateway, tmp_path, destination):
    ca = pki.Authority(tmp_path / "clinic")
    identity = ca.issue("gateway")
    os.chmod(identity.key, 0o600)
    tls = {"Certificate": str(identity.cert), "PrivateKey": str(identity.key),
           "TrustedCertificates": str(ca.cert)}
    pacs = destination()
    gateway = make_gateway({"pacs": {"RemotePort": pacs.port, "tls": tls}},
                           receiver={"tls": tls}, top={"User": USER})
    gateway.start()
    for daemon, event in ((gateway.receiver, "reload-failed"),
                          (gateway.sender, "not-reloaded")):
        seen = len(daemon.log)
        daemon.hup()
        line = daemon.wait_log(event, 10, seen)
        assert "PrivateKey" in line and "Permission denied" in line
        assert daemon.running
    # The old ones are still good.
    assert subprocess.run(
        ["echoscu", "+tls", identity.key, identity.cert, "+cf", ca.cert,
         "-aec", "ENS-SCP", "127.0.0.1", str(gateway.port)],
        timeout=20, check=False).returncode == 0
    uid, _ = ids()
    os.chown(identity.key, uid, -1)
    for daemon in (gateway.receiver, gateway.sender):
        assert "reloaded" in daemon.hup()
