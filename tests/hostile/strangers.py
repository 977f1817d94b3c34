"""DCMTK's storescp, storescu and dcmsend where the daemons are in the suite: as
they come, but for time limits of a few seconds."""

import collections
import dataclasses
import re
import signal
import subprocess
import time

import tools
from attack import judge_words
from field import crowd
from peers import instance, pdu
from peers.modality import Modality, contexts_for
from scp import Scp
from wire import Wire

GROWN_KIB = 64 * 1024  # an SCP that has more than it had at its start
HANGS_S = 20  # an SCU: all its own limits are shorter

PATIENCE_S = 3.5  # with an SCP, whose limits are 2 s

# What an SCU says of a response that it believes; its exit code also tells of
# a release that is not answered.
CLAIM = re.compile(r"Response \((Success|Warning)")

# What became of one: the same as is expected of ours, another refusal; what is
# none was taken for good; nothing was said and the connection held on to, which
# is the only one that it serves; or it ended, or served nobody any more.
SAME, REFUSED, TOOK, HELD, LOST = "same", "refused", "took", "held", "lost"
RESULTS = (SAME, REFUSED, TOOK, HELD, LOST)


@dataclasses.dataclass
class Seen:
    name: str
    kind: str
    expected: str
    words: str  # what was said
    after: str  # the next peer, or the process
    result: str


class Storescp:
    """One for many attacks, started anew where it serves nobody any more."""

    def __init__(self, folder):
        self.folder, self.process, self.port = folder, None, 0

    def start(self):
        self.port = tools.free_port()  # it cannot have its old one at once
        self.process = subprocess.Popen(
            ["storescp", "+B", "--accept-all", "-aet", "ENS-SCP", "-ts", "2",
             "-ta", "2", "-td", "2", "-od", self.folder, str(self.port)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        tools.wait_until(lambda: tools.listening(self.port), 10)
        self.first = self._memory()

    def stop(self):
        if self.process is not None:
            tools.end_session(self.process)
        self.process = None

    def play(self, attack):
        if self.process is None or self.process.poll() is not None:
            self.start()
        wire = Wire(self.port, patience=PATIENCE_S)
        try:
            attack.play(wire)
        except (OSError, AssertionError, pdu.Closed, pdu.Aborted) as e:
            wire.words.append(type(e).__name__)
        finally:
            wire.close()
        words, after = " ".join(wire.words), self._after()
        return Seen(attack.name, attack.kind, attack.expect, words, after,
                    judge_scp(attack, words, after))

    def _after(self):
        """Whether the next peer is served: the same that the suite asks."""
        made = instance.make()
        try:
            with Modality(self.port, contexts_for(made), timeout=4) as ct:
                served = ct.store(made).status == 0
        except (OSError, pdu.Closed, pdu.Aborted, AssertionError):
            served = False
        code = self.process.poll()
        if not served:
            self.stop()
            return ("blocked" if code is None else
                    f"ended with {code}" if code >= 0 else
                    f"killed by {signal.Signals(-code).name}")
        grown = self._memory() - self.first
        if grown > GROWN_KIB:
            self.stop()
            return f"served, {grown // 1024} MiB more"
        return "served"

    def _memory(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])


def judge_scp(attack, words, after):
    if after != "served":
        return LOST
    # behind its last word it may leave closing to the peer (AR-4, AE-8)
    words = re.sub(r"(released|rj\S+|abort\S+) open$", r"\1 end", words)
    # nor has it a destination to wait for, and so answers at once
    if attack.name.startswith("sta6-answer/") and "rsp" not in attack.expect:
        words = words.replace("rsp8001:0000 ", "")
    if not judge_words(attack, words):
        return SAME
    wanted = attack.expect.replace("\\", "")
    if any(word not in wanted for word in
           re.findall(r"rsp8001:0000|released", words)):
        return TOOK
    return HELD if words.endswith("open") else REFUSED


class Scu:
    """storescu or dcmsend, with one misbehaving destination after another."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.destination = Scp().start()

    def stop(self):
        self.destination.stop()

    def play(self, case):
        scp = self.destination
        scp.plans, scp.failures = [case.play], []
        made = instance.make(pixels=case.pixels)
        path = made.write(self.folder / f"{self.program}.dcm")
        arrived, begun = len(scp.received), time.monotonic()
        process = subprocess.Popen(
            [self.program, "-v", "-to", "2", "-ta", "2", "-td", "2", "-aec",
             "PACS", "127.0.0.1", str(scp.port), str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True)
        try:
            said, _ = process.communicate(timeout=HANGS_S)
            code = process.returncode
        except subprocess.TimeoutExpired:
            tools.end_session(process)
            said, code = "", None
        claims = CLAIM.search(said) is not None
        scp.cut_all("fin")
        scp.plans = []
        means = case.ends == "passed-on" or len(scp.received) > arrived
        seconds = time.monotonic() - begun
        return Seen(case.name, case.kind, f"{case.expect} {case.ends}",
                    "success" if claims else "failure",
                    "hangs" if code is None else f"{code}, {seconds:.1f} s",
                    judge_scu(claims, means, code))


def judge_scu(claims, means, code):
    if code is None or code < 0:
        return LOST
    if claims == means:
        return SAME
    return TOOK if claims else REFUSED


def play_all(cases, make, n=8):
    """All of them, by n players beside each other: {name: Seen}."""
    queue, seen = collections.deque(cases), {}

    def work(folder):
        player = make(folder)
        try:
            while True:
                try:
                    case = queue.popleft()
                except IndexError:
                    return
                seen[case.name] = player.play(case)
        finally:
            player.stop()

    crowd(work, n)
    return seen
