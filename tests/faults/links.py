"""Faults of the link: cuts at every kind of byte, holes, resets, slow and
flapping links, and an interface that goes down.

Each function plays one fault on a Scene and returns what it found wrong.

dcmspool-spool(5), RECOVERY: R15 R16
"""

import contextlib
import itertools
import os
import queue
import random
import time

import gateway as gateways
import scene as scenes
from peers import instance
from peers.destination import Associate
from relay import BACK, FORTH, HOWS, OFFSETS, Fault
from scene import Clock, Scene, tools

PLACES = ("associate-rq", "command", "data", "last-data", "associate-ac", "rsp")
CUTS = [Fault(*c) for c in itertools.product(PLACES, OFFSETS, HOWS)]
AGAIN_S = 2.0  # from a link that is there again to the first delivery
TIMEOUT_S = 1  # AssociateTimeout and DimseTimeout here: a silence ends then
MARGIN_S = 0.5  # for a machine that is busy
EACH = {"ConnectTimeout": TIMEOUT_S, "AssociateTimeout": TIMEOUT_S,
        "DimseTimeout": TIMEOUT_S}
SLOW = {"ConnectTimeout": 5, "AssociateTimeout": 20, "DimseTimeout": 30}
RECEIVER = {"DimseTimeout": 2, "ARTIM": 2, "IdleTimeout": 5}


def small_pdus(scene):
    """An instance of 40 KB comes in several PDVs then."""
    for one in scene.pacs.values():
        one.associate = Associate(max_pdu=16384)


def picture():
    return instance.make(pixels=40000)


# Between sender and destination


def cut_delivery(scene, name, fault):
    """One delivery is cut; the modality that waits does not notice."""
    relay, found = scene.relays[name], []
    if fault.place.startswith("associate"):
        relay.cut_all("fin")  # a warm association would be used
    relay.arm(fault)
    entry = scene.store(picture(), 1, to=name)
    if not entry.success:
        found.append(f"{fault}: answered {entry.status} {entry.comment}")
    # One more: some of the cuts are felt only then.
    after = scene.store(picture(), 2, to=name)
    if not after.success:
        found.append(f"{fault}: then answered {after.status} {after.comment}")
    if relay.armed:
        found.append(f"{fault}: did not happen")
        relay._armed.clear()
        return found
    cut_at = relay.cuts[-1][1]
    again = next((t for t in relay.requests if t > cut_at), cut_at)
    limit = AGAIN_S + MARGIN_S + (
        2 * TIMEOUT_S if fault.how in ("silence", "half") else 0)
    if again - cut_at > limit:
        found.append(f"{fault}: the next delivery began after "
                     f"{again - cut_at:.1f} s")
    return found


def cut_deliveries(cuts, lanes=6, clock=None):
    """Many cuts, in turn, on several destinations at once."""
    names = [f"d{i}" for i in range(lanes)]
    found, work, done = [], queue.SimpleQueue(), []
    for cut in cuts:
        work.put(cut)
    with Scene(names, relayed=True, **EACH,
               routes=[{"ResponseTimeout": 20}]) as scene:
        small_pdus(scene)

        def play(name):
            with contextlib.suppress(queue.Empty):
                while clock is None or clock:
                    cut = work.get_nowait()
                    found.extend(cut_delivery(scene, name, cut))
                    done.append(cut)

        scenes.in_parallel(play, names)
        scene.drain()
        found += scene.findings()
    return {"link cuts": len(done), **scene.figures()}, found


def queue_up(scene, n):
    """n items that wait, each refused: "queued"."""
    waits = [scene.store_later(instance.make(), 1 + i) for i in range(n)]
    return [w.result() for w in waits]


def drained(scene, n, since, timeout=30):
    """How long the delivery of the last n took, from its first request."""
    scene.drain(timeout)
    requests = [t for t in scene.relay.requests if t >= since]
    return max(0.001, scene.destination.received[-1].answered - requests[0])


def outage(scene, mode, n=40, slack=0.0, begin=None, finish=None):
    """The link is gone, n items come, the link returns: it begins within 2 s
    and drains at the speed it has without a fault."""
    relay, found = scene.relay, []
    paused = scene.spool / "queue" / "pacs" / "paused"
    paused.touch()
    queue_up(scene, n)
    began = time.monotonic()
    paused.unlink()
    usual = drained(scene, n, began)

    (begin or (lambda: relay.set_mode(mode)))()
    entries = queue_up(scene, n)
    for e in entries:
        if e.success:
            found.append(f"{mode}: success over a link that is gone: {e}")
    scene.gateway.wait_down("pacs", timeout=15)
    back = time.monotonic()
    (finish or (lambda: relay.set_mode("pass")))()
    with contextlib.suppress(AssertionError):
        tools.wait_until(lambda: any(t >= back for t in relay.requests), 15)
    first = min((t for t in relay.requests if t >= back), default=back + 99)
    if first - back > AGAIN_S + MARGIN_S + slack:
        found.append(f"{mode}: the first delivery began {first - back:.1f} s "
                     "after the link was back")
    took = drained(scene, n, back)
    if took > 2 * usual + (2 if gateways.SANITIZED else 0.3):
        found.append(f"{mode}: {n} items took {took:.2f} s, {usual:.2f} s "
                     "without a fault")
    return found


def outages(modes, n=40):
    """refuse: RST at once; silent: accepts TCP and never speaks; hole: the
    same for what is open. A probe that hangs ends by its timeout first."""
    found = []
    with Scene(relayed=True, **EACH, routes=[{"ResponseTimeout": 1}]) as scene:
        for mode in modes:
            found += outage(scene, mode, n,
                            0 if mode == "refuse" else TIMEOUT_S)
        found += scene.findings()
    return {"outages": len(modes), **scene.figures()}, found


def long_backoff():
    """RetryMax of minutes: who waits makes the link be tried at once."""
    found = []
    with Scene(relayed=True, **EACH, RetryMax=300,
               routes=[{"ResponseTimeout": 1}]) as scene:
        scene.relay.set_mode("refuse")
        queue_up(scene, 3)
        tools.wait_until(
            lambda: scene.log().count("probe-failed") >= 2, 15, "two probes")
        back = time.monotonic()
        scene.relay.set_mode("pass")
        scene.gateway.routes[0]["ResponseTimeout"] = 20
        scene.gateway.write_conf()
        scene.gateway.receiver.hup()
        entry = scene.store(instance.make(), 9)
        if not entry.success or entry.answered_at - back > AGAIN_S + MARGIN_S:
            found.append(f"answered {entry.status} after "
                         f"{entry.answered_at - back:.1f} s")
        scene.drain()
        found += scene.findings()
    return {"outages": 1, **scene.figures()}, found


def slow(rate=0, latency=0, jitter=0, n=2):
    """1 kB/s, or 600 ms each way: answers come, late."""
    with Scene(relayed=True, **SLOW, seed=1) as scene:
        relay = scene.relay
        relay.rate, relay.latency, relay.jitter = rate, latency, jitter
        entries = [scene.store(instance.make(pixels=16), 1 + i)
                   for i in range(n)]
        found = [f"{rate} B/s, {latency} s: answered {e.status} {e.comment}"
                 for e in entries if not e.success]
        relay.rate = 0
        found += scene.findings()
    return {"slow links": 1, **scene.figures()}, found


def flap(seconds, period=2.0, seed=0, modes=("refuse", "pass")):
    """Away and back, while modalities send all the time."""
    luck = random.Random(seed)
    with Scene(relayed=True, **EACH, seed=seed,
               routes=[{"ResponseTimeout": 3}]) as scene:
        clock, flaps = Clock(seconds), 0

        def send(_):
            message_id = 0
            while clock:
                message_id += 1
                scene.store(instance.make(), message_id)

        def flapping():
            nonlocal flaps
            for mode in itertools.cycle(modes):
                if not clock:
                    return
                scene.relay.set_mode(mode)
                flaps += 1
                scene.relay.stopping.wait(
                    min(clock.left, period * luck.uniform(0.9, 1.1)))

        flapper = scene.pool.submit(flapping)
        scenes.in_parallel(send, range(3))
        flapper.result()
        scene.relay.set_mode("pass")
        scene.drain()
        found = scene.findings()
    return {"flaps": flaps, **scene.figures()}, found


# Between modality and receiver


def cut_reception(scene, fault):
    """The modality is cut off and sends again, under a new message ID."""
    relay, found, one = scene.relay_in, [], picture()
    relay.arm(fault)
    first = scene.store(one, 5, port=relay.port, timeout=2)
    if first.answers and not first.success:
        found.append(f"in {fault}: answered {first.status} {first.comment}")
    again = scene.store(one, 6)
    if not again.success:
        found.append(f"in {fault}: resend answered {again.status} "
                     f"{again.comment}")
    if relay.armed:
        found.append(f"in {fault}: did not happen")
        relay._armed.clear()
    return found


def cut_receptions(cuts, clock=None):
    found, done = [], 0
    with Scene(receiver={**RECEIVER, "MaxPDU": 16384}) as scene:
        scene.connect_in()
        for cut in cuts:
            if clock is not None and not clock:
                break
            found += cut_reception(scene, cut)
            done += 1
        scene.drain()
        scene.relay_in.cut_all()
        found += scene.findings()
    return {"link cuts": done, **scene.figures()}, found


# A real interface


class Namespace:
    """A network namespace with a cable to ours."""

    def __init__(self):
        number = os.getpid() % 200 + 20
        self.name = f"dcmspool-{os.getpid()}"
        self.ours, self.theirs = f"ds{os.getpid()}a", f"ds{os.getpid()}b"
        self.our_address = f"198.18.{number}.1"
        self.address = f"198.18.{number}.2"  # RFC 2544

    def __enter__(self):
        self.ip("netns", "add", self.name)
        try:
            self.ip("link", "add", self.ours, "type", "veth", "peer", "name",
                    self.theirs, "netns", self.name)
            self.ip("addr", "add", f"{self.our_address}/24", "dev", self.ours)
            self.ip("link", "set", self.ours, "up")
            self.inside("addr", "add", f"{self.address}/24", "dev",
                        self.theirs)
            self.inside("link", "set", self.theirs, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.ip("netns", "del", self.name)
        tools.run("ip", "link", "del", self.ours)  # mostly gone with it

    def ip(self, *words):
        done = tools.run("ip", *words)
        if done.returncode != 0:
            raise OSError(f"ip {' '.join(words)}: {done.stdout}")

    def inside(self, *words):
        self.ip("-n", self.name, *words)


def namespaces_work():
    """Why they do not; "" where they do."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        with Namespace():
            return ""
    except OSError as e:
        return str(e)


def interface(n=20, sides=("ours", "theirs")):
    """The interface goes down and comes up, on our side and on theirs."""
    found = []
    with Namespace() as net, Scene(
            relayed=True, netns=net.name, host=net.address, **EACH,
            routes=[{"ResponseTimeout": 1}]) as scene:
        for side in sides:
            run = net.ip if side == "ours" else net.inside
            device = getattr(net, side)
            found += outage(
                scene, f"interface down, {side}", n, TIMEOUT_S,
                lambda: run("link", "set", device, "down"),
                lambda: run("link", "set", device, "up"))
            # What was under way may arrive after we have given it up.
            scene.explained += 1
        found += scene.findings()
    return {"outages": len(sides), **scene.figures()}, found


def soak(seconds, seed):
    """Everything, for so long: figures and findings."""
    luck, clock = random.Random(seed), Clock(seconds)
    total, found = {}, []

    def take(result):
        scenes.add(total, result[0])
        found.extend(result[1])

    take(cut_deliveries(luck.sample(CUTS, len(CUTS)), clock=Clock(seconds / 3)))
    cuts = [c for c in CUTS if c.place in FORTH + BACK]
    take(cut_receptions(luck.sample(cuts, len(cuts)), Clock(seconds / 6)))
    take(flap(min(60, seconds / 5), seed=seed))
    jobs = [lambda: outages(["refuse", "hole", "silent"], 100), long_backoff,
            lambda: slow(rate=1000), lambda: slow(latency=0.6, jitter=0.3)]
    if not namespaces_work():
        jobs.append(lambda: interface(60))
    for job in itertools.cycle(jobs):
        take(job())
        if not clock:
            return total, found
