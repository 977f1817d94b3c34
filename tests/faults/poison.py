"""Items that kill: a lane each time, or the association each time. They stop
nobody else.

dcmspool-spool(5), RECOVERY: R5 R16
"""

import itertools
import os
import random
import tempfile
import time

import scene as scenes
from peers import instance
from peers.destination import Answer
from scene import Clock, Scene, preloaded, tools

EACH = {"ConnectTimeout": 1, "AssociateTimeout": 1, "DimseTimeout": 1}
HOWS = ("abort", "rst", "fin", "silence")
WHERE = ("command", "data", "answer", "in-answer")


def _serve_others(scene, n, found, what, limit_s):
    """n ordinary instances: all answered, and within the limit."""
    for i in range(n):
        began = time.monotonic()
        entry = scene.store(instance.make(), 100 + i)
        if not entry.success:
            found.append(f"{what}: another was answered {entry.status} "
                         f"{entry.comment}")
        elif entry.answered_at - began > limit_s:
            found.append(f"{what}: another waited "
                         f"{entry.answered_at - began:.1f} s")


def kills_its_lane(restart=False, lanes=1):
    """failed/ at the second death; restart: the sender's parent is killed
    between the two."""
    found, poison = [], instance.make()
    gate = tempfile.NamedTemporaryFile(prefix="dcmspool-gate.", delete=False)
    settings = {"POISON_UID": poison.uid, "POISON_GATE": gate.name}
    with gate, Scene(routes=[{"ResponseTimeout": 15}], **EACH, Lanes=lanes,
                     within=lambda: preloaded("poison", **settings)) as scene:
        scene.poisoned = True
        wait = scene.store_later(poison, 7, timeout=20)
        (name,) = scene.gateway.wait_items("pacs", "active", 1)
        if restart:
            _kill_in_between(scene, gate.name, name, found)
        else:
            os.unlink(gate.name)
        entry = wait.result()
        if entry.success or not entry.answers:
            found.append(f"poison: answered {entry.status}")
        scene.gateway.wait_items("pacs", "failed", 1, 5)
        deaths = scene.log().count("lane-died")
        if deaths != 2:
            found.append(f"{deaths} lanes died, not 2")
        _serve_others(scene, 3, found, "poison", 2.5)
        if "2 times" not in scene.gateway.record("pacs", name)["Reason"]:
            found.append("the record does not say why it failed")
        scene.explained = 0
        found += scene.findings()
    return {"poison": 1, "lanes died": deaths, **scene.figures()}, found


def _kill_in_between(scene, gate, name, found):
    paused = scene.spool / "queue" / "pacs" / "paused"
    paused.touch()
    scene.gateway.sender.wait_log("paused destination", 5)
    os.unlink(gate)
    scene.gateway.wait_items("pacs", "new", 1, 5)
    scene.restart("sender")
    if scene.log().count("lane-died") != 1:
        found.append("not killed between the deaths")
    paused.unlink()


def stopped_between_deaths():
    """The parent dies while the second lane is at it: the count is on disk,
    so the next start does not begin anew."""
    found, poison = [], instance.make()
    with Scene(routes=[{"ResponseTimeout": 15}], **EACH,
               within=lambda: preloaded("poison", POISON_UID=poison.uid)
               ) as scene:
        scene.poisoned = True
        wait = scene.store_later(poison, 7, timeout=20)
        for kills in (1, 2):
            tools.wait_until(lambda n=kills: _counted(scene) >= n, 10)
            if kills == 2:
                # Its record is there before: a kill in between is a replay.
                scene.gateway.wait_items("pacs", "failed", 1)
            scene.restart("sender")
        if _counted(scene) != 2:
            found.append(f"{_counted(scene)} deaths before it was given up")
        entry = wait.result()
        if entry.success:
            found.append("poison was answered with success")
        _serve_others(scene, 2, found, "poison, parent killed", 2.5)
        scene.explained = 0
        found += scene.findings()
    return {"poison": 1, "kills": kills, **scene.figures()}, found


def _counted(scene):
    """The deaths that are on disk: before that no kill can tell."""
    for path in scene.gateway.path("pacs", "result").glob("*.dcm"):
        try:
            record = scene.gateway.record("pacs", path.name)
        except FileNotFoundError:
            continue
        return int(record.get("Deaths", 0))
    return 0


def breaks_the_link(how, where="data"):
    """An item at which the destination breaks off each time: it stands back,
    and the others go on."""
    found, bad = [], instance.make()
    what = f"{how} at {where}"
    with Scene(routes=[{"ResponseTimeout": 12}], **EACH, MaxAttempts=2
               ) as scene:
        pacs = scene.destination
        pacs.by_uid[bad.uid] = [Answer(cut=where, how=how)
                                for _ in range(30)]
        wait = scene.store_later(bad, 7, timeout=30)
        tools.wait_until(lambda: len(pacs.by_uid[bad.uid]) < 30, 10)
        # Each try of the bad one may cost them its time-out, no more.
        _serve_others(scene, 6, found, what, 3.5)
        entry = wait.result()
        if entry.success:
            found.append(f"{what}: answered with success")
        scene.gateway.wait_items("pacs", "failed", 1, 20)
        tried = 30 - len(pacs.by_uid[bad.uid])
        # Twice three times; a warm association is tried anew at once.
        if not 6 <= tried <= 12:
            found.append(f"{what}: tried {tried} times")
        if scene.gateway.down("pacs"):
            found.append(f"{what}: the link is down at the end")
        scene.explained = tried  # those that came whole
        found += scene.findings()
    return {"poison": 1, "broken deliveries": tried, **scene.figures()}, found


def breaks_all(cases):
    """Several of them at once, a gateway each."""
    total, found = {}, []

    def one(case):
        figures, findings = breaks_the_link(*case)
        scenes.add(total, figures)
        found.extend(findings)

    scenes.in_parallel(one, cases)
    return total, found


def soak(seconds, seed):
    luck, clock = random.Random(seed), Clock(seconds)
    total, found = {}, []
    breaks = list(itertools.product(HOWS, WHERE))
    jobs = [kills_its_lane, lambda: kills_its_lane(True),
            lambda: kills_its_lane(False, 3), stopped_between_deaths,
            lambda: breaks_all(luck.sample(breaks, 4))]
    while True:
        for job in luck.sample(jobs, len(jobs)):
            figures, findings = job()
            scenes.add(total, figures)
            found += findings
        if not clock:
            return total, found
