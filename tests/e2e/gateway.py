"""Both daemons on a spool of their own."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import tools
from peers import instance, modality

BIN = os.environ.get("BIN", "")
RECEIVER = tools.TREE / f"{BIN}receiver/dcmspool-receiver"
SENDER = tools.TREE / f"{BIN}sender/dcmspool-sender"
COMMAND = tools.TREE / f"{BIN}spool/dcmspool"
SANITIZED = "san" in BIN  # more memory, more time

FINDINGS = re.compile(r"Sanitizer|runtime error:| panic | bug ")


class Daemon:
    def __init__(self, program, conf):
        self.program, self.conf = program, conf
        self.env = {}  # on top of ours
        self.process = self.collector = None
        self.log = []  # lines of all its lives

    def spawn(self):
        self.process = subprocess.Popen(
            [str(self.program), "-c", str(self.conf)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace",
            env={**os.environ, **self.env}, start_new_session=True)
        self.collector = threading.Thread(
            target=self._collect, args=(self.process.stderr,), daemon=True)
        self.collector.start()

    def start(self, timeout=15):
        """Returns when it has logged that it is ready."""
        seen = len(self.log)
        self.spawn()
        self.wait_log(r"\bready\b", timeout, seen)
        return self

    def _collect(self, stream):
        with stream:
            for line in stream:
                self.log.append(line.rstrip("\n"))

    def wait_log(self, pattern, timeout=10, since=0):
        """The first line that matches, from line `since` on."""
        def look():
            for line in self.log[since:]:
                if re.search(pattern, line):
                    return line
            assert self.running or not self.process, (
                f"{self.program.name} ended with {self.process.returncode}:\n"
                + "\n".join(self.log[-20:]))
            return None
        return tools.wait_until(look, timeout, f"log line {pattern!r}")

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def processes(self):
        return tools.processes(self.process.pid) if self.process else {}

    def hup(self):
        """Reloads; returns when it says so."""
        seen = len(self.log)
        self.process.send_signal(signal.SIGHUP)
        return self.wait_log(r"reload", 10, seen)

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, timeout=15):
        """Its exit code, when nobody of it is left and its log is whole."""
        code = self.process.wait(timeout)
        session = self.process.pid
        tools.wait_until(lambda: not tools.processes(session), 5,
                         f"{self.program.name} leaves no process")
        self.collector.join(5)
        return code

    def stop(self, timeout=30):
        """SIGTERM; 0 is the only exit code that is right."""
        if not self.running:
            return
        self.signal(signal.SIGTERM)
        try:
            code = self.wait_exit(timeout)
        except subprocess.TimeoutExpired:
            tools.end_session(self.process)
            raise AssertionError(
                f"{self.program.name} ignores SIGTERM\n"
                + "\n".join(self.log[-20:])) from None
        assert code == 0, (code, self.log[-20:])

    def kill(self):
        """SIGKILL for the parent; its children are to follow by themselves."""
        self.process.kill()
        self.wait_exit(10)


class Gateway:
    """destinations: {name: port or peer or {key: value}}."""

    def __init__(self, folder, destinations, routes=None, receiver=None,
                 top=None, **each_destination):
        self.folder = pathlib.Path(folder)
        self.spool = self.folder / "spool"
        self.conf = self.folder / "dcmspool.conf"
        self.port = tools.free_port()
        self.destinations = {
            name: self._destination(name, settings, each_destination)
            for name, settings in destinations.items()}
        self.routes = [
            {"DuplexTargetConfigNames": ",".join(destinations), **route}
            for route in routes or [{}]]
        self.receiver_settings = {
            "LocalAET": "ENS-SCP", "RemoteAET": "*", "IPPort": self.port,
            "LocalInterface": "127.0.0.1", **(receiver or {})}
        self.top = {"StorageLocation": str(self.spool),
                    "MinFreeBytes": 1 << 20, "MinFreeInodes": 100,
                    **(top or {})}
        self.receiver = Daemon(RECEIVER, self.conf)
        self.sender = Daemon(SENDER, self.conf)
        self.log_settings = {}
        self.may_leave = set()  # folders that need not be empty at the end
        self.write_conf()

    @staticmethod
    def _destination(name, settings, each):
        if not isinstance(settings, dict):
            settings = {"RemotePort": getattr(settings, "port", settings)}
        return {"Name": name, "RemoteAET": "PACS", "RemoteHost": "127.0.0.1",
                "ConnectTimeout": 2, "AssociateTimeout": 5, "DimseTimeout": 20,
                "RetryMin": 1, "RetryMax": 1, **each, **settings}

    def write_conf(self):
        self.conf.write_text(tools.libconfig({
            **self.top, "receiver": self.receiver_settings,
            "routes": self.routes,
            "destinations": list(self.destinations.values()),
            "log": {"Level": "debug", **self.log_settings}}), encoding="utf-8")

    def start(self):
        self.sender.start()
        self.receiver.start()
        return self

    def stop(self):
        self.receiver.stop()
        self.sender.stop()

    def finish(self):
        """What holds after every test."""
        try:
            self.stop()
        finally:
            for daemon in (self.receiver, self.sender):
                if daemon.processes():
                    tools.end_session(daemon.process)
        for line in self.receiver.log + self.sender.log:
            assert not FINDINGS.search(line), line
        if self.spool.is_dir() and (self.spool / "version").exists():
            assert self.left_behind() == []

    def left_behind(self):
        rests = {"tmp": self.spool / "tmp", "result": self.spool / "result"}
        for name in self.destinations:
            rests[f"{name}/active"] = self.spool / "queue" / name / "active"
        return [str(entry) for key, folder in rests.items()
                if key not in self.may_leave and folder.is_dir()
                for entry in folder.iterdir()]

    # the spool

    def path(self, destination, state, item=""):
        return self.spool / "queue" / destination / state / item

    def items(self, destination, state):
        try:
            return sorted(p.name for p in self.path(destination, state)
                          .iterdir() if p.name.endswith(".dcm"))
        except FileNotFoundError:
            return []

    def wait_items(self, destination, state, n, timeout=10):
        """Exactly n items there: their names."""
        tools.wait_until(
            lambda: len(self.items(destination, state)) == n, timeout,
            f"{n} items in {destination}/{state}")
        return self.items(destination, state)

    def empty(self, destination):
        return not any(self.items(destination, s)
                       for s in ("new", "active", "deferred"))

    def wait_empty(self, destination, timeout=10):
        tools.wait_until(lambda: self.empty(destination), timeout,
                         f"nothing queued for {destination}")

    def record(self, destination, item):
        """The item's own record: {name: value}."""
        text = self.path(destination, "result", item).read_text("utf-8")
        return parse_record(text, "dcmspool-result 1")

    def down(self, destination):
        return (self.spool / "queue" / destination / "down").exists()

    def wait_down(self, destination, down=True, timeout=10):
        tools.wait_until(lambda: self.down(destination) == down, timeout,
                         f"{destination} {'down' if down else 'up'}")

    # programs

    def command(self, *words, timeout=30):
        return tools.run(COMMAND, "-c", self.conf, *words, timeout=timeout)

    def on_terminal(self, *words, answer="", columns=80, timeout=20):
        """A command with a terminal: exit code and all that it shows."""
        pid, master = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack("HHHH", 24, columns, 0, 0))
            os.execve(COMMAND, ["dcmspool", "-c", str(self.conf),
                                *map(str, words)],
                      {**os.environ, "TERM": "xterm"})
        os.write(master, answer.encode())
        shown, end = b"", time.monotonic() + timeout
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.1)[0]:
                continue
            try:
                shown += os.read(master, 65536)
            except OSError:  # it has ended
                break
        else:
            os.kill(pid, signal.SIGKILL)
        os.close(master)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code, shown.decode().replace("\r\n", "\n")

    def json(self, *words):
        """One object, or a list of one a line."""
        done = self.command(*words, "--json")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[0] if words[0] in ("status", "show") else lines

    def modality(self, *instances, extra=(), **association):
        contexts = modality.contexts_for(*instances) + list(extra)
        return modality.Modality(self.port, contexts, **association)

    def store(self, one, message_id=None, more=None, **association):
        with self.modality(one, **association) as ct:
            return ct.store(one, message_id, **(more or {}))


def parse_record(text, magic):
    lines = text.rstrip(" \0").splitlines()
    assert lines[0] == magic, lines[:1]
    return dict(line.split(": ", 1) if ": " in line
                else (line.rstrip(":"), "") for line in lines[1:] if line)


def envelope(path):
    """The envelope of an item: {name: value}."""
    meta, _ = instance.read_meta(path.read_bytes())
    return parse_record(meta[0x0102].decode("utf-8"), "dcmspool-envelope 1")
