"""The answer that is lost: the destination has the instance and nobody knows,
or the modality has given up and sends again.

Each case plays on a destination of its own, named as the function, and
returns what it found wrong.

dcmspool-spool(5), RECOVERY: R16
"""

import itertools
import os
import random

import scene as scenes
from peers import instance
from peers.destination import Answer
from scene import LOST, Clock, Scene, tools

EACH = {"DimseTimeout": 5, "ConnectTimeout": 1}
QUEUED = ("new", "active", "deferred")


def other_content(one):
    return instance.make(pixels=1024, uid=one.uid)


def pause(scene, name, on=True):
    flag = scene.spool / "queue" / name / "paused"
    if on:
        flag.touch()
        tools.wait_until(
            lambda: f"paused destination={name}" in scene.log(), 5, "paused")
    else:
        flag.unlink()


def give_up(scene, name, one, message_id=1):
    """Sends it and hangs up before an answer comes; it is queued then."""
    before = queued(scene, name)
    entry = scene.store(one, message_id, to=name, timeout=0.3)
    assert not entry.answers, f"{name}: answered {entry.status}"
    tools.wait_until(lambda: len(queued(scene, name)) > len(before), 20,
                     f"{name}: a new item in the queue")
    return entry


def queued(scene, name):
    return [(s, i) for s in QUEUED for i in scene.gateway.items(name, s)]


def expect(found, name, entry, statuses=(0,)):
    if not entry.answers or entry.status not in statuses:
        found.append(f"{name}: answered {entry.status} {entry.comment}")


def expect_deliveries(found, scene, name, *instances):
    """These, in this order, and no other."""
    came = [(r.uid, r.digest) for r in scene.pacs[name].received]
    if came != [(i.uid, i.digest) for i in instances]:
        found.append(f"{name}: {len(came)} deliveries instead of "
                     f"{len(instances)}, or in another order")


# The destination stored it, and its response never came


def lost_then_success(scene, name, found):
    """Sent again, and a second success ends it."""
    scene.pacs[name].script = [Answer(cut="answer", how="rst")]
    one = instance.make()
    expect(found, name, scene.store(one, 7, to=name))
    expect_deliveries(found, scene, name, one, one)


def lost_then_duplicate(scene, name, found):
    """Sent again, and "duplicate SOP instance" ends it."""
    scene.pacs[name].script = [Answer(cut="in-answer", how="fin"),
                               Answer(0x0111)]
    one = instance.make()
    expect(found, name, scene.store(one, 7, to=name), (0, 0x0111))
    scene.gateway.wait_empty(name)
    if scene.gateway.items(name, "failed"):
        found.append(f"{name}: 0x0111 after a lost answer is in failed/")


def duplicate_alone(scene, name, found):
    """0x0111 without a lost answer: these bytes may not be there."""
    scene.pacs[name].script = [Answer(0x0111)]
    expect(found, name, scene.store(instance.make(), 7, to=name), (0x0111,))
    # Who waits is told first.
    scene.gateway.wait_items(name, "failed", 1)


# The modality gave up and sends again


def resend_same_id(scene, name, found):
    _resend(scene, name, found, 1)


def resend_new_id(scene, name, found):
    _resend(scene, name, found, 2)


def _resend(scene, name, found, message_id):
    """On another association, while the first is being delivered."""
    scene.pacs[name].script = [Answer(delay=1)]
    one = instance.make()
    give_up(scene, name, one)
    expect(found, name, scene.store(one, message_id, to=name))
    expect_deliveries(found, scene, name, one)


def resend_twice_waiting(scene, name, found):
    """Three associations wait for one delivery: each gets its answer."""
    scene.pacs[name].script = [Answer(0xB000, delay=1)]
    one = instance.make()
    waits = [scene.store_later(one, 10 + i, to=name) for i in range(3)]
    for wait in waits:
        expect(found, name, wait.result(), (0xB000,))
    expect_deliveries(found, scene, name, one)


# … and the first copy is not what it was


def _spoiled(scene, name, found, spoil):
    """The first is queued, given up and spoiled; the resend is delivered."""
    pause(scene, name)
    one = instance.make()
    give_up(scene, name, one)
    spoil(scene.gateway.path(name, *queued(scene, name)[0]))
    again = scene.store_later(one, 2, to=name)
    tools.wait_until(lambda: any(
        "-m2-" in i for _, i in queued(scene, name)), 5, "the resend")
    pause(scene, name, False)
    expect(found, name, again.result())
    expect_deliveries(found, scene, name, one)


def torn_short(scene, name, found):
    _spoiled(scene, name, found, lambda p: os.truncate(p, 1500))
    expect_corrupt(found, scene, name)


def torn_empty(scene, name, found):
    _spoiled(scene, name, found, lambda p: os.truncate(p, 0))
    expect_corrupt(found, scene, name)


def torn_zeros(scene, name, found):
    """The length is right, and its end is zeros."""
    _spoiled(scene, name, found, _zero_end)
    expect_corrupt(found, scene, name)


def torn_bit(scene, name, found):
    _spoiled(scene, name, found, _flip)
    expect_corrupt(found, scene, name)


def _zero_end(path):
    size = path.stat().st_size
    os.truncate(path, size - 300)
    os.truncate(path, size)


def _flip(path):
    with open(path, "r+b") as f:
        f.seek(-5, os.SEEK_END)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 1]))


def expect_corrupt(found, scene, name):
    if len(scene.gateway.items(name, "corrupt")) != 1:
        found.append(f"{name}: the torn copy is not in corrupt/")
    for path in (scene.spool / "queue" / name).glob("corrupt/*.dcm"):
        path.unlink()  # by the operator, who was told
        (path.parent.parent / "result" / path.name).unlink(missing_ok=True)


def taken_away(scene, name, found):
    _spoiled(scene, name, found, os.unlink)


def in_hold(scene, name, found):
    _spoiled(scene, name, found, lambda p: p.rename(
        p.parent.parent / "hold" / p.name))
    if len(scene.gateway.items(name, "hold")) != 1:
        found.append(f"{name}: what was in hold/ is not there any more")


def in_failed_by_hand(scene, name, found):
    _spoiled(scene, name, found, lambda p: p.rename(
        p.parent.parent / "failed" / p.name))
    _expect_superseded(found, scene, name)


def in_failed(scene, name, found):
    """Refused for good at first, taken the second time: superseded."""
    scene.pacs[name].script = [Answer(0xC123)]
    one = instance.make()
    expect(found, name, scene.store(one, 1, to=name), (0xC123,))
    expect(found, name, scene.store(one, 2, to=name))
    _expect_superseded(found, scene, name)


def _expect_superseded(found, scene, name):
    try:
        scene.gateway.wait_items(name, "failed", 0, 3)
    except AssertionError:
        found.append(f"{name}: the copy in failed/ was not superseded")


# The same UID with other bytes


def a_b_a(scene, name, found):
    """All are delivered, in this order; who waits gets an answer."""
    pause(scene, name)
    a = instance.make()
    b = other_content(a)
    waits = []
    for i, one in enumerate((a, b, a)):
        waits.append(scene.store_later(one, 1 + i, to=name))
        tools.wait_until(lambda: len(queued(scene, name)) == i + 1, 5)
    pause(scene, name, False)
    for wait in waits:
        expect(found, name, wait.result())
    expect_deliveries(found, scene, name, a, b, a)


def a_a_b_b_a(scene, name, found):
    """Neighbours that are equal are one job, all else is in order."""
    pause(scene, name)
    a = instance.make()
    b = other_content(a)
    for i, one in enumerate((a, a, b, b, a)):
        give_up(scene, name, one, 1 + i)
    pause(scene, name, False)
    scene.gateway.wait_empty(name)
    expect_deliveries(found, scene, name, a, b, a)


def a_b_a_lost(scene, name, found):
    """The answer to the first is lost: it stays the first."""
    scene.pacs[name].script = [Answer(cut="answer", how="rst", delay=0.7)]
    a = instance.make()
    b = other_content(a)
    for i, one in enumerate((a, b)):
        give_up(scene, name, one, 1 + i)
    expect(found, name, scene.store(a, 3, to=name))
    scene.gateway.wait_empty(name)
    expect_deliveries(found, scene, name, a, a, b, a)


CASES = (
    lost_then_success, lost_then_duplicate, duplicate_alone, resend_same_id,
    resend_new_id, resend_twice_waiting, torn_short, torn_empty, torn_zeros,
    torn_bit, taken_away, in_hold, in_failed_by_hand, in_failed, a_b_a,
    a_a_b_b_a, a_b_a_lost)


def play(cases=CASES):
    """All at once, a destination each."""
    names, found = [c.__name__ for c in cases], []
    with Scene(names, routes=[{"ResponseTimeout": 15}], **EACH) as scene:
        def run(case):
            try:
                case(scene, case.__name__, found)
            except (AssertionError, *LOST) as e:
                found.append(f"{case.__name__}: {e}")

        scenes.in_parallel(run, cases)
        scene.drain()
        # 0x0111 counts as its own; each lost answer as one more
        scene.explained += 3
        found += scene.findings()
    return {"lost answers": len(cases), **scene.figures()}, found


# … after a restart

RESTARTS = (("receiver",), ("sender",), ("sender", "receiver"))


def restarted(daemons, torn=False):
    """Queued and given up; the daemons die; sent again: joined."""
    found, one = [], instance.make()
    other = other_content(one)
    with Scene(relayed=True, routes=[{"ResponseTimeout": 15}],
               **EACH) as scene:
        scene.relay.set_mode("refuse")
        give_up(scene, "pacs", one)
        give_up(scene, "pacs", other, 2)
        scene.kill(*daemons)
        if torn:
            first = min(queued(scene, "pacs"), key=lambda q: q[1])
            os.truncate(scene.gateway.path("pacs", *first), 1500)
        for name in daemons:
            getattr(scene.gateway, name).start()
        again = [scene.store_later(other, 3 + i) for i in range(2)]
        tools.wait_until(lambda: len(queued(scene, "pacs")) == 4, 10)
        scene.relay.set_mode("pass")
        for wait in again:
            expect(found, f"restart of {daemons}", wait.result())
        scene.drain()
        expect_deliveries(found, scene, "pacs",
                          *((other,) if torn else (one, other)))
        if torn:
            expect_corrupt(found, scene, "pacs")
        scene.explained = 0
        found += scene.findings()
    return {"lost answers": 1, "kills": len(daemons), **scene.figures()}, found


def restarted_in_flight():
    """The sender dies while it waits for an answer; 0x0111 ends it."""
    found, one = [], instance.make()
    with Scene(routes=[{"ResponseTimeout": 15}], **EACH) as scene:
        pacs = scene.destination
        pacs.script = [Answer(delay=2), Answer(0x0111)]
        wait = scene.store_later(one, 1)
        tools.wait_until(lambda: pacs.received, 5)
        scene.restart("sender")
        expect(found, "restart in flight", wait.result(), (0, 0x0111))
        scene.drain()
        found += scene.findings()
    return {"lost answers": 1, "kills": 1, **scene.figures()}, found


def soak(seconds, seed):
    luck, clock = random.Random(seed), Clock(seconds)
    total, found = {}, []
    jobs = [play, restarted_in_flight] + [
        lambda d=d, t=t: restarted(d, t)
        for d, t in itertools.product(RESTARTS, (False, True))]
    while True:
        for job in [jobs[0]] + luck.sample(jobs, len(jobs)):
            figures, findings = job()
            scenes.add(total, figures)
            found += findings
            if not clock:
                return total, found
