"""Where attacks are made: gateways beside each other, each with an honest
destination, and what has to hold in each after every attack."""

import collections
import os
import pathlib
import re
import tempfile
import threading
import time

import gateway as gateways
import tools
from attack import Verdict, judge_words
from peers import instance, pdu
from peers.destination import Answer, Destination
from peers.modality import Modality, contexts_for
from wire import Wire

# Of a parent, over all attacks; sanitizers keep what was freed.
GROWTH_KIB = 1024 * (64 if gateways.SANITIZED else 1)
# Of a lane: far less than an answer of 8 MB.
PEAK_KIB = 1024 * (128 if gateways.SANITIZED else 4)
REAL_EACH = 20  # attacks between two exchanges with real tools

# One line of the log, and nothing that could forge another.
LINE = re.compile(r"[0-9TZ:.-]+ dcmspool-\w+\[\d+\] "
                  r"(?P<level>debug|info|warning|error) [a-z-]+[ -~]*")
RECEIVER = {"RemoteAET": "JD-SCU", "ARTIM": 1, "DimseTimeout": 1,
            "IdleTimeout": 2, "MaxInstanceBytes": 1 << 20,
            # all attackers are one peer, and it may come often
            "MaxAssociationsPerPeer": 1000}


class Field:
    """A gateway, and the honest destination behind it."""

    def __init__(self, folder, destination=None, receiver=None, **more):
        self.destination = destination or Destination().start()
        settings = {"routes": [{"ResponseTimeout": 8}], **more}
        self.gateway = gateways.Gateway(
            folder, {"pacs": self.destination},
            receiver={**RECEIVER, **(receiver or {})}, **settings)
        self.gateway.start()
        self.done = 0
        self.honest()
        self.settle()
        self.first, self.first_peak = self.measure(), self.peak()

    def stop(self):
        try:
            self.gateway.finish()
        finally:
            self.destination.stop()

    def answer_late(self, uid, delay):
        self.destination.by_uid[uid] = [Answer(delay=delay)]

    def honest(self, real=False):
        """Another peer is served, and its instance arrives."""
        made = instance.make()
        with Modality(self.gateway.port, contexts_for(made)) as ct:
            status = ct.store(made).status
        assert status == 0, f"an honest peer got 0x{status:04X}"
        assert self.destination.received[-1].digest == made.digest
        if real:
            path = made.write(self.gateway.folder / "honest.dcm")
            done = tools.run("storescu", "-aet", "JD-SCU", "-aec", "ENS-SCP",
                             "127.0.0.1", self.gateway.port, path)
            assert done.returncode == 0, done.stdout

    def settle(self):
        """No association is left."""
        receiver = self.gateway.receiver
        tools.wait_until(lambda: len(receiver.processes()) == 1, 6,
                         "no child is left")
        tools.wait_until(lambda: not self.gateway.left_behind(), 3,
                         "nothing is left in tmp/, result/ and active/")

    def measure(self):
        """Memory and descriptors of the two parents."""
        pids = [d.process.pid for d in
                (self.gateway.receiver, self.gateway.sender)]
        return [(memory(pid, "VmRSS"), len(os.listdir(f"/proc/{pid}/fd")))
                for pid in pids]

    def peak(self):
        """The most memory that a lane, or what serves the sender, has had."""
        peaks = []
        for pid in self.gateway.sender.processes():
            try:
                peaks.append(memory(pid, "VmHWM"))
            except (OSError, TypeError):
                continue  # it has just ended
        return max(peaks)

    def judge_rest(self, since):
        """What holds after each: words, each a fault."""
        faults = []
        try:
            self.settle()
            self.done += 1
            self.honest(self.done % REAL_EACH == 0)
            self.settle()
        except (AssertionError, OSError, pdu.Closed, pdu.Aborted) as e:
            faults.append(str(e) or repr(e))
        try:
            tools.wait_until(lambda: [f for _, f in self.measure()]
                             == [f for _, f in self.first], 3)
        except AssertionError:
            pass  # said below
        for (rss, fds), (rss0, fds0) in zip(self.measure(), self.first):
            if rss > rss0 + GROWTH_KIB:
                faults.append(f"a parent grew from {rss0} to {rss} KiB")
            if fds != fds0:
                faults.append(f"{fds} descriptors where {fds0} were")
        if self.peak() > self.first_peak + PEAK_KIB:
            faults.append(f"a lane had {self.peak()} KiB")
        for daemon, n in zip((self.gateway.receiver, self.gateway.sender),
                             since):
            faults += [f"no line of a log: {line!r}"
                       for line in daemon.log[n:] if not LINE.fullmatch(line)]
            faults += [line for line in daemon.log[n:]
                       if gateways.FINDINGS.search(line) or " died" in line
                       or "-died" in line]
        return faults

    def marks(self):
        return (len(self.gateway.receiver.log), len(self.gateway.sender.log))


def memory(pid, name):
    text = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.search(rf"{name}:\s+(\d+)", text)[1])


def attack_once(field, attack):
    """One attack and all that has to hold after it."""
    since, arrived = field.marks(), len(field.destination.received)
    verdict = Verdict(attack.name, attack.expect, attack.kind)
    begun = time.monotonic()
    wire = Wire(field.gateway.port, field)
    try:
        attack.play(wire)
    finally:
        wire.close()
    verdict.seconds = round(time.monotonic() - begun, 3)
    verdict.words = " ".join(wire.words)
    verdict.faults = judge_words(attack, verdict.words)
    try:
        field.settle()
    except AssertionError as e:
        verdict.faults.append(str(e))
    if attack.check is not None:
        try:
            attack.check(wire)
        except AssertionError as e:
            verdict.faults.append(f"check: {e}")
    successes = sum(w == "rsp8001:0000" for w in wire.words)
    if successes > len(field.destination.received) - arrived:
        verdict.faults.append("a success that nobody gave")
    verdict.faults += judge_log(field, attack, since[0], verdict)
    verdict.faults += field.judge_rest(since)
    return verdict


def judge_log(field, attack, since, verdict):
    lines = field.gateway.receiver.log
    try:
        verdict.log = field.gateway.receiver.wait_log(attack.log, 3, since)
    except AssertionError:
        return [f"no line {attack.log!r} in the log: {lines[since:][-4:]}"]
    loud = [line for line in lines[since:]
            if re.search(r"\] (warning|error) ", line)]
    verdict.loud = len(loud)
    if len(loud) > attack.warnings:
        return [f"{len(loud)} lines above info: {loud}"]
    return []


def crowd(work, n):
    """Runs work(folder) n times beside each other, in folders of their own."""
    with tempfile.TemporaryDirectory(prefix="dcmspool-hostile.") as top:
        threads = []
        for i in range(n):
            folder = pathlib.Path(top) / str(i)
            folder.mkdir()
            threads.append(threading.Thread(target=work, args=(folder,)))
            threads[-1].start()
        for thread in threads:
            thread.join()


def run_all(cases, once, n=10, make=Field):
    """All of them, in n fields beside each other; the slow ones first."""
    queue = collections.deque(sorted(cases, key=lambda c: not c.slow))
    verdicts, lock = {}, threading.Lock()

    def work(folder):
        try:
            field = make(folder)
        except Exception as e:  # a thread's own would be lost
            with lock:
                verdicts.setdefault("field", []).append(repr(e))
            return
        while True:
            with lock:
                if not queue:
                    break
                case = queue.popleft()
            try:
                verdict = once(field, case)
            except Exception as e:
                verdict = Verdict(case.name, case.expect, case.kind,
                                  faults=[repr(e)])
            with lock:
                verdicts[case.name] = verdict
        try:
            field.stop()
        except Exception as e:
            with lock:
                verdicts.setdefault("field", []).append(repr(e))

    crowd(work, n)
    return verdicts
