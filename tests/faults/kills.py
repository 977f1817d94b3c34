"""Random kills of everything under load: parents, children and lanes, each
started again at once; then quiet, then the judge.

    python3 tests/faults/kills.py --seconds 30 --seed 7

dcmspool-spool(5), RECOVERY: R1 R2 R4 R5 R6 R7
"""

import argparse
import collections
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
for _folder in (HERE.parent, HERE.parent / "e2e", HERE):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

import gateway as gateways
import judge as judges
import tools
from peers import destination, instance, modality, pdu

MODALITIES = 4
LANES = 2
SETTLE_S = 60
PAUSE_S = (0.02, 0.5)  # between two kills
SIZES = (500, 4000, 60000, 400000)
BROKEN = (OSError, pdu.Closed, pdu.Aborted, modality.Rejected, LookupError)


class Load:
    """A gateway before two destinations, modalities that send until they have
    a success, and somebody who kills."""

    def __init__(self, folder, seconds, seed):
        self.chance = random.Random(seed)
        self.until = time.monotonic() + seconds
        self.pacs = destination.Destination()
        self.archive = destination.Destination()
        self.ledger = judges.Ledger()
        self.findings = []
        self.old = []  # processes of daemons that were killed
        self.kills = collections.Counter()
        self.over = threading.Event()  # no more kills
        self.stopped = threading.Event()  # nothing is started again
        self.gateway = None
        self.folder = folder

    def go(self):
        with self.pacs, self.archive:
            self._make_gateway()
            try:
                self._go()
            except AssertionError as e:
                self.findings.append(f"{e}\n{self._logs()}")
            finally:
                self.over.set()
                self.stopped.set()
                for process in [d.process for d in self._daemons()] + self.old:
                    if process is not None:
                        tools.end_session(process)
        return self._figures(), self.findings

    def _make_gateway(self):
        slow = destination.Answer(delay=0.02)
        self.pacs.default = self.archive.default = slow
        self.gateway = gateways.Gateway(
            self.folder, {"pacs": self.pacs, "archive": self.archive},
            routes=[
                {"SOPClass": instance.CT_IMAGE},
                {"SOPClass": instance.MR_IMAGE, "AnswerWhen": "spooled",
                 "DuplexTargetConfigNames": "pacs"},
                {"DuplexTargetConfigNames": "pacs"}],
            Lanes=LANES)

    def _daemons(self):
        return (self.gateway.sender, self.gateway.receiver)

    def _go(self):
        self.gateway.start()
        threads = [threading.Thread(target=self._modality, args=(
            n, random.Random(self.chance.random())))
            for n in range(MODALITIES)]
        helpers = self._helpers()
        for thread in threads + helpers:
            thread.start()
        try:
            self._settle(threads)
        finally:
            self.over.set()
            self.stopped.set()
            for thread in threads + helpers:
                thread.join(SETTLE_S)
        assert not any(t.is_alive() for t in threads), "a modality hangs"
        self.gateway.stop()
        self._judge()

    def _helpers(self):
        return [threading.Thread(target=self._kill),
                threading.Thread(target=self._start_again)]

    def _settle(self, threads):
        self.over.wait(max(0, self.until - time.monotonic()))
        self.over.set()
        tools.wait_until(lambda: not any(t.is_alive() for t in threads),
                         SETTLE_S, "the modalities have their answers")
        tools.wait_until(
            lambda: all(self.gateway.empty(d)
                        for d in self.gateway.destinations),
            SETTLE_S, "the queues are empty")

    def _kill(self):
        while not self.over.wait(self.chance.uniform(*PAUSE_S)):
            kind = self._victim()
            daemon = (self.gateway.receiver if kind in ("receiver", "child")
                      else self.gateway.sender)
            parent = daemon.process.pid
            victims = sorted(daemon.processes())
            if kind in ("receiver", "sender"):
                victims = [p for p in victims if p == parent]
            else:
                victims = [p for p in victims if p != parent]
            if not victims:
                continue
            try:
                os.kill(self.chance.choice(victims), signal.SIGKILL)
                self.kills[kind] += 1
            except ProcessLookupError:
                pass

    def _victim(self):
        return self.chance.choice(
            ("receiver", "child", "child", "sender", "lane", "lane"))

    def _start_again(self):
        """At once; when the new one is ready, nothing of the old may be."""
        before = {}
        while not self.stopped.wait(0.005):
            for daemon in self._daemons():
                if daemon.process.poll() is not None:
                    if daemon.process.returncode != -signal.SIGKILL:
                        self.findings.append(
                            f"{daemon.program.name} ended with "
                            f"{daemon.process.returncode}\n{self._logs()}")
                    before[daemon] = daemon.process.pid, len(daemon.log)
                    self.old.append(daemon.process)
                    daemon.spawn()
                elif daemon in before:
                    session, since = before[daemon]
                    name = f"[{daemon.process.pid}] info ready"
                    if any(name in line for line in daemon.log[since:]):
                        del before[daemon]
                        left = tools.processes(session)
                        if left:
                            self.findings.append(
                                f"{daemon.program.name} is ready beside the "
                                f"old one's {left}")

    def _modality(self, number, chance):
        one, message_id = None, 0
        end = self.until + SETTLE_S / 2
        while not self.over.is_set() or one is not None:
            if time.monotonic() > end:
                break
            try:
                contexts = [(c, [pdu.EXPLICIT_LE]) for c in (
                    instance.SECONDARY_CAPTURE, instance.CT_IMAGE,
                    instance.MR_IMAGE)]
                with self._connect(contexts) as link:
                    for _ in range(chance.randrange(1, 20)):
                        if self.over.is_set() and one is None:
                            break
                        one = one or self._new(chance)
                        message_id = message_id % 60000 + 1
                        if self._store(link, one, message_id, number):
                            again = chance.random() < 0.1  # unasked for
                            one = one if again else None
            except BROKEN:
                self.stopped.wait(0.02)  # until somebody listens again

    def _connect(self, contexts):
        return modality.Modality(self.gateway.port, contexts, timeout=30)

    @staticmethod
    def _new(chance):
        return instance.make(
            chance.choice(SIZES), sop_class=chance.choice((
                instance.SECONDARY_CAPTURE, instance.CT_IMAGE,
                instance.MR_IMAGE)))

    def _store(self, link, one, message_id, number):
        is_spooled = one.sop_class == instance.MR_IMAGE
        both = one.sop_class == instance.CT_IMAGE
        return self.ledger.store(
            link, one, message_id, association=f"{number}-{id(link)}",
            destinations=("pacs", "archive") if both else ("pacs",),
            rests_on="spool" if is_spooled else "destination").success

    def _judge(self):
        if self.findings:
            return
        arrivals = self._arrivals()
        self.findings += judges.judge(
            self.ledger, arrivals, self.gateway.spool,
            duplicates_allowed=self._duplicates_allowed(),
            patience_s=SETTLE_S)
        for one in (self.pacs, self.archive):
            self.findings += one.violations
        self.findings += [line for d in self._daemons() for line in d.log
                          if gateways.FINDINGS.search(line)]
        if self.findings:
            self.findings.append(self._logs())

    def _duplicates_allowed(self):
        return self.kills["lane"] + self.kills["sender"] * 2 * LANES

    def _arrivals(self):
        return judges.arrivals({"pacs": self.pacs, "archive": self.archive})

    def _figures(self):
        figures = self.ledger.figures()
        found = {"kills": sum(self.kills.values())}
        found.update({f"kills of {name}": n
                      for name, n in sorted(self.kills.items())})
        found.update({f"kills, {name}": n for name, n in figures.items()})
        found["kills, deliveries"] = sum(
            map(len, self._arrivals().values()))
        found["kills, duplicates"] = judges.duplicates(
            self.ledger, self._arrivals())
        found["kills, left in failed/"] = sum(
            len(self.gateway.items(d, "failed"))
            for d in self.gateway.destinations)
        return found

    def _logs(self):
        return "\n".join(line for d in self._daemons() for line in d.log[-40:])


def soak(seconds, seed):
    """Figures and findings of so many seconds of kills."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        return Load(folder, seconds, seed).go()


def main(about, soak):
    """The command line of a module with such a soak."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    seed = random.randrange(1 << 32) if args.seed is None else args.seed
    print("seed", seed, flush=True)
    figures, findings = soak(args.seconds, seed)
    for name, value in figures.items():
        print(f"{name:40} {value}")
    for finding in findings:
        print("FINDING", finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(__doc__, soak))
