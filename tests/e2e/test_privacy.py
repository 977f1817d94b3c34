"""Nothing that tells who a patient is stands anywhere but in the items, and, as
an error comment that a destination gave, in marker, record and `show`."""

import json
import os
import pathlib
import re
import signal
import socket
import threading

import pytest
from peers import instance, pdu
from peers.destination import Answer

import tools

MARK = b"Zvyxqulba"  # in every value, however it is cut or put
WORD = MARK.decode()
BORN = "18830717"  # a date and a number cannot hold the word
WEIGHT = "83.7194"

# PS3.3 C.7.1.1, C.7.1.3, C.7.2.1 and others: the patient by name, number,
# place, time, and what people write about it.
ATTRIBUTES = (
    (0x0008, 0x0050, b"SH", MARK + b" ACC"), (0x0008, 0x0080, b"LO", MARK),
    (0x0008, 0x0081, b"ST", MARK + b" St"), (0x0008, 0x0090, b"PN", MARK + b"^Ref"),
    (0x0008, 0x1030, b"LO", MARK), (0x0008, 0x103E, b"LO", MARK),
    (0x0008, 0x1048, b"PN", MARK + b"^Phys"), (0x0008, 0x1050, b"PN", MARK),
    (0x0010, 0x0010, b"PN", MARK + b"^Anna"), (0x0010, 0x0020, b"LO", MARK + b"-1"),
    (0x0010, 0x0021, b"LO", MARK), (0x0010, 0x0030, b"DA", BORN.encode()),
    (0x0010, 0x0032, b"TM", b"111213"), (0x0010, 0x0040, b"CS", b"F"),
    (0x0010, 0x0050, b"LO", MARK), (0x0010, 0x1000, b"LO", MARK),
    (0x0010, 0x1001, b"PN", MARK + b"^Other"), (0x0010, 0x1005, b"PN", MARK),
    (0x0010, 0x1030, b"DS", WEIGHT.encode()), (0x0010, 0x1040, b"LO", MARK + b" Rd"),
    (0x0010, 0x1060, b"PN", MARK + b"^Mother"), (0x0010, 0x1090, b"LO", MARK),
    (0x0010, 0x2000, b"LO", MARK), (0x0010, 0x2110, b"LO", MARK),
    (0x0010, 0x2154, b"SH", MARK), (0x0010, 0x2160, b"SH", MARK),
    (0x0010, 0x2180, b"SH", MARK), (0x0010, 0x21B0, b"LT", MARK + b" history"),
    (0x0010, 0x21F0, b"LO", MARK), (0x0010, 0x2297, b"PN", MARK),
    (0x0010, 0x4000, b"LT", MARK + b" comments"), (0x0018, 0x1030, b"LO", MARK),
    (0x0020, 0x0010, b"SH", MARK), (0x0020, 0x4000, b"LT", MARK),
    (0x0032, 0x1032, b"PN", MARK), (0x0032, 0x4000, b"LT", MARK),
    (0x0038, 0x0010, b"LO", MARK), (0x0038, 0x0300, b"LO", MARK),
    (0x0040, 0x0006, b"PN", MARK), (0x0040, 0x0253, b"SH", MARK),
)
SECRETS = (WORD, BORN, WEIGHT)


def marked(extra=b""):
    uid = instance.new_uid()
    head = [(0x0008, 0x0016, b"UI", instance.SECONDARY_CAPTURE.encode()),
            (0x0008, 0x0018, b"UI", uid.encode())]
    data = b"".join(instance._explicit(*e)
                    for e in sorted(head + list(ATTRIBUTES)))
    return instance.Instance(instance.SECONDARY_CAPTURE, uid, pdu.EXPLICIT_LE,
                             data + extra)


class Watch:
    """All that anybody is shown: gathered, then searched."""

    def __init__(self, gateway):
        self.gateway, self.shown = gateway, {}

    def add(self, where, text):
        self.shown[where] = self.shown.get(where, "") + text

    def processes(self):
        """Titles, arguments, environments' names: what ps shows."""
        for daemon in (self.gateway.receiver, self.gateway.sender):
            for pid in daemon.processes():
                for name in ("comm", "cmdline"):
                    try:
                        self.add("ps", pathlib.Path(f"/proc/{pid}/{name}")
                                 .read_text("latin-1"))
                    except OSError:
                        pass

    def command(self, *words, **more):
        done = self.gateway.command(*words, **more)
        self.add(" ".join(str(w) for w in words), done.stdout)
        return done

    def spool(self):
        """Every file but items and what may hold an error comment."""
        for path in self.gateway.spool.rglob("*"):
            self.add("names", str(path))
            parts = path.relative_to(self.gateway.spool).parts
            if not path.is_file() or "result" in parts or path.suffix == ".dcm":
                continue
            self.add(f"spool/{'/'.join(parts)}",
                     path.read_bytes().decode("latin-1"))

    def logs(self):
        for daemon in (self.gateway.receiver, self.gateway.sender):
            self.add(daemon.program.name, "\n".join(daemon.log))
        ledger = self.gateway.folder / "ledger"
        if ledger.exists():
            self.add("ledger", ledger.read_text("utf-8"))

    def found(self):
        return [(where, secret) for where, text in self.shown.items()
                for secret in SECRETS if secret.lower() in text.lower()]


@pytest.fixture
def make_watched(make_gateway, destination):
    def make():
        pacs = destination()
        gateway = make_gateway(
            {"pacs": {"RemotePort": pacs.port, "KeepSent": 60}},
            receiver={"MaxInstanceBytes": 1_000_000})
        gateway.log_settings["Ledger"] = str(gateway.folder / "ledger")
        gateway.write_conf()
        return gateway, pacs
    return make


@pytest.fixture
def watch(make_watched):
    gateway, pacs = make_watched()
    watch = Watch(gateway.start())
    watch.pacs = pacs
    return watch


def everything_shown(watch, uid, item, tmp_path):
    """What an operator looks with, on whatever is in the spool."""
    log = tmp_path / "log"
    log.write_text("\n".join(watch.gateway.receiver.log
                             + watch.gateway.sender.log) + "\n")
    for words in (("status",), ("status", "--json"), ("list",),
                  ("list", "-l"), ("list", "--json"), ("check",),
                  ("trace", uid, log), ("trace", "--json", uid, log),
                  ("trace", uid), ("metrics",), ("metrics", "--json"),
                  ("expire", "--dry-run"), ("report", log),
                  ("report", "--json", log)):
        assert watch.command(*words).stdout or words[0] == "expire", words
    # with an error comment `show` shows it, and nothing else does
    shown = watch.gateway.command("show", item).stdout
    watch.add("show", "\n".join(
        line for line in shown.splitlines() if "comment" not in line.lower()))


def test_from_success_to_failure(watch, tmp_path):
    gateway, pacs = watch.gateway, watch.pacs
    comment = f"no {WORD}^Anna born {BORN}"
    good, refused, warned, broken = marked(), marked(), marked(), marked()
    assert gateway.store(good).status == 0
    pacs.script = [Answer(status=0xC123, comment=comment,
                          offending=[0x00100010])]
    answer = gateway.store(refused)
    assert (answer.status, answer.comment) == (0xC123, comment)
    item, = gateway.wait_items("pacs", "failed", 1)
    pacs.script = [Answer(status=0xB000, comment=comment)]
    assert gateway.store(warned).status == 0xB000
    pacs.script = [Answer(cut="data", how="rst"), Answer(cut="answer")]
    watch.processes()
    gateway.store(broken)
    gateway.wait_empty("pacs", 20)
    assert comment in gateway.command("show", item).stdout
    everything_shown(watch, refused.uid, item, tmp_path)
    watch.spool()
    watch.logs()
    assert len(gateway.items("pacs", "sent")) == 3
    assert watch.shown["ledger"].count(refused.uid) >= 3
    assert watch.found() == []


def test_what_is_refused_here(watch):
    """Before it is an item: too large, on no context, cut, a file sent as a
    data set, no data set, names where UIDs and AE titles are due."""
    gateway = watch.gateway
    large = marked(instance._explicit(0x7FE0, 0x0010, b"OW", bytes(1_100_000)))
    assert gateway.store(large).status != 0
    one = marked()
    for more in ({"override": {"AffectedSOPInstanceUID": f"{WORD}/../.."}},
                 {"override": {"AffectedSOPClassUID": WORD}},
                 {"move": (WORD, 1)}):
        try:
            gateway.store(marked(), more=more)
        except (pdu.Aborted, pdu.Closed, OSError):
            pass
    with gateway.modality(one) as ct:
        ct.send(one, upto=len(one.data) // 2)
        ct.reset()
    file = marked()
    file.data = b"\0" * 128 + b"DICM" + file.data
    assert gateway.store(file).status != 0
    for nonsense in (pdu.pdu(1, MARK * 40), MARK * 40):
        with socket.create_connection(("127.0.0.1", gateway.port), 5) as sock:
            sock.sendall(nonsense)
            try:
                sock.recv(100)
            except ConnectionResetError:
                pass
    gateway.wait_empty("pacs", 20)
    watch.spool()
    watch.logs()
    assert gateway.receiver.log and watch.found() == []


def test_by_the_operator(watch, tmp_path):
    """Held, edited, exported, imported, damaged, moved, failed, removed."""
    gateway = watch.gateway
    watch.command("pause", "pacs")
    gateway.routes[0].update({"AnswerWhen": "spooled"})
    gateway.write_conf()
    gateway.receiver.hup()
    first, second = marked(), marked()
    for one in (first, second):
        assert gateway.store(one).status == 0
    one, two = gateway.wait_items("pacs", "new", 2)
    out = tmp_path / "out"
    out.mkdir()
    assert watch.command("hold", one).returncode == 0
    assert watch.command("export", one, out).returncode == 0
    watch.command("edit", "--yes", one, "--", "dcmodify", "-i",
                  f"PatientComments={WORD} anew")
    watch.command("edit", "--yes", one, "--", "false")
    exported, = out.iterdir()
    watch.command("import", "pacs", exported)
    watch.command("import", "pacs", tmp_path / "nothing.dcm")
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(exported.read_bytes()[:900])
    watch.command("import", "pacs", damaged)
    path = gateway.path("pacs", "new", two)
    os.truncate(path, path.stat().st_size - 20)
    watch.command("resume", "pacs")
    gateway.wait_items("pacs", "corrupt", 1)
    everything_shown(watch, first.uid, two, tmp_path)
    watch.command("check")
    watch.command("release", one)
    gateway.wait_empty("pacs", 20)
    watch.command("remove", "--yes", "--all", "pacs/corrupt")
    watch.spool()
    watch.logs()
    assert watch.found() == []


def test_errors_of_each_command(watch, tmp_path):
    """With what a command can get wrong, on an item that is whole, one that is
    cut off, one that is no DICOM and one that is not there."""
    gateway = watch.gateway
    watch.pacs.script = [Answer(status=0xC123, comment=WORD)] * 3
    for _ in range(3):
        gateway.store(marked())
    whole, cut, other = gateway.wait_items("pacs", "failed", 3)
    gateway.stop()
    path = gateway.path("pacs", "failed", cut)
    os.truncate(path, path.stat().st_size - 20)
    gateway.path("pacs", "failed", other).write_bytes(MARK * 100)
    record = gateway.path("pacs", "result", other)
    record.write_bytes(MARK * 10)
    foreign = tmp_path / "foreign.dcm"
    foreign.write_bytes(MARK * 100)
    locked = tmp_path / "a file"
    locked.write_text("no folder")
    usage = gateway.command("-h").stdout
    commands = re.findall(r"^  ([a-z]+) ", usage, re.M)
    assert len(commands) >= 20, usage
    tries = ([], [whole], [cut], [other], ["--no-such-option"],
             ["2026-no-item.dcm", "pacs"], ["--all", "nowhere", "pacs"],
             ["--status", "0xZZ"], [cut, "nowhere"], [other, "pacs"],
             [other, locked], [cut, foreign], ["pacs", foreign],
             ["nowhere", foreign], [cut, "--", "false"],
             [whole, "--", "sh", "-c", "exit 7"])
    failed = set()
    for command in commands:
        first = {"wait": ["--timeout", "0"], "edit": ["--yes"]}
        for words in tries:
            done = gateway.command(command, *first.get(command, []), *words)
            failed |= {command} if done.returncode else set()
            # an error comment, which `show` shows
            watch.add(command, "\n".join(
                line for line in done.stdout.splitlines()
                if command != "show" or "comment" not in line.lower()))
    assert failed == set(commands)
    watch.spool()
    watch.logs()
    assert watch.found() == []


def put(one, path):
    """As another program does: whole at one instant. Its inode."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(".part")
    one.write(part) if one else part.write_bytes(b"nothing")
    inode = part.stat().st_ino
    part.rename(path)
    return inode


def look_at_all_but_the_screen(watch, tmp_path):
    """The names of files are for who sits before `list` and `show`."""
    log = tmp_path / "log"
    log.write_text("\n".join(watch.gateway.receiver.log
                             + watch.gateway.sender.log) + "\n")
    for words in (("metrics",), ("metrics", "--json"), ("report", log),
                  ("report", "--json", log), ("trace", "1.2.3", log),
                  ("status",), ("status", "--json")):
        watch.command(*words)
    watch.logs()


def test_files_named_after_the_patient(make_watched, tmp_path):
    """Put into the queue by another program: good ones and broken ones, one
    that an earlier sender had in hand, some that are kept long enough, a
    record without its item, and one that cannot be moved."""
    gateway, _ = make_watched()
    gateway.sender.start()
    name = f"{WORD}_ANNA_{BORN}.dcm"
    gateway.sender.stop()
    recovered = put(marked(), gateway.path("pacs", "active", name))
    expired = put(marked(), gateway.path("pacs", "failed", name))
    put(None, gateway.path("pacs", "result", f"{WORD}_GONE.dcm"))
    gateway.destinations["pacs"]["KeepFailed"] = 1
    gateway.write_conf()
    watch = Watch(gateway.start())
    sender = gateway.sender
    sender.wait_log(f'recovered .*item="inode={recovered}"')
    sender.wait_log(f'foreign-taken .*file="inode={recovered}" item=2')
    sender.wait_log(r"record-removed .*inode=\d+")
    tools.wait_until(lambda: f'expired item="inode={expired}"' in
                     (gateway.folder / "ledger").read_text())
    good = put(marked(), gateway.path("pacs", "new", name))
    sender.wait_log(f'foreign-taken .*file="inode={good}" item=2')
    gateway.wait_items("pacs", "sent", 2)
    # the second finds the name taken, and the name of the third fills it all
    long = WORD + "S" * (255 - len(WORD) - 4) + ".dcm"
    for n, file in enumerate((name, name, long, long), 1):
        broken = put(None, gateway.path("pacs", "new", file))
        gateway.wait_items("pacs", "corrupt", n)
        sender.wait_log(f'corrupt .*item="inode={broken}" reason="queue/pacs/'
                        f'new/inode={broken}: ')
    corrupt = gateway.path("pacs", "corrupt")
    sender.signal(signal.SIGSTOP)  # it would make the folder anew
    corrupt.rename(corrupt.with_name("aside"))
    corrupt.write_text("in the way")
    sender.signal(signal.SIGCONT)
    stuck = put(None, gateway.path("pacs", "new", long))
    sender.wait_log(f'corrupt-not-moved .*file="inode={stuck}" reason="rename '
                    f'queue/pacs/new/inode={stuck} to queue/pacs/corrupt/'
                    f'inode={stuck}"')
    look_at_all_but_the_screen(watch, tmp_path)
    assert watch.found() == []
    assert watch.shown["ledger"].count(" corrupt item=") == 4


def test_files_named_after_the_patient_by_the_operator(
        make_watched, destination, tmp_path):
    """Each act on such a file stands in the ledger, without its name."""
    gateway, _ = make_watched()
    gateway.destinations["other"] = {
        **gateway.destinations["pacs"], "Name": "other",
        "RemotePort": destination().port}
    gateway.write_conf()
    gateway.sender.start()
    gateway.sender.stop()
    watch = Watch(gateway)
    name = f"{WORD}_ANNA_{BORN}.dcm"
    broken = f"{WORD}_CUT.dcm"
    out = tmp_path / "out"
    out.mkdir()
    first = put(marked(), gateway.path("pacs", "new", name))
    cut = put(None, gateway.path("pacs", "new", broken))
    done = []

    def act(*words):
        result = gateway.command(*words)
        assert result.returncode == 0, result.stderr
        done.append(words[0])

    act("hold", name)
    act("copy", name, "other")
    act("edit", "--yes", f"pacs/{name}", "--", "dcmodify", "-nb", "-i",
        "PatientComments=x")
    edited = gateway.path("pacs", "hold", name).stat().st_ino
    act("export", f"pacs/{name}", out)
    act("release", f"pacs/{name}")
    act("fail", f"pacs/{name}")
    report = json.loads(gateway.command("report", "--json").stdout)
    assert [f["Example"] for f in report["Failed"]] == [f"inode={edited}"]
    act("retry", f"pacs/{name}")
    act("remove", "--yes", f"other/new/{name}")
    act("move", name, "other")
    act("import", "pacs", out / name)
    gateway.command("check", "--repair")
    assert gateway.items("pacs", "corrupt") == [broken]
    act("fail", f"other/new/{name}")
    gateway.command("expire")
    look_at_all_but_the_screen(watch, tmp_path)
    ledger = watch.shown["ledger"]
    assert re.findall(r"action=([a-z]+) ", ledger) == [
        *done[:-1], "repair", done[-1]]
    assert f'action=copy by=root destination=pacs state=hold ' \
           f'item="inode={first}"' in re.sub(r"by=\S+", "by=root", ledger)
    assert f'item="inode={first}" uid="" target="inode={edited}"' in ledger
    assert f'item="inode={cut}" uid="" target=corrupt' in ledger
    assert "inode=0" not in ledger and watch.found() == []


@pytest.fixture
def dev_log(tmp_path):
    """Programs that see a /dev/log of their own: what they say there."""
    if os.geteuid() != 0:
        pytest.skip("takes root")
    if tools.run("unshare", "-m", "true").returncode != 0:
        pytest.skip("no mount namespaces here")
    dev = tmp_path / "dev"
    (dev / "shm").mkdir(parents=True)
    lines = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(dev / "log"))
        sock.settimeout(0.2)

        def collect():
            while sock.fileno() != -1:
                try:
                    lines.append(sock.recv(65536).decode("utf-8", "replace"))
                except TimeoutError:
                    pass
                except OSError:
                    return

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()

        def put_before(program):
            script = tmp_path / "in" / program.name
            script.parent.mkdir(exist_ok=True)
            script.write_text(f"""#!/bin/sh
exec unshare -m sh -ec '
    for name in null zero random urandom; do
        touch {dev}/$name
        mount --bind /dev/$name {dev}/$name
    done
    mount --rbind /dev/shm {dev}/shm
    mount --rbind {dev} /dev
    exec "$0" "$@"' {program} "$@"
""")
            script.chmod(0o755)
            return script

        yield put_before, lines
    thread.join(5)


def test_syslog(make_watched, dev_log):
    """The lines are the same as on standard error, and stand nowhere else."""
    put_before, lines = dev_log
    gateway, pacs = make_watched()
    gateway.log_settings["To"] = "syslog"
    gateway.write_conf()
    for daemon in (gateway.receiver, gateway.sender):
        daemon.program = put_before(daemon.program)
        daemon.spawn()

    def said(pattern):
        return tools.wait_until(lambda: [x for x in lines if re.search(
            pattern, x)], 10, pattern)

    said(r"dcmspool-receiver.* ready ")
    said(r"dcmspool-sender.* ready ")
    pacs.script = [Answer(), Answer(status=0xC123, comment=f"no {WORD}^Anna")]
    assert gateway.store(marked()).status == 0
    assert gateway.store(marked()).status == 0xC123
    with gateway.modality(marked()) as ct:
        ct.send(marked(), upto=300)
        ct.reset()
    for pattern in (" associated ", " stored .*status=0x0000",
                    " failed .*0xC123", " broke-off "):
        said(pattern)
    gateway.stop()
    watch = Watch(gateway)
    watch.add("syslog", "\n".join(lines))
    watch.spool()
    watch.logs()
    assert watch.found() == []
    assert watch.shown["dcmspool-sender"] == ""


def test_killed_in_the_midst(watch):
    """No core file, and nothing in what a start says about the rests."""
    gateway = watch.gateway
    one = marked()
    with gateway.modality(one) as ct:
        ct.send(one, upto=len(one.data) // 2)
        tools.wait_until(lambda: any((gateway.spool / "tmp").iterdir()))
        gateway.receiver.kill()
        ct.close()
    gateway.receiver.start()
    tools.wait_until(lambda: not any((gateway.spool / "tmp").iterdir()))
    watch.spool()
    watch.logs()
    assert watch.found() == []


def test_what_is_looked_for_would_be_found(watch):
    """The marks are in the item, as a search of it shows."""
    one = marked()
    assert watch.gateway.store(one).status == 0
    item, = watch.gateway.wait_items("pacs", "sent", 1)
    watch.add("item", watch.gateway.path("pacs", "sent", item).read_bytes()
              .decode("latin-1"))
    assert {secret for _, secret in watch.found()} == set(SECRETS)


def test_delivered_is_removed(to_pacs):
    """With KeepSent 0: no copy, no name, no record."""
    one = marked()
    assert to_pacs.store(one).status == 0
    to_pacs.stop()
    rest = [p for p in to_pacs.spool.rglob("*") if p.is_file()]
    for path in rest:
        assert MARK not in path.read_bytes(), path
        assert one.uid not in path.name
