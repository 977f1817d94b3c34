"""The operator command in full: what acts on items, destinations, the spool."""

import concurrent.futures
import gzip
import json
import lzma
import os
import re
import threading
import time

import pydicom
import pytest
from peers import instance, pdu
from peers.destination import Answer

import gateway as gateways
import tools

SPOOLED = [{"AnswerWhen": "spooled"}]
STATES = ("new", "active", "deferred", "hold", "failed", "sent", "corrupt")


@pytest.fixture
def stopped(make_gateway, pacs, destination):
    """Two destinations, no daemon runs, and the spool is there."""
    gateway = make_gateway({"pacs": pacs, "other": destination()})
    gateway.sender.start()
    gateway.sender.stop()
    return gateway


@pytest.fixture
def with_new(start_gateway, pacs, destination):
    """Three items of two modalities in new/, as no sender runs."""
    gateway = start_gateway({"pacs": pacs, "other": destination()}, routes=[
        {"DuplexTargetConfigNames": "pacs", **SPOOLED[0]}])
    gateway.sender.stop()
    for calling in ("CT-1", "CT-2", "MR-1"):
        assert gateway.store(instance.make(), calling=calling).status == 0
    gateway.names = gateway.wait_items("pacs", "new", 3)
    return gateway


def everywhere(gateway, destination="pacs"):
    return {s: gateway.items(destination, s) for s in STATES
            if gateway.items(destination, s)}


# naming items

def test_source_is_of_the_envelope(with_new):
    for source, expected in (("CT-*", 2), ("CT-1", 1), ("127.0.0.1", 3),
                             ("127.*", 3), ("XA", 0)):
        done = with_new.command("list", "--source", source)
        assert len(done.stdout.splitlines()) == expected, source


def test_status_filter(stopped):
    for i, status in enumerate(("0xA900", "0xA901", "0xC001", "none")):
        name = f"20261124T000000.00000{i}Z-m1-1.2.{i}.dcm"
        instance.make(uid=f"1.2.{i}").write(
            stopped.path("pacs", "failed", name))
        stopped.path("pacs", "result", name).write_text(
            f"dcmspool-result 1\nItem: {name}\nMessageID: 1\n"
            f"SOPInstanceUID: 1.2.{i}\nDestination: pacs\nState: failed\n"
            f"Status: {status}\nAttempts: 1\n")
    for wanted, n in (("0xA900", 1), ("0xA9xx", 2), ("a9XX", 2),
                      ("0xxxxx", 3), ("none", 1), ("0x0000", 0)):
        rows = stopped.command("list", "--status", wanted).stdout.splitlines()
        assert len(rows) == n, (wanted, rows)
    full = stopped.command("list", "-l", "--status", "0xA900").stdout
    assert "\t0xA900\t1\t-\t-\n" in full


@pytest.mark.parametrize("name", [
    "MR_small.dcm", "MR_small_implicit.dcm", "JPEG2000.dcm", "rtplan.dcm",
    "test-SR.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"])
def test_study_filter_on_real_files(stopped, name):
    path = tools.PYDICOM_FILES / name
    study = pydicom.dcmread(path).StudyInstanceUID
    assert stopped.command("import", "pacs", path).returncode == 0
    found = stopped.command("list", "--study", study)
    # big endian and deflated are not looked into
    known = name not in ("MR_small_bigendian.dcm", "image_dfl.dcm")
    assert (name in found.stdout) is known
    assert stopped.command("list", "--study", study + ".1").returncode == 1


def test_study_filter_on_broken_files(stopped):
    """Cut off, or with lengths that lie, at each byte: never more than not
    found."""
    made = instance.make()
    study = "2.25.340282366920938463463374607431768211455"
    data = made.data
    at = data.index(b"\x20\x00\x0d\x00")
    for i in range(0, at + 60, 3):
        broken = bytearray(data)
        broken[i:i + 3] = b"\xff\xff\xff"
        instance.Instance(made.sop_class, f"1.2.{i}", pdu.EXPLICIT_LE,
                          bytes(broken)).write(
            stopped.path("pacs", "hold", f"b{i}.dcm"))
        instance.Instance(made.sop_class, f"1.2.{i}", pdu.IMPLICIT_LE,
                          data[:i + 1]).write(
            stopped.path("pacs", "hold", f"c{i}.dcm"))
    done = stopped.command("list", "--study", study)
    assert done.returncode in (0, 1), done.stdout


def test_names_for_xargs(stopped):
    odd = "a b\n\\x.dcm"
    instance.make().write(stopped.path("pacs", "hold", odd))
    done = stopped.command("list", "-0", "pacs/hold")
    assert done.stdout == f"pacs/hold/{odd}\0"
    assert "a b\\x0a\\\\x.dcm" in stopped.command("list").stdout
    done = tools.run("sh", "-c", f"'{gateways.COMMAND}' -c '{stopped.conf}' "
                     f"list -0 pacs/hold | xargs -0 '{gateways.COMMAND}' "
                     f"-c '{stopped.conf}' release")
    assert done.returncode == 0, done.stdout
    assert everywhere(stopped) == {"new": [odd]}


# states

def test_hold_and_release(with_new, pacs):
    name = with_new.names[1]
    done = with_new.command("hold", name)
    assert done.stdout == f"hold\tpacs/new/{name}\n"
    with_new.sender.start()
    tools.wait_until(lambda: len(pacs.received) == 2)
    assert with_new.items("pacs", "hold") == [name]
    assert with_new.command("hold", name).returncode == 1
    assert with_new.command("release", name).returncode == 0
    tools.wait_until(lambda: len(pacs.received) == 3)
    with_new.wait_empty("pacs")
    assert with_new.command("release", name).returncode == 1


@pytest.mark.parametrize("command, status, comment", [
    ("fail", 0xC000, "set aside"), ("remove", 0xA700, "removed")])
def test_who_waits_is_told(start_gateway, pacs, command, status, comment):
    gateway = start_gateway({"pacs": pacs})
    gateway.command("pause", "pacs")
    gateway.sender.wait_log(r"\bpaused\b")
    made = instance.make()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(gateway.store, made)
        (name,) = gateway.wait_items("pacs", "new", 1)
        began = time.monotonic()
        assert gateway.command(command, made.uid).returncode == 0
        response = waiting.result(10)
    assert time.monotonic() - began < 3
    assert response.status == status
    assert comment in response.comment
    if command == "fail":
        assert gateway.items("pacs", "failed") == [name]
        assert gateway.record("pacs", name)["State"] == "failed"
        assert "operator" in gateway.record("pacs", name)["Reason"]
    else:
        assert everywhere(gateway) == {}


def test_remove_takes_nothing_for_granted(with_new):
    assert with_new.command("remove", "--dest", "pacs", "--yes"
                            ).returncode == 64
    assert everywhere(with_new) == {"new": with_new.names}
    assert with_new.command("remove", "--dest", "pacs", "--state", "new",
                            "--yes").returncode == 0
    assert everywhere(with_new) == {}


def test_an_item_that_is_being_sent_is_left(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=SPOOLED)
    pacs.default = Answer(delay=2)
    gateway.store(instance.make())
    (name,) = gateway.wait_items("pacs", "active", 1)
    for command in ("hold", "fail", "remove"):
        done = gateway.command(command, name)
        assert done.returncode == 1 and "being sent" in done.stdout
    assert gateway.items("pacs", "active") == [name]
    tools.wait_until(lambda: len(pacs.received) == 1)
    gateway.wait_empty("pacs")


def test_a_name_that_is_taken_stays(with_new):
    name = with_new.names[0]
    other = with_new.path("pacs", "hold", name)
    instance.make().write(other)
    before = other.read_bytes()
    done = with_new.command("hold", f"pacs/new/{name}")
    assert done.returncode == 1 and "one of that name" in done.stdout
    assert other.read_bytes() == before
    assert name in with_new.items("pacs", "new")


def test_races_with_a_running_sender(start_gateway, pacs):
    """Whoever is first wins, and every instance is delivered once or held."""
    gateway = start_gateway({"pacs": pacs}, routes=SPOOLED, Lanes=2)
    made = [instance.make() for _ in range(150)]
    stop = threading.Event()

    def play():
        while not stop.is_set():
            gateway.command("hold", "--dest", "pacs", "--yes")
            gateway.command("release", "--dest", "pacs", "--yes")

    player = threading.Thread(target=play)
    player.start()
    with gateway.modality(*made) as ct:
        for one in made:
            assert ct.store(one).status == 0
    stop.set()
    player.join(30)
    gateway.command("release", "--dest", "pacs", "--yes")
    tools.wait_until(lambda: len(pacs.received) >= 150, 30)
    gateway.wait_empty("pacs")
    assert sorted(pacs.uids()) == sorted(m.uid for m in made)
    assert everywhere(gateway) == {}


# move, copy, export, import

def test_move_and_copy(with_new):
    one, two, three = with_new.names
    assert with_new.command("move", one, "other").returncode == 0
    assert with_new.command("copy", two, "other").returncode == 0
    assert everywhere(with_new) == {"new": [two, three]}
    assert everywhere(with_new, "other") == {"new": [one, two]}
    again = with_new.command("copy", f"pacs/{two}", "other")
    assert again.returncode == 1 and "File exists" in again.stdout
    assert with_new.command("move", f"pacs/{two}", "pacs").returncode == 1
    assert with_new.command("move", three, "nowhere").returncode == 64
    with_new.sender.start()
    with_new.wait_empty("pacs")
    with_new.wait_empty("other")


def test_move_tells_who_waits(start_gateway, pacs, destination):
    other = destination()
    gateway = start_gateway({"pacs": pacs, "other": other}, routes=[
        {"DuplexTargetConfigNames": "pacs"}])
    gateway.command("pause", "pacs")
    tools.wait_until(lambda: "paused" in "\n".join(gateway.sender.log))
    made = instance.make()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(gateway.store, made)
        gateway.wait_items("pacs", "new", 1)
        assert gateway.command("move", made.uid, "other").returncode == 0
        assert waiting.result(10).status == 0xA700
    tools.wait_until(lambda: other.uids() == [made.uid])


def test_export_and_import(with_new, tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    done = with_new.command("export", "--dest", "pacs", folder, "--yes")
    assert done.returncode == 0, done.stdout
    assert sorted(p.name for p in folder.iterdir()) == with_new.names
    for path in folder.iterdir():
        inside = with_new.path("pacs", "new", path.name)
        assert path.read_bytes() == inside.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
    again = with_new.command("export", with_new.names[0], folder)
    assert again.returncode == 1 and "File exists" in again.stdout
    done = with_new.command("import", "other", *sorted(folder.iterdir()))
    assert done.returncode == 0, done.stdout
    assert everywhere(with_new, "other") == {"new": with_new.names}
    assert (gateways.envelope(with_new.path(
        "other", "new", with_new.names[0]))["CallingAET"] == "CT-1")


def test_import_refuses_what_is_not_whole(with_new, tmp_path):
    good = with_new.path("pacs", "new", with_new.names[0]).read_bytes()
    changed = bytearray(good)
    changed[-1] ^= 1
    for name, data in (("short.dcm", good[:-10]), ("text.dcm", b"hello"),
                       ("empty.dcm", b""), ("changed.dcm", changed)):
        (tmp_path / name).write_bytes(data)
        done = with_new.command("import", "other", tmp_path / name)
        assert done.returncode == 1 and name in done.stdout, done.stdout
    assert with_new.command("import", "other", tmp_path).returncode == 1
    assert with_new.command("import", "other", "/nowhere").returncode == 1
    assert everywhere(with_new, "other") == {}
    assert list((with_new.spool / "tmp").iterdir()) == []


def test_import_gives_names_that_count(stopped, tmp_path):
    made = instance.make()
    for name in ("IM0001", ".hidden", "two words.DCM"):
        made.write(tmp_path / name)
        assert stopped.command("import", "pacs", tmp_path / name
                               ).returncode == 0
    made.write(tmp_path / "20261124T000000.000000Z-m1-9.9.9.dcm")
    assert stopped.command(
        "import", "pacs",
        tmp_path / "20261124T000000.000000Z-m1-9.9.9.dcm").returncode == 0
    assert everywhere(stopped)["new"] == sorted([
        "IM0001.dcm", "hidden.dcm", "two words.DCM.dcm",
        f"imported-{made.uid}.dcm"])


# edit

def dcmodify(*changes):
    return ["--", "dcmodify", "-nb", *changes]


def failed_items(gateway, pacs, n, status=0xA900):
    pacs.default = Answer(status, comment="patient ID unknown")
    made = [instance.make() for _ in range(n)]
    with gateway.modality(*made) as ct:
        for one in made:
            assert ct.store(one).status == status
    pacs.default = Answer()
    return gateway.wait_items("pacs", "failed", n)


def test_edit_and_retry(start_gateway, pacs):
    pacs.keep_data = True
    gateway = start_gateway({"pacs": pacs})
    names = failed_items(gateway, pacs, 2)
    before = gateways.envelope(gateway.path("pacs", "failed", names[0]))
    done = gateway.command("edit", "--status", "0xA900", "--yes",
                           *dcmodify("-m", "PatientID=4711"))
    assert done.returncode == 0, done.stdout
    assert gateway.items("pacs", "failed") == names
    after = gateways.envelope(gateway.path("pacs", "failed", names[0]))
    assert {k for k in after if after[k] != before[k]} <= {
        "DataSetLength", "Digest"}
    assert after["Digest"] != before["Digest"]
    assert gateway.command("check").returncode == 0
    assert gateway.command("retry", "--all", "pacs/failed", "--yes"
                           ).returncode == 0
    tools.wait_until(lambda: len(pacs.received) == 4)
    gateway.wait_empty("pacs")
    for received in pacs.received[2:]:
        assert b"4711" in received.data
    assert everywhere(gateway) == {}


def test_edit_of_the_uid_gives_a_name_that_fits(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    (name,) = failed_items(gateway, pacs, 1)
    done = gateway.command(
        "edit", name, *dcmodify("-m", "SOPInstanceUID=1.2.3.4"))
    assert done.returncode == 0, done.stdout
    (renamed,) = gateway.items("pacs", "failed")
    assert renamed == re.sub(r"-[0-9.]+\.dcm$", "-1.2.3.4.dcm", name)
    assert f"now\tpacs/failed/{renamed}" in done.stdout
    assert gateway.record("pacs", renamed)["SOPInstanceUID"] == "1.2.3.4"
    assert not gateway.path("pacs", "result", name).exists()
    assert gateway.command("check").returncode == 0
    assert gateway.command("retry", renamed).returncode == 0
    tools.wait_until(lambda: len(pacs.received) == 2)
    assert pacs.received[1].uid == "1.2.3.4"


def test_another_uid_is_no_answer_for_who_waits(start_gateway, pacs):
    """What was delivered in the end is not what the modality sent."""
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 6}])
    gateway.command("pause", "pacs")
    gateway.sender.wait_log(r"\bpaused\b")
    made = instance.make()
    with gateway.modality(made) as ct:
        ct.send(made)
        (name,) = gateway.wait_items("pacs", "new", 1)
        for words in (["hold", name],
                      ["edit", name, *dcmodify("-m", "SOPInstanceUID=1.2.3.4")],
                      ["release", "1.2.3.4"], ["resume", "pacs"]):
            done = gateway.command(*words)
            assert done.returncode == 0, done.stdout
        tools.wait_until(lambda: pacs.uids() == ["1.2.3.4"])
        response = ct.read_response()
    assert (response.status, response.comment) == (0xA700, "not queued")


def test_edit_leaves_a_foreign_item_foreign(stopped):
    made = instance.make()
    made.write(stopped.path("pacs", "hold", "mine.dcm"))
    done = stopped.command("edit", "mine.dcm",
                           *dcmodify("-m", "SOPInstanceUID=1.2.3.4"))
    assert done.returncode == 0, done.stdout
    assert everywhere(stopped) == {"hold": ["mine.dcm"]}
    meta, _ = instance.read_meta(
        stopped.path("pacs", "hold", "mine.dcm").read_bytes())
    assert meta[0x03] == "1.2.3.4" and 0x0102 not in meta
    assert stopped.command("check").returncode == 0


@pytest.mark.parametrize("command", [
    ["false"], ["/nowhere"], ["truncate", "-s", "0"], ["rm"],
    ["sh", "-c", "echo hello >$1", "sh"], ["truncate", "-s", "-10"]])
def test_an_edit_that_fails_changes_nothing(start_gateway, pacs, command):
    gateway = start_gateway({"pacs": pacs})
    (name,) = failed_items(gateway, pacs, 1)
    path = gateway.path("pacs", "failed", name)
    before = path.read_bytes(), path.stat().st_ino
    done = gateway.command("edit", name, "--", *command)
    assert done.returncode == 1, done.stdout
    assert (path.read_bytes(), path.stat().st_ino) == before
    assert everywhere(gateway) == {"failed": [name]}


def test_edit_wants_it_out_of_the_way(with_new):
    done = with_new.command("edit", with_new.names[0], "--", "true")
    assert done.returncode == 1 and "hold it first" in done.stdout
    assert with_new.command("edit", with_new.names[0]).returncode == 64
    assert with_new.command("edit", "--", "true").returncode == 64


class Halting:
    """A shell command that has begun, and goes on when it is told."""

    def __init__(self, folder, script):
        self.begun, self.told = folder / "begun", folder / "told"
        os.mkfifo(self.told)
        self.words = ["sh", "-c", f'>"{self.begun}"; read word <"{self.told}"; '
                      + script, "sh"]

    def wait(self):
        tools.wait_until(self.begun.exists, 10, "the command has begun")

    def go_on(self):
        self.told.write_text("on\n")


def test_an_edit_that_comes_too_late(stopped, tmp_path):
    instance.make().write(stopped.path("pacs", "hold", "one.dcm"))
    edit = Halting(tmp_path, "echo >/dev/null")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        editing = pool.submit(stopped.command, "edit", "one.dcm", "--",
                              *edit.words)
        edit.wait()
        assert stopped.command("release", "one.dcm").returncode == 0
        edit.go_on()
        done = editing.result(10)
    assert done.returncode == 1 and "meanwhile" in done.stdout
    assert everywhere(stopped) == {"new": ["one.dcm"]}


def test_two_edits_at_once(stopped, tmp_path):
    instance.make().write(stopped.path("pacs", "hold", "one.dcm"))
    command = dcmodify("-i", "PatientComments=x")
    first = Halting(tmp_path, "dcmodify -nb -m PatientID=SLOW $1")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        editing = pool.submit(stopped.command, "edit", "one.dcm", "--",
                              *first.words)
        first.wait()
        assert stopped.command("edit", "one.dcm", *command).returncode == 0
        first.go_on()
        done = editing.result(10)
    assert done.returncode == 1 and "somebody else" in done.stdout
    read = pydicom.dcmread(stopped.path("pacs", "hold", "one.dcm"))
    assert read.PatientComments == "x" and read.PatientID != "SLOW"


def test_an_edited_item_proves_nothing_of_itself(stopped):
    """0x0111 counts as delivered only for the bytes that were sent whole."""
    name = "20261124T000000.000000Z-m1-1.2.3.dcm"
    instance.make(uid="1.2.3").write(stopped.path("pacs", "failed", name))
    record = stopped.path("pacs", "result", name)
    record.write_text(
        f"dcmspool-result 1\nItem: {name}\nMessageID: 1\n"
        "SOPInstanceUID: 1.2.3\nDestination: pacs\nState: failed\n"
        "Status: none\nAttempts: 1\nAnswerLost: yes\n")
    assert stopped.command("edit", name, *dcmodify("-m", "PatientID=4711")
                           ).returncode == 0
    assert "AnswerLost" not in record.read_text()


# destinations

def test_pause_and_resume(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=SPOOLED)
    for _ in range(2):
        assert gateway.command("pause", "pacs").returncode == 0
    gateway.sender.wait_log(r"\bpaused\b")
    gateway.store(instance.make())
    tools.stays(lambda: not pacs.received, 0.5)
    assert "paused" in gateway.command("status").stdout
    for _ in range(2):
        assert gateway.command("resume", "pacs").returncode == 0
    tools.wait_until(lambda: len(pacs.received) == 1)
    assert gateway.command("pause", "nowhere").returncode == 64
    gateway.wait_empty("pacs")


def test_flush_makes_due_what_is_deferred(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, RetryMin=50, RetryMax=60)
    pacs.script = [Answer(0xA700)] * 2
    for _ in range(2):
        gateway.store(instance.make())
    gateway.wait_items("pacs", "deferred", 2)
    done = gateway.command("flush", "pacs")
    assert done.stdout == "flush\tpacs\t2\t-\n"
    tools.wait_until(lambda: len(pacs.received) == 4, 5)
    gateway.wait_empty("pacs")


def test_flush_probes_the_link(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=SPOOLED, RetryMin=50,
                            RetryMax=60)
    pacs.stop()
    gateway.store(instance.make())
    gateway.wait_down("pacs")
    since = gateway.json("status")["Destinations"][0]["Down"]["Since"]
    done = gateway.command("flush", "pacs")
    assert done.stdout == "flush\tpacs\t0\tprobed\n"
    gateway.sender.wait_log("probe-wanted")
    # it is down still: the record is back, and knows since when
    gateway.sender.wait_log("probe-failed")
    gateway.wait_down("pacs")
    assert gateway.json("status")["Destinations"][0]["Down"]["Since"] == since
    pacs.start()
    assert gateway.command("flush", "pacs").returncode == 0
    gateway.wait_empty("pacs", 5)
    tools.wait_until(lambda: not gateway.down("pacs"))


def test_flush_without_a_sender(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=SPOOLED)
    pacs.stop()
    gateway.store(instance.make())
    gateway.wait_down("pacs")
    gateway.sender.stop()
    assert gateway.command("flush", "pacs").stdout == "flush\tpacs\t0\t-\n"
    assert gateway.down("pacs")


# check

def test_check_of_a_busy_gateway(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, KeepSent=100)
    stop = threading.Event()
    outputs = []

    def check():
        while not stop.is_set():
            outputs.append(gateway.command("check", "--repair"))

    checker = threading.Thread(target=check)
    checker.start()
    made = [instance.make() for _ in range(80)]
    with gateway.modality(*made) as ct:
        for one in made:
            assert ct.store(one).status == 0
    stop.set()
    checker.join(20)
    assert outputs
    for done in outputs:
        assert done.returncode == 0 and "problem" not in done.stdout, (
            done.stdout)
    assert len(gateway.items("pacs", "sent")) == 80


def damage(gateway):
    """One of each; {what check says: what it is}."""
    one, two, three = gateway.names
    queue = gateway.spool / "queue" / "pacs"
    body = queue / "new" / one
    data = bytearray(body.read_bytes())
    data[-1] ^= 1
    body.write_bytes(data)
    with open(queue / "new" / two, "ab") as f:
        f.truncate(f.tell() - 10)
    fits = queue / "new" / three
    wrong = re.sub(r"-[0-9.]+\.dcm$", "-9.9.9.dcm", three)
    fits.rename(fits.with_name(wrong))
    (queue / "result" / "gone.dcm").write_text("dcmspool-result 1\n")
    (queue / "sent").rmdir()
    (queue / "hold").chmod(0o755)
    instance.make().write(queue / "hold" / "readable.dcm")
    instance.make().write(queue / "deferred" / "twice.dcm")
    (queue / "deferred" / "twice.dcm").chmod(0o600)
    os.link(queue / "deferred" / "twice.dcm", queue / "hold" / "twice.dcm")
    (queue / "result" / "twice.dcm").write_text("nonsense\n")
    (gateway.spool / "tmp" / "20260101T000000.000000Z-1.1").write_bytes(b"x")
    (gateway.spool / "result" / "20260101T000000.000000Z-1").mkdir()
    (queue / "new" / "folder.dcm").mkdir()
    return {"digest": one, "by its envelope": two, "is SOP instance": wrong,
            "record of no item": "gone.dcm", "is missing": "sent",
            "has mode 0755": "hold", "has mode 0644": "readable.dcm",
            "are the same file": "twice.dcm", "no \"dcmspool-result":
            "twice.dcm", "was being received": "20260101T000000.000000Z-1.1",
            "nobody waits there": "20260101T000000.000000Z-1",
            "is no regular file": "folder.dcm"}


def test_check_finds_and_repairs(with_new):
    with_new.receiver.stop()
    assert with_new.command("check").returncode == 0
    expected = damage(with_new)
    found = with_new.command("check")
    assert found.returncode == 1
    lines = found.stdout.splitlines()
    for says, what in expected.items():
        assert any(says in line and what in line for line in lines), (
            says, found.stdout)
    assert len(lines) == len(expected) + 1, found.stdout
    before = len(everywhere(with_new)["new"])
    repaired = with_new.command("check", "--repair")
    assert repaired.returncode == 1  # a folder is none of ours to remove
    with_new.path("pacs", "new", "folder.dcm").rmdir()
    again = with_new.command("check")
    assert again.returncode == 0, again.stdout
    assert len(with_new.items("pacs", "corrupt")) == 2
    assert before == 4
    names = everywhere(with_new)
    assert len(names["new"]) == 1 and "-9.9.9" not in names["new"][0]
    assert names["hold"] == ["readable.dcm", "twice.dcm"]
    assert "deferred" not in names
    record = with_new.record("pacs", with_new.names[0])
    assert record["State"] == "failed" and "digest" in record["Reason"]


def test_check_leaves_alone_what_a_receiver_uses(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    pacs.stop()
    made = instance.make()
    with gateway.modality(made) as ct:
        ct.send(made)
        gateway.wait_items("pacs", "new", 1)
        assert any((gateway.spool / "result").iterdir())
        assert gateway.command("check", "--repair").returncode == 0
        assert any((gateway.spool / "result").iterdir())
        pacs.start()
        assert ct.read_response().status in (0, 0xA700)
    gateway.wait_empty("pacs", 15)


# expire

def test_expire(stopped, pacs):
    stopped.destinations["pacs"].update({"KeepSent": 1, "KeepFailed": 1})
    stopped.write_conf()
    for state in ("sent", "failed", "hold"):
        instance.make().write(stopped.path("pacs", state, f"{state}.dcm"))
        stopped.path("pacs", "result", f"{state}.dcm").write_text("x")
    assert stopped.command("expire").stdout == ""
    tools.wait_until(lambda: sorted(
        stopped.command("expire", "--dry-run").stdout.splitlines()) == [
            "would expire\tpacs/failed\t1", "would expire\tpacs/sent\t1"])
    assert len(everywhere(stopped)) == 3
    done = stopped.command("expire")
    assert done.returncode == 0
    assert everywhere(stopped) == {"hold": ["hold.dcm"]}
    assert [p.name for p in stopped.path("pacs", "result").iterdir()] == [
        "hold.dcm"]


# trace

@pytest.fixture
def traced(start_gateway, pacs, tmp_path):
    """One instance that was deferred, then delivered, another beside it."""
    gateway = start_gateway({"pacs": pacs}, RetryMin=1, RetryMax=1)
    pacs.script = [Answer(0xA700)]
    gateway.made = instance.make(uid="1.2.3.4")
    gateway.store(gateway.made, calling="CT-7")
    gateway.store(instance.make(uid="1.2.3.44"))
    gateway.store(instance.make(uid="11.2.3.4"))
    gateway.wait_empty("pacs")
    gateway.stop()
    for daemon, name in ((gateway.sender, "sender.log"),
                         (gateway.receiver, "receiver.log")):
        (tmp_path / name).write_text("\n".join(daemon.log) + "\n")
    gateway.logs = [tmp_path / "sender.log", tmp_path / "receiver.log"]
    return gateway


def check_life(text):
    events = re.findall(r" (associated|not-stored|deferred|delivered|ended) ",
                        text)
    assert events[0] == "associated"
    assert set(events) == {"associated", "not-stored", "deferred",
                           "delivered", "ended"}
    assert events.index("deferred") < events.index("delivered")
    assert "CT-7" in text
    assert "1.2.3.44" not in text and "11.2.3.4" not in text


def test_trace_from_logs(traced):
    done = traced.command("trace", "1.2.3.4", *traced.logs)
    assert done.returncode == 0, done.stdout
    check_life(done.stdout)
    assert traced.command("trace", "1.2.3.5", *traced.logs).returncode == 1
    rows = traced.json("trace", "1.2.3.4", *traced.logs)
    assert rows[0]["Event"] == "associated" and rows[0]["calling"] == "CT-7"
    assert any(r["Event"] == "deferred" and r["status"] == "0xA700"
               for r in rows)


def test_trace_from_compressed_logs_and_stdin(traced, tmp_path):
    for path, module in zip(traced.logs, (gzip, lzma)):
        end = {gzip: ".1.gz", lzma: ".1.xz"}[module]
        with module.open(f"{path}{end}", "wb") as f:
            f.write(path.read_bytes())
    done = traced.command("trace", "1.2.3.4", f"{traced.logs[0]}.1.gz",
                          f"{traced.logs[1]}.1.xz")
    assert done.returncode == 0, done.stdout
    check_life(done.stdout)
    text = "".join(p.read_text() for p in traced.logs)
    done = tools.run(gateways.COMMAND, "-c", traced.conf, "trace", "1.2.3.4",
                     "-", input=text)
    check_life(done.stdout)
    (tmp_path / "broken.gz").write_bytes(b"not at all")
    done = traced.command("trace", "1.2.3.4", tmp_path / "broken.gz")
    assert done.returncode == 65 and "broken.gz" in done.stdout
    assert traced.command("trace", "1.2.3.4", "/nowhere").returncode == 73


def test_trace_from_syslog_lines(traced):
    """With what syslog puts before the event, and times of a zone."""
    lines = []
    for path in traced.logs:
        for line in path.read_text().splitlines():
            when, program, _, rest = line.split(" ", 3)
            zone = when.replace("Z", "+00:00")
            lines.append(f"{zone} host {program}: {rest}\n")
    done = tools.run(gateways.COMMAND, "-c", traced.conf, "trace", "1.2.3.4",
                     "-", input="".join(lines))
    check_life(done.stdout)


def test_trace_orders_by_any_time(traced):
    """Times as they may stand in a log: to the microsecond, of zones, and
    absurd ones."""
    times = ["2026-11-23T22:50:01.000001Z", "2026-11-23T22:50:01.000002Z",
             "2026-11-24T04:20:01.000003+0530",
             "2026-11-24T04:20:01.0000044444+05:30",
             "2026-11-23T20:50:01.000005-02:00", "2026-11-23T22:50:02Z"]
    absurd = ["2026-11-23T22:50:1e300", "2026-11-23T22:50:nan",
              "9999-99-99T99:99:99.999999999999999999999+99:99", "1-1-1T1:1:1"]
    for order in (times, times[::-1]):
        done = tools.run(
            gateways.COMMAND, "-c", traced.conf, "trace", "1.2.3.4", "-",
            input="".join(f"{t} x[1] info e uid=1.2.3.4 n={times.index(t)}\n"
                          for t in order))
        assert re.findall(r" n=(\d)", done.stdout) == list("012345")
    done = tools.run(
        gateways.COMMAND, "-c", traced.conf, "trace", "1.2.3.4", "-",
        input="".join(f"{t} x[1] info e uid=1.2.3.4\n" for t in absurd))
    assert done.returncode == 0 and done.stdout.count("1.2.3.4") == len(absurd)


def test_trace_shows_where_it_is(with_new):
    uid = with_new.names[0].split("-")[-1][:-4]
    done = with_new.command("trace", uid)
    assert done.returncode == 0
    assert f"now-in destination=pacs state=new item={with_new.names[0]}" in (
        done.stdout)
    assert with_new.command("trace").returncode == 64
    assert with_new.command("trace", "../etc").returncode == 64


def test_show_several(with_new):
    done = with_new.command("show", *with_new.names)
    assert done.stdout.count("Path\t") == 3
    lines = tools.run(gateways.COMMAND, "-c", with_new.conf, "show", "--json",
                      "--source", "CT-*").stdout.splitlines()
    assert {json.loads(line)["CallingAET"] for line in lines} == {
        "CT-1", "CT-2"}


# completion

def test_completion(with_new):
    def complete(*words):
        script = (
            f"source '{tools.TREE}/contrib/dcmspool.bash'; "
            f"COMP_WORDS=({' '.join(words)} ''); "
            f"COMP_CWORD={len(words)}; COMP_LINE=x; _dcmspool; "
            "printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = tools.run("bash", "-c", script, env={
            **os.environ, "DCMSPOOL_CONF": str(with_new.conf),
            "PATH": f"{gateways.COMMAND.parent}:{os.environ['PATH']}"})
        assert done.returncode == 0, done.stdout
        return set(done.stdout.split())

    usage = tools.run(gateways.COMMAND, "-h").stdout
    names = set(re.findall(r"^  ([a-z]+) ", usage, re.M))
    assert len(names) >= 20 and names <= complete("dcmspool")
    assert {"pacs", "other"} <= complete("dcmspool", "pause")
    assert {"new", "failed"} <= complete("dcmspool", "list", "--state")
    assert {"pacs", "other"} <= complete("dcmspool", "list", "--dest")
    assert set(with_new.names) <= complete("dcmspool", "hold")
