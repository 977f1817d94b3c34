"""Nothing that tells who a patient is stands anywhere but in the items, and, as
an error comment that a destination gave, in marker, record and `show`."""

import os
import pathlib
import socket

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

    def found(self):
        return [(where, secret) for where, text in self.shown.items()
                for secret in SECRETS if secret.lower() in text.lower()]


@pytest.fixture
def watch(start_gateway, destination):
    pacs = destination()
    gateway = start_gateway({"pacs": {"RemotePort": pacs.port, "KeepSent": 60}},
                            receiver={"MaxInstanceBytes": 1_000_000})
    watch = Watch(gateway)
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
                  ("expire", "--dry-run"), ("report", log),
                  ("report", "--json", log)):
        watch.command(*words)
    usage = watch.gateway.command("-h").stdout
    if "metrics" in usage:
        watch.command("metrics")
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
