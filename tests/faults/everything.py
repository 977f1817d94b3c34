"""All of it at once, for long: TLS on both sides, ledger and metrics, an
operator's commands in parallel, children and lanes that are killed, and now and
then a parent. Then quiet, and the judge; and what only time shows: memory and
descriptors of the parents, and that each line of the ledger is whole.

    python3 tests/faults/everything.py --seconds 60 --seed 7

dcmspool-spool(5), RECOVERY: R1 R2 R4 R5 R6 R7 R18
"""

import collections
import pathlib
import random
import re
import ssl
import sys
import tempfile
import threading

import kills
import pki
import scene  # noqa: F401, it says where modules are
from kills import gateways, tools
from peers import destination, modality, pdu

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z dcmspool[a-z-]*\[\d+\] ledger "
    r"[a-z]+( [a-z]+=(\"([^\"\\]|\\.)*\"|[^ \"]*))+")
PARENTS_LIVE = 0.5  # from this part of the time on, no parent is killed
GROWTH_KIB = 1024 * (32 if gateways.SANITIZED else 1)
OPERATOR_S = (0.05, 0.4)
KINDS = ("child",) * 8 + ("lane",) * 8 + ("receiver", "sender")
# What a command may end with while others do their work: done, nothing there.
FINE = (0, 1)
QUEUES = ("pacs", "archive", "spare")


class Secure(destination.Destination):
    """The same behind TLS."""

    def __init__(self, context):
        super().__init__()
        self.context = context

    def _serve(self, sock, stopping):
        try:
            secure = self.context.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            pdu.hang_up(sock)  # killed while it shook hands
            return
        finally:
            with self._lock:
                self._sockets.discard(sock)
        with self._lock:
            self._sockets.add(secure)
        super()._serve(secure, stopping)


class Everything(kills.Load):
    """"spare" is another name for pacs: what is moved there arrives there."""

    def __init__(self, folder, seconds, seed):
        super().__init__(folder, seconds, seed)
        self.seconds = seconds
        ca = pki.Authority(pathlib.Path(folder) / "ca")
        self.ours, self.theirs = ca.issue("gateway"), ca.issue("peer")
        self.ca = ca.cert
        self.pacs = Secure(self._context(ssl.PROTOCOL_TLS_SERVER))
        self.client = self._context(ssl.PROTOCOL_TLS_CLIENT)
        self.acts = collections.Counter()
        self.operator = None
        self.rotated = 0
        self.grown = {}  # program: KiB
        self.log_file = pathlib.Path(folder) / "ledger"

    def _context(self, protocol):
        context = ssl.SSLContext(protocol)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.ca)
        context.load_cert_chain(self.theirs.cert, self.theirs.key)
        return context

    def _make_gateway(self):
        super()._make_gateway()
        tls = {"Certificate": str(self.ours.cert),
               "PrivateKey": str(self.ours.key),
               "TrustedCertificates": str(self.ca)}
        gateway = self.gateway
        gateway.destinations["pacs"]["tls"] = tls
        gateway.destinations["spare"] = {
            **gateway.destinations["pacs"], "Name": "spare"}
        gateway.receiver_settings["tls"] = tls
        gateway.log_settings = {"Ledger": str(self.log_file)}
        gateway.write_conf()

    def _connect(self, contexts):
        link = modality.Modality(self.gateway.port, contexts, timeout=30)
        try:
            link.sock = self.client.wrap_socket(link.sock)
        except BaseException:
            link.close()
            raise
        return link

    def _victim(self):
        left = self.until - kills.time.monotonic()
        kind = self.chance.choice(KINDS)
        if left < self.seconds * PARENTS_LIVE and kind in ("receiver",
                                                           "sender"):
            return "lane"
        return kind

    def _helpers(self):
        luck = random.Random(self.chance.random())
        self.operator = threading.Thread(target=self._operate, args=(luck,))
        return [*super()._helpers(), self.operator,
                threading.Thread(target=self._watch_growth)]

    # the operator

    def _operate(self, luck):
        while not self.over.wait(luck.uniform(*OPERATOR_S)):
            self._act(luck)
        for name in QUEUES:
            self._command("resume", name)
            self._command("release", "--yes", "--all", f"{name}/hold")
            self._command("retry", "--yes", "--all", f"{name}/failed")

    def _act(self, luck):
        name = luck.choice(QUEUES)
        other = "pacs" if name == "spare" else "spare"
        words = luck.choice((
            ("hold", "--yes", "--all", f"{name}/new"),
            ("hold", "--yes", "--all", name),
            ("release", "--yes", "--all", f"{name}/hold"),
            ("release", "--yes", "--all", f"{name}/hold"),
            ("retry", "--yes", "--all", name),
            ("move", "--yes", "--all", f"{name}/hold", other),
            ("pause", name), ("resume", name), ("resume", name),
            ("flush", name), ("status", "--json"), ("list", "-l"),
            ("metrics",), ("check",), ("expire",), ("report", "--json"),
            ("HUP", "receiver"), ("HUP", "sender"), ("rotate",)))
        # What is for the archive is for nobody else.
        if words[0] == "move" and name == "archive":
            return
        self.acts[words[0]] += 1
        if words[0] == "rotate":
            self.rotated += 1
            self.log_file.rename(f"{self.log_file}.{self.rotated}")
            tools.wait_until(self.log_file.exists, 30, "a new ledger")
        elif words[0] == "HUP":
            self._hup(getattr(self.gateway, words[1]))
        else:
            self._command(*words)

    @staticmethod
    def _hup(daemon):
        """Where it serves: before that it is no daemon yet."""
        mark = f"[{daemon.process.pid}] info ready"
        if any(mark in line for line in list(daemon.log)):
            daemon.signal(kills.signal.SIGHUP)

    def _command(self, *words):
        done = self.gateway.command(*words, timeout=60)
        if done.returncode not in FINE or re.search(
                gateways.FINDINGS, done.stdout):
            self.findings.append(f"dcmspool {' '.join(words)}: "
                                 f"{done.returncode}\n{done.stdout[-1000:]}")

    # what only time shows

    def _watch_growth(self):
        """From the last kill of a parent, and some time to get warm, on."""
        live = self.seconds * PARENTS_LIVE
        if self.over.wait(live + min(20, live / 3)):
            return
        before = {d: (d.process.pid, rss_kib(d.process.pid))
                  for d in self._daemons()}
        self.over.wait()
        for daemon, (pid, kib) in before.items():
            if daemon.process.pid == pid and daemon.running:
                grown = rss_kib(pid) - kib
                self.grown[daemon.program.name] = grown
                if grown > GROWTH_KIB:
                    self.findings.append(f"{daemon.program.name} has grown by "
                                         f"{grown} KiB")

    def _settle(self, threads):
        super()._settle(threads)
        self.operator.join(kills.SETTLE_S)  # it queues again what was held
        for name in QUEUES:
            self.gateway.wait_empty(name, kills.SETTLE_S)
        for daemon in self._daemons():
            self._check_descriptors(daemon)

    def _check_descriptors(self, daemon):
        """An idle parent has no connection, and one socket for each child."""
        pid = daemon.process.pid

        def left():
            children = len(daemon.processes()) - 1
            inet, pairs = sockets(pid)
            allowed = daemon is self.gateway.receiver  # it listens
            return (inet, pairs) == (int(allowed), children)

        try:
            tools.wait_until(left, 10)
        except AssertionError:
            self.findings.append(
                f"{daemon.program.name}: {sockets(pid)} sockets, "
                f"{len(daemon.processes()) - 1} children")

    # the end

    def _judge(self):
        self._judge_ledger()
        super()._judge()

    def _duplicates_allowed(self):
        # One moved or held may be settled on its own beside its resend, and a
        # pause makes a modality give up.
        moved = sum(self.acts[a] for a in ("hold", "move", "retry", "release"))
        return super()._duplicates_allowed() + 50 * moved

    def _judge_ledger(self):
        files = sorted(self.log_file.parent.glob("ledger*"))
        events = collections.Counter()
        for path in files:
            for line in path.read_text("ascii").splitlines():
                if LINE.fullmatch(line):
                    events[line.split(" ")[3]] += 1
                else:
                    self.findings.append(f"{path.name}: {line!r}")
        # A kill may come between the deed and its line.
        killed = sum(self.kills.values())
        done = sum(map(len, self._arrivals().values()))
        if not done - killed <= events["delivered"] + events["joined"]:
            self.findings.append(
                f"{done} deliveries, {events} in the ledger, {killed} kills")
        self.acts["ledger lines"] = sum(events.values())

    def _figures(self):
        figures = {f"everything: {n.removeprefix('kills, ')}": v
                   for n, v in super()._figures().items()}
        figures.update({f"everything: {n}": v
                        for n, v in sorted(self.acts.items())})
        figures.update({f"everything: growth of {n}, KiB": v
                        for n, v in self.grown.items()})
        return figures


def rss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmRSS:\s*(\d+)", text, re.M)[1])


def sockets(pid):
    """How many TCP sockets a process has, and how many of others that are no
    stream to the log or to the journal."""
    tcp = {line.split()[9] for table in ("tcp", "tcp6")
           for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text(
               encoding="ascii").splitlines()[1:]}
    found = []
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            match = re.fullmatch(r"socket:\[(\d+)\]", str(fd.readlink()))
        except FileNotFoundError:
            continue
        if match:
            found.append(match[1])
    inet = sum(inode in tcp for inode in found)
    return inet, len(found) - inet


def soak(seconds, seed):
    """Figures and findings of so many seconds of all of it."""
    with tempfile.TemporaryDirectory(prefix="everything-") as folder:
        return Everything(folder, seconds, seed).go()


if __name__ == "__main__":
    sys.exit(kills.main(__doc__, soak))
