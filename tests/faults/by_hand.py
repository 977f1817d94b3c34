"""The operator's hands in every folder of a queue, while everything runs; and
the clock and the configuration under it.

dcmspool-spool(5), RECOVERY: R18 R19
"""

import contextlib
import os
import random
import shutil
import struct
import tempfile
import time

import scene as scenes
from peers import instance
from peers.destination import Answer
from scene import STATES, Clock, Scene, preloaded, tools

EACH = {"ConnectTimeout": 2, "RetryMax": 1}
SPOOLED = {"AnswerWhen": "spooled"}
# It was moved meanwhile, or is there already, or is half a file yet.
GONE = (FileNotFoundError, FileExistsError, shutil.SameFileError, ValueError)


class Operator:
    """mv, cp, rm, ln, touch and editors, at random, wherever there is a file.
    What it does goes into the ledger."""

    def __init__(self, scene, luck, name="pacs"):
        self.scene, self.luck = scene, luck
        self.queue = scene.spool / "queue" / name
        self.counts = {}
        self.serial = 0

    def act(self):
        state = self.luck.choice(STATES)
        names = self.scene.gateway.items(self.queue.name, state)
        if not names:
            return
        path = self.queue / state / self.luck.choice(names)
        verb = self.luck.choice((
            self.mv, self.mv, self.cp, self.cp_same_name, self.rm, self.ln,
            self.touch, self.vim, self.write_and_rename, self.rm_record))
        with contextlib.suppress(*GONE):
            # It may be sent once more than was asked for.
            self.scene.explained += 1
            verb(path)
            self.counts[verb.__name__] = self.counts.get(verb.__name__, 0) + 1

    def other(self, path):
        """The same name in some folder."""
        return self.queue / self.luck.choice(STATES) / path.name

    def mv(self, path):
        path.rename(self.other(path))

    def cp(self, path):
        """Under a name of his own: a foreign file."""
        one = instance.read(path)
        self.scene.ledger.put(one.uid, one.digest)
        self.serial += 1
        shutil.copyfile(path, self.queue / "new" / f"copy {self.serial}.dcm")

    def cp_same_name(self, path):
        copy_new(path, self.other(path))

    def rm(self, path):
        one = instance.read(path)
        self.scene.ledger.took_away(one.uid, one.digest)
        path.unlink()

    def ln(self, path):
        os.link(path, self.other(path))

    def touch(self, path):
        os.utime(path)

    def vim(self, path):
        """Aside, written anew in place, the old one removed."""
        aside = path.with_name(path.name + "~")
        path.rename(aside)
        try:
            copy_new(aside, path)
        finally:
            aside.unlink()

    def write_and_rename(self, path):
        new = path.with_name(f".{path.name}.swp")
        shutil.copyfile(path, new)
        new.rename(path)

    def rm_record(self, path):
        (self.queue / "result" / path.name).unlink()

    def tidy(self):
        """One of each name stays, and all of it is queued again."""
        self.scene.gateway.sender.hup()  # scans, active/ too
        for state in ("hold", "failed", "sent", "corrupt"):
            for path in (self.queue / state).glob("*.dcm"):
                with contextlib.suppress(*GONE):
                    if any((self.queue / s / path.name).exists()
                           for s in ("new", "active", "deferred")):
                        path.unlink()
                    else:
                        path.rename(self.queue / "new" / path.name)
                self.scene.explained += 1


def copy_new(source, target):
    """cp -n: never into a file that the sender has just put there, which may
    be the source itself."""
    data = source.read_bytes()
    with open(target, "xb") as f:
        f.write(data)


def rummage(seconds, seed, modalities=4):
    """Modalities that send and wait, and an operator who is everywhere."""
    luck = random.Random(seed)
    with Scene(routes=[{"ResponseTimeout": 1}], **EACH, Lanes=2) as scene:
        clock, operator = Clock(seconds), Operator(scene, luck)
        queue, acts = scene.spool / "queue" / "pacs", 0

        def send(number):
            message_id = 0
            while clock:
                message_id += 1
                scene.store(instance.make(), 1000 * number + message_id)

        def operate():
            nonlocal acts
            while clock:
                # Now and then nothing goes out, so that there is something
                # to lay hands on.
                if acts % 40 == 0:
                    (queue / "paused").touch()
                if acts % 40 == 25:
                    (queue / "paused").unlink(missing_ok=True)
                operator.act()
                acts += 1

        working = scene.pool.submit(operate)
        scenes.in_parallel(send, range(modalities))
        working.result()
        (queue / "paused").unlink(missing_ok=True)
        operator.tidy()
        scene.drain(40)
        operator.tidy()
        scene.drain(40)
        found = scene.findings()
        figures = scene.figures()
    return {"acts by hand": sum(operator.counts.values()), **figures}, found


# While somebody waits


def waited_for(on_timeout="refuse"):
    """Each act on the item that a modality waits for: no false success."""
    found, waits = [], []
    names = [f"d{i}" for i in range(8)]
    with Scene(names, **EACH, routes=[
            {"ResponseTimeout": 1, "OnTimeout": on_timeout}]) as scene:
        def start(name):
            (scene.spool / "queue" / name / "paused").touch()
            rests = "spool" if on_timeout == "accept" else "destination"
            wait = scene.store_later(instance.make(), 3, to=name,
                                     rests_on=rests)
            scene.gateway.wait_items(name, "new", 1)
            return wait, next(
                (scene.spool / "queue" / name / "new").glob("*.dcm"))

        acts = [("removed", lambda p: p.unlink(), "not queued")] + [
            (f"in {s}", lambda p, s=s: p.rename(p.parent.parent / s / p.name),
             None if s == "hold" else "not queued")
            for s in ("hold", "failed", "sent", "corrupt")] + [
            ("touched", os.utime, None),
            ("rewritten", lambda p: _rewrite(p, p.read_bytes()), None),
            ("linked", lambda p: os.link(
                p, p.parent.parent / "hold" / p.name), None)]
        for name, (what, act, says) in zip(names, acts):
            wait, path = start(name)
            act(path)
            waits.append((what, says, wait))
        for what, says, wait in waits:
            entry = wait.result()
            good = on_timeout == "accept" and says is None
            if entry.success != good or says and says not in entry.comment:
                found.append(f"{what}, {on_timeout}: answered "
                             f"{entry.status:#06x} {entry.comment}")
        for name in names:
            queue = scene.spool / "queue" / name
            (queue / "paused").unlink()
            for state in ("hold", "failed", "sent", "corrupt"):
                for path in (queue / state).glob("*.dcm"):
                    path.rename(queue / "new" / path.name)
        scene.drain()
        found += scene.findings()
    return {"acts by hand": len(acts), **scene.figures()}, found


def _rewrite(path, data):
    new = path.with_name(path.name + ".new")
    new.write_bytes(data)
    new.rename(path)


def in_two_folders():
    """A second name of an item, in failed/, keeps it from nothing; nor does one
    that goes again."""
    with Scene(**EACH, routes=[SPOOLED]) as scene:
        queue = scene.spool / "queue" / "pacs"
        (queue / "paused").touch()
        scene.gateway.sender.wait_log("paused destination", 5)
        for i in range(2):
            scene.store(instance.make(), 1 + i, rests_on="spool")
        first, second = sorted((queue / "new").glob("*.dcm"))
        os.link(first, queue / "failed" / first.name)
        second.rename(queue / "failed" / second.name)
        os.link(queue / "failed" / second.name, second)
        (queue / "failed" / second.name).unlink()
        (queue / "paused").unlink()
        scene.drain(10)
        (queue / "failed" / first.name).unlink(missing_ok=True)
        found = scene.findings()
    return {"acts by hand": 4, **scene.figures()}, found


def into_active():
    """mv and cp into active/, which is the lanes' own: taken back by the next
    scan, and what a lane has is left to it."""
    found = []
    with Scene(**EACH, routes=[SPOOLED]) as scene:
        queue = scene.spool / "queue" / "pacs"
        (queue / "paused").touch()
        scene.gateway.sender.wait_log("paused destination", 5)
        for i in range(3):
            scene.store(instance.make(), 1 + i, rests_on="spool")
        for path in (queue / "new").glob("*.dcm"):
            path.rename(queue / "active" / path.name)
        scene.destination.default = Answer(delay=0.5)
        (queue / "paused").unlink()
        slow = scene.store_later(instance.make(), 9, rests_on="spool")
        tools.wait_until(lambda: scene.destination.received, 5)
        scene.gateway.sender.hup()
        try:
            tools.wait_until(lambda: scene.gateway.empty("pacs"), 10)
        except AssertionError:
            found.append("what was put into active/ by hand stays there")
        slow.result()
        found += scene.findings()
    return {"acts by hand": 3, **scene.figures()}, found


def one_name_twice():
    """The same name in two folders, before and while a lane has it: each file
    is one to send, and does not wait for the next scan."""
    found = []
    names = ["deferred", "failed", "hold", "delivered", "refused"]
    with Scene(names, **EACH, routes=[SPOOLED]) as scene:
        def copied(name, source, state):
            queue = scene.spool / "queue" / name
            path = next((queue / source).glob("*.dcm"))
            copy_new(path, queue / state / path.name)
            scene.explained += 1
            return path

        def arrived(name, times):
            try:
                tools.wait_until(
                    lambda: len(scene.pacs[name].received) >= times and
                    scene.gateway.empty(name), 5)
            except AssertionError:
                came = len(scene.pacs[name].received)
                found.append(f"{name}: sent {came} of {times} times")

        for name in names[:3]:
            paused = scene.spool / "queue" / name / "paused"
            paused.touch()
            scene.store(instance.make(), 1, to=name, rests_on="spool")
            scene.gateway.wait_items(name, "new", 1)
            path = copied(name, "new", name)
            if name == "hold":
                copied(name, "new", "deferred")
                path.unlink()  # the one that is known is not there
                (paused.parent / name / path.name).rename(
                    paused.parent / "failed" / path.name)
            paused.unlink()
        for name, status in zip(names[3:], (0x0000, 0xC000)):
            pacs = scene.pacs[name]
            pacs.script = [Answer(status, delay=1)]
            scene.store(instance.make(), 1, to=name, rests_on="spool")
            tools.wait_until(lambda p=pacs: p.received, 10)
            copied(name, "active", "new")
        for name, times in zip(names, (2, 1, 1, 2, 2)):
            arrived(name, times)
        for name in ("failed", "hold", "refused"):
            queue = scene.spool / "queue" / name
            for path in (queue / "failed").glob("*.dcm"):
                path.rename(queue / "new" / path.name)
        for name, times in zip(names, (2, 2, 2, 2, 3)):
            arrived(name, times)
        found += scene.findings()
    return {"acts by hand": 10, **scene.figures()}, found


# Files of somebody else's


def foreign(pause_s=0.4, parts=4):
    """Dropped into new/: written slowly in place, twice under one name,
    linked into several folders."""
    found = []
    with Scene(**EACH) as scene:
        new = scene.spool / "queue" / "pacs" / "new"

        def prepare():
            one = instance.make(pixels=20000)
            scene.ledger.put(one.uid, one.digest)
            path = one.write(scene.folder / "somebody.dcm")
            return one, path.read_bytes()

        def arrived(one, what, times=1):
            try:
                tools.wait_until(
                    lambda: scene.destination.uids().count(one.uid) >= times,
                    10)
            except AssertionError:
                found.append(f"{what}: did not arrive")

        one, data = prepare()
        with open(new / "slow one.dcm", "wb") as f:
            for i in range(parts):
                # An association that begins meanwhile looks at the queue.
                scene.destination.cut_all("fin")
                entry = scene.store(instance.make(), 1 + i)
                if not entry.success or entry.answered_at - entry.sent_at > 1:
                    found.append(f"beside a slow one: answered {entry.status}")
                f.write(data[i * len(data) // parts:
                             (i + 1) * len(data) // parts])
                f.flush()
                scene.pool.submit(tools.slow, pause_s).result()
        arrived(one, "written slowly")

        two, three = prepare(), prepare()
        for one, data in (two, three):
            (new / "same name.dcm").write_bytes(data)
            arrived(one, "the same name twice, in turn")
        paused = new.parent / "paused"
        paused.touch()
        scene.gateway.sender.wait_log("paused destination", 5)
        (_, data), (late, late_data) = prepare(), prepare()
        (new / "over.dcm").write_bytes(data)
        _rewrite(new / "over.dcm", late_data)
        paused.unlink()
        arrived(late, "the same name over another")

        one, data = prepare()
        source = scene.folder / "linked.dcm"
        source.write_bytes(data)
        for state in ("new", "deferred", "hold"):
            os.link(source, new.parent / state / "linked.dcm")
        os.link(source, new / "linked too.dcm")
        arrived(one, "hard links")
        scene.gateway.wait_empty("pacs")
        scene.explained += 2  # three ways in
        (new.parent / "hold" / "linked.dcm").unlink()
        for trash in (b"", b"no DICOM", data[:200]):
            for _ in range(2):
                (new / "trash.dcm").write_bytes(trash)
                tools.wait_until(
                    lambda: not (new / "trash.dcm").exists(), 10)
        if len(scene.gateway.items("pacs", "corrupt")) != 6:
            found.append("trash under one name is not all in corrupt/")
        for path in new.parent.glob("corrupt/*"):
            (new.parent / "result" / path.name).unlink()
            path.unlink()
        found += scene.findings()
    return {"acts by hand": 17, **scene.figures()}, found


def edited():
    """dcmodify on an item that is held, then released: what it is now is
    delivered, and the original is not wanted any more."""
    found = []
    with Scene(**EACH, routes=[SPOOLED]) as scene:
        queue = scene.spool / "queue" / "pacs"
        (queue / "paused").touch()
        scene.gateway.sender.wait_log("paused destination", 5)
        one = instance.make()
        scene.store(one, 1, rests_on="spool")
        path = next((queue / "new").glob("*.dcm"))
        held = queue / "hold" / path.name
        path.rename(held)
        done = tools.run("dcmodify", "-nb", "-m", "PatientID=EDITED", held)
        assert done.returncode == 0, done.stdout
        now = instance.read(held)
        scene.ledger.took_away(one.uid, one.digest)
        scene.ledger.put(now.uid, now.digest)
        held.rename(path)
        (queue / "paused").unlink()
        try:
            tools.wait_until(lambda: scene.destination.received, 10)
        except AssertionError:
            found.append("edited: not delivered")
        found += scene.findings()
    return {"acts by hand": 1, **scene.figures()}, found


# The clock


def clock_jumps(jumps=(-3600, 7200, -3600)):
    """The stamps never run backwards, nothing waits for the old time."""
    found, seen = [], []
    offset = tempfile.NamedTemporaryFile(prefix="dcmspool-clock.")
    offset.write(struct.pack("=q", 0))
    offset.flush()
    with offset, Scene(routes=[{"ResponseTimeout": 10}], **EACH,
                       within=lambda: preloaded(
                           "clock", CLOCK_OFFSET=offset.name)) as scene:
        paused = scene.spool / "queue" / "pacs" / "paused"

        def jump(seconds):
            offset.seek(0)
            offset.write(struct.pack("=q", seconds * 1000000))
            offset.flush()

        at = 0
        for i, by in enumerate(jumps):
            scene.destination.script = [Answer(0xA700)]
            early = instance.make()
            refused = scene.store(early, 1 + 10 * i)  # deferred now
            if refused.status != 0xA700:
                found.append(f"answered {refused.status}")
            paused.touch()
            before = scene.store_later(instance.make(), 2 + 10 * i)
            tools.wait_until(lambda: scene.gateway.items("pacs", "new"), 5)
            seen += scene.gateway.items("pacs", "new")
            at += by
            jump(at)
            after = scene.store_later(instance.make(), 3 + 10 * i)
            tools.wait_until(
                lambda: len(scene.gateway.items("pacs", "new")) == 2, 5)
            seen += scene.gateway.items("pacs", "new")[1:]
            paused.unlink()
            for entry in (before.result(), after.result()):
                if not entry.success or entry.answered_at - entry.sent_at > 4:
                    found.append(f"jump by {by} s: answered {entry.status} "
                                 f"{entry.comment}")
            scene.drain(5)
        scene.restart()
        entry = scene.store(instance.make(), 99)
        if not entry.success:
            found.append(f"after a restart: answered {entry.status}")
        if seen != sorted(seen):
            found.append(f"stamps run backwards: {seen}")
        found += scene.findings()
    return {"clock jumps": len(jumps), **scene.figures()}, found


# The configuration


def taken_out(n=10, kill=False):
    """A destination leaves the configuration with items in its queue, and
    comes back."""
    found = []
    with Scene(("pacs", "other"), **EACH, routes=[SPOOLED]) as scene:
        gateway = scene.gateway
        (scene.spool / "queue" / "pacs" / "paused").touch()
        gateway.sender.wait_log("paused destination", 5)
        for i in range(n):
            scene.store(instance.make(), 1 + i, to="pacs", rests_on="spool")
        settings, routes = gateway.destinations.pop("pacs"), gateway.routes
        gateway.routes = [r for r in routes
                          if r["DuplexTargetConfigNames"] != "pacs"]
        gateway.write_conf()
        gateway.sender.hup()
        gateway.receiver.hup()
        (scene.spool / "queue" / "pacs" / "paused").unlink()
        gateway.wait_down("pacs")
        entry = scene.store(instance.make(), 1, to="other", rests_on="spool")
        if not entry.success:
            found.append(f"the other was answered {entry.status}")
        gateway.wait_empty("other")
        if kill:
            scene.restart()
        if len(gateway.items("pacs", "new")) != n:
            found.append("what is queued for it did not stay")
        gateway.destinations["pacs"], gateway.routes = settings, routes
        gateway.write_conf()
        gateway.sender.hup()
        gateway.receiver.hup()
        back = time.monotonic()
        gateway.wait_empty("pacs", 15)
        first = min(r.started for r in scene.pacs["pacs"].received)
        if first - back > 2.5:
            found.append(f"the first delivery began after {first - back:.1f} s")
        found += scene.findings()
    return {"reconfigurations": 2, **scene.figures()}, found


def soak(seconds, seed):
    luck, clock = random.Random(seed), Clock(seconds)
    total, found = {}, []
    jobs = [into_active, one_name_twice, waited_for,
            lambda: waited_for("accept"), foreign, edited, clock_jumps,
            taken_out, lambda: taken_out(kill=True)]
    while True:
        for job in [lambda: rummage(min(60, seconds / 2),
                                    luck.randrange(1 << 32))] + luck.sample(
                                        jobs, len(jobs)):
            figures, findings = job()
            scenes.add(total, figures)
            found += findings
        if not clock:
            return total, found
