"""The judge: was an instance lost, or an answer untrue?

It knows what the modality sent and was answered (the ledger), what the
destinations hold (the arrivals), and the spool as dcmspool-spool(5) describes
it, read here from the disk by code of its own.

    ledger = Ledger()
    entry = ledger.sent(uid, digest, message_id)    # digest: SHA-256, as hex
    entry.answered(status, message_id_of_the_response)
    assert judge(ledger, arrivals({"pacs": destination}), spool) == []
"""

import collections
import dataclasses
import datetime
import hashlib
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from peers import instance

try:
    import xxhash
except ImportError:
    xxhash = None  # then the ledger's digests alone speak for the bytes

STATES = ("new", "active", "deferred", "hold", "failed", "sent", "corrupt")
HELD = ("new", "active", "deferred", "hold", "failed", "sent")
DELIVERED = (0x0000, 0x0001, 0x0107, 0x0116)
HAS_IT = 0x0111  # duplicate SOP instance
RESCAN_S = 60
GRACE_S = 0.5  # from the last byte of a request to its item in new/

ITEM = re.compile(
    r"(\d{8}T\d{6}\.\d{6}Z)-m(\d{1,5})-([0-9.]{1,64})\.dcm$")


def is_success(status):
    return status in DELIVERED or status is not None and status >> 12 == 0xB


# What the modality knows


@dataclasses.dataclass
class Entry:
    """One C-STORE request, and what was answered."""

    uid: str
    digest: str
    message_id: int
    association: object = None
    destinations: tuple = None  # None: all
    wait_for: tuple = None  # None: all of them
    rests_on: str = "destination"  # "spool": spooled, or accepted on timeout
    sent_at: float = 0  # time.monotonic(), before its first byte
    whole_at: float = None  # after its last one
    status: int = None
    response_id: int = None
    comment: str = None
    answered_at: float = None
    answers: int = 0
    gave_up: bool = False  # no answer: cut, aborted or timed out

    def answered(self, status, message_id, comment=None, at=None):
        self.status, self.response_id = status, message_id
        self.comment = comment
        self.answered_at = time.monotonic() if at is None else at
        self.answers += 1
        return self

    def unanswered(self):
        self.gave_up = True
        return self

    @property
    def success(self):
        return self.answers > 0 and is_success(self.status)

    @property
    def queued(self):
        """Refused, and told that it is queued all the same."""
        return (self.status == 0xA700
                and (self.comment or "").startswith("queued"))

    def __str__(self):
        return (f"{self.uid} m{self.message_id}"
                + (f" ({self.association})" if self.association else ""))


class Ledger:
    """All that was sent; may be written by several threads."""

    def __init__(self):
        self.entries = []
        self.foreign = set()  # (uid, digest) put into new/ by hand
        self.removed = set()  # (uid, digest) taken away by the operator
        self._lock = threading.Lock()

    def sent(self, uid, digest, message_id, association=None, at=None, **more):
        """To be called before the first byte goes out."""
        entry = Entry(uid, digest, message_id, association,
                      sent_at=time.monotonic() if at is None else at, **more)
        with self._lock:
            self.entries.append(entry)
        return entry

    def put(self, uid, digest):
        self.foreign.add((uid, digest))

    def took_away(self, uid, digest):
        self.removed.add((uid, digest))

    def store(self, modality, one, message_id, timeout=None, **more):
        """One request by a peers.modality.Modality, into the ledger."""
        entry = self.sent(one.uid, one.digest, message_id, **more)
        try:
            modality.send(one, message_id)
            entry.whole_at = time.monotonic()
            response = modality.read_response(timeout)
        except BaseException:
            entry.unanswered()
            raise
        return entry.answered(response.status, response.message_id,
                              response.comment, response.at)

    def figures(self):
        return {"instances": len({(e.uid, e.digest) for e in self.entries}),
                "requests": len(self.entries),
                "successes": sum(e.success for e in self.entries),
                "refusals": sum(e.answers > 0 and not e.success
                                for e in self.entries),
                "unanswered": sum(e.answers == 0 for e in self.entries)}


# What the destinations know


@dataclasses.dataclass
class Arrival:
    """One instance that came whole."""

    uid: str
    digest: str
    time: float  # when it was confirmed, or came
    confirmed: bool = True
    has_it: bool = False  # confirmed as a duplicate


def arrivals(destinations):
    """{name: peers.destination.Destination} as the judge takes it."""
    return {name: [_arrival(r) for r in one.received]
            for name, one in destinations.items()}


def _arrival(one):
    if isinstance(one, Arrival):
        return one
    if isinstance(one, tuple):
        return Arrival(*one)
    has_it = one.answered > 0 and one.status == HAS_IT
    confirmed = one.answered > 0 and (has_it or is_success(one.status))
    return Arrival(one.uid, one.digest, one.answered or one.arrived,
                   confirmed, has_it)


# What the disk says


@dataclasses.dataclass
class Item:
    destination: str
    state: str
    file: str
    uid: str = None
    digest: str = None  # SHA-256 of the data set
    message_id: int = None  # by the name
    stamp: str = None
    inode: tuple = None
    changed: float = 0  # ctime
    faults: tuple = ()

    def __str__(self):
        return f"{self.destination}/{self.state}/{self.file}"


def parse_record(data, magic):
    """{name: value}; ValueError where it is no such record."""
    lines = data.decode("utf-8").rstrip(" \0\n").split("\n")
    if lines[0] != magic:
        raise ValueError(f"begins with {lines[0][:40]!r}")
    fields = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"broken line {line[:40]!r}")
        fields[name] = value.strip(" ")
    return fields


def read_item(path, destination, state):
    """An item of the spool with all that is wrong with it."""
    item, faults = Item(destination, state, path.name), []
    try:
        stat, data = path.stat(), path.read_bytes()
    except FileNotFoundError:
        return None
    item.inode, item.changed = (stat.st_dev, stat.st_ino), stat.st_ctime
    name = ITEM.match(path.name)
    if name:
        item.stamp, item.message_id = name[1], int(name[2])
        item.uid = name[3]
    try:
        meta, offset = instance.read_meta(data)
        uid = meta[0x03]
    except (ValueError, KeyError, IndexError, ArithmeticError) as e:
        item.faults = (f"no Part 10 header: {e}",)
        return item
    except Exception as e:  # struct.error has no better base
        item.faults = (f"broken Part 10 header: {e}",)
        return item
    if name and uid != name[3]:
        faults.append(f"(0002,0003) is {uid}")
    item.uid = uid
    data_set = data[offset:]
    item.digest = hashlib.sha256(data_set).hexdigest()
    faults += _envelope_faults(meta, item, data_set)
    item.faults = tuple(faults)
    return item


def _envelope_faults(meta, item, data_set):
    if 0x0102 not in meta:
        return
    try:
        envelope = parse_record(meta[0x0102], "dcmspool-envelope 1")
        length = int(envelope["DataSetLength"])
        digest, message_id = envelope["Digest"], int(envelope["MessageID"])
    except (ValueError, KeyError) as e:
        yield f"broken envelope: {e}"
        return
    if length != len(data_set):
        yield f"{len(data_set)} bytes, the envelope says {length}"
    elif xxhash and xxhash.xxh3_128_hexdigest(data_set) != digest.lower():
        yield "the digest does not fit"
    if item.message_id not in (None, message_id):
        yield f"the envelope's message ID is {message_id}"


class Spool:
    """A spool that nobody changes now."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.items, self.rests = [], []
        self.findings = []
        self.records = collections.defaultdict(dict)  # destination: {file: …}
        self.up = {}  # destination: neither down nor paused
        self._read()

    def _read(self):
        version = self.path / "version"
        if not version.is_file() or version.read_text() != "dcmspool-spool 1\n":
            self.findings.append("the spool has no version file of its own")
        # A power cut may damage counters: they are set aside.
        known = {"version", "tmp", "queue", "result", "counters",
                 "counters.damaged",
                 "lost+found"}
        self._strangers(self.path, known)
        for entry in sorted((self.path / "queue").iterdir()):
            if entry.is_dir():
                self._queue(entry)
            else:
                self.findings.append(f"queue/{entry.name} is no folder")

    def _queue(self, folder):
        name = folder.name
        self._strangers(folder, {*STATES, "result", "down", "paused",
                                "counters", "counters.damaged"})
        self.up[name] = not any((folder / f).exists()
                                for f in ("down", "paused"))
        for state in STATES:
            if not (folder / state).is_dir():
                self.findings.append(f"queue/{name}/{state} is not there")
                continue
            for path in sorted((folder / state).iterdir()):
                if path.name.startswith("."):
                    self.findings.append(
                        f"left behind: queue/{name}/{state}/{path.name}")
                elif path.name.endswith(".dcm") and path.is_file():
                    item = read_item(path, name, state)
                    if item is not None:
                        self.items.append(item)
        for path in sorted((folder / "result").iterdir()):
            self._record(name, path)

    def _record(self, destination, path):
        where = f"queue/{destination}/result/{path.name}"
        try:
            self.records[destination][path.name] = parse_record(
                path.read_bytes(), "dcmspool-result 1")
        except (ValueError, OSError) as e:
            self.findings.append(f"left behind: {where}: {e}")

    def _strangers(self, folder, known):
        for path in sorted(folder.iterdir()):
            if path.name not in known:
                where = path.relative_to(self.path)
                self.findings.append(f"left behind: {where}")


def judge(ledger, arrivals, spool, *, duplicates_allowed=0, patience_s=None,
          owners=(), expected_corrupt=0, syncs=None, now=None,
          hard_links_allowed=False, active_allowed=False):
    """The findings, as texts; none where all is well.

    arrivals: {destination: [(uid, digest, time) or Arrival, or what
        peers.destination recorded]}; time is time.monotonic() at which the
        destination confirmed.
    spool: StorageLocation, at rest.
    duplicates_allowed: deliveries beyond the requests, in all, that crashes
        explain.
    patience_s: how long a ready item may wait before a link that is up.
    owners: associations that still live.
    syncs: [(uid, time)] where fsyncs were recorded; a success that rests on
        the spool is then held against them.
    now: time.time(), of the spool.
    """
    case = _Case(ledger, {name: [_arrival(a) for a in list(them)]
                          for name, them in arrivals.items()}, Spool(spool))
    case.answers()
    case.losses()
    case.truth(syncs)
    case.bytes_and_names()
    case.states(expected_corrupt, hard_links_allowed)
    case.rests(owners, active_allowed)
    case.duplicates(duplicates_allowed)
    case.patience(2 * RESCAN_S if patience_s is None else patience_s,
                  time.time() if now is None else now)
    return case.findings


def duplicates(ledger, arrivals):
    """How many confirmed deliveries there were beyond the requests."""
    case = _Case(ledger, {n: [_arrival(a) for a in list(them)]
                          for n, them in arrivals.items()}, None)
    return sum(n for *_, n in case.excess())


class _Case:
    def __init__(self, ledger, arrivals, spool):
        self.ledger, self.arrivals, self.spool = ledger, arrivals, spool
        self.findings = list(spool.findings) if spool else []
        self.entries = list(ledger.entries)
        self.digests = collections.defaultdict(set)
        for uid, digest in [(e.uid, e.digest) for e in self.entries] + list(
                ledger.foreign):
            self.digests[uid].add(digest)
        self.came = {name: collections.defaultdict(list) for name in arrivals}
        for name, them in arrivals.items():
            for one in them:
                self.came[name][one.uid, one.digest].append(one)

    def find(self, text):
        self.findings.append(text)

    def destinations(self, entry):
        return (tuple(self.arrivals) if entry.destinations is None
                else entry.destinations)

    def waited_for(self, entry):
        return (self.destinations(entry) if entry.wait_for is None
                else entry.wait_for)

    def answers(self):
        for e in self.entries:
            if e.answers and e.response_id != e.message_id:
                self.find(f"answered under another message ID: {e}: "
                          f"m{e.response_id}")
            if e.answers > 1:
                self.find(f"answered {e.answers} times: {e}")

    def losses(self):
        held = {(i.destination, i.uid, i.digest) for i in self.spool.items
                if i.state in HELD}
        for e in self.entries:
            if not (e.success or e.queued):
                continue
            if (e.uid, e.digest) in self.ledger.removed:
                continue
            for name in self.destinations(e):
                came = self.came.get(name, {}).get((e.uid, e.digest), ())
                if not came and (name, e.uid, e.digest) not in held:
                    self.find(f"lost: {e}, answered {e.status:#06x}, neither "
                              f"at {name} nor in its queue")

    def truth(self, syncs):
        for e in self.entries:
            if not e.success:
                continue
            missing = [n for n in self.waited_for(e)
                       if not self.confirmed_before(n, e)]
            if not missing:
                continue
            if e.rests_on != "spool":
                self.find(f"untrue: {e}, success before "
                          f"{', '.join(missing)} confirmed")
            elif syncs is not None and not any(
                    uid == e.uid and e.sent_at <= at <= e.answered_at
                    for uid, at in syncs):
                self.find(f"untrue: {e}, success before the spool was synced")

    def confirmed_before(self, name, entry):
        """An answer of the destination that this one can rest on: given
        while the modality waited, or for an equal one that was without an
        answer, or had it only just, when this one was sent."""
        key = entry.uid, entry.digest
        times = [a.time for a in self.came.get(name, {}).get(key, ())
                 if a.confirmed and a.time <= entry.answered_at]
        if any(t >= entry.sent_at for t in times):
            return True
        return bool(times) and any(
            e is not entry and (e.uid, e.digest) == key
            and e.sent_at <= entry.sent_at
            and not (e.success and e.answered_at < entry.sent_at - GRACE_S)
            for e in self.entries)

    def bytes_and_names(self):
        for name, them in self.arrivals.items():
            for one in them:
                if one.uid not in self.digests:
                    self.find(f"nobody sent {one.uid}, which {name} got")
                elif one.digest not in self.digests[one.uid]:
                    self.find(f"bytes differ: {one.uid} at {name}")
        ids = collections.defaultdict(set)
        for e in self.entries:
            ids[e.uid].add(e.message_id)
        for item in self.spool.items:
            if item.state == "corrupt":
                continue
            for fault in item.faults:
                self.find(f"broken item: {item}: {fault}")
            if item.uid not in self.digests:
                self.find(f"nobody sent {item}")
            elif item.digest and item.digest not in self.digests[item.uid]:
                self.find(f"bytes differ: {item}")
            if item.message_id and item.message_id not in ids[item.uid]:
                self.find(f"nobody sent {item} under its message ID")

    def states(self, expected_corrupt, hard_links_allowed):
        names, inodes, stamps = {}, {}, {}
        for item in self.spool.items:
            key = item.destination, item.file
            if key in names:
                self.find(f"in two states: {item} and {names[key].state}")
            elif not hard_links_allowed and (
                    (item.destination, item.inode) in inodes):
                other = inodes[item.destination, item.inode]
                self.find(f"in two states: {item} is {other}")
            elif item.stamp and (item.destination, item.stamp) in stamps:
                other = stamps[item.destination, item.stamp]
                self.find(f"one stamp for two: {item} and {other}")
            names[key] = item
            inodes[item.destination, item.inode] = item
            stamps[item.destination, item.stamp] = item
        for destination, records in self.spool.records.items():
            for file in records:
                if (destination, file) not in names:
                    self.find(f"in no state: {destination}/{file} has a "
                              "record, and is nowhere")
        corrupt = [i for i in self.spool.items if i.state == "corrupt"]
        if len(corrupt) > expected_corrupt:
            self.find(f"{len(corrupt)} items in corrupt/: "
                      + ", ".join(map(str, corrupt)))

    def rests(self, owners, active_allowed):
        def owned(name):
            return any(name == o or name.startswith(f"{o}.") for o in owners)

        for folder in ("tmp", "result"):
            for path in sorted((self.spool.path / folder).iterdir()):
                if not owned(path.name):
                    self.find(f"left behind: {folder}/{path.name}")
        for item in self.spool.items:
            if item.state == "active" and not active_allowed:
                self.find(f"left behind: {item}")

    def excess(self):
        """(destination, uid, deliveries beyond the requests)"""
        by_content = collections.defaultdict(list)
        for e in self.entries:
            for name in self.destinations(e):
                by_content[name, e.uid, e.digest].append(e)
        for name, came in self.came.items():
            for (uid, digest), them in came.items():
                if digest not in self.digests.get(uid, ()):
                    continue
                times = sorted(a.time for a in them
                               if a.confirmed and not a.has_it)
                jobs = _jobs(by_content[name, uid, digest], times)
                jobs += (uid, digest) in self.ledger.foreign
                if len(times) > jobs:
                    yield name, uid, len(times) - jobs

    def duplicates(self, allowed):
        excess = list(self.excess())
        if sum(n for *_, n in excess) > allowed:
            for name, uid, n in excess:
                self.find(f"delivered {n} times too often: {uid} to {name}")

    def patience(self, patience_s, now):
        for item in self.spool.items:
            if not self.spool.up[item.destination]:
                continue
            ready = self.ready_at(item)
            if ready is not None and now - ready > patience_s:
                self.find(f"waits for {now - ready:.0f} s before a link that "
                          f"is up: {item}")

    def ready_at(self, item):
        """Real time since which it could have been sent; None: it is not
        to be sent."""
        if item.state == "new":
            return item.changed
        if item.state != "deferred":
            return None
        record = self.spool.records[item.destination].get(item.file, {})
        due = _time(record.get("Next-Attempt", ""))
        return item.changed if due is None else max(due, item.changed)


def _jobs(entries, times):
    """How many deliveries the requests for one content explain: one that
    comes while an equal one is still undelivered joins it."""
    jobs, since = 0, None
    for e in sorted(entries, key=lambda e: e.sent_at):
        until = (e.whole_at or e.sent_at) + GRACE_S
        if e.answered_at is not None:
            until = min(until, e.answered_at)
        if since is None or any(since <= t <= until for t in times):
            jobs, since = jobs + 1, e.sent_at
    return jobs


def _time(text):
    for form in ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ",
                 "%Y%m%dT%H%M%S.%fZ"):
        try:
            return datetime.datetime.strptime(text, form).replace(
                tzinfo=datetime.timezone.utc).timestamp()
        except ValueError:
            continue
    return None
