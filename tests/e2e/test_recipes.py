"""The shell recipes of dcmspool-spool(5) and of the README, run as they stand
in the text."""

import datetime
import os
import re
import shutil
import subprocess

import pytest
from peers import instance

import gateway as gateways
import tools

PAGES = ["spool/dcmspool-spool.5", "README.md"]
FAILED = "20261123T225001.123456Z-m17-1.2.840.604.dcm"  # of "look into one"


def recipes(page):
    """{comment: shell text}"""
    text = (tools.TREE / page).read_text(encoding="utf-8")
    if page.endswith(".md"):
        body = re.search(r"^```sh\n(.*?)^```", text, re.S | re.M).group(1)
    else:
        body = re.search(r"^Recipes.*?^\.Bd -literal[^\n]*\n(.*?)^\.Ed", text,
                         re.S | re.M).group(1).replace("\\e", "\\")
    found = {}
    for block in body.strip().split("\n\n"):
        comment, shell = block.split("\n", 1)
        assert comment.startswith("# "), block
        found[comment[2:]] = shell
    return found


def find(page, words):
    (shell,) = [s for c, s in recipes(page).items() if words in c]
    return shell


def sh(gateway, text, **more):
    done = subprocess.run(["sh", "-euc", text], cwd=gateway.spool, text=True,
                          capture_output=True, check=False, **more)
    assert done.returncode == 0, done
    assert done.stderr == "", done
    return done.stdout


@pytest.fixture
def spool(make_gateway, destination):
    """Two items of CT1 and one of MR1 in PACS/new, no daemon running."""
    gateway = make_gateway(
        {"PACS": destination(), "ARCHIVE": destination()},
        routes=[{"DuplexTargetConfigNames": "PACS",
                 "AnswerWhen": "spooled"}], KeepSent=86400)
    gateway.start()
    gateway.sender.stop()
    for calling in ("CT1", "MR1", "CT1"):
        assert gateway.store(instance.make(), calling=calling).status == 0
    gateway.receiver.stop()
    gateway.names = gateway.items("PACS", "new")
    return gateway


def test_both_have_the_same_ones():
    page, readme = (recipes(p) for p in PAGES)
    assert set(readme) <= set(page)
    assert all(page[c] == shell for c, shell in readme.items())


@pytest.mark.parametrize("page", PAGES)
class TestRecipes:
    def test_what_waits(self, page, spool):
        old = spool.path("PACS", "new", spool.names[1])
        os.utime(old, (0, old.stat().st_mtime - 3700))
        for state in ("deferred", "hold"):
            path = spool.path("PACS", state, f"{state}.dcm")
            instance.make().write(path)
            os.utime(path, (0, 0))
        shown = sh(spool, find(page, "waited for more than an hour"))
        assert sorted(shown.split()) == [
            "queue/PACS/deferred/deferred.dcm",
            f"queue/PACS/new/{spool.names[1]}"]

    def test_hold_one_source(self, page, spool):
        hold, release = find(page, "hold everything").split("\n")
        sh(spool, hold)
        assert spool.items("PACS", "hold") == [spool.names[0],
                                               spool.names[2]]
        assert spool.items("PACS", "new") == [spool.names[1]]
        sh(spool, release)
        assert spool.items("PACS", "new") == spool.names

    def test_replay_and_copy(self, page, spool):
        day = datetime.timedelta(days=1)
        today = datetime.datetime.now(datetime.timezone.utc)
        sent = []
        for n, when in enumerate((today, today - day, today - 2 * day)):
            sent.append(f"{when:%Y%m%dT%H%M%S}.00000{n}Z-m1-1.2.{n}.dcm")
            instance.make(uid=f"1.2.{n}").write(
                spool.path("PACS", "sent", sent[-1]))
        sh(spool, find(page, "second destination"))
        assert spool.items("ARCHIVE", "new") == sorted(sent)
        sh(spool, find(page, "replay"))
        assert spool.items("PACS", "sent") == sorted([sent[0], sent[2]])
        assert sent[1] in spool.items("PACS", "new")
        spool.sender.start()
        spool.wait_empty("PACS")
        spool.wait_empty("ARCHIVE")
        assert len(spool.items("PACS", "sent")) == 6
        assert len(spool.items("ARCHIVE", "sent")) == 3

    def test_look_into_one(self, page, spool):
        made = instance.make()
        made.write(spool.path("PACS", "failed", FAILED))
        assert made.uid in sh(spool, find(page, "look into"))

    @pytest.mark.skipif(not shutil.which("rsync") or os.geteuid() != 0,
                        reason="no rsync, or not root")
    def test_move_a_spool(self, page, spool, tmp_path):
        """/var/spool/dcmspool is the spool here, and another folder on
        "other", each in a mount namespace of its own."""
        other = tmp_path / "other"
        other.mkdir()
        (other / "old").write_text("x")
        remote = tmp_path / "ssh"
        # ssh HOST COMMAND: the host is a namespace of its own.
        remote.write_text(
            "#!/bin/sh\nshift\nexec unshare -m sh -c 'umount "
            f"/var/spool/dcmspool; mount --bind {other} /var/spool/dcmspool"
            " && exec \"$@\"' sh \"$@\"\n")
        remote.chmod(0o755)
        text = find(page, "move a spool")
        done = tools.run(
            "unshare", "-m", "sh", "-euc",
            "mount -t tmpfs none /var/spool && mkdir /var/spool/dcmspool && "
            f"mount --bind {spool.spool} /var/spool/dcmspool && " + text,
            env={**os.environ, "RSYNC_RSH": str(remote)})
        if "unshare" in done.stdout or "mount" in done.stdout:
            pytest.skip("no mount namespaces here")
        assert done.returncode == 0, done.stdout
        assert not (other / "old").exists()
        for name in spool.names:
            here = spool.path("PACS", "new", name)
            there = other / here.relative_to(spool.spool)
            assert there.read_bytes() == here.read_bytes()
        spool.spool = other
        spool.top["StorageLocation"] = str(other)
        spool.write_conf()
        assert spool.command("check").returncode == 0
        spool.sender.start()
        spool.wait_empty("PACS")
        assert spool.items("PACS", "sent") == spool.names


@pytest.mark.parametrize("words", ["try what failed"])
def test_replay_of_what_failed(spool, words):
    instance.make(uid="1.2.840.604").write(spool.path("PACS", "failed", FAILED))
    sh(spool, find(PAGES[0], words))
    assert FAILED in spool.items("PACS", "new")
    spool.sender.start()
    spool.wait_empty("PACS")
    assert len(spool.items("PACS", "sent")) == 4


@pytest.mark.limit(120)
def test_the_case_of_three_in_the_morning():
    """Its script checks what it shows; the transcript of 5,000 items is
    beside it."""
    done = tools.run(
        tools.PYTHON, tools.TESTS / "transcript" / "three_am.py",
        "--items", "300", timeout=100, env={**os.environ, "BIN": gateways.BIN})
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Good night." in done.stdout
