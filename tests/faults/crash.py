"""Crash at every step: one process of the gateway is killed before or after
its n-th call that touches the spool or a socket; what died is started again;
then the judge. tests/faults/crash_shim.c counts and kills.

    python3 tests/faults/crash.py --role lane --at 12   one point
    python3 tests/faults/crash.py --all                 all of them

dcmspool-spool(5), RECOVERY: R1 R2 R3 R4 R5 R6 R7 R8
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import pathlib
import random
import re
import shutil
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

SHIM = tools.TREE / ".build/release/tests/faults/crash_shim.so"
WORKERS = 3
SETTLE_S = 30

# Which process: the daemon, and which of its forks (0: the parent), and how
# many deliveries beyond the requests its death explains: one for each lane
# that is under way.
ROLES = {
    "receiver": ("receiver", 0, 0),
    "meter": ("receiver", 1, 0),
    "child": ("receiver", 2, 0),
    "second-child": ("receiver", 3, 0),
    "sender": ("sender", 0, 2),
    "lane": ("sender", 1, 1),
    "second-lane": ("sender", 2, 1),
}

# What the destinations do, and the roles that it makes a difference to.
SCENES = {
    "plain": tuple(ROLES),
    "kept": ("sender",),  # KeepSent: what is delivered goes to sent/
    "failed": ("sender", "lane"),  # a permanent refusal, then none
    "retry": ("sender", "second-lane"),  # a transient one, then none
    "down": ("sender", "second-lane", "child"),  # nobody there at first
}

ITEM = re.compile(r"-m\d+-([0-9.]+)\.dcm")
NUMBER = re.compile(r"\d+")
BROKEN = (OSError, pdu.Closed, pdu.Aborted, modality.Rejected, LookupError)


@dataclasses.dataclass(frozen=True)
class Point:
    role: str
    at: int  # 0: nobody is killed
    before: bool = False
    scene: str = "plain"

    def __str__(self):
        where = "before" if self.before else "after"
        return f"{self.scene}: {self.role} {where} call {self.at}"


@dataclasses.dataclass
class Outcome:
    point: Point
    call: str = None  # where it was killed; None: it never came so far
    findings: list = dataclasses.field(default_factory=list)
    duplicates: int = 0
    figures: dict = dataclasses.field(default_factory=dict)
    calls: int = 0  # counted, where nobody was killed


class Run:
    """A gateway of its own, two destinations and two modalities: X on both
    associations at once (a resend that joins), then Y to both destinations,
    then Z that is answered when it is spooled."""

    def __init__(self, folder, point):
        self.folder, self.point = pathlib.Path(folder), point
        self.pacs = destination.Destination()
        self.archive = destination.Destination()
        self.ledger = judges.Ledger()
        self.findings = []
        self.old = []  # processes of daemons that were killed
        self.x = instance.make(4000)
        self.y = instance.make(70000, sop_class=instance.CT_IMAGE)
        self.z = instance.make(600, sop_class=instance.MR_IMAGE)
        self.x_is_sent = threading.Event()
        self.end = time.monotonic() + SETTLE_S

    def go(self):
        with self.pacs, self.archive:
            self._make_scene()
            self._make_gateway()
            try:
                self._go()
            except AssertionError as e:
                self.findings.append(f"{e}\n{self._logs()}")
            finally:
                for process in [d.process for d in self.daemons] + self.old:
                    if process is not None:
                        tools.end_session(process)
        return self._outcome()

    def _make_scene(self):
        self.pacs.default = self.archive.default = lambda received: (
            destination.Answer(
                delay=0.08 if received.uid == self.x.uid else 0))
        if self.point.scene == "failed":
            self.pacs.by_uid[self.x.uid] = [destination.Answer(0xC123)]
        if self.point.scene == "retry":
            self.archive.by_uid[self.y.uid] = [destination.Answer(0xA700)]
        if self.point.scene == "down":
            self.archive.stop()

    def _make_gateway(self):
        self.gateway = gateways.Gateway(
            self.folder, {
                "pacs": self.pacs, "archive": {
                    "RemotePort": self.archive.port,
                    "MaxQueueBytes": 1 << 30}},  # for which there is a meter
            routes=[
                {"SOPClass": self.x.sop_class,
                 "DuplexTargetConfigNames": "pacs"},
                {"SOPClass": self.z.sop_class, "AnswerWhen": "spooled",
                 "DuplexTargetConfigNames": "pacs"},
                {}],
            KeepSent=3600 if self.point.scene == "kept" else 0)
        self.daemons = [self.gateway.sender, self.gateway.receiver]
        program, fork, _ = ROLES[self.point.role]
        for daemon in self.daemons:
            daemon.env = self._plain_env()
        armed = getattr(self.gateway, program)
        armed.env = {**armed.env, "CRASH_PROGRAM": armed.program.name,
                     "CRASH_FORK": str(fork), "CRASH_AT": str(self.point.at),
                     "CRASH_LOG": str(self.folder / "killed"),
                     "CRASH_TRACE": str(self.folder / "trace")}
        if self.point.before:
            armed.env["CRASH_BEFORE"] = "1"

    def _plain_env(self):
        return {"LD_PRELOAD": str(SHIM),
                "CRASH_SYNCS": str(self.folder / "syncs")}

    def _go(self):
        for daemon in self.daemons:
            daemon.spawn()
        self._until(lambda: all(
            any(re.search(r"\bready\b", line) for line in d.log)
            for d in self.daemons), "both daemons are ready")
        threads = [
            threading.Thread(target=self._modality, args=arguments)
            for arguments in (
                ("a", 10, [self.x, self.y, self.z]), ("b", 50, [self.x]))]
        for thread in threads:
            thread.start()
        self._until(lambda: not any(t.is_alive() for t in threads),
                    "the modalities have their answers")
        self._until(lambda: all(self.gateway.empty(d)
                                for d in self.gateway.destinations),
                    "the queues are empty")
        self._stop()

    def _until(self, condition, what):
        """Waits, and starts again what has been killed."""
        def look():
            for daemon in self.daemons:
                if daemon.process.poll() not in (None, 0):
                    self._restart(daemon)
            if self.archive._listener is None and self.gateway.down("archive"):
                self.archive.start()
            return condition()

        tools.wait_until(look, max(1, self.end - time.monotonic()), what)

    def _restart(self, daemon):
        """At once: the new one has to wait for the children of the old."""
        assert daemon.process.returncode == -9, (
            f"{daemon.program.name} ended with {daemon.process.returncode}")
        session = daemon.process.pid
        self.old.append(daemon.process)
        daemon.env = self._plain_env()
        daemon.start()
        left = tools.processes(session)
        if left:
            self.findings.append(
                f"{daemon.program.name} is ready beside the old one's {left}")

    def _stop(self):
        for daemon in reversed(self.daemons):
            daemon.signal(gateways.signal.SIGTERM)
            code = daemon.wait_exit(20)
            if code == -9:
                self._until(lambda: all(
                    self.gateway.empty(d) for d in self.gateway.destinations),
                    "the queues are empty")
                daemon.signal(gateways.signal.SIGTERM)
                code = daemon.wait_exit(20)
            assert code == 0, f"{daemon.program.name} ended with {code}"

    def _modality(self, name, message_id, instances):
        """Sends again, under new message IDs, until it has a success."""
        todo = list(instances)
        if name == "b":
            self.x_is_sent.wait(5)
        while todo and time.monotonic() < self.end:
            try:
                with self.gateway.modality(*todo, timeout=20) as link:
                    while todo:
                        message_id += 1
                        if self._store(link, todo[0], message_id, name):
                            todo.pop(0)
            except BROKEN:
                self.x_is_sent.set()
                tools.wait_until(
                    lambda: tools.listening(self.gateway.port)
                    or time.monotonic() >= self.end, 60)

    def _store(self, link, one, message_id, name):
        entry = self.ledger.sent(
            one.uid, one.digest, message_id, f"{name}-{id(link)}",
            destinations=("pacs", "archive") if one is self.y else ("pacs",),
            rests_on="spool" if one is self.z else "destination")
        try:
            link.send(one, message_id)
            entry.whole_at = time.monotonic()
            self.x_is_sent.set()
            response = link.read_response()
        except BROKEN:
            entry.unanswered()
            raise
        entry.answered(response.status, response.message_id,
                       response.comment, response.at)
        return entry.success

    def _outcome(self):
        outcome = Outcome(self.point, findings=self.findings)
        killed = read_notes(self.folder / "killed")
        if killed:
            outcome.call = describe(*killed[0][2:])
        outcome.calls = len(read_notes(self.folder / "trace"))
        arrivals = judges.arrivals(
            {"pacs": self.pacs, "archive": self.archive})
        outcome.duplicates = judges.duplicates(self.ledger, arrivals)
        outcome.figures = self.ledger.figures()
        if not self.findings:
            syncs = [(match[1], at / 1e9)
                     for at, _, _, path in read_notes(self.folder / "syncs")
                     if (match := ITEM.search(path))]
            allowed = ROLES[self.point.role][2] if killed else 0
            outcome.findings = judges.judge(
                self.ledger, arrivals, self.gateway.spool, syncs=syncs,
                duplicates_allowed=allowed, patience_s=SETTLE_S)
            for one in (self.pacs, self.archive):
                outcome.findings += one.violations
            lines = [line for d in self.daemons for line in d.log
                     if gateways.FINDINGS.search(line)]
            outcome.findings += lines
            if outcome.findings:
                outcome.findings.append(self._logs())
        return outcome

    def _logs(self):
        return "\n".join(line for d in self.daemons for line in d.log[-40:])


def read_notes(path):
    """Lines of the shim: [(nanoseconds, number, call, path)]."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        at, number, call, *rest = line.split(" ", 3)
        found.append((int(at), int(number), call, "".join(rest)))
    return found


def describe(call, path):
    """The call and what kind of path: numbers are all alike."""
    path = path.split("/spool/", 1)[-1] if "/spool/" in path else path
    if path.startswith("socket:"):
        path = "socket"
    return f"{call} {NUMBER.sub('N', path)}".strip()


def run_point(point, parent=None):
    folder = tempfile.mkdtemp(prefix="crash-", dir=parent)
    try:
        return Run(folder, point).go()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def count_calls(parent=None, scenes=tuple(SCENES)):
    """{(scene, role): how many calls it makes when nobody is killed}"""
    points = [Point(role, 0, scene=scene) for scene in scenes
              for role in SCENES[scene]]
    assert SHIM.exists(), f"make {SHIM.relative_to(tools.TREE)}"
    outcomes = run_points(points, parent=parent)
    for outcome in outcomes:
        assert not outcome.findings, (outcome.point, outcome.findings)
    return {(o.point.scene, o.point.role): o.calls for o in outcomes}


def run_points(points, until=None, parent=None):
    """The outcomes of those that could begin before `until`."""
    def one(point):
        if until is not None and time.monotonic() > until:
            return None
        return run_point(point, parent)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return [o for o in pool.map(one, points) if o is not None]


def all_points(calls):
    """After each call; before each, what differs is the time alone: the
    peer may have gone on."""
    return [Point(role, at, before, scene)
            for (scene, role), n in calls.items()
            for at in range(1, n + 1) for before in (False, True)]


def sample(calls, n, seed):
    """n points or more, evenly over scenes and roles."""
    chance = random.Random(seed)
    share = -(-n // len(calls))
    points = []
    for (scene, role), most in calls.items():
        numbers = chance.sample(range(1, most + 1), min(share, most))
        points += [Point(role, at, chance.random() < 0.3, scene)
                   for at in numbers]
    chance.shuffle(points)
    return points


def summary(outcomes):
    killed = [o for o in outcomes if o.call]
    return {
        "crash runs": len(outcomes), "crash kills": len(killed),
        "crash points, distinct": len({o.point for o in killed}),
        "crash calls, distinct": len({(o.point.role, o.call)
                                      for o in killed}),
        "crash instances sent": sum(o.figures["requests"] for o in outcomes),
        "crash successes": sum(o.figures["successes"] for o in outcomes),
        "crash duplicates": sum(o.duplicates for o in outcomes)}


def report(outcomes):
    return [f"{o.point} ({o.call}): {finding}"
            for o in outcomes for finding in o.findings]


def soak(seconds, seed):
    """As many points as there is time for, in an order by the seed."""
    if gateways.SANITIZED:
        return {"crash: skipped, sanitizers": 1}, []
    until = time.monotonic() + seconds
    points = all_points(count_calls())
    random.Random(seed).shuffle(points)
    outcomes = run_points(points, until)
    return summary(outcomes), report(outcomes)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", choices=ROLES)
    parser.add_argument("--scene", choices=SCENES)
    parser.add_argument("--at", type=int)
    parser.add_argument("--before", action="store_true")
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    if args.at is not None:
        points = [Point(args.role, args.at, args.before,
                        args.scene or "plain")]
    else:
        calls = count_calls(scenes=[args.scene] if args.scene else SCENES)
        print(calls, flush=True)
        points = [p for p in all_points(calls)
                  if args.role in (None, p.role)
                  and (args.all or p.before == args.before)]
    outcomes = run_points(points)
    for name, value in summary(outcomes).items():
        print(f"{name:32} {value}")
    by_call = collections.Counter(
        (o.point.role, o.call) for o in outcomes if o.call)
    for (role, call), n in sorted(by_call.items()):
        print(f"{n:4} {role} {call}")
    for line in report(outcomes):
        print("FINDING", line)
    return 1 if report(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
