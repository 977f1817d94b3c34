"""The operator command, and the configuration as all programs see it."""

import json
import threading
import time

import pytest
from peers import instance
from peers.destination import Answer

import gateway as gateways
import tools

PROGRAMS = [gateways.RECEIVER, gateways.SENDER, gateways.COMMAND]


@pytest.fixture
def with_failed(start_gateway, pacs):
    """A gateway with one item in failed/ and one in hold/."""
    gateway = start_gateway({"pacs": pacs})
    pacs.script = [Answer(0xC001, comment="because", offending=[0x00100010])]
    made = instance.make()
    assert gateway.store(made, 4711).status == 0xC001
    gateway.failed_uid = made.uid
    (gateway.failed,) = gateway.wait_items("pacs", "failed", 1)
    gateway.held = "20260101T000000.000001Z-m0-1.2.3.dcm"
    instance.make(uid="1.2.3").write(
        gateway.path("pacs", "hold", gateway.held))
    return gateway


def test_status_when_all_is_well(to_pacs):
    for words in (["status"], ["status", "--json"]):
        done = to_pacs.command(*words)
        assert done.returncode == 0, done.stdout
        assert "pacs" in done.stdout
    quiet = to_pacs.command("status", "-q")
    assert (quiet.returncode, quiet.stdout) == (0, "")


def test_status_with_an_item_in_failed(with_failed):
    """Its exit code says that an operator has to look."""
    done = with_failed.command("status")
    assert done.returncode == 1 and "pacs" in done.stdout
    done = with_failed.command("status", "--json")
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 1
    shown = json.loads(done.stdout)
    assert shown["Well"] is False
    assert shown["SenderRuns"] is True and shown["ReceiverRuns"] is True
    (pacs,) = shown["Destinations"]
    assert (pacs["Name"], pacs["Link"]) == ("pacs", "up")
    assert (pacs["Items"]["failed"], pacs["Items"]["hold"]) == (1, 1)


def test_status_shows_a_dead_link(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"AnswerWhen": "spooled"}])
    pacs.stop()
    gateway.store(instance.make())
    gateway.wait_down("pacs")
    assert "down" in gateway.command("status").stdout
    assert gateway.command("status", "-q").returncode == 1
    pacs.start()
    gateway.wait_empty("pacs")
    gateway.wait_down("pacs", False)
    assert gateway.command("status", "-q").returncode == 0


def test_list(with_failed):
    everything = with_failed.command("list")
    assert everything.returncode == 0, everything.stdout
    assert with_failed.failed in everything.stdout
    assert with_failed.held in everything.stdout
    one = with_failed.command("list", "pacs/failed").stdout
    assert with_failed.failed in one and with_failed.held not in one
    assert with_failed.command("list", "pacs/new").returncode == 1
    assert with_failed.command("list", "nowhere").returncode != 0


def test_list_as_json(with_failed):
    rows = with_failed.json("list", "pacs")
    assert len(rows) == 2
    assert {with_failed.failed, with_failed.held} == {
        v for row in rows for v in row.values()
        if v in (with_failed.failed, with_failed.held)}


def test_show(with_failed):
    done = with_failed.command("show", with_failed.failed)
    assert done.returncode == 0, done.stdout
    for text in ("pacs", "failed", "0xC001", "because", "4711",
                 with_failed.failed_uid):
        assert text.lower() in done.stdout.lower(), text
    shown = json.dumps(with_failed.json("show", with_failed.failed))
    assert "because" in shown and with_failed.failed in shown
    assert with_failed.command("show", "nothing").returncode == 1


def test_retry(with_failed, pacs):
    done = with_failed.command("retry", with_failed.failed)
    assert done.returncode == 0, done.stdout
    tools.wait_until(lambda: len(pacs.received) == 2)
    with_failed.wait_empty("pacs")
    assert pacs.received[1].uid == with_failed.failed_uid
    assert not with_failed.items("pacs", "failed")
    assert with_failed.command("retry", with_failed.failed).returncode == 1


def test_retry_all(with_failed, pacs):
    done = with_failed.command(
        "retry", "--all", "pacs/failed", "--yes")
    assert done.returncode == 0, done.stdout
    tools.wait_until(lambda: len(pacs.received) == 2)
    assert with_failed.items("pacs", "hold")


def test_retry_dry_run(with_failed, pacs):
    done = with_failed.command(
        "retry", "--all", "pacs/failed", "--dry-run")
    assert done.returncode == 0 and with_failed.failed in done.stdout
    assert with_failed.items("pacs", "failed")


def test_retry_makes_a_deferred_item_due(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, RetryMin=60, RetryMax=60)
    pacs.script = [Answer(0xA700)]
    gateway.store(instance.make())
    (name,) = gateway.wait_items("pacs", "deferred", 1)
    assert gateway.command("retry", name).returncode == 0
    tools.wait_until(lambda: len(pacs.received) == 2, 5)
    gateway.wait_empty("pacs")


def test_wait(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"AnswerWhen": "spooled"}])
    assert gateway.command("wait", "--timeout", "2").returncode == 0
    pacs.stop()
    gateway.store(instance.make())
    began = time.monotonic()
    assert gateway.command("wait", "pacs", "--timeout", "1").returncode != 0
    assert 0.9 < time.monotonic() - began < 3
    threading.Timer(0.3, pacs.start).start()
    assert gateway.command("wait", "pacs", "--timeout", "10").returncode == 0
    assert gateway.empty("pacs")


def test_with_both_daemons_stopped(with_failed):
    with_failed.stop()
    status = with_failed.command("status")
    assert status.returncode == 1 and "not running" in status.stdout
    assert with_failed.failed in with_failed.command("list").stdout
    assert with_failed.command("retry", with_failed.failed).returncode == 0
    assert with_failed.empty("pacs") is False


# the configuration

@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
class TestPrograms:
    def test_help_and_version(self, program):
        assert tools.run(program, "-h").returncode == 0
        version = tools.run(program, "-V")
        assert version.returncode == 0 and "dcmspool" in version.stdout

    @pytest.mark.parametrize("words", [["-Z"], ["--nonsense"], ["-c"]])
    def test_usage(self, program, words):
        assert tools.run(program, *words, timeout=5).returncode == 64

    def test_check_only(self, program, make_gateway, pacs):
        gateway = make_gateway({"pacs": pacs})
        done = tools.run(program, "-n", "-c", gateway.conf)
        assert done.returncode == 0, done.stdout
        assert not gateway.spool.exists()

    def test_no_file(self, program, tmp_path):
        done = tools.run(program, "-n", "-c", tmp_path / "none.conf")
        assert done.returncode in (66, 78), done.stdout
        assert "none.conf" in done.stdout

    def test_from_the_environment(self, program, make_gateway, pacs,
                                  monkeypatch):
        gateway = make_gateway({"pacs": pacs})
        monkeypatch.setenv("DCMSPOOL_CONF", str(gateway.conf))
        assert tools.run(program, "-n").returncode == 0


MISTAKES = [
    ("unknown key", "IPPort", "IPPrt", "IPPrt"),
    ("wrong type", "ConnectTimeout = 2", 'ConnectTimeout = "2"',
     "ConnectTimeout"),
    ("out of range", "RetryMin = 1", "RetryMin = -1", "RetryMin"),
    ("unknown destination", 'Names = "pacs"', 'Names = "paks"',
     "DuplexTargetConfigNames"),
    ("bad word", 'Level = "debug"', 'Level = "loud"', "Level"),
    ("bad name", 'Name = "pacs"', 'Name = "../pacs"', "Name"),
    ("long AE title", 'RemoteAET = "PACS"',
     'RemoteAET = "SEVENTEEN-LETTERS"', "RemoteAET"),
]


@pytest.mark.parametrize("old, new, key", [m[1:] for m in MISTAKES],
                         ids=[m[0] for m in MISTAKES])
@pytest.mark.parametrize("program", PROGRAMS[:2], ids=lambda p: p.name)
def test_a_mistake_is_named(make_gateway, pacs, program, old, new, key):
    gateway = make_gateway({"pacs": pacs})
    text = gateway.conf.read_text()
    assert old in text
    text = text.replace(old, new, 1)
    gateway.conf.write_text(text)
    line = text[:text.index(new)].count("\n") + 1
    done = tools.run(program, "-c", gateway.conf, timeout=10)
    assert done.returncode == 78, done.stdout
    assert f"{gateway.conf}:{line}" in done.stdout, done.stdout
    assert key in done.stdout
    assert not gateway.spool.exists()


def test_a_syntax_error_names_its_line(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs})
    text = gateway.conf.read_text().splitlines()
    text.insert(5, "= nonsense {")
    gateway.conf.write_text("\n".join(text))
    done = tools.run(gateways.SENDER, "-n", "-c", gateway.conf)
    assert done.returncode == 78
    assert f"{gateway.conf}:6" in done.stdout


def test_the_shipped_configuration_is_right():
    conf = tools.TREE / "etc" / "dcmspool.conf"
    assert tools.run(gateways.COMMAND, "-n", "-c", conf).returncode == 0
    for program in (gateways.RECEIVER, gateways.SENDER):
        done = tools.run(program, "-n", "-c", conf)
        # The spool may not be there, or the port in use: so this machine is.
        assert done.returncode in (0, 73, 75), done.stdout
