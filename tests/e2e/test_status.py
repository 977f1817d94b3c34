"""dcmspool status: one screen, lines for scripts, and an exit code."""

import json
import re
import subprocess

import pytest
from peers import instance
from peers.destination import Answer

import gateway as gateways
import tools

COMMENT = "patient ID unknown"


def plain(shown):
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def store_failing(gateway, pacs, n):
    pacs.script = [Answer(0xA900, comment=COMMENT)] * n
    for _ in range(n):
        assert gateway.store(instance.make()).status == 0xA900
    return gateway.wait_items("pacs", "failed", n)


def rows(shown):
    """{destination: its columns} of the table on a terminal."""
    lines = iter(plain(shown).splitlines())
    header = next(x for x in lines if x.startswith("DESTINATION"))
    assert header.split() == ["DESTINATION", "LINK", "WAITING", "DEFERRED",
                              "HELD", "FAILED", "OLDEST", "LAST", "MINUTE",
                              "NEXT"]
    found, name = {}, None
    for line in lines:
        if line == "":
            break
        if len(line.split()) == 1:
            name = line
            continue
        match = re.match(r"(\S*) +(up|down|paused|unknown|no config)( \w+)?"
                         r" +(\d+) +(\d+) +(\d+) +(\d+) +(\S+) +"
                         r"(-|\+\d+ -\d+) +(\S+)$", line)
        assert match, line
        columns = match.groups()
        found[columns[0] or name] = columns[1:]
    return found


@pytest.fixture
def several(start_gateway, destination):
    """Each destination in a state of its own: {name: peer}, as .peers."""
    peers = {name: destination() for name in (
        "pacs", "archive", "a-rather-long-name-of-a-viewer")}
    gateway = start_gateway(
        {**peers, "research": tools.free_port()}, RetryMax=300, routes=[
            {"RemoteAET": "CT*", "AnswerWhen": "spooled"},
            {"RemoteAET": "MR*", "DuplexTargetConfigNames": "pacs"}])
    gateway.peers = peers
    for _ in range(3):
        assert gateway.store(instance.make(), calling="CT1").status == 0
    peers["pacs"].script = [Answer(0xA900, comment=COMMENT)] * 2
    for _ in range(2):
        gateway.store(instance.make(), calling="MR1")
    for name in peers:
        gateway.wait_empty(name)
    gateway.wait_items("pacs", "failed", 2)
    gateway.wait_down("research")
    gateway.command("pause", "a-rather-long-name-of-a-viewer")
    gateway.command("hold", "--dest", "research", "--yes")
    instance.make().write(gateway.path("archive", "corrupt", "x.dcm"))
    return gateway


def test_a_screen_of_80_columns(several):
    """Every thing that the operator asks for, beside each other."""
    code, shown = several.on_terminal("status", columns=80)
    assert code == 1
    lines = plain(shown).splitlines()
    # The first one is the path of the spool.
    assert max(map(len, lines[1:])) <= 80 and len(lines) <= 24, plain(shown)
    assert re.search(r"^disk +\d+ % full, .* free", shown, re.M)
    for daemon in ("receiver", "sender"):
        assert re.search(rf"^{daemon} +running$", plain(shown), re.M)
    found = rows(shown)
    assert list(found) == ["pacs", "archive",
                           "a-rather-long-name-of-a-viewer", "research"]
    link, since, *counts, oldest, minute, _ = found["pacs"]
    assert link == "up" and re.fullmatch(r" \d+s", since)
    assert counts == ["0", "0", "0", "2"]
    assert (oldest, minute) == ("-", "+5 -3")
    link, since, waiting, _, held, *_, minute, following = found["research"]
    assert link == "down" and re.fullmatch(r" \d+s", since)
    assert (waiting, held, minute) == ("0", "3", "+3 -0")
    assert re.fullmatch(r"now|\d+s", following)
    assert found["a-rather-long-name-of-a-viewer"][0] == "paused"
    words = " ".join(plain(shown).split())
    assert re.search(r"research: down since \S+Z, \d+ probes?: connect to "
                     r"127\.0\.0\.1 port \d+: Connection refused", words)
    assert "paused by an operator" in words
    assert "1 set aside as not whole: dcmspool list -l archive/corrupt" in words
    assert "\x1b[1;31m" in shown  # what is bad is red


def test_a_wider_terminal_has_room_for_the_name(several):
    shown = plain(several.on_terminal("status", columns=110)[1])
    assert re.search(r"^a-rather-long-name-of-a-viewer paused", shown, re.M)
    assert max(map(len, shown.splitlines()[1:])) <= 110


def test_it_names_one_that_failed(several):
    """What it says to type shows why, in the peer's words; only show may say
    those, since a patient may be in them."""
    code, shown = several.on_terminal("status")
    words = " ".join(plain(shown).split())
    assert code == 1 and COMMENT not in shown
    assert re.search(r"pacs: 2 failed with 0xA900: .*?; more: dcmspool", words)
    # In one line, to be copied.
    part = re.search(r"dcmspool show (pacs/\S+)$", shown, re.M).group(1)
    done = several.command("show", part)
    assert done.returncode == 0 and COMMENT in done.stdout, done.stdout
    first = several.items("pacs", "failed")[0]
    assert first in done.stdout
    assert re.search(rf"^failed\tpacs\t0xA900\t2\t[^\t]+\t{re.escape(first)}$",
                     several.command("status").stdout, re.M)
    (row, *_) = several.json("status")["Destinations"]
    (kind,) = row["FailedBy"]
    assert (kind["Status"], kind["Items"], kind["Example"]) == (
        "0xA900", 2, first)


def test_a_link_is_up_since_it_answered(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})

    def since():
        return gateway.json("status")["Destinations"][0].get("UpSince", "down")

    assert since() is None  # not tried yet
    gateway.store(instance.make())
    first = tools.wait_until(since)
    assert f"\t{first}\t-\n" in gateway.command("status").stdout
    gateway.store(instance.make())
    assert since() == first
    pacs.stop()
    gateway.store(instance.make())
    gateway.wait_down("pacs")
    assert since() == "down"
    pacs.start()
    gateway.wait_down("pacs", False)
    assert since() > first
    gateway.sender.stop()
    assert since() is None


def test_without_daemons(several):
    several.stop()
    code, shown = several.on_terminal("status")
    assert code == 1
    assert "sender    not running: nothing is delivered" in plain(shown)
    assert "receiver  not running: nothing is taken" in plain(shown)
    assert rows(shown)["pacs"][0] == "unknown"
    assert rows(shown)["research"][0] == "down"
    lines = several.command("status").stdout
    assert lines.startswith("sender\tnot running\nreceiver\tnot running\n")


def test_a_folder_that_is_not_configured(several):
    several.command("copy", "--all", "research/hold", "archive", "--yes")
    several.wait_empty("archive")
    for name in several.items("research", "hold"):
        several.command("release", f"research/{name}")
    del several.destinations["research"]
    several.routes = [{"DuplexTargetConfigNames": "pacs"}]
    several.write_conf()
    shown = several.on_terminal("status")[1]
    assert rows(shown)["research"][0] == "no config"
    assert "research: not in the configuration: its items wait" in plain(shown)
    assert "destination\tresearch\tnot configured\t" in several.command(
        "status").stdout


def test_no_colour_in_a_pipe_nor_where_it_is_not_wanted(several, monkeypatch):
    assert "\x1b" not in several.command("status").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in several.on_terminal("status")[1]


def test_the_exit_code_alone(start_gateway, pacs):
    """-q says nothing, whatever it finds."""
    gateway = start_gateway({"pacs": pacs})
    for expected in (0, 1):
        done = gateway.command("status", "-q")
        assert (done.returncode, done.stdout) == (expected, "")
        if expected == 0:
            store_failing(gateway, pacs, 1)
    assert gateway.on_terminal("status", "-q") == (1, "")


def test_watch(several):
    """Looks follow each other, as text and as JSON."""
    for words, start in (((), "destination\tpacs"), (("--json",), "{")):
        process = subprocess.Popen(
            [gateways.COMMAND, "-c", several.conf, "status", "--watch=1",
             *words], stdout=subprocess.PIPE, text=True)
        with process, process.stdout as lines:
            seen = [line for line, _ in zip(
                (x for x in lines if x.startswith(start)), range(2))]
            process.kill()
        assert len(seen) == 2
        assert start != "{" or json.loads(seen[1])["Well"] is False


@pytest.mark.parametrize("words", [
    ["--watch=never"], ["--watch=0"], ["--watch=99999999"], ["--watch", "5"],
    ["-q", "--watch"]])
def test_watch_of_what_cannot_be(make_gateway, pacs, words):
    gateway = make_gateway({"pacs": pacs})
    gateway.sender.start()
    assert gateway.command("status", *words, timeout=5).returncode == 64
