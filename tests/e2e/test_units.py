"""The systemd units: what systemd says of them, and whether the daemons can
live with what they say."""

import os
import pathlib
import re
import signal
import socket
import time

import pytest
from peers import instance

import contrib
import gateway as gateways
import tools

PORT_104 = contrib.FOLDER / "systemd/dcmspool-receiver.service.d/port-104.conf"
EXPOSURE_MAX = 3.0
WATCHDOG_LIMIT_US = 600000


# systemd

@pytest.fixture
def unit_folder(tmp_path):
    """The units, with programs that are there."""
    folder = tmp_path / "units"
    folder.mkdir()
    for side, path in contrib.UNITS.items():
        program = getattr(gateways, side.upper())
        text = path.read_text("utf-8")
        assert f"ExecStart=/usr/sbin/dcmspool-{side}\n" in text
        (folder / path.name).write_text(text.replace(
            f"/usr/sbin/dcmspool-{side}", str(program)), "utf-8")
    return folder


def exposure(path):
    done = contrib.run("systemd-analyze", "security", "--offline=yes",
                       "--no-pager", path)
    return float(re.search(r"Overall exposure level.*: ([0-9.]+)",
                           done.stdout).group(1))


def test_units_verify(unit_folder):
    contrib.need("systemd-analyze")
    for path in sorted(unit_folder.iterdir()):
        done = contrib.run("systemd-analyze", "verify", "--man=no", path)
        assert (done.returncode, done.stdout) == (0, "")
    path.write_text(path.read_text("utf-8").replace(
        "WatchdogSec=120", "WatchdogSec=often"), "utf-8")
    done = contrib.run("systemd-analyze", "verify", "--man=no", path)
    assert done.stdout != ""


@pytest.mark.parametrize("side", contrib.UNITS)
def test_unit_is_hardened(unit_folder, side):
    contrib.need("systemd-analyze")
    path = unit_folder / contrib.UNITS[side].name
    assert exposure(path) < EXPOSURE_MAX
    if side == "receiver":
        path.write_text(path.read_text("utf-8").replace(
            "[Install]", PORT_104.read_text("utf-8").replace(
                "[Service]\n", "") + "\n[Install]"), "utf-8")
        assert exposure(path) < EXPOSURE_MAX


@pytest.mark.parametrize("side", contrib.UNITS)
def test_unit_says_what_we_do(side):
    unit = contrib.unit(side)
    assert unit["Type"] == ["notify"] and unit["WatchdogSec"]
    assert unit["User"] == unit["Group"] == [contrib.user()]
    assert unit["ReadWritePaths"] == [f"-{contrib.spool()}"]
    assert contrib.ledger() == f"/var/log/{unit['LogsDirectory'][0]}/ledger"
    # A stop takes the daemons up to 25 s.
    assert int(unit["TimeoutStopSec"][0]) > 25
    for page in unit["Documentation"][0].split():
        name, section = re.fullmatch(r"man:(.*)\((\d)\)", page).groups()
        assert list(tools.TREE.glob(f"*/{name}.{section}")), page


def filter_set(name):
    """A systemd set of system calls, with the sets in it."""
    done = contrib.run("systemd-analyze", "syscall-filter", "--no-pager", name)
    found = set()
    for line in done.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= filter_set(word)
        elif word and not word.startswith("#"):
            found.add(word)
    assert found, done.stdout
    return found


def allowed_calls(side):
    allowed = set()
    for line in contrib.unit(side)["SystemCallFilter"]:
        names = set().union(*(
            filter_set(word) if word[0] == "@" else {word}
            for word in line.lstrip("~").split()))
        allowed = allowed - names if line[0] == "~" else allowed | names
    return allowed


def test_units_allow_every_system_call(make_gateway, pacs, tmp_path):
    contrib.need("systemd-analyze", "strace")
    if gateways.SANITIZED:
        pytest.skip("the sanitizers make calls of their own")
    gateway = make_gateway({"pacs": pacs, "other": {
        "RemoteHost": "localhost", "RemotePort": 1}}, receiver={
        "LocalInterface": "lo"}, routes=[
            {"WaitFor": "pacs", "ResponseTimeout": 2}],
        MaxQueueBytes=1 << 30)
    for daemon, side in ((gateway.sender, "sender"),
                         (gateway.receiver, "receiver")):
        wrapper = tmp_path / f"{side}.sh"
        # The program itself is the process that is started.
        wrapper.write_text(f'#!/bin/sh\nexec strace -D -f -qq -o "$0.trace" '
                           f'{daemon.program} "$@"\n', "utf-8")
        wrapper.chmod(0o755)
        daemon.program = wrapper
    gateway.start()
    assert gateway.store(instance.make()).status == 0
    gateway.receiver.hup()
    gateway.sender.hup()
    pacs.stop()
    assert gateway.store(instance.make()).status != 0
    gateway.stop()
    for side in contrib.UNITS:
        trace = (tmp_path / f"{side}.sh.trace").read_text("utf-8", "replace")
        made = set(re.findall(r"^\d+ +(\w+)\(", trace, re.M))
        assert {"epoll_wait", "clone", "connect" if side == "sender" else
                "accept4"} <= made
        assert made - allowed_calls(side) == set()
        (families,) = contrib.unit(side)["RestrictAddressFamilies"]
        asked = set(re.findall(r"\bsocket\((AF_\w+)", trace))
        assert asked <= set(families.split())


@pytest.mark.parametrize("capable", [False, True])
def test_port_104(make_gateway, tmp_path, capable):
    """In a network namespace of its own, as a user who is nobody."""
    contrib.need("setpriv", "unshare", "ip", root=True)
    if contrib.run("unshare", "-n", "true").returncode != 0:
        pytest.skip("no network namespace can be had")
    gateway = make_gateway({"pacs": 1}, receiver={"IPPort": 104})
    os.chown(gateway.folder, 65534, 65534)
    # pytest's folders are its own
    shared = tmp_path
    while shared != shared.parent and not shared.stat().st_mode & 1:
        shared.chmod(shared.stat().st_mode | 0o711)
        shared = shared.parent
    (names,) = contrib.settings(
        PORT_104.read_text("utf-8"))["AmbientCapabilities"]
    caps = "-all" + (",+" + names.lower().replace("cap_", "")
                     if capable else "")
    program = gateway.receiver.program
    wrapper = tmp_path / "receiver.sh"
    wrapper.write_text(
        "#!/bin/sh\nexec unshare -n sh -c 'ip link set lo up; "
        "exec setpriv --reuid 65534 --regid 65534 --clear-groups "
        f"--bounding-set {caps} --inh-caps {caps} --ambient-caps {caps} "
        f"{program} \"$@\"' sh \"$@\"\n", "utf-8")
    wrapper.chmod(0o755)
    gateway.receiver.program = wrapper
    if capable:
        gateway.receiver.start()
        assert "port=104" in "\n".join(gateway.receiver.log)
        gateway.receiver.stop()
    else:
        gateway.receiver.spawn()
        assert gateway.receiver.wait_exit() == 73


def test_sysusers_and_tmpfiles(tmp_path):
    contrib.need("systemd-sysusers", "systemd-tmpfiles", root=True)
    (tmp_path / "etc").mkdir()
    for folder in ("spool", "log"):
        (tmp_path / "var" / folder).mkdir(parents=True)
    root = f"--root={tmp_path}"
    done = contrib.run("systemd-sysusers", root,
                       contrib.FOLDER / "sysusers.d/dcmspool.conf")
    assert done.returncode == 0, done.stdout
    (entry,) = (line.split(":") for line in (tmp_path / "etc/passwd")
                .read_text("utf-8").splitlines()
                if line.startswith(f"{contrib.user()}:"))
    assert entry[5] == contrib.spool() and entry[6].endswith("nologin")
    tmpfiles = contrib.FOLDER / "tmpfiles.d/dcmspool.conf"
    folder = tmp_path / contrib.spool().lstrip("/")
    for action in ("--create", "--clean", "--remove", "--create"):
        done = contrib.run("systemd-tmpfiles", action, root, tmpfiles)
        assert (done.returncode, done.stdout) == (0, "")
        if action == "--create":
            (folder / "tmp").mkdir(exist_ok=True)
        assert (folder / "tmp").exists()
    made = folder.stat()
    assert made.st_mode & 0o7777 == 0o700
    assert [str(made.st_uid), str(made.st_gid)] == entry[2:4]
    # What is old there cannot be made here (it goes by the change time).
    lines = re.findall(r"(?m)^\w.*", tmpfiles.read_text("utf-8"))
    assert lines and all(line.split()[5] == "-" for line in lines)


# the watchdog

@pytest.fixture
def service_manager(tmp_path, monkeypatch):
    """What it hears, as a socket."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield sock


def heard(sock, seconds):
    """What came within so long."""
    said = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            said.append(sock.recv(4096).decode())
        except TimeoutError:
            break
    return said


@pytest.mark.parametrize("side", contrib.UNITS)
def test_watchdog(make_gateway, pacs, service_manager, monkeypatch, side):
    monkeypatch.setenv("WATCHDOG_USEC", str(WATCHDOG_LIMIT_US))
    daemon = getattr(make_gateway({"pacs": pacs}), side).start()
    said = heard(service_manager, 3 * WATCHDOG_LIMIT_US / 1e6)
    assert said[0] == "READY=1"
    # Twice in the limit, and never more often than four times.
    assert 4 <= said.count("WATCHDOG=1") <= 12
    # A parent that hangs says nothing.
    daemon.signal(signal.SIGSTOP)
    heard(service_manager, 0.1)
    assert heard(service_manager, 2 * WATCHDOG_LIMIT_US / 1e6) == []
    daemon.signal(signal.SIGCONT)
    assert "WATCHDOG=1" in heard(service_manager, WATCHDOG_LIMIT_US / 1e6)


def test_watchdog_lets_idle_daemons_sleep(
        make_gateway, pacs, service_manager, monkeypatch):
    (limit_s,) = contrib.unit("sender")["WatchdogSec"]
    assert contrib.unit("receiver")["WatchdogSec"] == [limit_s]
    monkeypatch.setenv("WATCHDOG_USEC", str(int(limit_s) * 1000000))
    gateway = make_gateway({"pacs": pacs}).start()

    def wakes():
        found = []
        for daemon in (gateway.sender, gateway.receiver):
            status = pathlib.Path(f"/proc/{daemon.process.pid}/status")
            found.append(int(re.search(
                r"^voluntary_ctxt_switches:\s*(\d+)", status.read_text(),
                re.M).group(1)))
        return found

    def settled():
        now = wakes()
        tools.slow(0.3)
        return now if wakes() == now else None
    before = tools.wait_until(settled)
    tools.stays(lambda: all(
        now <= then + 1 for now, then in zip(wakes(), before)), 4)
