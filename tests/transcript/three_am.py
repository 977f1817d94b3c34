#!/usr/bin/env python3
"""The 3 a.m. case, played and recorded: the PACS went away, thousands wait,
twelve failed since the PACS did not like their patient ID, the disk is nearly
full. An operator with a terminal finds that out, corrects it, and watches it
drain.

    three_am.py [--items N] [--out FILE] [--keep-colours]

Real daemons, a real PACS (a test one), a real terminal; the transcript is what
the terminal showed. Fails where it does not show what it has to. The disk is a
tmpfs of its own where one can be mounted, so that it is as full as told; else
the disk is what it is. The clock is the machine's, moved: it is midnight when
the PACS goes away, and three hours later when the operator looks.
"""

import argparse
import datetime
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "e2e")]

import gateway as gateways
import leftovers
import tools
from peers import instance
from peers.destination import Answer, Destination

FAILED = 12
DISK_PERCENT = 91
SHIM = tools.TREE / ".build/release/tests/faults/clock_shim.so"
NIGHT_S = 3 * 3600 + 4 * 60
WATCHED_S = 4
SPARE_BYTES = 24 << 20  # beside the items: records, markers, the test's own
PROMPT = "\x1b[1m$ \x1b[0m"


class Terminal:
    """Runs one command after the other as a person would see it."""

    def __init__(self, gateway, clock):
        self.env = {
            **os.environ, "TERM": "xterm", "COLUMNS": "110",
            "DCMSPOOL_CONF": str(gateway.conf), **clock.env,
            "PATH": f"{gateways.COMMAND.parent}:{gateways.SENDER.parent}:"
                    + os.environ["PATH"]}
        self.text = ""

    def say(self, *lines):
        self.text += "".join(f"# {line}\n" for line in lines)

    def run(self, line, answer=None, code=0, until=None):
        """One shell line; `answer` is typed where it asks. until: it is
        interrupted once that is shown."""
        began = time.monotonic()
        self.text += f"{PROMPT}{line}\n"
        pid, master = pty.fork()
        if pid == 0:
            os.execvpe("sh", ["sh", "-c", line], self.env)
        shown = self._watch(master, answer, until, pid)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(master)
        self.text += shown
        if until is None:
            assert status == code, (line, status, shown)
        print(f"{line}: {time.monotonic() - began:.1f} s", file=sys.stderr)
        return plain(shown)

    @staticmethod
    def _watch(master, answer, until, pid):
        shown, end = "", time.monotonic() + 120
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.1)[0]:
                continue
            try:
                got = os.read(master, 65536)
            except OSError:
                break
            if not got:
                break
            shown += got.decode("utf-8", "replace").replace("\r\n", "\n")
            if answer is not None and "[y/N] " in shown:
                os.write(master, answer.encode() + b"\n")
                answer = None
            if until is not None and re.search(until, plain(shown)):
                os.write(master, b"\x03")
                until = None
        else:
            os.kill(pid, signal.SIGKILL)
        return shown


class Clock:
    """What daemons and operator take for the time of day. Where the shim has
    not been built, or sanitizers do not go with it, it is the machine's."""

    def __init__(self, folder):
        self.path = folder / "clock"
        self.path.write_bytes(bytes(8))
        self.moves = SHIM.exists() and not gateways.SANITIZED
        self.env = {"LD_PRELOAD": str(SHIM), "CLOCK_OFFSET": str(self.path)
                    } if self.moves else {}
        now = datetime.datetime.now(datetime.timezone.utc)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.offset_us = int((midnight - now).total_seconds() * 1e6)
        self._write()

    def _write(self):
        with open(self.path, "r+b") as f:
            f.write(struct.pack("<q", self.offset_us))

    def forward(self, seconds):
        self.offset_us += seconds * 1000000
        self._write()


def plain(text):
    """Without colours and what moves the cursor."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def mount_disk(folder, size):
    """A disk of its own for the spool: whether there is one."""
    folder.mkdir()
    return subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "spool",
         str(folder)], stderr=subprocess.DEVNULL, check=False).returncode == 0


def used_percent(folder):
    st = os.statvfs(folder)
    used = st.f_blocks - st.f_bfree
    return 100 * used / (used + st.f_bavail)


def fill_disk(folder):
    """What else is on the disk."""
    with open(folder / "something-else", "wb") as f:
        while used_percent(folder) < DISK_PERCENT - 0.4:
            f.write(bytes(1 << 16))
            f.flush()


def midnight(gateway, pacs, items):
    """What happened before anybody looked."""
    pacs.script = [Answer(0xA900, comment="patient ID has no check digit",
                          offending=[0x00100020])] * FAILED
    refused = [instance.make() for _ in range(FAILED)]
    with gateway.modality(*refused, calling="CT1") as ct:
        for one in refused:
            assert ct.store(one).status == 0xA900
    pacs.stop()
    waiting = [instance.make() for _ in range(items)]
    with gateway.modality(*waiting, calling="CT1", timeout=120) as ct:
        for one in waiting:
            assert ct.store(one).status in (0xA700, 0x0000)
    gateway.wait_down("pacs")
    return refused, waiting


def play(terminal, gateway, pacs, items, own_disk, clock):
    """The operator; what each step has to show is checked."""
    terminal.say("03:04. A telephone call: \"the images do not come.\"")
    shown = terminal.run("dcmspool status", code=1)
    waits = sum(int(n) for n in re.search(
        r"pacs +down \w+ +(\d+) +(\d+)", shown).groups())
    assert waits == items, shown
    assert not clock.moves or re.search(
        r"pacs +down 3h\d+m ", shown) and re.search(
            r"down since \S+T00:0\d", shown), shown
    assert not own_disk or f"disk      {DISK_PERCENT} % full" in shown, shown
    words = " ".join(shown.split())
    assert "Connection refused" in words
    assert f"{FAILED} failed with 0xA900" in words

    terminal.say(f"Since midnight the PACS is away: {items} wait, nothing is "
                 "lost. Its", "operator is called. And those "
                 f"{FAILED}? What status says to type:")
    more = re.search(r"more: (dcmspool show \S+)", words).group(1)
    shown = terminal.run(more)
    assert re.search(r"ErrorComment:? +patient ID has no check digit", shown)
    assert re.search(r"OffendingElement:? +\(0010,0020\)", shown)

    terminal.say("The PACS wants a check digit in their patient ID. They get "
                 "one, and are", "tried again.")
    edit = ("dcmspool edit --dest pacs --status 0xA900 -- "
            "dcmodify -nb -m PatientID=E2E-4711-3")
    shown = terminal.run(edit, answer="y")
    assert shown.count("edit pacs/failed/") == FAILED
    shown = terminal.run("dcmspool retry --all pacs/failed", answer="y")
    assert f"retry {FAILED} items of pacs?" in shown
    assert shown.count("retry pacs/failed/") == FAILED

    terminal.say("03:10. They say that the PACS is there again. Is it?")
    pacs.start()
    shown = terminal.run("dcmspool-sender --echo pacs")
    assert "it would take us" in shown
    terminal.say("No need to wait for the next probe.")
    # So slow that there is something left to be watched.
    pacs.default = Answer(delay=WATCHED_S / items)
    terminal.run("dcmspool flush pacs")
    shown = terminal.run("dcmspool status --watch=1",
                         until=r"\n0 wait; over.*less\n")
    assert re.search(r"[1-9][\d.]*/s less", shown)
    shown = terminal.run("dcmspool status")
    assert re.search(r"pacs +up \w+( +0){4} ", shown), shown
    shown = terminal.run("dcmspool check")
    assert "0 items, all is well" in shown
    terminal.say("Nothing waits, nothing failed. Good night.")


def last_screen(text):
    """Of `status --watch`, which clears the screen, the first looks and the
    last."""
    parts = text.split("\x1b[H\x1b[2J")
    if len(parts) > 5:
        parts = [*parts[:3], "[...]\n", *parts[-2:]]
    return "".join(parts).replace("^C", "^C\n")


def record(folder, items, own_disk):
    pacs = Destination(keep_data=True).start()
    gateway = gateways.Gateway(
        folder, {"pacs": pacs}, top={
            "StorageLocation": str(folder / "disk" / "spool")},
        routes=[{"ResponseTimeout": 1}], RetryMin=30, RetryMax=300)
    gateway.spool = folder / "disk" / "spool"
    clock = Clock(folder)
    gateway.sender.env = gateway.receiver.env = clock.env
    terminal = Terminal(gateway, clock)
    try:
        gateway.start()
        refused, waiting = midnight(gateway, pacs, items)
        clock.forward(NIGHT_S)
        if own_disk:
            fill_disk(folder / "disk")
        play(terminal, gateway, pacs, items, own_disk, clock)
        delivered = {r.uid: r for r in pacs.received if r.status == 0}
        assert set(delivered) == {m.uid for m in refused + waiting}
        for one in waiting:
            assert delivered[one.uid].digest == one.digest
        for one in refused:
            assert b"E2E-4711-3" in delivered[one.uid].data
    finally:
        pacs.stop()
        gateway.finish()
    return terminal.text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--keep-colours", action="store_true")
    options = parser.parse_args()
    leftovers.end_with_us()
    with tempfile.TemporaryDirectory(prefix="dcmspool-3am.") as name:
        folder = pathlib.Path(name)
        disk = folder / "disk"
        own_disk = mount_disk(disk, SPARE_BYTES + options.items * 8192)
        try:
            text = record(folder, options.items, own_disk)
        finally:
            if own_disk:
                subprocess.run(["umount", "-l", str(disk)], check=False)
        text = last_screen(text).replace(
            str(disk / "spool"), "/var/spool/dcmspool").replace(
                str(folder / "dcmspool.conf"),
                "/etc/dcmspool/dcmspool.conf")
    if not options.keep_colours:
        text = plain(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
