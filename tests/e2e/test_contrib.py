"""What contrib/ has for those who run it: each piece by its own tool, and then
at work. For what is of systemd see test_units.py."""

import os
import pathlib
import re
import signal
import subprocess

import pytest
from peers import instance
from peers.destination import Answer

import contrib
import gateway as gateways
import tools

HOOK = contrib.FOLDER / "hooks/dcmspool-hook"
BOTH = contrib.FOLDER / "container/dcmspool-both"


# shell

def scripts():
    for path in sorted(tools.TREE.rglob("*")):
        inside = path.relative_to(tools.TREE).parts
        if not path.is_file() or inside[0] in (".git", ".build"):
            continue
        if path.suffix == ".bash":
            yield path, "bash"
            continue
        with path.open("rb") as f:
            line = f.readline(80)
        shell = re.match(rb"#! ?/\S*?\b(bash|sh)$", line.rstrip())
        shell = shell or re.match(rb"#! ?/usr/bin/env (bash)$", line.rstrip())
        if shell:
            yield path, shell.group(1).decode()


def test_shellcheck():
    contrib.need("shellcheck")
    found = list(scripts())
    assert {contrib.FOLDER / "demo.sh", HOOK, BOTH,
            contrib.FOLDER / "debian/dcmspool.postrm"} <= {p for p, _ in found}
    for path, shell in found:
        done = contrib.run("shellcheck", f"--shell={shell}", path)
        assert done.returncode == 0, done.stdout


# cron

def cron_lines():
    """[(times, user, command)] of the file in cron.d."""
    lines = []
    for line in (contrib.FOLDER / "cron.d/dcmspool").read_text(
            "utf-8").splitlines():
        if line and not line.startswith("#") and not re.match(r"\w+=", line):
            words = line.split(None, 6)
            lines.append((" ".join(words[:5]), words[5], words[6]))
    return lines


def cron_command(word):
    """The command of the job that calls `dcmspool WORD`, with our program."""
    (command,) = (command for _, _, command in cron_lines()
                  if f"dcmspool {word}" in command)
    return command.replace("/usr/bin/dcmspool", str(gateways.COMMAND))


def cron_run(gateway, word):
    return tools.run("/bin/sh", "-c", cron_command(word), env={
        **os.environ, "PATH": "/usr/bin:/bin",
        "DCMSPOOL_CONF": str(gateway.conf)})


def test_cron_syntax(tmp_path):
    contrib.need("crontab")
    text = (contrib.FOLDER / "cron.d/dcmspool").read_text("utf-8")
    assert text.endswith("\n")  # cron ignores a last line without
    # The environment, then the lines without their user.
    table = "".join(f"{line}\n" for line in text.splitlines()
                    if re.match(r"\w+=", line))
    table += "".join(f"{times} {command}\n"
                     for times, _, command in cron_lines())
    for name, content, good in (("good", table, True),
                                ("bad", table.replace("7 ", "77 ", 1), False)):
        path = tmp_path / name
        path.write_text(content, "utf-8")
        assert (contrib.run("crontab", "-n", path).returncode == 0) == good
    assert "MAILTO=" in table
    for _, who, command in cron_lines():
        # node_exporter's folder is root's
        assert who == ("root" if "metrics" in command else contrib.user())
        assert "%" not in command  # a newline to cron
        assert "/usr/bin/dcmspool" in command


def test_cron_is_silent_without_the_program(tmp_path):
    for _, _, command in cron_lines():
        command = command.replace("/usr/bin/", f"{tmp_path}/")
        done = tools.run("/bin/sh", "-c", command)
        assert (done.returncode, done.stdout) == (0, ""), command


def test_cron_writes_metrics_where_they_are_read(to_pacs, pacs, tmp_path):
    assert to_pacs.store(instance.make()).status == 0
    folder = tmp_path / "textfiles"
    env = {**os.environ, "DCMSPOOL_CONF": str(to_pacs.conf),
           "TEXTFILES": str(folder)}
    assert tools.run("/bin/sh", "-c", cron_command("metrics"),
                     env=env).stdout == ""
    assert not folder.exists()  # nobody reads there
    folder.mkdir()
    done = tools.run("/bin/sh", "-c", cron_command("metrics"), env=env)
    assert (done.returncode, done.stdout) == (0, "")
    (made,) = folder.iterdir()
    assert made.name == "dcmspool.prom"
    assert "dcmspool_received_total 1" in made.read_text("utf-8")


def test_cron_mails_what_needs_attention(to_pacs, pacs):
    assert cron_run(to_pacs, "status").stdout == ""
    pacs.script = [Answer(0xA900)]
    to_pacs.store(instance.make())
    to_pacs.wait_items("pacs", "failed", 1)
    to_pacs.sender.stop()
    mail = cron_run(to_pacs, "status").stdout
    assert "pacs" in mail and "sender" in mail


def test_cron_expires(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs}, KeepSent=3600)
    gateway.start()
    assert gateway.store(instance.make()).status == 0
    gateway.wait_items("pacs", "sent", 1)
    gateway.stop()
    assert cron_run(gateway, "expire").stdout == ""
    assert len(gateway.items("pacs", "sent")) == 1
    gateway.destinations["pacs"]["KeepSent"] = 1
    gateway.write_conf()

    def removed():
        assert cron_run(gateway, "expire").stdout == ""
        return gateway.items("pacs", "sent") == []
    tools.wait_until(removed, 10)


def test_cron_mails_what_check_finds(to_pacs, pacs):
    pacs.script = [Answer(0xA900)]
    to_pacs.store(instance.make())
    (item,) = to_pacs.wait_items("pacs", "failed", 1)
    to_pacs.stop()
    assert cron_run(to_pacs, "check").stdout == ""
    path = to_pacs.path("pacs", "failed", item)
    os.truncate(path, path.stat().st_size - 1)
    assert item in cron_run(to_pacs, "check").stdout


# logs

def test_logrotate(tmp_path):
    contrib.need("logrotate", root=True)
    text = contrib.logrotate()
    path = tmp_path / "as-it-is"
    path.write_text(text, "utf-8")
    done = contrib.run("logrotate", "-d", "-s", tmp_path / "state", path)
    assert done.returncode == 0 and "error" not in done.stdout, done.stdout
    # At work, on a file of ours.
    log = tmp_path / "dcmspool.log"
    assert "/var/log/dcmspool.log {" in text
    mine = tmp_path / "logrotate"
    mine.write_text(text.replace("/var/log/dcmspool.log", str(log)).replace(
        "/usr/lib/rsyslog/rsyslog-rotate", f"touch {tmp_path}/told").replace(
        f"[ ! -x touch {tmp_path}/told ] || ", ""), "utf-8")
    mine.chmod(0o644)
    tmp_path.chmod(0o755)
    for n in (1, 2):
        log.write_text(f"line {n}\n", "utf-8")
        done = contrib.run("logrotate", "-f", "-s", tmp_path / "state", mine)
        assert done.returncode == 0, done.stdout
        assert log.read_text("utf-8") == ""
        assert (tmp_path / "dcmspool.log.1").read_text(
            "utf-8") == f"line {n}\n"
        assert (tmp_path / "told").exists()
    assert (tmp_path / "dcmspool.log.2.gz").exists()


def rsyslog_file():
    text = (contrib.FOLDER / "rsyslog/dcmspool.conf").read_text("utf-8")
    return text, re.search(r'file="(.*?)"', text).group(1)


def test_rsyslog_and_logrotate_mean_the_same_file():
    rotated = (contrib.FOLDER / "logrotate/dcmspool").read_text("utf-8")
    assert re.search(rf"^{re.escape(rsyslog_file()[1])} {{", rotated, re.M)


def test_rsyslog(tmp_path):
    contrib.need("rsyslogd", "logger", root=True)
    text, log = rsyslog_file()
    ours, rest = tmp_path / "ours", tmp_path / "rest"
    sock = tmp_path / "log"
    conf = tmp_path / "rsyslog.conf"
    conf.write_text(
        f'module(load="imuxsock" SysSock.Name="{sock}")\n'
        f'{text.replace(log, str(ours))}\n'
        f'action(type="omfile" file="{rest}")\n', "utf-8")
    done = contrib.run("rsyslogd", "-N1", "-f", conf)
    assert done.returncode == 0 and "error" not in done.stdout, done.stdout
    with subprocess.Popen(
            ["/usr/sbin/rsyslogd", "-n", "-iNONE", "-f", str(conf)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True) as daemon:
        try:
            tools.wait_until(sock.exists)
            for tag in ("dcmspool-sender", "dcmspool-receiver", "dcmsend"):
                contrib.run("logger", "-u", sock, "-t", tag, f"event of={tag}")
            tools.wait_until(rest.exists)
            tools.wait_until(ours.exists)
            tools.wait_until(lambda: len(ours.read_text().splitlines()) == 2)
            tools.wait_until(lambda: "of=dcmsend" in rest.read_text())
        finally:
            tools.end_session(daemon)
    assert "of=dcmspool-sender" in ours.read_text("utf-8")
    assert "of=dcmspool-receiver" in ours.read_text("utf-8")
    assert "dcmspool-" not in rest.read_text("utf-8")


# the hook

@pytest.fixture
def hook(tmp_path):
    """Feeds it lines; gives the lines that its command wrote."""
    command = tmp_path / "tell"
    command.write_text(
        '#!/bin/sh\nprintf "%s|" "$@" >>"$0.out"\n'
        'printf "%s\\n" "$DCMSPOOL_LINE" >>"$0.out"\n', "utf-8")
    command.chmod(0o755)

    def feed(events, *lines):
        done = contrib.run(HOOK, events, command, "first",
                   input="".join(f"{line}\n" for line in lines), cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "")
        out = tmp_path / "tell.out"
        return out.read_text("utf-8").splitlines() if out.exists() else []
    return feed


def test_hook_tells_of_an_event(to_pacs, pacs, hook):
    pacs.script = [Answer(0xA900)]
    to_pacs.store(instance.make())
    to_pacs.store(instance.make())
    (item,) = to_pacs.wait_items("pacs", "failed", 1)
    line = to_pacs.sender.wait_log(" failed ")
    to_pacs.stop()
    assert hook("link-up,failed", *to_pacs.sender.log) == [
        f"first|failed|pacs|{item}|{line}"]


def test_hook_takes_nothing_for_a_command(hook, tmp_path):
    syslog = 'link-down destination=pacs reason="$(touch x) `touch x`; \\"$"'
    assert hook("link-down,failed", syslog,
                'link-up destination=pacs reason=" failed destination=x "',
                "", "failed", "link-downer destination=x") == [
        f"first|link-down|pacs||{syslog}", "first|failed|||failed"]
    assert not (tmp_path / "x").exists()


def test_hook_goes_on_where_its_command_fails():
    done = contrib.run(HOOK, "a,b", "/bin/false", input="a\nb\n")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    assert contrib.run(HOOK, "a").returncode == 64


# the container

@pytest.fixture
def both(make_gateway, pacs, monkeypatch):
    """A gateway whose daemons are one script's children."""
    monkeypatch.setenv("PATH", f"{gateways.SENDER.parent}:"
                       f"{gateways.RECEIVER.parent}:{os.environ['PATH']}")
    gateway = make_gateway({"pacs": pacs})
    gateway.sender.program = BOTH  # so that it is ended with the test
    gateway.sender.spawn()
    gateway.sender.wait_log(r"dcmspool-sender.* ready ")
    gateway.sender.wait_log(r"dcmspool-receiver.* ready ")
    return gateway


def test_both_serve_reload_and_stop(both):
    assert both.store(instance.make()).status == 0
    both.sender.signal(signal.SIGHUP)
    for side in contrib.UNITS:
        both.sender.wait_log(rf"dcmspool-{side}.* reloaded ")
    assert both.store(instance.make()).status == 0
    both.sender.stop()  # exit code 0, and nobody is left


@pytest.mark.parametrize("side", contrib.UNITS)
def test_both_end_with_one(both, side):
    (pid,) = (pid for pid, name in both.sender.processes().items()
              if name == f"dcmspool-{side}"[:15] and
              f"PPid:\t{both.sender.process.pid}\n" in pathlib.Path(
                  f"/proc/{pid}/status").read_text())
    os.kill(pid, signal.SIGKILL)
    assert both.sender.wait_exit() == 128 + signal.SIGKILL


def test_containerfile():
    text = (contrib.FOLDER / "container/Containerfile").read_text("utf-8")
    for source in re.findall(r"^COPY (?!--)(\S+)", text, re.M):
        assert (tools.TREE / source).exists(), source
    assert f"USER {contrib.user()}\n" in text
    log = os.path.dirname(contrib.ledger())
    assert f"VOLUME {contrib.spool()} {log}\n" in text
    final = text[text.rindex("FROM "):]
    # What the programs are linked with, and nothing that comes with these.
    if gateways.SANITIZED:
        return
    needed = contrib.run("readelf", "-d", gateways.RECEIVER, gateways.SENDER,
                         gateways.COMMAND).stdout
    libraries = set(re.findall(r"NEEDED.*\[(.*)\]", needed))
    assert len(libraries) > 8
    owners = {}  # one question: each reads all that dpkg knows
    for line in contrib.run("dpkg-query", "-S", *(
            f"*/{library}" for library in libraries)).stdout.splitlines():
        packages, _, path = line.rpartition(": ")
        owners.setdefault(os.path.basename(path), set()).update(
            re.findall(r"([^\s:,]+)(?::\w+)?(?:,|$)", packages))
    for library in libraries:
        packages = owners[library]
        assert packages & {"libc6", "libgcc-s1", "libstdc++6"} or any(
            f" {package} " in final for package in packages), library
