"""inotify at its limits: events lost, folders made anew under us, no watches
and no instances left. Each time a delay, never a loss, and a message.

dcmspool-spool(5), RECOVERY: R17
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import time

import scene as scenes
from peers import instance, modality
from scene import Clock, Scene, preloaded, tools

QUEUE_LIMIT = pathlib.Path("/proc/sys/fs/inotify/max_queued_events")
RESCAN_S = 5  # where there are no watches
EACH = {"ConnectTimeout": 2}


def may_limit():
    """Whether max_queued_events can be set here."""
    return os.access(QUEUE_LIMIT, os.W_OK)


@contextlib.contextmanager
def few_events(n):
    """An inotify instance made within holds n events."""
    before = QUEUE_LIMIT.read_text()
    QUEUE_LIMIT.write_text(str(n))
    try:
        yield
    finally:
        QUEUE_LIMIT.write_text(before)


@contextlib.contextmanager
def stopped(daemon):
    """The daemon's parent stands still."""
    daemon.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        daemon.signal(signal.SIGCONT)


def _queue(scene, name="pacs"):
    return sum(len(scene.gateway.items(name, s)) for s in ("new", "active"))


def overflow(n=64):
    """More events than the kernel keeps, in sender and receiver: of the latter
    only those of the children beyond CHILDREN_WATCHING come to the parent."""
    found = []
    with Scene(routes=[{"ResponseTimeout": 20}], **EACH,
               within=lambda: few_events(16)) as scene:
        paused = scene.spool / "queue" / "pacs" / "paused"
        with stopped(scene.gateway.sender):
            waits = [scene.store_later(instance.make(), 1 + i)
                     for i in range(n)]
            tools.wait_until(lambda: _queue(scene) == n, 15, "all are queued")
        found += _answered(waits, "sender", 5)

        paused.touch()
        waits = [scene.store_later(instance.make(), 1 + i) for i in range(n)]
        tools.wait_until(lambda: _queue(scene) == n, 15, "all are queued")
        with stopped(scene.gateway.receiver):
            paused.unlink()
            scene.drain()
        found += _answered(waits, "receiver", 5)
        for daemon in ("sender", "receiver"):
            # Who waits looks by itself, too, and may be quicker.
            getattr(scene.gateway, daemon).wait_log("events-lost", 10)
        found += scene.findings()
    return {"inotify faults": 2, **scene.figures()}, found


def _answered(waits, what, seconds):
    began, found = time.monotonic(), []
    for wait in waits:
        entry = wait.result()
        if not entry.success:
            found.append(f"{what}: answered {entry.status} {entry.comment}")
        elif entry.answered_at - began > seconds:
            found.append(f"{what}: answered after "
                         f"{entry.answered_at - began:.1f} s")
    return found


def made_anew(folders=("queue/pacs/new", "queue/pacs/active",
                       "queue/pacs/deferred", "queue/pacs/result",
                       "queue/pacs/failed", "queue/pacs", "queue", "tmp",
                       "result")):
    """Removed and made again (the last time with what was in it): the next
    instance is served as ever. On an association that is open it may be refused
    for now: its process is confined to the folders of before."""
    found = []
    with Scene(routes=[{"ResponseTimeout": 10}], **EACH) as scene:
        for folder in folders:
            first = instance.make()
            path = scene.spool / folder
            with modality.Modality(scene.gateway.port,
                                   modality.contexts_for(first)) as warm:
                scene.ledger.store(warm, first, 1)
                scene.drain()
                # Twice where the sender makes it anew meanwhile.
                shutil.rmtree(path, ignore_errors=True)
                shutil.rmtree(path, ignore_errors=True)
                path.mkdir(exist_ok=True)  # it may have been quicker
                # It is refused, not lost: the modality sends again.
                old = scene.ledger.store(warm, instance.make(), 2)
                new = scene.store(instance.make(), 1)
                if not new.success or not (old.success
                                           or old.status == 0xA700):
                    found.append(
                        f"{folder} made anew: answered {old.status} "
                        f"{old.comment}, {new.status} {new.comment}")
        # All at once, aside and back.
        new = scene.spool / "queue" / "pacs" / "new"
        scene.gateway.sender.signal(signal.SIGSTOP)
        waits = [scene.store_later(instance.make(), 1) for _ in range(5)]
        tools.wait_until(lambda: _queue(scene) == 5, 10)
        new.rename(new.with_name("aside"))
        new.mkdir(exist_ok=True)
        scene.gateway.sender.signal(signal.SIGCONT)
        for path in new.with_name("aside").iterdir():
            path.rename(new / path.name)
        new.with_name("aside").rmdir()
        found += _answered(waits, "moved aside and back", 5)
        scene.drain()
        found += scene.findings()
    return {"inotify faults": len(folders) + 1, **scene.figures()}, found


def none_left(n=6, **limits):
    """INOTIFY_INSTANCES or INOTIFY_WATCHES as each process finds them. Where
    there is one watch for each, a child of the receiver has all it needs."""
    found = []
    with Scene(routes=[{"ResponseTimeout": 20}], **EACH,
               within=lambda: preloaded("inotify", **limits)) as scene:
        waits = [scene.store_later(instance.make(), 1 + i) for i in range(n)]
        found += _answered(waits, f"{limits}", RESCAN_S + 2)
        if "not-watched" not in scene.log("sender"):
            found.append(f"{limits}: the sender does not say so")
        if not limits.get("INOTIFY_WATCHES") and not any(
                   w in scene.log("receiver")
                   for w in ("watch-unavailable", "watch-failed")):
            found.append(f"{limits}: the receiver does not say so")
        scene.drain(RESCAN_S + 5)
        found += scene.findings()
    return {"inotify faults": 1, **scene.figures()}, found


def soak(seconds, seed):
    luck, clock = random.Random(seed), Clock(seconds)
    total, found = {}, []
    jobs = [made_anew, lambda: none_left(INOTIFY_INSTANCES=0),
            lambda: none_left(INOTIFY_WATCHES=0),
            lambda: none_left(INOTIFY_WATCHES=luck.randrange(1, 5))]
    if may_limit():
        jobs.append(overflow)
    while True:
        for job in luck.sample(jobs, len(jobs)):
            figures, findings = job()
            scenes.add(total, figures)
            found += findings
        if not clock:
            return total, found
