"""Disk faults: calls that fail as errno_shim.c is told while the daemons run,
and a small file system of our own that fills up and is freed again. Then full
service has to return by itself; then the judge.

    python3 tests/faults/disk.py --seconds 60 --seed 1

dcmspool-spool(5), RECOVERY: R13 R14
"""

import argparse
import collections
import concurrent.futures
import contextlib
import ctypes
import dataclasses
import errno
import mmap
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

import scene  # it says where modules are

import gateway as gateways
import judge as judges
import tools
from peers import instance, modality
from peers.destination import Answer, Destination

SHORT = 0  # instead of an errno: a short write
FULL = (errno.ENOSPC, errno.EDQUOT)
# In the order of errno_shim.c.
CALLS = {
    "open": (errno.EMFILE, errno.EACCES, errno.EIO),
    "create": (*FULL, errno.EMFILE, errno.EACCES, errno.EIO),
    "write": (*FULL, errno.EIO, SHORT),
    "pwrite": (*FULL, errno.EIO, SHORT),
    "pread": (errno.EIO,),
    "close": (errno.EIO, errno.EDQUOT),
    "link": (*FULL, errno.EACCES, errno.EIO),
    "replace": (*FULL, errno.EACCES, errno.EIO),
    "rename": (*FULL, errno.EACCES, errno.EIO),
    "unlink": (errno.EACCES, errno.EIO),
    "mkdir": (*FULL, errno.EACCES, errno.EIO),
    "fsync": (*FULL, errno.EIO),
    "stat": (errno.EACCES, errno.EIO),
    "readdir": (errno.EIO,),
    "statvfs": (errno.EIO,),
    "accept": (errno.EMFILE, errno.ENFILE),
    "socketpair": (errno.EMFILE,),
    "fork": (errno.EAGAIN, errno.ENOMEM),
    "socket": (errno.EMFILE,),
}
ROLES = (("receiver", False), ("receiver", True),
         ("sender", False), ("sender", True))
BOTH, SPOOLED = instance.SECONDARY_CAPTURE, instance.MR_IMAGE
ANSWER_S = 2  # ResponseTimeout
BACK_S = 10  # for full service to return
MANY = 1 << 30
WORKERS = 8


@dataclasses.dataclass(frozen=True)
class Point:
    """The n-th such call of one exercise fails, or all from there on."""

    program: str
    child: bool
    call: str
    error: int
    n: int
    count: int = 1

    def __str__(self):
        what = errno.errorcode.get(self.error, "short")
        return (f"{self.program} {'child' if self.child else 'parent'} "
                f"{self.call} {self.n + 1}{'' if self.count == 1 else '…'} "
                f"{what}")


class Control:
    """The page that a daemon's processes share with us."""

    FIELDS = ("armed", "child", "call", "error", "skip", "count", "hits")

    def __init__(self, path):
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._values = (ctypes.c_int * len(self.FIELDS)).from_buffer(
            self._page)

    def arm(self, point):
        self.disarm()
        for name, value in (
                ("child", point.child),
                ("call", list(CALLS).index(point.call)),
                ("error", point.error), ("skip", point.n),
                ("count", point.count), ("hits", 0), ("armed", 1)):
            self._values[self.FIELDS.index(name)] = value

    def disarm(self):
        """How many calls failed."""
        self._values[0] = 0
        return self._values[self.FIELDS.index("hits")]


class Service:
    """Both daemons, two destinations, and a ledger."""

    def __init__(self, folder, top=None, preload=True, spool=None,
                 answer_s=ANSWER_S):
        self.folder = pathlib.Path(folder)
        self.ledger = judges.Ledger()
        self.pacs = {n: Destination() for n in ("pacs", "archive")}
        for one in self.pacs.values():
            one.start()
        self.gateway = gateways.Gateway(
            folder, {n: {"RemotePort": p.port, "RetryMax": 1}
                     for n, p in self.pacs.items()},
            routes=[{"SOPClass": BOTH, "ResponseTimeout": answer_s},
                    {"SOPClass": SPOOLED, "AnswerWhen": "spooled",
                     "DuplexTargetConfigNames": "pacs"},
                    {"DuplexTargetConfigNames": "pacs",
                     "ResponseTimeout": answer_s}],
            top={**(top or {}),
                 **({"StorageLocation": str(spool)} if spool else {})})
        if spool:
            self.gateway.spool = pathlib.Path(spool)
        # The judge looks at these.
        self.gateway.may_leave = {"tmp", "result", "pacs/active",
                                  "archive/active"}
        self.controls = {}
        for name in ("receiver", "sender") if preload else ():
            self.controls[name] = Control(self.folder / f"control-{name}")
            getattr(self.gateway, name).env = {
                "LD_PRELOAD": str(scene.shim("errno")),
                "ERRNO_CONTROL": str(self.folder / f"control-{name}")}
        self.findings, self.hits, self.explained = [], 0, 0
        self._message_id, self._closed = 0, False
        self._lock = threading.Lock()

    def __enter__(self):
        self.gateway.start()
        return self

    def __exit__(self, *_):
        if self._closed:
            return
        self._closed = True
        try:
            self.gateway.finish()
        except (AssertionError, OSError) as e:
            self.findings.append(f"at the end: {e}")
        for one in self.pacs.values():
            one.stop()

    def store(self, one, timeout=10):
        """One association, one request: its entry."""
        with self._lock:
            self._message_id += 1
            message_id = self._message_id
        entry = self.ledger.sent(
            one.uid, one.digest, message_id,
            destinations=(("pacs", "archive") if one.sop_class == BOTH
                          else ("pacs",)),
            rests_on=("spool" if one.sop_class == SPOOLED
                      else "destination"))
        try:
            with modality.Modality(self.gateway.port,
                                   modality.contexts_for(one),
                                   timeout=timeout) as ct:
                got = ct.store(one, message_id)
                entry.answered(got.status, got.message_id, got.comment,
                               got.at)
        except modality.Rejected as e:
            entry.unanswered()
            if e.args[0] != 2:  # rejected-transient
                self.findings.append(f"rejected for good: {e.args}")
        except scene.LOST:
            if not entry.answers:
                entry.unanswered()
        return entry

    def exercise(self):
        """What goes well, is deferred, fails, and is sent again."""
        fine = instance.make(sop_class=instance.CT_IMAGE)
        later, failed = instance.make(), instance.make(
            sop_class=instance.CT_IMAGE)
        self.pacs["archive"].by_uid[later.uid] = [Answer(0xA700)]
        self.pacs["pacs"].by_uid[failed.uid] = [Answer(0xC123)]
        return [self.store(one) for one in (
            fine, failed, later, instance.make(sop_class=SPOOLED), failed,
            later)]

    def fault(self, point):
        """False where it was never reached."""
        control = self.controls[point.program]
        control.arm(point)
        entries = self.exercise()
        hits = control.disarm()
        self.hits += hits
        for e in entries:
            if e.answers and not e.success and e.status not in (
                    0xA700, 0xC123):
                self.findings.append(f"{point}: answered {e.status:#06x}")
        for name in ("receiver", "sender"):
            if not getattr(self.gateway, name).running:
                self.findings.append(f"{point}: the {name} ended")
        self.recover(point)
        return hits > 0

    def recover(self, what):
        """Full service returns by itself."""
        until, entry = time.monotonic() + BACK_S, None
        while entry is None or not entry.success:
            if time.monotonic() > until:
                self.findings.append(
                    f"{what}: not served again: {entry.status} "
                    f"{entry.comment}")
                break
            entry = self.store(instance.make())
        try:
            for name in self.pacs:
                self.gateway.wait_empty(name, BACK_S)
        except AssertionError:
            left = [f"{n}/{s}/{i}" for n in self.pacs
                    for s in ("new", "active", "deferred")
                    for i in self.gateway.items(n, s)]
            self.findings.append(f"{what}: still queued: {left}")
            self.gateway.sender.stop()  # or it is in the way of the next
            self.gateway.sender.start()
            for name in self.pacs:
                self.gateway.wait_empty(name, 60)

    def judge(self, **options):
        """What could not be removed goes at the next scan."""
        if self.gateway.sender.running:
            self.gateway.sender.hup()
            with contextlib.suppress(AssertionError):
                tools.wait_until(lambda: not self._orphans(), BACK_S)
        self.__exit__()
        self.findings += judges.judge(
            self.ledger, judges.arrivals(self.pacs), self.gateway.spool,
            **options)
        return self.findings


    def _orphans(self):
        """Records of items that are nowhere."""
        return [r for name in self.pacs
                for r in self.gateway.path(name, "result").iterdir()
                if not any(self.gateway.path(name, s, r.name).exists()
                           for s in scene.STATES)]


def run_group(points, parent=None, until=None):
    """Points on one service: (figures, findings). A point that is not
    reached ends those of its kind that come later."""
    folder = tempfile.mkdtemp(prefix="disk-", dir=parent)
    figures, ended = collections.Counter(), set()
    try:
        with Service(folder) as service:
            for point in points:
                kind = dataclasses.replace(point, n=0)
                if kind in ended or until and time.monotonic() > until:
                    continue
                if service.fault(point):
                    figures["disk points"] += 1
                else:
                    ended.add(kind)
            found = service.judge(duplicates_allowed=service.hits)
        figures["disk errors injected"] += service.hits
        figures["disk instances sent"] += len(service.ledger.entries)
        figures["disk duplicates"] += judges.duplicates(
            service.ledger, judges.arrivals(service.pacs))
        if found and "KEEP" in os.environ:
            for name in ("receiver", "sender"):
                (pathlib.Path(folder) / f"{name}.log").write_text(
                    "\n".join(getattr(service.gateway, name).log))
            found.append(folder)
            folder = None
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    return figures, found


def groups(most=40):
    """All points, by role and call."""
    for program, child in ROLES:
        for call, errors in CALLS.items():
            yield [Point(program, child, call, error, n, count)
                   for error in errors for count in (1, MANY)
                   for n in (range(most) if count == 1 else (0,))]


def sample(seed):
    """A point of each role and call."""
    luck = random.Random(seed)
    points = [dataclasses.replace(luck.choice(points), n=luck.randrange(2))
              for points in groups()]
    luck.shuffle(points)
    return points


def run(all_groups, parent=None, until=None):
    total, found = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for figures, findings in pool.map(
                lambda points: run_group(points, parent, until), all_groups):
            total.update(figures)
            found += findings
    return total, found


# A file system of our own


def may_mount():
    return os.geteuid() == 0 and all(
        shutil.which(p) for p in ("mkfs.ext4", "mount", "umount"))


@contextlib.contextmanager
def small_file_system(parent, megabytes=24, inodes=2000):
    """An empty ext4 in a file, mounted: its path. LookupError where there
    can be none."""
    image, target = parent / "image", parent / "mounted"
    target.mkdir()
    with open(image, "wb") as file:
        file.truncate(megabytes << 20)
    for command in (("mkfs.ext4", "-q", "-F", "-m", 0, "-N", inodes, image),
                    ("mount", "-o", "loop", image, target)):
        done = tools.run(*command)
        if done.returncode != 0:
            raise LookupError(done.stdout)
    try:
        yield target
    finally:
        done = tools.run("umount", target)
        if done.returncode != 0:
            tools.run("umount", "-l", target)


def fill(service, size, most=5000):
    """Spools until it is refused: how many were taken."""
    for n in range(most):
        entry = service.store(instance.make(size, sop_class=SPOOLED))
        if not entry.success:
            service.refusals.append(
                "rejected" if not entry.answers
                else f"{entry.status:#06x} {entry.comment}")
            return n
    service.findings.append(f"{most} fitted")
    return most


def filled(what, parent=None, size=400000, inodes=2000, last=False, **top):
    """The destination is away until the file system is full; then it comes
    back. last: a file of somebody's takes what is left."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="full-", dir=parent))
    figures = collections.Counter()
    try:
        with small_file_system(folder, inodes=inodes) as place:
            conf = {"MinFreeBytes": 0, "MinFreeInodes": 0, **top}
            with Service(folder, conf, preload=False, answer_s=10,
                         spool=place / "spool") as service:
                if last:
                    _tell_on_full_disk(what, service, place, size)
                found = _fill_and_free(what, service, place, size, last)
                figures.update({
                    "full file systems": 1,
                    "disk instances sent": len(service.ledger.entries)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures, found


def _fill_and_free(what, service, place, size, last):
    pacs, service.refusals = service.pacs["pacs"], []
    pacs.stop()
    service.store(instance.make(sop_class=SPOOLED))
    service.gateway.wait_down("pacs")
    taken = fill(service, size)
    if taken < 5:
        service.findings.append(f"{what}: only {taken} fitted")
    if last:
        fill_up(place / "somebody's")
    before = len(service.gateway.items("pacs", "new"))
    for _ in range(5):
        fill(service, size, 20)
    for refusal in service.refusals:
        if refusal != "rejected" and not refusal.startswith("0xa700"):
            service.findings.append(f"{what}: {refusal}")
    for name in ("receiver", "sender"):
        if not getattr(service.gateway, name).running:
            service.findings.append(f"{what}: the {name} ended")
    if before < taken:
        service.findings.append(f"{what}: {before} of {taken} are queued")
    # What is queued goes on, also what has to be written about.
    pacs.script = [Answer(0xA700), Answer(0xC123), Answer(cut="data"),
                   Answer(cut="answer")]
    pacs.start()
    try:
        service.gateway.wait_empty("pacs", 30)
    except AssertionError as e:
        service.findings.append(f"{what}: {e}")
    if last:
        (place / "somebody's").unlink()
    service.recover(what)
    return service.judge(duplicates_allowed=2)


def _tell_on_full_disk(what, service, place, size):
    """Somebody waits while the last byte is taken: told all the same, for
    what is delivered makes room."""
    paused = service.gateway.path("pacs", "paused")
    paused.touch()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        tools.wait_until(lambda: any("paused" in line for line in
                                     service.gateway.sender.log))
        one = instance.make(size, sop_class=instance.CT_IMAGE)
        waits = pool.submit(service.store, one, 30)
        service.gateway.wait_items("pacs", "new", 1)
        fill_up(place / "somebody's")
        paused.unlink()
        entry = waits.result()
    if not entry.success:
        service.findings.append(f"{what}: told {entry.status} "
                                f"{entry.comment} while it was full")
    if not any("marker-not-written" in line
               for line in service.gateway.sender.log):
        service.findings.append(f"{what}: it was not full")
    (place / "somebody's").unlink()
    service.recover(what)


def fill_up(path):
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1 << 10):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
                    os.fsync(file.fileno())


FULL_DISKS = {
    "bytes": {},
    "bytes, to the last": {"last": True},
    "inodes": {"size": 400, "inodes": 160},
    "MinFreeBytes": {"MinFreeBytes": 8 << 20},
    "MinFreeInodes": {"size": 400, "inodes": 400, "MinFreeInodes": 200},
}


def soak(seconds, seed):
    """The full file systems, then as many points as there is time for."""
    until, luck = time.monotonic() + seconds, random.Random(seed)
    total, found = collections.Counter(), []
    for what, how in FULL_DISKS.items() if may_mount() else ():
        try:
            figures, findings = filled(what, **how)
        except LookupError:
            break
        total.update(figures)
        found += findings
    some = list(groups())
    luck.shuffle(some)
    for points in some:
        luck.shuffle(points)
        points.sort(key=lambda p: p.n)  # the ends of a kind come last
    figures, findings = run(some, until=until)
    total.update(figures)
    return dict(total), found + findings


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    print(f"SEED={args.seed}", flush=True)
    some = [g for g in groups() if args.only in str(g[0])]
    figures, findings = run(some, until=time.monotonic() + args.seconds)
    for name, value in figures.items():
        print(f"{name:32} {value}")
    for finding in findings:
        print("FINDING", finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
