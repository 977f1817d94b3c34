"""Code and pages say the same, in both directions."""

import re
import shutil
import subprocess

import pytest
import tools

PAGES = ["spool/dcmspool.1", "spool/dcmspool.conf.5", "spool/dcmspool-spool.5",
         "receiver/dcmspool-receiver.8", "sender/dcmspool-sender.8"]
SHARED = {"dcmtk"}  # logged by what both daemons link


def text(path):
    return (tools.TREE / path).read_text()


def events_in_code(folder):
    """The string literals of the second argument of each LOG()."""
    found = set()
    for path in sorted((tools.TREE / folder).glob("*.c")):
        for call in re.findall(r"\bLOG\(([^;]*);", path.read_text()):
            parts = re.split(r",\s*LOG_(?:STR|INT|HEX|NONE)", call)[0]
            parts = parts.split(",", 1)[-1]
            found |= set(re.findall(r'"([a-z][a-z-]*)"', parts))
            if "result_state_name(result->state)" in parts:
                found |= {"delivered", "deferred", "failed"}
    for path in (tools.TREE / folder).glob("*.c"):
        # log_ready(server, "event") and its like
        found |= set(re.findall(
            r'log_ready\([^,]*, "([a-z-]+)"\)', path.read_text()))
    return found


def events_in_page(path):
    body = text(path).split(".Sh LOG EVENTS", 1)[1].split("\n.Sh ", 1)[0]
    return {name for line in body.splitlines() if line.startswith(".It Sy ")
            for name in re.findall(r"Sy ([a-z][a-z-]*)", line)}


@pytest.mark.parametrize("folder, page", [
    ("sender", "sender/dcmspool-sender.8"),
    ("receiver", "receiver/dcmspool-receiver.8")])
def test_log_events(folder, page):
    code, documented = events_in_code(folder) | SHARED, events_in_page(page)
    assert code - documented == set(), "in no page"
    assert documented - code == set(), "in no code"


def test_record_names():
    """Names in envelope, result and link record, and in dcmspool-spool(5)."""
    names = set()
    for source in ["spool/envelope.c", "spool/result.c", "spool/link.c"]:
        names |= set(re.findall(
            r'record_add(?:_int|_hex|_time)?\(\s*&w,\s*"([A-Za-z-]+)"',
            text(source)))
        names |= set(re.findall(r'record_add\(w, "([A-Za-z-]+)"',
                                text(source)))
    page = text("spool/dcmspool-spool.5")
    assert len(names) > 20
    missing = {name for name in names
               if not re.search(rf"(^|[ \n(]){name}([: ,)\n]|$)", page)}
    assert missing == set()


def test_make_targets():
    """Every `make X` of the README is a target."""
    readme = text("README.md")
    rules = text("Makefile") + "".join(
        path.read_text() for path in tools.TREE.glob("*/module.mk"))
    targets = set(re.findall(r"\bmake ([a-z]+)\b", readme)) - {
        "what", "sure"}
    assert {"demo", "check"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", rules, re.M), target


def test_files_that_the_readme_names():
    for path in re.findall(r"\]\(([^)#:]+)\)", text("README.md")):
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
