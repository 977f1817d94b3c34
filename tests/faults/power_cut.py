"""Power cuts: a run of the gateway is recorded (record_shim.c), and for each
point of it the states in which a disk may be left are made (disk_model.py).
Each is read here as dcmspool-spool(5) says; from many of them the daemons are
started, deliver what they find, and the judge looks at the outcome.

    python3 tests/faults/power_cut.py --seconds 60 --seed 1

dcmspool-spool(5), RECOVERY: R9 R10 R11 R12
"""

import argparse
import collections
import concurrent.futures
import copy
import dataclasses
import pathlib
import random
import shutil
import struct
import sys
import tempfile

import scene  # it says where modules are

import disk_model
import gateway as gateways
import judge as judges
from peers import instance, pdu
from peers.destination import Answer, Destination

CT, MR = instance.CT_IMAGE, instance.MR_IMAGE
BOTH = instance.SECONDARY_CAPTURE
CR = "1.2.840.10008.5.1.4.1.1.1"  # accepted on timeout
US = "1.2.840.10008.5.1.4.1.1.6.1"  # two destinations, one is waited for
NM = "1.2.840.10008.5.1.4.1.1.20"  # spooled, for two
DX = "1.2.840.10008.5.1.4.1.1.1.1"  # refused on timeout, and queued
PET = "1.2.840.10008.5.1.4.1.1.128"  # accepted, then refused for good
NAMES = ("pacs", "archive", "night")
ROUTES = {
    CT: {"DuplexTargetConfigNames": "pacs"},
    MR: {"DuplexTargetConfigNames": "pacs", "AnswerWhen": "spooled"},
    BOTH: {"DuplexTargetConfigNames": "pacs,archive"},
    CR: {"DuplexTargetConfigNames": "night", "OnTimeout": "accept",
         "ResponseTimeout": 1},
    DX: {"DuplexTargetConfigNames": "night", "ResponseTimeout": 1},
    US: {"DuplexTargetConfigNames": "pacs,archive", "WaitFor": "pacs"},
    NM: {"DuplexTargetConfigNames": "pacs,night", "AnswerWhen": "spooled"},
    PET: {"DuplexTargetConfigNames": "night", "OnTimeout": "accept",
          "ResponseTimeout": 1},
}
ON_DISK = (MR, CR, NM, PET)  # whose answers rest on the spool
QUIET = {"RetryMin": 1, "RetryMax": 1, "DimseTimeout": 20}
SETTLE_S = 30
BATCH = 24  # states in one spool
MANY = 1 << 30


class Recording:
    """One run: the record of its calls, the ledger, and what came where."""

    def __init__(self, folder, seed):
        self.folder, self.luck = pathlib.Path(folder), random.Random(seed)
        self.ledger = judges.Ledger()
        self.pacs = {name: Destination() for name in NAMES}
        self.sync_ms = self.luck.choice((0, 30))  # a slow disk
        self.findings = []
        self.sop_class = {}  # by UID
        self._message_id = 0
        self._identities = {}

    def make(self):
        """Plays, and reads what the shim has noted."""
        (self.folder / "log").touch()
        (self.folder / "lock").write_bytes(bytes(4096))
        for name in ("pacs", "archive"):
            self.pacs[name].start()
        with self.pacs["night"]:
            self.pacs["night"].stop()  # it has a port now
        self.pacs["archive"].default = lambda received: Answer(
            delay=0.15 if received.sop_class == US else 0)
        settings = {n: {"RemotePort": p.port, **QUIET}
                    for n, p in self.pacs.items()}
        self.gateway = gateways.Gateway(
            self.folder, settings,
            routes=[{"SOPClass": c, **r} for c, r in ROUTES.items()])
        for daemon in (self.gateway.sender, self.gateway.receiver):
            daemon.env = {"LD_PRELOAD": str(scene.shim("record")),
                          "RECORD_LOG": str(self.folder / "log"),
                          "RECORD_SYNC_MS": str(self.sync_ms),
                          "RECORD_LOCK": str(self.folder / "lock"),
                          "RECORD_ROOT": str(self.gateway.spool.resolve())}
        try:
            self.gateway.start()
            self._play()
        finally:
            try:
                self.gateway.finish()
            finally:
                for one in self.pacs.values():
                    one.stop()
        self.read()
        return self

    def read(self, without=()):
        """without: calls that the disk is to know nothing of."""
        with open(self.folder / "log", encoding="ascii") as log:
            self.record = disk_model.Record(
                line for line in log if line.split()[2] not in without)
        self._find_answers()
        return self

    def _play(self):
        pacs, night = self.pacs["pacs"], self.pacs["night"]
        refused = self._one(PET)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            late = [pool.submit(self._store, one) for one in (
                refused, self._one(CR), self._one(CR, 9000),
                self._one(DX))]
            self._store(self._one(NM, 4000))
            for sop_class in (CT, MR, BOTH, US):
                self._store(self._one(sop_class))
            deferred, failed, joined = (self._one(CT) for _ in range(3))
            pacs.by_uid[deferred.uid] = [Answer(0xA700)]
            pacs.by_uid[failed.uid] = [Answer(0xC123)]
            self._store(deferred)
            self._store(failed)
            self._store(failed)  # and supersedes the one in failed/
            pacs.by_uid[joined.uid] = [Answer(delay=0.1)]
            both = [pool.submit(self._store, joined) for _ in range(2)]
            for one in both + late:
                one.result()
        night.by_uid[refused.uid] = [Answer(0xC123), Answer(0xC123)]
        night.start()
        for name in NAMES:
            self.gateway.wait_empty(name, SETTLE_S)
        self._store(refused)  # refused again: the newer one is kept
        self.gateway.wait_empty("night", SETTLE_S)

    def _one(self, sop_class, pixels=None):
        pixels = pixels or 2 * self.luck.randrange(200, 6000)
        return instance.make(pixels, sop_class=sop_class)

    def _store(self, one):
        self._message_id += 1
        message_id = self._message_id
        route = ROUTES[one.sop_class]
        self.sop_class[one.uid] = one.sop_class
        entry = self.ledger.sent(
            one.uid, one.digest, message_id,
            destinations=tuple(
                route["DuplexTargetConfigNames"].split(",")),
            wait_for=(route["WaitFor"],) if "WaitFor" in route else None,
            rests_on="spool" if one.sop_class in ON_DISK else "destination")
        with self.gateway.modality(one) as ct:
            got = ct.store(one, message_id)
        return entry.answered(got.status, got.message_id, got.comment, got.at)

    def _find_answers(self):
        """At which point each answer went out."""
        entries = {(e.uid, e.message_id): e for e in self.ledger.entries}
        self.answers, seen = [], set()
        for sent in self.record.sent:
            for rsp in _responses(sent.data):
                key = (rsp.get("AffectedSOPInstanceUID"),
                       rsp["MessageIDBeingRespondedTo"])
                if key in entries and key not in seen:
                    seen.add(key)
                    self.answers.append((sent.at, entries[key]))
        if len(seen) != len(entries):
            self.findings.append(f"{len(entries) - len(seen)} answers are "
                                 "not in the record")

    def answered_before(self, point):
        return [e for at, e in self.answers if at < point]

    def arrivals(self, point):
        """What the destinations had confirmed by then."""
        until = self.record.time(point)
        return {name: [a for a in judges.arrivals({name: one})[name]
                       if a.confirmed and a.time <= until]
                for name, one in self.pacs.items()}

    def identity(self, inode):
        """The whole content of an item's file, and (uid, digest)."""
        if inode not in self._identities:
            whole = inode.content(MANY)
            path = self.folder / "whole"
            path.write_bytes(whole)
            item = judges.read_item(path, None, None)
            assert not item.faults, item.faults
            self._identities[inode] = whole, (item.uid, item.digest)
        return self._identities[inode]


def _responses(data):
    """The C-STORE responses in what one call sent."""
    if len(data) < 12 or data[0] != pdu.P_DATA_TF:
        return
    try:
        for _, is_command, last, part in pdu.pdvs(data[6:]):
            if is_command and last:
                command = pdu.unpack_command(bytes(part))
                if command.get("CommandField") == pdu.C_STORE_RSP:
                    yield command
    except (ValueError, IndexError, KeyError, struct.error):
        return


@dataclasses.dataclass
class State:
    """One way in which the disk may be left at a point."""

    recording: Recording
    point: int
    how: str
    tree: dict

    def __str__(self):
        points = self.recording.record.points
        return f"point {self.point} of {points}, {self.how}"

    @property
    def key(self):
        return hash(frozenset(
            (path, None if held is None else held[1])
            for path, held in self.tree.items()))

    def holds(self):
        """{(destination, uid, digest)} that are whole in a queue."""
        found = set()
        for path, held in self.tree.items():
            words = path.split("/")
            if held is None or len(words) != 4 or words[0] != "queue" or (
                    words[2] not in judges.HELD):
                continue
            inode, data = held
            whole, identity = self.recording.identity(inode)
            if data == whole:
                found.add((words[1], *identity))
        return found

    def findings(self):
        """Read statically: what was answered and is nowhere."""
        held, found = None, []
        came = {name: {(a.uid, a.digest) for a in them} for name, them
                in self.recording.arrivals(self.point).items()}
        for e in self.recording.answered_before(self.point):
            if not (e.success or e.queued):
                continue
            for name in e.destinations:
                if (e.uid, e.digest) in came[name]:
                    continue
                held = self.holds() if held is None else held
                if (name, e.uid, e.digest) not in held:
                    found.append(f"{self}: lost: {e}, answered "
                                 f"{e.status:#06x}, for {name}")
        return found

    def build(self, root, rename=lambda name: name):
        """The tree, below root; rename: the destinations."""
        for path, held in self.tree.items():
            words = path.split("/")
            if words[0] == "queue" and len(words) > 1:
                words[1] = rename(words[1])
            target = root.joinpath(*words)
            if held is None:
                target.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not target.exists():
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                target.write_bytes(held[1])


def states_at(recording, point, luck, n):
    """n states of a point or more: the two poorest, then by chance."""
    record = recording.record
    choices = [("journal, least", record.journal(point), "none"),
               ("scattered, least", record.scattered(point), "zeros")]
    for _ in range(n - len(choices)):
        if luck.random() < 0.4:
            choices.append(("journal", record.journal(point, luck), None))
        else:
            choices.append(("scattered", record.scattered(
                point, luck.choice((0.2, 0.5, 0.9)), luck), None))
    for how, changes, tear in choices:
        yield State(recording, point, how,
                    record.tree(point, changes, tear, luck))


class Recovery:
    """The daemons started from some states at once: each has queues of its
    own in one spool. What is in failed/ is replayed."""

    def __init__(self, folder, states):
        self.folder, self.states = pathlib.Path(folder), states
        self.pacs = Destination()

    def go(self):
        with self.pacs:
            spool = self.folder / "spool"
            spool.mkdir(mode=0o700)
            (spool / "version").write_text("dcmspool-spool 1\n")
            names = {}
            for i, state in enumerate(self.states):
                state.build(spool, lambda name, i=i: f"{i}-{name}")
                names.update({f"{i}-{name}": {
                    "RemotePort": self.pacs.port,
                    "RemoteAET": f"{i}-{name}", **QUIET} for name in NAMES})
            self.gateway = gateways.Gateway(self.folder, names)
            try:
                self.gateway.start()
                self._settle(names)
                self._replay(names)
                self._settle(names)
            finally:
                self.gateway.finish()
        return [f for i in range(len(self.states)) for f in self._judge(i)]

    def _settle(self, names):
        for name in names:
            self.gateway.wait_empty(name, SETTLE_S)

    def _replay(self, names):
        """The operator's: a torn item in failed/ is found out then."""
        for name in names:
            for item in self.gateway.items(name, "failed"):
                self.gateway.path(name, "failed", item).rename(
                    self.gateway.path(name, "new", item))

    def _judge(self, i):
        state, spool = self.states[i], self.gateway.spool
        view = self.folder / f"view-{i}"
        (view / "queue").mkdir(parents=True)
        for name in ("tmp", "result", "version"):
            (view / name).symlink_to(spool / name)
        arrivals = state.recording.arrivals(state.point)
        for name in NAMES:
            (spool / "queue" / f"{i}-{name}").rename(view / "queue" / name)
            arrivals[name] += [
                a for r, a in zip(self.pacs.received, judges.arrivals(
                    {name: self.pacs})[name]) if r.called == f"{i}-{name}"]
        answered = state.recording.answered_before(state.point)
        ledger = judges.Ledger()
        for e in state.recording.ledger.entries:
            e = copy.copy(e) if e in answered else dataclasses.replace(
                e, status=None, answers=0, answered_at=None)
            ledger.entries.append(e)
        return [f"{state}: {finding}" for finding in judges.judge(
            ledger, arrivals, view, duplicates_allowed=MANY,
            expected_corrupt=MANY)]


def recover(states, parent=None):
    """The findings of one start from these states."""
    folder = tempfile.mkdtemp(prefix="power-cut-", dir=parent)
    try:
        return Recovery(folder, states).go()
    except AssertionError as e:
        return [f"{states[0]} and {len(states) - 1} more: {e}"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_alone(state, parent=None):
    """From a state as it is, version file or not: both daemons serve."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="power-cut-", dir=parent))
    one, found = instance.make(), []
    try:
        with Destination() as pacs:
            (folder / "spool").mkdir(mode=0o700)
            state.build(folder / "spool")
            gateway = gateways.Gateway(folder, {"pacs": pacs})
            try:
                gateway.start()
                status = gateway.store(one, 1).status
                if status != 0:
                    found.append(f"{state}: answered {status:#06x}")
            finally:
                gateway.finish()
    except AssertionError as e:
        found.append(f"{state}: {e}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def examine(seed, per_point, batches, alone, clock=lambda: True, parent=None):
    """One recording: (figures, findings)."""
    luck = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="power-cut-", dir=parent)
    figures = collections.Counter({"power-cut recordings": 1})
    try:
        recording = Recording(folder, seed).make()
        found, distinct = list(recording.findings), {}
        points = recording.record.points
        for point in range(points + 1):
            if not clock() and point % 10:
                continue
            figures["power-cut points"] += 1
            for state in states_at(recording, point, luck, per_point):
                figures["power-cut states read"] += 1
                found += state.findings()
                if state.key not in distinct:
                    distinct[state.key] = state
        figures["power-cut states, distinct"] = len(distinct)
        figures["power-cut answers"] = len(recording.answers)
        states = luck.sample(list(distinct.values()), len(distinct))
        # Before there is anything, too.
        young = [s for s in states if not recording.answered_before(s.point)]
        old = [s for s in states if recording.answered_before(s.point)]
        for state in young[:alone]:
            found += start_alone(state, parent)
            figures["power-cut states started"] += 1
        for at in range(0, min(len(old), batches * BATCH), BATCH):
            if not clock() and at:
                break
            some = old[at:at + BATCH]
            found += recover(some, parent)
            figures["power-cut states started"] += len(some)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures, found


def soak(seconds, seed):
    """Recordings one after the other, with more states of each."""
    clock, total, found = scene.Clock(seconds), collections.Counter(), []
    while True:
        figures, findings = examine(seed, 12, 8, 6, lambda: bool(clock))
        total.update(figures)
        found += [f"seed {seed}: {finding}" for finding in findings]
        seed += 1
        if not clock:
            return dict(total), found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(f"SEED={args.seed}", flush=True)
    figures, findings = soak(args.seconds, args.seed)
    for name, value in figures.items():
        print(f"{name:32} {value}")
    for finding in findings:
        print("FINDING", finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
