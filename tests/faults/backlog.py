"""Poor luck in numbers: a long queue, both daemons killed and started, and a
modality that comes while it drains.

dcmspool-spool(5), RECOVERY: R4 R6 R8
"""

import collections
import datetime
import hashlib
import random
import re
import struct
import time

import xxhash

import scene as scenes
from peers import instance, pdu
from scene import Scene, tools

MIB = 1 << 20
EACH = {"ConnectTimeout": 1, "DimseTimeout": 20}
ANSWER_S = 1.0
ITEM_BYTES = 512  # of memory, an item that is queued
BASE_BYTES = 24 * MIB  # of memory, without a queue
ENVELOPE_BYTES = 1024
PRIVATE_CREATOR = "2.25.149966729377242147937493840725190215065"


class Items:
    """Makes items with envelopes as the receiver would have left them."""

    def __init__(self, begin=None):
        self.at = begin or datetime.datetime.now(
            datetime.timezone.utc) - datetime.timedelta(minutes=30)
        self.template = instance.make(pixels=512, uid="1.2.3")

    def write(self, folder, uid, message_id, text=b""):
        """One item in a folder: its digest and its name. text makes the bytes
        differ."""
        self.at += datetime.timedelta(microseconds=7)
        stamp = self.at.strftime("%Y%m%dT%H%M%S.%fZ")
        data = self.template.data + _explicit(
            0x7FE1, 0x0010, b"LO", text or uid.encode())
        name = f"{stamp}-m{message_id}-{uid}.dcm"
        envelope = "\n".join((
            "dcmspool-envelope 1", "Association: 20000101T000000.000000Z-1",
            f"MessageID: {message_id}", "CallingAET: JD-SCU",
            "CalledAET: ENS-SCP", "PeerAddress: 127.0.0.1",
            f"Received: {self.at.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}",
            "Priority: 0", f"DataSetLength: {len(data)}",
            f"Digest: {xxhash.xxh3_128_hexdigest(data)}", "")).encode()
        meta = b"".join((
            _explicit(2, 0x01, b"OB", b"\0\1"),
            _explicit(2, 0x02, b"UI", self.template.sop_class.encode()),
            _explicit(2, 0x03, b"UI", uid.encode()),
            _explicit(2, 0x10, b"UI", pdu.EXPLICIT_LE.encode()),
            _explicit(2, 0x12, b"UI", pdu.IMPLEMENTATION_UID.encode()),
            _explicit(2, 0x100, b"UI", PRIVATE_CREATOR.encode()),
            _explicit(2, 0x102, b"OB", envelope.ljust(ENVELOPE_BYTES))))
        head = bytes(128) + b"DICM" + _explicit(
            2, 0, b"UL", struct.pack("<I", len(meta)))
        with open(f"{folder}/{name}", "wb") as f:
            f.write(head + meta + data)
        return hashlib.sha256(data).hexdigest(), name


_explicit = instance._explicit


def peak_bytes(pid):
    """The most memory that a process ever had resident."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return 1024 * int(re.search(r"VmHWM:\s*(\d+)", f.read())[1])


def drain(n, seed=0, kills=1, visits=5, several=10):
    """n items, every so many-th SOP Instance UID with three contents."""
    luck, found, figures = random.Random(seed), [], {}
    with Scene(routes=[{"ResponseTimeout": 20}], **EACH) as scene:
        sender, pacs = scene.gateway.sender, scene.destination
        pacs.stop()
        expected = _fill(scene, n, several)
        restarts = [_restart(scene)]
        began = time.monotonic()
        pacs.start()
        for _ in range(kills - 1):
            more = len(pacs.received) + n // (4 * kills)
            tools.wait_until(lambda: len(pacs.received) >= more
                             or scene.gateway.empty("pacs"), 60)
            restarts.append(_restart(scene))
        waits = _visit(scene, visits, n, luck, found)
        tools.wait_until(lambda: scene.gateway.empty("pacs")
                         if len(pacs.received) >= n else False,
                         60 + n / 50, "the backlog is drained")
        took = time.monotonic() - began
        _check_order(expected, pacs, found)
        for state in ("hold", "failed", "corrupt"):
            for name in scene.gateway.items("pacs", state):
                reason = scene.gateway.record("pacs", name).get("Reason")
                found.append(f"in {state}/: {name}: {reason}")
        peaks = {p: peak_bytes(p) for d in (sender, scene.gateway.receiver)
                 for p in d.processes()}
        limit = BASE_BYTES + ITEM_BYTES * n
        if max(peaks.values()) > limit and not scenes.gateways.SANITIZED:
            found.append(f"{max(peaks.values())} bytes resident, more than "
                         f"{limit}")
        figures = {
            "queued items": n, "kills": 2 * len(restarts),
            "longest start, ms": round(1000 * max(restarts)),
            "drained, items/s": round(n / took),
            "largest process, KiB": max(peaks.values()) >> 10,
            "longest answer meanwhile, ms": round(1000 * max(waits))}
        found += scene.findings()
        figures.update(scene.figures())
    return figures, found


def _fill(scene, n, several):
    """Publishes them: {uid: [digests in order]}."""
    items, expected = Items(), collections.defaultdict(list)
    new = scene.spool / "queue" / "pacs" / "new"
    uids = [instance.new_uid() for _ in range(n - 2 * (n // several // 3))]
    plan = [(uid, b"") for uid in uids]
    for text in (b"second", b"third"):
        plan += [(uid, text) for uid in uids[:n // several // 3]]
    for i, (uid, text) in enumerate(plan[:n]):
        digest, _ = items.write(new, uid, i % 65535 + 1, text)
        expected[uid].append(digest)
        # The modality was told that it is queued.
        scene.ledger.sent(uid, digest, i % 65535 + 1).answered(
            0xA700, i % 65535 + 1, "queued, not yet delivered")
    return expected


def _restart(scene):
    """SIGKILL for both, a start of both: seconds until the sender is ready."""
    scene.kill()
    began = time.monotonic()
    scene.gateway.sender.start(60)
    took = time.monotonic() - began
    scene.gateway.receiver.start(60)
    return took


def _visit(scene, visits, n, luck, found):
    """Modalities that come while it drains."""
    waits, pacs = [], scene.destination
    for i in range(visits):
        before = len(pacs.received)
        more = before + luck.randrange(1, 200)
        tools.wait_until(lambda: len(pacs.received) > more
                         or scene.gateway.empty("pacs"), 60)
        late = scene.gateway.empty("pacs")
        entry = scene.store(instance.make(), 60000 + i)
        waits.append((entry.answered_at or 1e9) - entry.sent_at)
        if not entry.success or waits[-1] > ANSWER_S:
            found.append(f"a modality that came while it drained: "
                         f"{entry.status} after {waits[-1]:.2f} s")
        if late:
            break
    return waits


def _check_order(expected, pacs, found):
    """By SOP Instance UID; what a kill made come twice counts once."""
    came = collections.defaultdict(list)
    for one in list(pacs.received):
        if one.digest not in came[one.uid]:
            came[one.uid].append(one.digest)
    wrong = [u for u, digests in expected.items() if came[u] != digests]
    if wrong:
        found.append(f"{len(wrong)} SOP instances not all there or in another "
                     f"order, as {wrong[0]}")


def soak(seconds, seed):
    """100,000 where there is time for it."""
    n = max(5000, min(100000, int(seconds * 250)))
    figures, found = drain(n, seed, kills=3, visits=20)
    return figures, found
