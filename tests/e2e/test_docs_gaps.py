"""What test_docs.py is for it also sees: of each class, something that is
missing in a page, or in the code, makes its test fail."""

import os
import re
import shutil

import pytest

import test_docs as docs
import tools

MAN1, SPOOL5 = "spool/dcmspool.1", "spool/dcmspool-spool.5"
RECEIVER8 = "receiver/dcmspool-receiver.8"
SENDER8 = "sender/dcmspool-sender.8"


def log_events(side):
    return docs.test_log_events, (side, f"{side}/dcmspool-{side}.8")


def exit_codes(page):
    (row,) = (row for row in docs.EXITS if row[0] == page)
    return docs.test_exit_codes, row


# The check, the file that is changed, what in it, and by what it is replaced.
GAPS = [
    (docs.test_commands, (), MAN1, r"\n\.It Cm wait ", "\n.It Ar wait "),
    (docs.test_commands, (), MAN1, r"\n\.Cm wait\n", "\n"),
    (docs.test_commands, (), "spool/dcmspool.c", r'\{"wait", cmd_wait',
     '{"await", cmd_wait'),
    (docs.test_commands, (), "contrib/dcmspool.bash", r"\twait\)", "\tawait)"),
    (docs.test_long_options_of_the_command, (), MAN1, "Fl Fl unsorted",
     "Fl unsorted"),
    (docs.test_long_options_of_the_command, (), "spool/cmd_list.c",
     '"unsorted"', '"sorted"'),
    (docs.test_long_options_of_the_command, (), "contrib/dcmspool.bash",
     "--unsorted", ""),
    (docs.test_options_of_the_daemons, (), SENDER8, r"\.It Fl Fl echo", ".It"),
    (docs.test_options_of_the_daemons, (), RECEIVER8, r"\.It Fl V",
     ".It Fl W"),
    (*log_events("sender"), SENDER8, r"\.It Sy link-up ", ".It Sy link-ap "),
    (*log_events("sender"), SENDER8, r"Sy link-up destination", "Sy link-up"),
    (*log_events("sender"), "sender/down.c", '"link-up"', '"link-ap"'),
    (*log_events("receiver"), RECEIVER8, r"\.It Sy stored ", ".It Sy sto-red "),
    (*log_events("receiver"), "receiver/store.c", r'LOG_STR\("item"',
     'LOG_STR("thing"'),
    (docs.test_metrics, (), MAN1, r"\.It Li dcmspool_lanes ",
     ".It Li dcmspool_lane "),
    (docs.test_metrics, (), MAN1, "dcmspool_lanes , gauge",
     "dcmspool_lanes , counter"),
    (docs.test_metrics, (), "spool/cmd_metrics_collect.c", '"dcmspool_lanes"',
     '"dcmspool_lane"'),
    (docs.test_ledger_events, (), SPOOL5, r"\.It Sy operator action by",
     ".It Sy operator action"),
    (docs.test_ledger_events, (), "spool/cmd_audit.c", r'LOG_STR\("target"',
     'LOG_STR("to"'),
    (docs.test_record_names, (), SPOOL5, "Next-Attempt", "Next-Try"),
    (docs.test_record_names, (), "spool/result.c", '"Next-Attempt"',
     '"Next-Try"'),
    (docs.test_files_of_the_spool, (), SPOOL5, r"\.It Pa queue/DEST/paused",
     ".It Pa queue/DEST/halted"),
    (docs.test_files_of_the_spool, (), "spool/path.c", '"/paused"',
     '"/halted"'),
    (docs.test_files_of_the_spool, (), "spool/path.c", '= "hold"', '= "held"'),
    (*exit_codes(MAN1), MAN1, r"\.It 74\n", ".It 67\n"),
    (*exit_codes(MAN1), "spool/dcmspool.c", "EX_IOERR", "EX_OK"),
    (*exit_codes(RECEIVER8), RECEIVER8, r"\.It 73\n", ""),
    (*exit_codes(SENDER8), "spool/err.c", "EX_TEMPFAIL", "EX_UNAVAILABLE"),
    (docs.test_exit_codes_of_echo, (), SENDER8, r"\.It 68 Ta", ".It 67 Ta"),
    (docs.test_exit_codes_of_echo, (), "sender/advice.c", "EX_NOHOST",
     "EX_NOUSER"),
    (docs.test_system_calls, (), SENDER8, r"\bdup3\b", "dup"),
    (docs.test_recovery_rows, (), SPOOL5, r"\.It R1 ", ".It R99 "),
]


@pytest.mark.parametrize("check, words, path, what, by", GAPS, ids=[
    f"{g[0].__name__[5:]}-{n}" for n, g in enumerate(GAPS)])
def test_a_gap_is_seen(monkeypatch, check, words, path, what, by):
    whole = docs.text
    assert re.search(what, whole(path)), what
    monkeypatch.setattr(docs, "text", lambda asked: (
        re.sub(what, by, whole(asked)) if asked == path else whole(asked)))
    with pytest.raises(AssertionError):
        check(*words)
    monkeypatch.undo()
    check(*words)


# The keys are compared by a unit test, which reads the pages where it runs.

PAGE, SAMPLE = "spool/dcmspool.conf.5", "etc/dcmspool.conf"
KEY_GAPS = [
    (PAGE, r"\.It Ic RetryMax\n", ".It Ic RetryMost\n"),
    (PAGE, r"(It Ic RetryMax\n.*default) 300", r"\1 301"),
    (PAGE, r"\.It Ic RetryMax\n", ".It Ic Retry\nInteger.\n.It Ic RetryMax\n"),
    (SAMPLE, r"\t\t#RetryMax = 300;\n", ""),
    (SAMPLE, "#RetryMax = 300;", "#RetryMax = 301;"),
]


@pytest.mark.parametrize("path, what, by", [(PAGE, "$^", ""), *KEY_GAPS])
def test_a_gap_in_the_keys_is_seen(tmp_path, path, what, by):
    unit = tools.TREE / os.environ.get("UNIT", ".build/release/tests/unit")
    if not unit.exists():
        pytest.skip(f"{unit} is not built: make check does")
    for each in (PAGE, SAMPLE):
        (tmp_path / each).parent.mkdir()
        shutil.copy(tools.TREE / each, tmp_path / each)
    text = (tmp_path / path).read_text("utf-8")
    changed = re.sub(what, by, text)
    assert (changed == text) == (what == "$^"), what
    (tmp_path / path).write_text(changed, "utf-8")
    done = tools.run(unit, "conf_table", cwd=tmp_path)
    assert (done.returncode == 0) == (what == "$^"), done.stdout
