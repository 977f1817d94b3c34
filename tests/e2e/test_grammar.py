"""The grammar of the operator command, walked: each command by each way to name
items, what it asks before, what it prints and where, and its exit codes.

The tables say what dcmspool(1) promises; the spool is made by hand and no
daemon runs, unless a test says so.
"""

import datetime
import json
import os
import re
import struct

import pytest
from peers import instance
from peers.destination import Answer

import gateway as gateways
import tools

STATES = ("new", "active", "deferred", "hold", "failed", "sent", "corrupt")
STUDY = "2.25.340282366920938463463374607431768211455"  # of instance.make()

# What lies in the spool: destination, state, calling AE title, status (or None:
# there is no record), hours since it arrived.
ITEMS = {
    "new": ("pacs", "new", "CT1", None, 1),
    "new-mr": ("pacs", "new", "MR1", None, 30),
    "active": ("pacs", "active", "CT1", None, 2),
    "deferred": ("pacs", "deferred", "CT1", 0xA700, 30),
    "hold": ("pacs", "hold", "MR1", None, 2),
    "failed": ("pacs", "failed", "CT1", 0xA900, 30),
    "failed-mr": ("pacs", "failed", "MR1", 0xC001, 3),
    "sent": ("pacs", "sent", "CT1", None, 30),
    "corrupt": ("pacs", "corrupt", "CT1", None, 3),
    "other": ("other", "new", "CT1", None, 1),
}

# Of filters that name no state a command takes these, and never those of the
# second column, whoever names them. Behind: what else its line needs.
COMMANDS = {
    "show": (STATES, (), []),
    "list": (STATES, (), []),
    "retry": (("deferred", "failed"), ("new", "active"), []),
    "hold": (("new", "deferred"), ("hold",), []),
    "release": (("hold",), tuple(s for s in STATES if s != "hold"), []),
    "fail": (("new", "deferred", "hold"), ("failed", "sent", "corrupt"), []),
    "remove": (None, (), []),  # has to be told the state
    "move": (("new", "deferred", "hold", "failed"), (), ["third"]),
    "copy": (tuple(s for s in STATES if s != "corrupt"), (), ["third"]),
    "edit": (("hold", "failed"), (), ["--", "true"]),
    "export": (STATES, (), ["."]),
}
ACTS = [c for c in COMMANDS if c not in ("show", "list")]
NO_ITEMS = {  # a command that names no items: a line of it that is right
    "status": [], "trace": ["1.2.3"], "import": ["pacs", "/dev/null"],
    "pause": ["pacs"], "resume": ["pacs"], "flush": ["pacs"],
    "wait": ["--timeout", "0"], "check": [], "metrics": [], "expire": [],
    "report": ["--json"],
}
EVERY = {**{c: [*c_more] for c, (_, _, c_more) in COMMANDS.items()},
         **NO_ITEMS}

# Filters, and what they let through.
FILTERS = {
    "--dest pacs": lambda d, s, aet, status, hours: d == "pacs",
    "--all pacs": lambda d, s, aet, status, hours: d == "pacs",
    "--all pacs/failed": lambda d, s, aet, status, hours:
        (d, s) == ("pacs", "failed"),
    "--dest queue/pacs/hold/": lambda d, s, aet, status, hours:
        (d, s) == ("pacs", "hold"),
    "--state new,deferred": lambda d, s, aet, status, hours:
        s in ("new", "deferred"),
    "--source MR1": lambda d, s, aet, status, hours: aet == "MR1",
    "--source CT*": lambda d, s, aet, status, hours: aet == "CT1",
    "--source XA": lambda d, s, aet, status, hours: False,
    f"--study {STUDY}": lambda d, s, aet, status, hours: True,
    f"--study {STUDY}.1": lambda d, s, aet, status, hours: False,
    "--older 1d": lambda d, s, aet, status, hours: hours > 24,
    "--older 90m": lambda d, s, aet, status, hours: hours > 1.5,
    "--status 0xA900": lambda d, s, aet, status, hours: status == 0xA900,
    "--status 0xA9xx": lambda d, s, aet, status, hours: status == 0xA900,
    "--source CT1 --older 1d --state failed,deferred --dest pacs":
        lambda d, s, aet, status, hours:
        (d, aet) == ("pacs", "CT1") and s in ("failed", "deferred"),
}

# What each does with the item that it is given by name: where it is then, None
# for nowhere; and whether its record is still there.
EFFECTS = [
    ("retry", "deferred", ("pacs", "new"), True),
    ("retry", "failed", ("pacs", "new"), False),
    ("retry", "sent", ("pacs", "new"), False),
    ("hold", "new", ("pacs", "hold"), False),
    ("hold", "deferred", ("pacs", "hold"), True),
    ("release", "hold", ("pacs", "new"), False),
    ("fail", "new", ("pacs", "failed"), True),
    ("fail", "hold", ("pacs", "failed"), True),
    ("fail", "active", ("pacs", "failed"), True),
    ("remove", "failed", None, False),
    ("remove", "corrupt", None, False),
    ("move", "failed", ("third", "new"), False),
    ("copy", "sent", ("pacs", "sent"), False),
    ("export", "deferred", ("pacs", "deferred"), True),
    ("edit", "failed", ("pacs", "failed"), True),
]


def file_of(which):
    """Its name; in each a part that no other has."""
    *_, hours = ITEMS[which]
    number = list(ITEMS).index(which)
    at = NOW - datetime.timedelta(hours=hours)
    # One instance that two destinations have.
    uid = "1.2.840.1" if which == "other" else f"1.2.840.{number + 1}"
    return f"{at:%Y%m%dT%H%M%S}.0000{number:02}Z-m{number}-{uid}.dcm"


NOW = datetime.datetime.now(datetime.timezone.utc)
FILES = {which: file_of(which) for which in ITEMS}
PATHS = {which: f"{d}/{s}/{FILES[which]}" for which, (d, s, *_) in ITEMS.items()}


def write_item(spool, which):
    dest, state, calling, status, _ = ITEMS[which]
    path = spool / "queue" / PATHS[which]
    made = instance.make(uid=FILES[which].split("-")[2][:-4])
    made.write(path)
    # The calling AE title in the file meta information (PS3.10 7.1).
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 140)[0]
    title = struct.pack("<HH2sH", 2, 0x16, b"AE", 4) + calling.ljust(4).encode()
    path.write_bytes(data[:140] + struct.pack("<I", length + len(title))
                     + data[144:144 + length] + title + data[144 + length:])
    path.chmod(0o600)
    if status is not None:
        (spool / "queue" / dest / "result" / FILES[which]).write_text(
            f"dcmspool-result 1\nItem: {FILES[which]}\nMessageID: 1\n"
            f"SOPInstanceUID: {made.uid}\nDestination: {dest}\n"
            f"State: {state}\nStatus: 0x{status:04X}\n"
            "ErrorComment: of the peer\nAttempts: 1\n")


@pytest.fixture
def spool(make_gateway):
    """With ITEMS in it."""
    gateway = make_gateway({name: 1 for name in ("pacs", "other", "third")})
    for dest in ("pacs", "other", "third"):
        for state in (*STATES, "result"):
            folder = gateway.spool / "queue" / dest / state
            folder.mkdir(parents=True)
    for folder in ("tmp", "result"):
        (gateway.spool / folder).mkdir()
    for folder in gateway.spool.rglob(""):
        folder.chmod(0o700)
    (gateway.spool / "version").write_text("dcmspool-spool 1\n")
    for which in ITEMS:
        write_item(gateway.spool, which)
    gateway.may_leave.add("pacs/active")
    gateway.log_settings["Ledger"] = str(gateway.folder / "ledger")
    gateway.write_conf()
    return gateway


def whole(gateway):
    """Everything in the spool, to see whether something was changed."""
    return {str(path.relative_to(gateway.spool)): path.read_bytes()
            for path in gateway.spool.rglob("*") if path.is_file()}


def command(gateway, *words, stdin=None):
    """Exit code, standard output, standard error."""
    done = tools.subprocess.run(
        [gateways.COMMAND, "-c", gateway.conf, *words], text=True, timeout=30,
        stdin=stdin or tools.subprocess.DEVNULL, capture_output=True,
        check=False, cwd=gateway.folder)
    return done.returncode, done.stdout, done.stderr


def line(name, *words):
    """With what the command needs behind its items."""
    return [name, *words, *COMMANDS[name][2]]


def named(name, out):
    """The items that a command's output is about."""
    return sorted(which for which, path in PATHS.items() if {
        "show": "Path\t" in out and f"/queue/{path}\n" in out,
        "list": re.search(rf"^{path.replace('/', chr(9), 1).split('/')[0]}\t.*"
                          rf"{re.escape(FILES[which])}$", out, re.M) is not None,
    }.get(name, f"would {name}\t{path}\n" in out))


# naming items

def words_for(which):
    """All the ways to name one item."""
    dest, state, *_ = ITEMS[which]
    name = FILES[which]
    stamp, _, uid = name[:-4].split("-")
    return {
        "file name": name, "DEST/name": f"{dest}/{name}",
        "DEST/STATE/name": PATHS[which],
        "path below the spool": f"queue/{PATHS[which]}",
        "stamp": stamp, "DEST/part": f"{dest}/{stamp[3:]}",
        "DEST/STATE/part": f"{dest}/{state}/{stamp[:-1]}",
        "SOP Instance UID": uid, "DEST/UID": f"{dest}/{uid}"}


@pytest.mark.parametrize("name", COMMANDS)
def test_one_item_by_every_name(spool, name):
    """One that the command takes, by each way to name it, alike."""
    not_states = COMMANDS[name][1]
    which = next(w for w in ("failed", "deferred", "hold")
                 if ITEMS[w][1] not in not_states
                 and (name != "edit" or w != "deferred"))
    before = whole(spool)
    for how, word in words_for(which).items():
        dry = [] if name in ("show", "list") else ["--dry-run"]
        code, out, err = command(spool, *line(name, word, *dry))
        assert (code, named(name, out), err) == (0, [which], ""), (how, err)
    assert whole(spool) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_filters(spool, name):
    """What they let through of the states that the command takes."""
    states, not_states, _ = COMMANDS[name]
    before = whole(spool)
    for text, passes in FILTERS.items():
        words = text.split()
        names_state = ("--state" in words or "/" in text)
        if name == "remove" and not names_state:
            code, out, err = command(spool, "remove", "--dry-run", *words)
            assert (code, out) == (64, "") and "of which state" in err
            continue
        matched = [w for w, values in ITEMS.items() if passes(*values)
                   and (names_state or ITEMS[w][1] in states)]
        expected = sorted(w for w in matched if ITEMS[w][1] not in not_states)
        dry = [] if name in ("show", "list") else ["--dry-run"]
        code, out, err = command(spool, *line(name, *dry, *words))
        assert named(name, out) == expected, (text, out, err)
        # 1: none matched, or not all could be treated; 64: none ever could.
        if code == 64:
            assert names_state and not expected and "nothing to" in err
        else:
            assert code == (0 if expected and expected == sorted(matched)
                            else 1), (text, out, err)
    assert whole(spool) == before


@pytest.mark.parametrize("name", [c for c in COMMANDS if c != "list"])
def test_words_that_name_no_item(spool, name):
    before = whole(spool)
    for word, code, text in (
            ("20200101T", 1, "no item 20200101T"),
            ("1.2.840.99", 1, "no item 1.2.840.99"),
            ("pacs/sent/" + FILES["failed"], 1, "no item pacs/sent/"),
            ("no\n\x1b[31mitem", 1, r"no item no\x0a\x1b[31mitem"),
            ("-m", 64, "unknown option"),
            ("Z-m", 64, "could mean 10 items"),
            ("1.2.840.1", 64, "could mean 2 items"),  # of two destinations
            (FILES["new"][:20], 64, "could mean "),
            ("pacs", 64, "names no item"), ("pacs/failed", 64, "names no item"),
            ("nowhere/" + FILES["failed"], 64, "names no item"),
            ("", 64, "names no item")):
        got, out, err = command(spool, *line(name, word))
        assert (got, out) == (code, ""), (word, out, err)
        assert text in err, (word, err)
    # What could be meant is listed, in the form that names it.
    code, out, err = command(spool, *line(name, "1.2.840.1"))
    assert PATHS["new"] in err and PATHS["other"] in err
    assert whole(spool) == before


def test_list_by_a_part(spool):
    """It lists all that a word could mean."""
    for word, expected in (
            ("1.2.840.1", ["new", "other"]), ("pacs/-mr", []),
            ("pacs/1.2.840.1", ["new"]), ("Z-m", sorted(ITEMS)),
            ("pacs/failed/Z-m", ["failed", "failed-mr"])):
        code, out, err = command(spool, "list", word)
        # 1.2.840.1 is in 1.2.840.10, too
        found = [w for w in named("list", out)
                 if not FILES[w].endswith("1.2.840.10.dcm")
                 or word == "Z-m"]
        assert (code, found) == (0 if expected else 1, expected)
        assert expected or "no item" in err
    assert command(spool, "list", "nowhere")[0] == 1
    assert command(spool, "list", "nowhere/new")[0] == 64
    assert command(spool, "list", "pacs/lost/x")[0] == 64


def test_trace_by_every_name(spool):
    """It is about an instance; of a name of ours, gone or not, it takes the
    UID."""
    for how, word in words_for("failed").items():
        code, out, err = command(spool, "trace", word)
        if how in ("DEST/UID", "DEST/part", "DEST/STATE/part", "stamp"):
            assert "could mean" not in err
        assert code == 0 and f"item={FILES['failed']} " in out, (how, err)
    assert command(spool, "remove", FILES["failed"])[0] == 0
    ledger = spool.folder / "ledger"
    assert FILES["failed"] in ledger.read_text()
    code, out, err = command(spool, "trace", FILES["failed"])
    assert code == 0 and "action=remove" in out, (out, err)
    for word, code, text in (("20200101T", 1, "no item 20200101T"),
                             ("Z-m", 64, "could mean 9 items"),
                             ("../etc", 64, "names no item")):
        assert command(spool, "trace", word)[0] == code
        assert text in command(spool, "trace", word)[2]
    instance.make().write(spool.path("pacs", "hold", "foreign.dcm"))
    code, out, err = command(spool, "trace", "foreign")
    assert code == 64 and "show does" in err


def test_all_or_nothing(spool):
    """Where one of the words is not clear, nothing is done; where one is not
    there, the others are."""
    before = whole(spool)
    assert command(spool, "hold", FILES["new"], "Z-m")[0] == 64
    assert whole(spool) == before
    code, out, err = command(spool, "hold", FILES["new-mr"], "20200101T")
    assert code == 1 and out == f"hold\t{PATHS['new-mr']}\n"
    assert err == "dcmspool: no item 20200101T\n"
    # Named twice it is treated once.
    code, out, err = command(spool, "release", FILES["hold"],
                             PATHS["hold"], "1.2.840.5")
    assert (code, out, err) == (0, f"release\t{PATHS['hold']}\n", "")


def test_a_word_and_filters_narrow_each_other(spool):
    assert command(spool, "hold", "Z-m", "--source", "MR1", "--state", "new"
                   )[:2] == (0, f"hold\t{PATHS['new-mr']}\n")
    assert command(spool, "hold", FILES["new"], "--source", "MR1")[0] == 1
    assert command(spool, "hold", FILES["new"], "--older", "1d")[0] == 1


@pytest.mark.parametrize("words, text", [
    (["--older", "soon"], "write a time"), (["--older", "1y"], "write a time"),
    (["--older", "-1h"], "write a time"),
    (["--older", "2147483647w"], "write a time"), (["--older", ""], "write a time"),
    (["--status", "0xZZ"], "write 0xA900"), (["--status", "A70"], "write 0xA9"),
    (["--state", "lost"], "write new,"), (["--state", ""], "write new,"),
    (["--state", "new,"], "write new,"), (["--dest", "nowhere"], "no destin"),
    (["--dest", "pacs/lost"], "write DEST"), (["--dest", ""], "no destin"),
    (["--all", "pacs/new/x"], "write DEST"), (["--study", "x"], "no Study"),
    (["--study", ""], "no Study"), (["--dest"], "missing argument"),
    (["--dest", "pacs", "--all", "other"], "one destination"),
    (["--all", "pacs/new", "--state", "failed"], "states once"),
    (["--state", "new", "--state", "hold"], "states once"),
    (["--source", "A", "--source", "B"], "once"),
    (["--older", "1h", "--older", "2h"], "once"),
    (["--status", "none", "--status", "0xA9xx"], "once"),
    (["--study", "1.2", "--study", "1.3"], "once"),
    (["--nonsense"], "unknown option"), (["-x"], "unknown option"),
    ([], None)])
def test_a_filter_that_cannot_be(spool, words, text):
    before = whole(spool)
    for name in COMMANDS:
        if name == "list" and not words or (
                words == ["--dest"] and name in ("move", "copy", "export")):
            continue  # it is all of them; what is behind is its value
        code, out, err = command(spool, *line(name, *words))
        assert (code, out) == (64, ""), (name, out, err)
        assert (text or name) in err, (name, err)
        assert err.startswith("dcmspool: ") and err.count("\n") == 1
    assert whole(spool) == before


# acting

@pytest.mark.parametrize("name, which, place, has_record", EFFECTS)
def test_what_it_does(spool, name, which, place, has_record):
    code, out, err = command(spool, *line(name, FILES[which]))
    assert (code, out) == (0, f"{name}\t{PATHS[which]}\n"), err
    dest, state, *_ = ITEMS[which]
    found = [(d, s) for d in ("pacs", "other", "third") for s in STATES
             if FILES[which] in spool.items(d, s)]
    expected = [] if place is None else [place]
    if name == "copy":
        expected.append(("third", "new"))
    assert found == expected
    record = spool.path((place or (dest,))[0], "result", FILES[which])
    assert record.exists() is has_record
    if name == "export":
        assert (spool.folder / FILES[which]).read_bytes() == spool.path(
            dest, state, FILES[which]).read_bytes()
    # Nothing else was touched.
    for other, path in PATHS.items():
        assert other == which or (spool.spool / "queue" / path).exists()


@pytest.mark.parametrize("name", ACTS)
def test_it_asks(spool, name, monkeypatch):
    """Where filters choose: on a terminal; else it wants --yes."""
    words = line(name, "--dest", "pacs", "--state",
                 "hold" if name in ("release", "edit") else "deferred")
    which = "hold" if name in ("release", "edit") else "deferred"
    before = whole(spool)
    code, out, err = command(spool, *words)
    assert (code, out) == (64, "") and "--yes" in err and "1 item" in err
    for answer in ("n\n", "\n", "x\n", "\x04"):
        code, shown = spool.on_terminal(*words, answer=answer)
        assert code == 1 and f"{name} 1 item of pacs? [y/N] " in shown
        assert whole(spool) == before
    code, out, err = command(spool, *line(name, "--dry-run", *words[1:5]))
    assert (code, out, err) == (0, f"would {name}\t{PATHS[which]}\n", "")
    assert whole(spool) == before
    monkeypatch.chdir(spool.folder)
    code, shown = spool.on_terminal(*words, answer="y\n")
    assert code == 0, shown
    assert f"{name} {PATHS[which]}\n" in shown
    # Into the folder where it runs; and true(1) edits nothing.
    if name not in ("export", "edit"):
        assert whole(spool) != before


@pytest.mark.parametrize("name", ACTS)
def test_yes_and_names_for_xargs(spool, name):
    state = "hold" if name in ("release", "edit") else "deferred"
    for dry in (["--dry-run"], []):
        code, out, err = command(spool, *line(
            name, "-0", "--yes", *dry, "--all", f"pacs/{state}"))
        assert (code, out, err) == (0, PATHS[state] + "\0", "")


def test_an_item_that_a_command_does_not_take(spool):
    for name, (_, not_states, _) in COMMANDS.items():
        for which, (_, state, *_) in ITEMS.items():
            if state not in not_states:
                continue
            before = whole(spool)
            code, out, err = command(spool, *line(name, FILES[which]))
            assert (code, out) == (1, "")
            assert err == (f"dcmspool: {PATHS[which]}: is in {state}/: there "
                           f"is nothing to {name}\n")
            assert whole(spool) == before
    code, out, err = command(spool, "edit", FILES["new"], "--", "true")
    assert (code, out) == (1, "") and "hold it first" in err


def test_destinations_that_are_targets(spool):
    """Of move, copy, import, pause, resume, flush, wait."""
    before = whole(spool)
    for words in (["move", FILES["new"]], ["copy", FILES["new"]],
                  ["import"], ["pause"], ["resume"], ["flush"], ["wait"]):
        more = ["/dev/null"] if words[0] == "import" else []
        assert command(spool, *words, "nowhere", *more)[0] == 64
        assert command(spool, *words, "pacs/new", *more)[0] == 64
        if words[0] != "wait":
            assert command(spool, *words)[0] == 64
    assert command(spool, "wait", "pacs", "other")[0] == 64
    # One of several is wrong: nothing is done.
    for verb in ("pause", "flush"):
        assert command(spool, verb, "pacs", "nowhere")[0] == 64
    assert whole(spool) == before
    code, out, err = command(spool, "move", FILES["new"], "pacs")
    assert code == 1 and "is of that destination already" in err


# what is printed

PIPE = [  # words, exit code, each line of standard output
    (["pause", "pacs"], 0, r"pause\tpacs\tpaused"),
    (["resume", "pacs"], 0, r"resume\tpacs\tis not paused"),
    (["flush", "pacs", "other"], 0, r"flush\t(pacs\t1|other\t0)\t-"),
    (["wait", "third"], 0, None),
    (["wait", "--timeout", "0"], 1, None),
    (["check"], 0, r"check\t10\t0\t0"),
    (["list"], 0, r"(pacs|other)\t(%s)\t\d+\t\d{4}-\d\d-\d\dT[\d:.]+Z\t[^\t]+"
     % "|".join(STATES)),
    (["list", "-l", "pacs/failed"], 0, r"pacs\tfailed\t\d+\t\S+Z\t[^\t]+"
     r"\t0x[0-9A-F]{4}\t1\t-\t-"),
    (["list", "-l", "pacs/hold"], 0, r"pacs\thold\t\d+\t\S+Z\t[^\t]+"
     r"\t-\t0\t-\t-"),
    (["show", "1.2.840.6"], 0, r"[A-Za-z-]+\t[^\t]+"),
    (["trace", "1.2.840.6"], 0, r"\S+Z now-in destination=pacs state=failed "
     r"item=\S+ status=0xA900 attempts=1"),
    (["status"], 1, r"(sender|receiver|free|destination|minute|failed)\t.+"),
    (["metrics"], 0, r"#.+|dcmspool_\w+(\{.*\})? [0-9.e+-]+"),
]


@pytest.mark.parametrize("words, code, pattern", PIPE)
def test_lines_in_a_pipe(spool, words, code, pattern):
    got, out, err = command(spool, *words)
    assert got == code, err
    assert "\x1b" not in out
    for row in out.splitlines():
        assert pattern and re.fullmatch(pattern, row), row
    assert bool(out) is (pattern is not None)


TERMINAL = [  # words, exit code, what is somewhere on the screen
    (["pause", "pacs"], 0, "pacs paused\n"),
    (["resume", "pacs"], 0, "pacs is not paused\n"),
    (["flush", "pacs"], 0, "pacs: 1 deferred item is due\n"),
    (["check"], 0, "10 items, all is well\n"),
    (["list", "pacs"], 0, r"^DESTINATION  STATE +BYTES +AGE  ITEM\n"
     r"pacs +new +\d+ +1d6h  \d+T"),
    (["list", "-l", "pacs/failed"], 0, r"\n    0xA900 after 1 attempt: the "
     r"data set does not fit its SOP class, or what the\n    destination"),
    (["show", "--all", "pacs/failed"], 0,  # in the order of arrival
     r"(?s)-m5-1\.2\.840\.6\.dcm.*\n\n.*-m6-1\.2\.840\.7\.dcm"),
    (["show", "1.2.840.6"], 0, r"\nStatus +0xA900\nMeaning +the "
     r"data set[^\n]+\n {24}\S"),
    (["hold", "1.2.840.6"], 0, "hold pacs/failed/"),
    (["import", "pacs", "/dev/null"], 1, "dcmspool: /dev/null"),
]


@pytest.mark.parametrize("words, code, pattern", TERMINAL)
def test_lines_on_a_terminal(spool, words, code, pattern):
    got, shown = spool.on_terminal(*words)
    assert got == code, shown
    assert re.search(pattern, shown), shown
    assert "\t" not in shown


def test_a_long_path_on_a_terminal(spool):
    """What has no blanks is never broken."""
    deep = spool.folder / ("d" * 200) / ("e" * 100)
    deep.mkdir(parents=True)
    spool.spool = spool.spool.rename(deep / "spool")
    spool.top["StorageLocation"] = str(spool.spool)
    spool.write_conf()
    shown = spool.on_terminal("show", FILES["failed"])[1]
    assert re.search(rf"^Path +{spool.spool}/queue/{PATHS['failed']}$", shown,
                     re.M), shown


def test_what_expires(spool):
    """KeepSent is 0: once it was there for a second."""
    tools.wait_until(lambda: command(spool, "expire", "--dry-run")[1])
    code, shown = spool.on_terminal("expire", "--dry-run")
    assert (code, shown) == (0, "would expire pacs/sent: 1\n")
    for dry in (["--dry-run"], []):
        assert spool.items("pacs", "sent") == [FILES["sent"]]
        code, out, err = command(spool, "expire", *dry)
        would = "would " if dry else ""
        assert (code, out, err) == (0, f"{would}expire\tpacs/sent\t1\n", "")
    assert command(spool, "expire") == (0, "", "")
    assert spool.items("pacs", "sent") == []


JSON = [  # words, exit code, number of objects, keys of each
    (["status"], 1, 1, {"Well", "SenderRuns", "Destinations", "UsedPercent"}),
    (["list"], 0, 10, {"Destination", "State", "Item", "Bytes", "Arrived"}),
    (["list", "-l", "pacs/failed"], 0, 2, {"Status", "Attempts", "Reason"}),
    (["list", "pacs/1.2.840.99"], 1, 0, set()),
    (["show", "1.2.840.6", "1.2.840.7"], 0, 2, {"Path", "Status", "State"}),
    (["show", "--all", "third"], 1, 0, set()),
    (["trace", "1.2.840.6"], 0, 1, {"Event", "destination", "state"}),
    (["trace", "1.2.9"], 1, 0, set()),
    (["check"], 0, 1, {"Items", "Problems", "Repaired"}),
    (["metrics"], 0, 1, {"dcmspool_up", "dcmspool_queue_items"}),
    (["report"], 0, 1, {"Status", "Failed", "Day"}),
]


@pytest.mark.parametrize("words, code, objects, keys", JSON)
def test_json(spool, words, code, objects, keys):
    """One object, or one a line; on a terminal, too."""
    got, out, err = command(spool, *words, "--json")
    rows = [json.loads(x) for x in out.splitlines()]
    assert (got, len(rows)) == (code, objects), err
    assert all(keys <= set(row) for row in rows)
    got, shown = spool.on_terminal(*words, "--json")
    if objects:
        again = [json.loads(x) for x in shown.splitlines()]
        assert (got, [set(x) for x in again]) == (code, [set(x) for x in rows])


def test_problems_that_check_finds(spool):
    spool.path("pacs", "hold").chmod(0o755)
    spool.path("pacs", "result", "gone.dcm").write_text("dcmspool-result 1\n")
    says = "problem\tqueue/pacs/hold has mode 0755\t{}\tmode 0700\n"
    code, out, _ = command(spool, "check")
    assert code == 1 and says.format("reparable") in out
    assert out.endswith("check\t10\t2\t0\n")
    code, out, _ = command(spool, "check", "--json")
    assert code == 1 and {"Problem": "queue/pacs/hold has mode 0755",
                          "Repair": "mode 0700", "Repaired": False} in [
                              json.loads(x) for x in out.splitlines()]
    code, out, _ = command(spool, "check", "--repair")
    assert code == 0 and says.format("repaired") in out
    assert out.endswith("check\t10\t2\t2\n")
    spool.path("pacs", "hold").chmod(0o755)
    code, shown = spool.on_terminal("check")
    assert code == 1 and "has mode 0755 (--repair: mode 0700)\n" in shown
    assert shown.endswith("10 items, 1 problem, 0 repaired\n")


def test_names_for_xargs_go_back_in(spool):
    """list -0 | xargs -0: names are whole, and looked up as such."""
    out = command(spool, "list", "-0", "--state", "failed,deferred")[1]
    paths = out.split("\0")[:-1]
    assert sorted(paths) == sorted(
        PATHS[w] for w in ("failed", "failed-mr", "deferred"))
    assert command(spool, "retry", *paths)[0] == 0
    assert len(spool.items("pacs", "new")) == 5
    made = instance.make().write(spool.folder / "one.dcm")
    assert command(spool, "import", "-0", "third", made)[:2] == (
        0, "third/new/one.dcm\0")


def test_import_says_before_what_it_would_do(spool):
    whole_one = instance.make().write(spool.folder / "one.dcm")
    text = spool.folder / "text.dcm"
    text.write_text("hello")
    before = whole(spool)
    for dry in (["--dry-run"], []):
        would = "would " if dry else ""
        code, out, err = command(
            spool, "import", *dry, "third", whole_one, text,
            spool.folder / "none.dcm")
        assert (code, out) == (1, f"{would}import\tthird/new/one.dcm\n")
        assert "text.dcm" in err and "none.dcm" in err
        assert not dry or whole(spool) == before
    code, out, err = command(spool, "import", "--dry-run", "third", whole_one)
    assert (code, out) == (1, "") and "one.dcm" in err


@pytest.mark.parametrize("words", [
    ["status"], ["list"], ["show", "--dest", "pacs"], ["metrics"],
    ["trace", "1.2.840.6"], ["check"], ["report", "--json"],
    ["hold", "--dry-run", "--dest", "pacs"]])
def test_output_that_cannot_be_written(spool, words):
    with open("/dev/full", "wb") as full:
        done = tools.subprocess.run(
            [gateways.COMMAND, "-c", spool.conf, *words], stdout=full,
            stderr=tools.subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.returncode == 74 and "standard output" in done.stderr


def test_a_reader_that_goes_away(spool):
    """As with any other program: it ends, and says nothing."""
    done = tools.run("bash", "-c", "set -o pipefail; "
                     f"'{gateways.COMMAND}' -c '{spool.conf}' "
                     "status --watch=1 | head -n 1; echo ${PIPESTATUS[0]}")
    assert done.stdout.splitlines()[1:] == ["141"], done.stdout


# what takes long

def many(gateway, n):
    folder = gateway.path("pacs", "hold")
    for i in range(n):
        (folder / f"20260101T000000.{i:06d}Z-m1-1.3.{i}.dcm").touch(0o600)


def test_a_bar_on_a_terminal(spool, tmp_path):
    """On standard error where that is one; elsewhere never."""
    slow = ["--", "sh", "-c", "sleep 0.2; exit 1", "sh"]
    many(spool, 8)
    code, shown = spool.on_terminal("edit", "--all", "pacs/hold", "--yes", *slow)
    assert code == 1
    assert re.search(r"\redit \[#+ +\] +\d+%, \d+s left", shown), shown
    # It is taken off before a line is printed.
    assert re.search(r"left\x1b\[K\r\x1b\[Kdcmspool: ", shown)
    assert "\r" not in "".join(command(
        spool, "edit", "--all", "pacs/hold", "--yes", *slow)[1:])


def test_many_on_a_terminal(spool):
    """Their number, not a line each."""
    many(spool, 30)
    code, shown = spool.on_terminal("release", "--all", "pacs/hold", "--yes")
    assert code == 0 and shown.endswith("release: 31 items\n")
    many(spool, 30)
    assert len(command(spool, "remove", "--all", "pacs/hold", "--yes")[1]
               .splitlines()) == 30


def test_wait_shows_how_far_it_is(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"AnswerWhen": "spooled"}])
    pacs.default = Answer(delay=0.3)
    made = [instance.make() for _ in range(8)]
    with gateway.modality(*made) as ct:
        for one in made:
            assert ct.store(one).status == 0
    code, shown = gateway.on_terminal("wait", "pacs", "--timeout", "20")
    assert code == 0 and re.search(r"\rwait \[#+ +\] +\d+%, ", shown), shown
    assert gateway.empty("pacs")
    assert gateway.command("wait", "--timeout", "0").stdout == ""


# exit codes

@pytest.mark.parametrize("name", EVERY)
def test_command_lines_that_are_wrong(spool, name):
    before = whole(spool)
    tail = ["--", "true"] if name == "edit" else []
    for word in ("--nonsense", "-Z", "--yes=1"):
        code, out, err = command(spool, name, word, *tail)
        assert (code, out) == (64, "") and "unknown option" in err, word
        assert err.count("\n") == 1
    if name in ("status", "check", "metrics", "expire"):
        code, out, err = command(spool, name, "word")
        assert (code, out) == (64, "") and "unexpected argument word" in err
    if name not in ("status", "list", "wait", "check", "metrics", "expire",
                    "report"):
        code, out, err = command(spool, name, *tail)
        assert (code, out) == (64, "") and name in err
    assert whole(spool) == before


def test_programs_lines_that_are_wrong(spool):
    for words, text in ((["nonsense"], "unknown command: nonsense"),
                        ([], "which command?"), (["-Z"], "unknown option"),
                        (["-c"], "missing argument"), ([""], "unknown command")):
        done = tools.subprocess.run(
            [gateways.COMMAND, *words], capture_output=True, text=True,
            check=False, env={**os.environ, "DCMSPOOL_CONF": str(spool.conf)})
        assert (done.returncode, done.stdout) == (64, ""), words
        assert text in done.stderr and done.stderr.count("\n") == 1


def test_usage_of_each_command(spool, tmp_path):
    """Also where there is no configuration yet."""
    whole_usage = tools.run(gateways.COMMAND, "-h").stdout
    for name in EVERY:
        done = tools.run(gateways.COMMAND, "-c", tmp_path / "none", name, "-h")
        first, *rest = done.stdout.splitlines()
        assert done.returncode == 0
        assert first.startswith(f"usage: dcmspool [-c file] {name} "), first
        assert first.removeprefix("usage: dcmspool [-c file] ").split(
            )[1:] == re.search(rf"^  {name} +(.*)$", whole_usage,
                               re.M)[1].split()
        assert bool(rest) is (name in COMMANDS)


def break_location(spool):
    spool.top["StorageLocation"] = str(spool.folder / "nowhere")
    spool.write_conf()


def break_magic(spool):
    (spool.spool / "version").write_text("dcmspool-spool 9\n")


def break_queue(spool):
    (spool.spool / "queue").rename(spool.folder / "away")


def break_conf(spool):
    spool.conf.write_text("nonsense = {")


def break_conf_away(spool):
    spool.conf.unlink()


@pytest.mark.parametrize("damage, code", [
    (break_location, 78), (break_magic, 78), (break_queue, 78),
    (break_conf, 78), (break_conf_away, 78)])
@pytest.mark.parametrize("name", EVERY)
def test_without_a_spool(spool, name, damage, code):
    damage(spool)
    got, out, err = command(spool, name, *EVERY[name])
    assert (got, out) == (code, ""), err
    assert err.startswith("dcmspool: ") and err.count("\n") == 1
    if name == "status":
        assert command(spool, "status", "-q")[0] == code


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
@pytest.mark.parametrize("name", EVERY)
def test_a_spool_that_may_not_be_read(spool, name, nobody, program_of):
    """Of another user; root would act as its owner."""
    spool.conf.chmod(0o644)
    done = tools.run(program_of(gateways.COMMAND), "-c", spool.conf, name,
                     *EVERY[name], user=nobody, extra_groups=[])
    assert done.returncode == 73, done.stdout
    assert "Permission denied" in done.stdout and done.stdout.count("\n") == 1


# with daemons

def test_with_daemons(start_gateway, pacs):
    """The same words do the same while both run; what a lane has in hands is
    left alone."""
    gateway = start_gateway({"pacs": pacs, "other": 1}, routes=[
        {"AnswerWhen": "spooled", "DuplexTargetConfigNames": "pacs"}])
    gateway.command("pause", "pacs")
    gateway.sender.wait_log(r"\bpaused\b")
    for _ in range(3):
        assert gateway.store(instance.make(), calling="CT1").status == 0
    names = gateway.wait_items("pacs", "new", 3)
    assert command(gateway, "status", "-q")[0] == 0
    assert command(gateway, "wait", "pacs", "--timeout", "0")[0] == 1
    assert command(gateway, "show", names[0])[0] == 0
    assert command(gateway, "hold", names[0])[0] == 0
    assert command(gateway, "edit", names[0], "--", "dcmodify", "-nb", "-m",
                   "PatientID=E2E-1")[0] == 0
    assert command(gateway, "fail", names[1])[0] == 0
    assert command(gateway, "status", "-q")[0] == 1
    assert command(gateway, "remove", names[2])[0] == 0
    assert command(gateway, "check")[0] == 0
    assert command(gateway, "retry", "--all", "pacs/failed", "--yes")[0] == 0
    assert command(gateway, "release", "--all", "pacs/hold", "--yes")[0] == 0
    assert sorted(gateway.items("pacs", "new")) == sorted(names[:2])
    pacs.default = Answer(delay=1)
    assert command(gateway, "resume", "pacs")[0] == 0
    (name,) = gateway.wait_items("pacs", "active", 1)
    for verb in ("retry", "hold", "fail", "remove"):
        code, out, err = command(gateway, verb, f"pacs/active/{name}")
        assert (code, out) == (1, ""), err
        assert ("is being sent" in err) is (verb != "retry")
    pacs.default = Answer()
    assert command(gateway, "wait", "pacs", "--timeout", "20")[0] == 0
    tools.wait_until(lambda: len(pacs.received) == 2)


# completion

def options_of(spool, name, all_options):
    """Those that the program takes, asked of the program."""
    taken = set()
    for option, has_value in sorted(all_options.items()):
        words = [option, "x"] if has_value else [option]
        if option == "--watch":
            words = ["--watch=never"]  # else it would watch
        tail = ["--", "true"] if name == "edit" else []
        if "unknown option" not in command(spool, name, *words, *tail)[2]:
            taken.add(option)
    return taken


def test_completion_knows_every_option(spool):
    """Of each command what the code takes, no more and no less; and so say the
    usage and the page."""
    options = {}
    for path in (tools.TREE / "spool").glob("cmd_*.[ch]"):
        source = path.read_text()
        for name, value in re.findall(
                r'\{[\s\\]*"([a-z-]+)",\s*(no|required|optional)_argument', source):
            options[f"--{name}"] = value == "required"
        for letters in re.findall(
                r'getopt_long\(\s*argc, argv, "([^"]*)"', source):
            for letter, value in re.findall(r"([^:])(:?)", letters):
                options[f"-{letter}"] = value == ":"
    assert len(options) > 18
    usage = tools.run(gateways.COMMAND, "-h").stdout
    page = (tools.TREE / "spool/dcmspool.1").read_text()
    synopsis = page.split(".Sh SYNOPSIS", 1)[1].split("\n.Sh ", 1)[0]
    commands = re.findall(r"^  ([a-z]+) +(.*)$", usage, re.M)
    assert {c for c, _ in commands} == set(EVERY)
    filters = set(re.findall(r"--[a-z]+", usage.split("filters:")[1]))
    assert len(filters) == 7
    for name, arguments in commands:
        code = options_of(spool, name, options)
        assert completed(spool, name) == code, name
        shown = set(re.findall(r"--[a-z-]+", arguments))
        for letters in re.findall(r"\[-([0-9a-z]+)", arguments):
            shown |= {f"-{letter}" for letter in letters}
        shown |= filters if "FILTER" in arguments else set()
        # The long form of a short one need not be there.
        assert shown == code - {"--output"}, name
        (block,) = [b for b in synopsis.split(".Nm\n") if re.search(
            rf"^\.Cm (?:.*\| )?{name}\b", b, re.M)]
        written = {f"--{x}" for x in re.findall(r"Fl Fl ([a-z-]+)", block)}
        for letters in re.findall(r"\.Op Fl ([0-9a-z]+)\b", block):
            written |= {f"-{letter}" for letter in letters}
        written |= filters if "filter" in block else set()
        assert written - {"-c"} == code - {"--output"}, name


def completed(spool, name):
    """The options that the completion offers behind the command."""
    script = (f"source '{tools.TREE}/contrib/dcmspool.bash'; "
              f"COMP_WORDS=(dcmspool {name} -); COMP_CWORD=2; COMP_LINE=x; "
              "_dcmspool; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = tools.run("bash", "-c", script, env={
        **os.environ, "DCMSPOOL_CONF": str(spool.conf),
        "PATH": f"{gateways.COMMAND.parent}:{os.environ['PATH']}"})
    return set(done.stdout.split()) - {"--"}
