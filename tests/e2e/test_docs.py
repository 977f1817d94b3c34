"""Code and pages say the same, in both directions."""

import pathlib
import re
import shutil
import subprocess

import pytest
import tools

PAGES = ["spool/dcmspool.1", "spool/dcmspool.conf.5", "spool/dcmspool-spool.5",
         "spool/dcmspool.7",
         "receiver/dcmspool-receiver.8", "sender/dcmspool-sender.8"]
# Logged by what both daemons link: oflog_dcmtk.cc, certificate.c, confine.c,
# counters.c.
SHARED = {"counters-not-kept": {"file", "error"},
          "counters-set-aside": {"file", "to"},
          "dcmtk": {"module", "text"},
          "not-confined": {"lacks", "consequence"},
          "certificate-expires": {"whose", "file", "days"},
          "ledger-failed": {"file", "error"},
          "certificate-expired": {"whose", "file", "consequence"}}
RECORDS = ["spool/envelope.c", "spool/result.c", "spool/link.c"]
# Words in the page's "Sy" that are no names in a record.
SETTINGS = {"Lanes", "KeepFailed", "KeepSent"}


def text(path):
    return (tools.TREE / path).read_text()


def sources(folder, end=".c"):
    return sorted(str(path.relative_to(tools.TREE)) for path in
                  (tools.TREE / folder).glob(f"*{end}"))


def calls(source, name):
    """The text between the parentheses of each call of `name`."""
    for match in re.finditer(rf"\b{name}\(", source):
        depth, at = 1, match.end()
        while depth > 0:
            depth += {"(": 1, ")": -1}.get(source[at], 0)
            at += 1
        yield source[match.end():at - 1]


def events_of(source, call):
    """The second argument: a literal, two of them, or a function's word."""
    head = re.split(r",\s*LOG_(?:STR|INT|HEX|NONE)\b", call)[0]
    event = head.split(",", 1)[1]
    if "result_state_name" in event:
        return {"delivered", "deferred", "failed"}
    if event.strip() == "event":  # become_ready(server, "event")
        event = " ".join(calls(source, "become_ready"))
    return set(re.findall(r'"([a-z][a-z-]*)"', event))


def events_in_code(folder):
    """event -> keys"""
    found = {event: set(keys) for event, keys in SHARED.items()}
    for path in sources(folder):
        source = text(path)
        for call in calls(source, "LOG"):
            keys = set(re.findall(r'LOG_(?:STR|INT|HEX)\(\s*"([a-z-]+)"',
                                  call))
            events = events_of(source, call)
            assert events, f"{path}: {call}"
            for event in events:
                found.setdefault(event, set()).update(keys)
    return found


def events_in_page(path):
    """Of lines ".It Sy event key key , Sy event key": event -> keys"""
    body = text(path).split(".Sh LOG EVENTS", 1)[1].split("\n.Sh ", 1)[0]
    found = {}
    for line in re.findall(r"^\.It Sy (.*)$", body, re.M):
        for event, *keys in (part.split() for part in line.split(" , Sy ")):
            found.setdefault(event, set()).update(keys)
    return found


@pytest.mark.parametrize("folder, page", [
    ("sender", "sender/dcmspool-sender.8"),
    ("receiver", "receiver/dcmspool-receiver.8")])
def test_log_events(folder, page):
    code, documented = events_in_code(folder), events_in_page(page)
    assert set(code) - set(documented) == set(), "in no page"
    assert set(documented) - set(code) == set(), "in no code"
    assert documented == code, "keys"


def test_commands():
    """The table of commands, the page, the usage, and the completion."""
    table = text("spool/dcmspool.c").split("commands[] = {", 1)[1]
    table = table.split("\n};", 1)[0]
    commands = set(re.findall(r'\{"([a-z]+)", cmd_', table))
    page = text("spool/dcmspool.1")
    listed = page.split(".Ss Commands", 1)[1].split("\n.Sh ", 1)[0]
    documented = {name for line in re.findall(r"^\.It Cm (.*)$", listed, re.M)
                  for name in re.match(r"[a-z]+(?: \| [a-z]+)*",
                                       line).group(0).split(" | ")}
    synopsis = page.split(".Sh SYNOPSIS", 1)[1].split("\n.Sh ", 1)[0]
    shown = {name for line in re.findall(r"^\.Cm (.*)$", synopsis, re.M)
             for name in line.split(" | ")}
    completed = {name for line in re.findall(
        r"^\t([a-z]+(?: \| [a-z]+)*)\)", text("contrib/dcmspool.bash"), re.M)
                 for name in line.split(" | ")}
    assert len(commands) > 15
    assert documented == commands == shown
    assert completed == commands


def test_options_of_the_daemons():
    for folder, name in (("receiver", "dcmspool-receiver"),
                         ("sender", "dcmspool-sender")):
        usage = tools.run(tools.TREE / folder / name, "-h").stdout
        page = text(f"{folder}/{name}.8")
        listed = page.split("The options are:", 1)[1].split("\n.El", 1)[0]
        documented = set(re.findall(
            r"^\.It Fl (?:Fl )?([a-zA-Z]+)", listed, re.M))
        shown = set(re.findall(r"^  --?([a-zA-Z]+) ", usage, re.M)) | {"h"}
        assert documented == shown, name


def test_metrics():
    """Names, types and labels' order of the code, and in dcmspool(1)."""
    code = re.findall(r'(?:family|collect_cell)\(\s*m,\s*"(\w+)",\s*([A-Z]+)',
                      text("spool/cmd_metrics_collect.c"))
    page = re.findall(r"^\.It Li (dcmspool_\w+) , (\w+)",
                      text("spool/dcmspool.1"), re.M)
    assert len(code) > 25
    assert [(n, t.lower()) for n, t in code] == page


def sysexits(names):
    """The numbers of names such as EX_USAGE."""
    header = pathlib.Path("/usr/include/sysexits.h").read_text("ascii")
    return {int(re.search(rf"#define {name}\s+(\d+)", header).group(1))
            for name in names}


def exit_codes_of(section):
    """Of lines ".It 64", ".It 73 , 75" or ".It 0 Ta ..."."""
    return {int(code) for line in re.findall(r"^\.It ([\d ,]+)", section, re.M)
            for code in re.findall(r"\d+", line)}


# A page, and what gives codes besides err.c; of the processes of ours that
# nobody else sees the end of, none.
EXITS = [("spool/dcmspool.1", ["spool/dcmspool.c", "spool/cmd_user.c"], {1}),
         ("receiver/dcmspool-receiver.8", ["receiver/main.c"], set()),
         ("sender/dcmspool-sender.8", ["sender/main.c"], set())]


@pytest.mark.parametrize("page, folders, more", EXITS)
def test_exit_codes(page, folders, more):
    named = {name for path in ["spool/err.c", *folders]
             for name in re.findall(r"\bEX_[A-Z]+\b", text(path))}
    named.add("EX_OK")
    section = text(page).split("\n.Sh EXIT STATUS", 1)[1].split("\n.Sh ", 1)[0]
    assert exit_codes_of(section) == sysexits(named) | more


def test_exit_codes_of_echo():
    named = {name for path in sources("sender")
             for name in re.findall(r"\bEX_[A-Z]+\b", text(path))
             if path in ("sender/advice.c", "sender/ask.c")}
    section = text("sender/dcmspool-sender.8").split(
        "\n.Sh ASKING A DESTINATION", 1)[1].split("\n.Sh ", 1)[0]
    # 1: not all of what is queued; no such destination, wrong configuration.
    assert exit_codes_of(section) == sysexits(
        named | {"EX_USAGE", "EX_CONFIG"}) | {1}


def test_long_options_of_the_command():
    """Those that any command takes; of which, test_operator.py says."""
    files = [*sources("spool"), *sources("spool", ".h")]
    files.remove("spool/process.c")  # the daemons' own
    code = {name for path in files for name in re.findall(
        r'\{\s*"([a-z-]+)",\s*(?:no|required|optional)_argument',
        text(path).replace("\\\n", "\n"))}
    page = text("spool/dcmspool.1")
    documented = set(re.findall(r"\bFl Fl ([a-z-]+)", page))
    completed = set(re.findall(r"--([a-z-]+)\b", text("contrib/dcmspool.bash")))
    assert len(code) > 12
    assert documented == code
    assert completed >= code, "in no completion"


def test_files_of_the_spool():
    """What path.c makes, and the list of folders in dcmspool-spool(5)."""
    defined = dict(re.findall(r'#define (PATH_[A-Z]+)\s+"(\w+)"',
                              text("spool/path.h")))
    states = re.findall(r'\[QUEUE_[A-Z]+\] = "([a-z]+)"', text("spool/path.c"))
    code = {defined["PATH_VERSION"], f"{defined['PATH_TMP']}/",
            defined["PATH_COUNTERS"], f"{defined['PATH_RESULT']}/ASSOCIATION/"}
    code |= {f"queue/DEST/{state}/" for state in states}
    for word, macro in re.findall(
            r'PATH_QUEUE "/", dest, "/([a-z]*)/?"(?: (PATH_[A-Z]+))?',
            text("spool/path.c")):
        if word or macro:
            code.add("queue/DEST/" + (defined[macro] if macro else word))
    assert {f"queue/{d}" for d in ("DEST/result", "DEST/down")} <= code
    page = text("spool/dcmspool-spool.5").split("\n.Ss Folders\n", 1)[1]
    listed = re.findall(r"^\.It Pa (.*)$", page.split("\n.El", 1)[0], re.M)
    documented = {name for line in listed for name in line.split(" , ")}
    # A folder's name ends with a slash in the page.
    assert {name.rstrip("/") for name in documented} == {
        name.rstrip("/") for name in code}


# enter() and account_gone() of the two account.c, and cmd_audit.c.
LEDGER_SOURCES = ["receiver/account.c", "sender/account.c", "spool/cmd_audit.c"]
LEDGER_WORDS = {"delivered", "deferred", "failed", "removed"}  # a result's state


def test_ledger_events():
    """Each with its keys, in their order."""
    in_code = {}
    for path in LEDGER_SOURCES:
        source = text(path)
        for call in [*calls(source, "enter"), *calls(source, "LEDGER")]:
            keys = re.findall(r'LOG_(?:STR|INT|HEX)\(\s*"([a-z-]+)"', call)
            for event in re.findall(r'"([a-z]+)"', re.split(
                    r"LOG_(?:STR|INT|HEX)", call)[0]):
                in_code[event] = list(dict.fromkeys(keys))
    # Those of the sender have the keys of its enter().
    keys = list(dict.fromkeys(re.findall(
        r'LOG_(?:STR|INT|HEX)\("([a-z-]+)"',
        text("sender/account.c").split("static void\nenter(")[1])))
    gone = {event for path in sources("sender")
            for call in calls(text(path), "account_gone")
            for event in re.findall(r'"([a-z]+)"', call)}
    assert gone
    for event in LEDGER_WORDS | gone | {"corrupt"}:
        in_code[event] = keys
    in_page = {}
    section = text("spool/dcmspool-spool.5").split(
        ".Sh LEDGER", 1)[1].split("\n.Sh ", 1)[0]
    for line in re.findall(r"^\.It Sy (.*)$", section, re.M):
        *others, last = line.split(" , ")
        event, *keys = last.split()
        for name in [*others, event]:
            in_page[name] = keys
    assert in_page == in_code


def test_record_names():
    """Names in envelope, result and link record, and in dcmspool-spool(5)."""
    written = {name for source in RECORDS for name in re.findall(
        r'record_add(?:_int|_hex|_time)?\(\s*&?w,\s*"([A-Za-z-]+)"',
        text(source))}
    page = text("spool/dcmspool-spool.5")
    items, records = (page.split(f"\n.Ss {first}\n", 1)[1].split("\n.Ss ", 1)[0]
                      for first in ("Items", "Records"))
    envelope = items.split("dcmspool-envelope 1\n", 1)[1].split("\n.Ed", 1)[0]
    documented = set(re.findall(r"^([A-Za-z-]+): ", envelope, re.M))
    for line in re.findall(r"^\.(?:It )?Sy (.*)$", records, re.M):
        documented |= set(re.findall(r"[A-Z][A-Za-z-]+", line))
    documented -= SETTINGS
    assert len(written) > 20
    assert written - documented == set(), "in no page"
    assert documented - written == set(), "in no code"


@pytest.mark.parametrize("source", RECORDS)
def test_record_names_are_read_back(source):
    code = text(source)
    written = set(re.findall(
        r'record_add(?:_int|_hex|_time)?\(\s*&?w,\s*"([A-Za-z-]+)"', code))
    read = set(re.findall(r'record_is\(&?line, "([A-Za-z-]+)"\)', code))
    read |= set(re.findall(r'\{"([A-Za-z-]+)", r->', code))
    assert written == read


def test_make_targets():
    """Every `make X` of the README, in code, is a target."""
    rules = text("Makefile") + "".join(
        path.read_text() for path in sorted(tools.TREE.glob("*/module.mk")))
    code = re.findall(r"`([^`\n]+)`", text("README.md"))
    code += re.findall(r"^    (.*)$", text("README.md"), re.M)
    targets = {name for line in code
               for name in re.findall(r"\bmake ([a-z][a-z-]*)\b", line)}
    assert {"demo", "check"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", rules, re.M), target


def test_files_that_the_readme_names():
    readme = text("README.md")
    named = set(re.findall(r"\]\(([^)#:]+)\)", readme))
    named |= set(re.findall(
        r"`((?:spool|sender|receiver|etc|tests|contrib)/[\w./-]+)`", readme))
    assert len(named) > 10
    for path in named:
        assert (tools.TREE / path).exists(), path


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
@pytest.mark.parametrize("page", PAGES)
def test_pages_are_clean(page):
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wstyle", str(tools.TREE / page)],
        capture_output=True, text=True, check=False)
    # Pages that are not installed here are none of the page's faults.
    complaints = [
        line for line in (done.stdout + done.stderr).splitlines()
        if "referenced manual not found" not in line
        and "outdated mandoc.db" not in line]
    assert complaints == []


def test_recovery_rows():
    """Each row of RECOVERY is cited by a fault test, and the reverse."""
    page = text("spool/dcmspool-spool.5").split(".Sh RECOVERY", 1)[1]
    page = page.split("\n.Sh ", 1)[0]
    rows = set(re.findall(r"^\.It (R\d+) ", page, re.M))
    cited = {row for path in sources("tests/faults", ".py")
             for line in re.findall(r"RECOVERY: (.*)", text(path))
             for row in line.split()}
    assert rows and rows == cited


def test_escapes():
    """The page names what the takeover test tries, and nothing else."""
    tried = re.findall(r'\bA\("([^"]+)"', text("tests/faults/takeover_shim.c"))
    section = text("spool/dcmspool.7").split("\n.Sh ESCAPES TRIED\n", 1)[1]
    groups = section.split("\n.Bl ", 1)[1].split("\n.El\n", 1)[0].split("\n.It ")
    named = [name for group in groups[1:] for name in " ".join(
        group.split("\n")[1:]).split(", ")]
    assert len(set(named)) == len(named) == len(set(tried)) == len(tried) >= 79
    assert set(named) == set(tried)


def test_system_calls():
    """The pages name what confine_calls.c allows, and nothing else."""
    code = set(re.findall(
        r"(?:ALLOW|ALLOW_IF|ANSWER)\((\w+), (?:BOTH|ASSOC|LANE)",
        text("spool/confine_calls.c").split("#ifdef __SAN")[0]))
    code |= {"setsockopt", "getdents64"}
    receiver = text("receiver/dcmspool-receiver.8").split(
        ".It Sy What for Ta Sy System calls")[1].split("\n.El")[0]
    sender = text("sender/dcmspool-sender.8").split(
        ".Ss Confinement")[1].split("\n.Ss")[0]
    words = set(re.findall(r"\w+", receiver + sender))
    assert code - words == set(), "in no page"
    named = {word for line in receiver.splitlines() for word in re.findall(
        r"\b[a-z_]+[0-9]*\b", line.split(" Ta ", 1)[-1])}
    prose = set("""for ten options but folders that were open before execution
        descriptor and status flags to lock wake""".split())
    assert named - code - prose == set(), "in no code"


def test_nobody_sleeps():
    """A test waits for an event, in a bounded time; the two helpers that poll,
    and the one that lets time pass, are in tools.py. The hostile peers are slow
    by themselves, and a benchmark measures for so long."""
    for folder in ("tests/e2e", "tests/faults", "tests/transcript"):
        for path in sources(folder, ".py"):
            if path != "tests/e2e/tools.py":
                assert not re.search(r"\btime\.sleep\b|\bsleep\(", text(path)
                                     .replace('"time.sleep(600)"', "")), path
