"""The judge finds each kind of breach: gateways broken on purpose, each in
one way, as they would leave ledger, destination and spool behind."""

import hashlib
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import pytest

import judge as judges
from judge import Arrival, Ledger
from peers import instance, pdu

ASSOCIATION = "20260101T115959.000000Z-77"
STAMP = "20260101T120000.%06dZ"


class Fake:
    """A gateway's remains: sent() and deliver() as a good one would, and a
    spool that tests spoil."""

    def __init__(self, folder, *destinations):
        self.spool = pathlib.Path(folder) / "spool"
        self.ledger = Ledger()
        self.arrivals = {name: [] for name in destinations}
        self.clock = 1000.0
        self.serial = 0
        for name in ("tmp", "result", *(
                f"queue/{d}/{s}" for d in destinations
                for s in (*judges.STATES, "result"))):
            (self.spool / name).mkdir(parents=True)
        (self.spool / "version").write_text("dcmspool-spool 1\n")

    def now(self, seconds=1.0):
        self.clock += seconds
        return self.clock

    def send(self, one, message_id=7, **more):
        return self.ledger.sent(one.uid, one.digest, message_id,
                                at=self.now(), **more)

    def deliver(self, one, destination="pacs", **more):
        self.arrivals[destination].append(
            Arrival(one.uid, one.digest, self.now(), **more))

    def answer(self, entry, status=0, message_id=None, **more):
        return entry.answered(
            status, entry.message_id if message_id is None else message_id,
            at=self.now(), **more)

    def good(self, one, **more):
        """Sent, delivered, answered."""
        entry = self.send(one, **more)
        for name in self.arrivals:
            self.deliver(one, name)
        return self.answer(entry)

    def item(self, one, state="new", message_id=7, destination="pacs",
             name=None):
        self.serial += 1
        file = name or f"{STAMP % self.serial}-m{message_id}-{one.uid}.dcm"
        path = self.spool / "queue" / destination / state / file
        write_item(path, one, message_id)
        return path

    def judge(self, **more):
        return judges.judge(self.ledger, self.arrivals, self.spool, **more)


def write_item(path, one, message_id):
    lines = ["dcmspool-envelope 1", f"Association: {ASSOCIATION}",
             f"MessageID: {message_id}", f"DataSetLength: {len(one.data)}"]
    if judges.xxhash:
        lines.append(
            f"Digest: {judges.xxhash.xxh3_128_hexdigest(one.data)}")
    else:
        lines.append("Digest: " + "0" * 32)
    text = "\n".join(lines).encode().ljust(1024)
    plain = instance.Instance(one.sop_class, one.uid, one.transfer, b"")
    plain.write(path)
    data = path.read_bytes()
    private = instance._explicit(0x0002, 0x0102, b"OB", text)
    meta = data[144:] + private
    length = instance._explicit(
        0x0002, 0, b"UL", len(meta).to_bytes(4, "little"))
    path.write_bytes(data[:132] + length + meta + one.data)


def record(path, *lines):
    path.write_text("\n".join(["dcmspool-result 1", *lines]) + "\n")
    return path


@pytest.fixture
def fake(tmp_path):
    return Fake(tmp_path, "pacs")


@pytest.fixture
def one():
    return instance.make()


def found(findings, *words):
    """One finding, which says so; and no other."""
    assert len(findings) == 1, findings
    for word in words:
        assert word in findings[0], findings


def test_a_good_gateway(fake, one):
    fake.good(one)
    later = instance.make()
    entry = fake.send(later, 8)
    fake.item(later, "new", 8)
    fake.answer(entry, 0xA700, comment="queued, not yet delivered")
    assert fake.judge() == []
    assert fake.ledger.figures() == {
        "instances": 2, "requests": 2, "successes": 1, "refusals": 1,
        "unanswered": 0}


@pytest.mark.parametrize("status", [0, 1, 0x107, 0x116, 0xB000, 0xB007])
def test_lost_after_success(fake, one, status):
    entry = fake.send(one, rests_on="spool")
    fake.answer(entry, status)
    found(fake.judge(), "lost", one.uid, "pacs")


@pytest.mark.parametrize("state", judges.HELD)
def test_kept_in_the_spool_is_not_lost(fake, one, state):
    fake.answer(fake.send(one, rests_on="spool"))
    fake.item(one, state)
    assert fake.judge(active_allowed=True) == []


def test_corrupt_is_lost(fake, one):
    fake.answer(fake.send(one, rests_on="spool"))
    fake.item(one, "corrupt")
    found(fake.judge(expected_corrupt=1), "lost")


def test_lost_after_it_was_called_queued(fake, one):
    fake.answer(fake.send(one), 0xA700, comment="queued, not yet delivered")
    found(fake.judge(), "lost")


def test_refused_is_not_lost(fake, one):
    fake.answer(fake.send(one), 0xA700, comment="out of space")
    fake.send(instance.make()).unanswered()
    assert fake.judge() == []


def test_lost_at_one_of_two(tmp_path, one):
    fake = Fake(tmp_path, "pacs", "archive")
    entry = fake.send(one, wait_for=("pacs",))
    fake.deliver(one, "pacs")
    fake.answer(entry)
    found(fake.judge(), "lost", "archive")
    fake.item(one, destination="archive")
    assert fake.judge() == []


def test_taken_away_by_the_operator_is_not_lost(fake, one):
    fake.answer(fake.send(one, rests_on="spool"))
    fake.ledger.took_away(one.uid, one.digest)
    assert fake.judge() == []


def test_other_bytes_at_the_destination(fake, one):
    entry = fake.send(one)
    fake.deliver(one)
    fake.arrivals["pacs"].append(
        Arrival(one.uid, hashlib.sha256(b"x").hexdigest(), fake.now()))
    fake.answer(entry)
    found(fake.judge(), "bytes differ", "pacs")


def test_only_other_bytes_at_the_destination(fake, one):
    entry = fake.send(one)
    fake.arrivals["pacs"].append(
        Arrival(one.uid, hashlib.sha256(b"x").hexdigest(), fake.now()))
    fake.answer(entry)
    findings = fake.judge()
    assert [f.split(":")[0] for f in findings] == [
        "lost", "untrue", "bytes differ"], findings


def test_nobody_sent_it(fake, one):
    fake.deliver(one)
    found(fake.judge(), "nobody sent")
    fake.ledger.put(one.uid, one.digest)
    assert fake.judge() == []


def test_other_bytes_in_the_spool(fake, one):
    fake.send(one)
    other = instance.make(uid=one.uid)
    fake.item(other)
    found(fake.judge(), "bytes differ", "pacs/new")


@pytest.mark.parametrize("spoil, words", [
    (lambda d: d[:-2], "the envelope says"),
    (lambda d: d[:-1] + bytes([d[-1] ^ 1]), "the digest does not fit"),
    (lambda d: d[:120], "Part 10"),
    (lambda d: b"", "Part 10"),
    (lambda d: d.replace(b"dcmspool-envelope 1", b"dcmspool-envelope 2"),
     "broken envelope"),
    (lambda d: d.replace(b"MessageID: 7", b"MessageID: 8"),
     "the envelope's message ID"),
], ids=["short", "bit", "torn-header", "empty", "envelope", "message-id"])
def test_broken_item(fake, one, spoil, words):
    if "digest" in words and not judges.xxhash:
        pytest.skip("python3-xxhash is not installed")
    fake.send(one)
    path = fake.item(one)
    path.write_bytes(spoil(path.read_bytes()))
    findings = fake.judge()
    assert any("broken item" in f and words in f for f in findings), findings


def test_success_before_the_destination_confirmed(fake, one):
    entry = fake.send(one)
    fake.answer(entry)
    fake.deliver(one)
    found(fake.judge(), "untrue", "before pacs confirmed")


def test_success_on_a_refusal(fake, one):
    entry = fake.send(one)
    fake.deliver(one, confirmed=False)
    fake.answer(entry)
    fake.item(one)
    found(fake.judge(), "untrue")


def test_success_by_an_earlier_delivery(fake, one):
    """The destination had it from the last time; this one was not sent."""
    fake.good(one)
    fake.answer(fake.send(one, 8))
    found(fake.judge(), "untrue", "m8")


def test_success_by_an_equal_one_under_way(fake, one):
    first = fake.send(one)
    second = fake.send(one, 8, association="b")
    fake.deliver(one)
    fake.answer(first)
    fake.answer(second)
    third = fake.send(one, 9)  # the first had no answer when it was sent
    first.answers, first.answered_at, first.status = 0, None, None
    fake.answer(third)
    assert fake.judge() == []


def test_success_before_all_confirmed(tmp_path, one):
    fake = Fake(tmp_path, "pacs", "archive")
    entry = fake.send(one)
    fake.deliver(one, "pacs")
    fake.answer(entry)
    fake.deliver(one, "archive")
    found(fake.judge(), "untrue", "archive")


def test_accepted_before_the_sync(fake, one):
    entry = fake.send(one, rests_on="spool")
    fake.item(one)
    fake.answer(entry)
    assert fake.judge() == []
    assert fake.judge(syncs=[(one.uid, entry.answered_at - 0.5)]) == []
    found(fake.judge(syncs=[]), "untrue", "synced")
    found(fake.judge(syncs=[(one.uid, entry.answered_at + 0.1)]), "untrue")


def test_another_message_id(fake, one):
    entry = fake.send(one)
    fake.deliver(one)
    fake.answer(entry, message_id=8)
    found(fake.judge(), "another message ID", "m8")


def test_two_answers(fake, one):
    fake.answer(fake.good(one))
    found(fake.judge(), "answered 2 times")


def test_item_under_another_message_id(fake, one):
    fake.send(one)
    fake.item(one, message_id=9)
    found(fake.judge(), "nobody sent", "message ID")


def test_in_two_states(fake, one):
    fake.send(one)
    path = fake.item(one)
    fake.item(one, "deferred", name=path.name)
    found(fake.judge(), "in two states")


def test_one_file_in_two_states(fake, one):
    fake.send(one)
    path = fake.item(one)
    os.link(path, fake.spool / "queue/pacs/hold" / path.name.replace(
        "000001Z", "000009Z"))
    found(fake.judge(), "in two states")
    assert fake.judge(hard_links_allowed=True) == []


def test_one_file_in_two_queues(tmp_path, one):
    fake = Fake(tmp_path, "pacs", "archive")
    fake.send(one)
    path = fake.item(one)
    os.link(path, fake.spool / "queue/archive/new" / path.name)
    assert fake.judge() == []


def test_one_stamp_for_two(fake, one):
    fake.send(one)
    fake.send(one, 8)
    fake.item(one)
    fake.serial -= 1
    fake.item(one, "hold", 8)
    found(fake.judge(), "one stamp for two")


def test_in_no_state(fake, one):
    fake.send(one)
    record(fake.spool / f"queue/pacs/result/{STAMP % 1}-m7-{one.uid}.dcm",
           "Attempts: 1")
    found(fake.judge(), "in no state")


def test_a_state_that_is_not_there(fake):
    (fake.spool / "queue/pacs/hold").rmdir()
    found(fake.judge(), "hold is not there")


@pytest.mark.parametrize("path", [
    f"tmp/{ASSOCIATION}.0f1e2d3c4b5a6978", "tmp/.x~", f"result/{ASSOCIATION}",
    "queue/pacs/result/.x.dcm.12~", "queue/pacs/.down.12~",
    "queue/pacs/new/.x.dcm", "queue/pacs/x.dcm", "stray", ".version.1~"])
def test_left_behind(fake, path):
    (fake.spool / path).write_bytes(b"")
    found(fake.judge(), "left behind", path)


def test_left_in_active(fake, one):
    fake.send(one)
    fake.item(one, "active")
    found(fake.judge(), "left behind", "active")


def test_a_living_owner(fake):
    (fake.spool / f"tmp/{ASSOCIATION}.00000000000000aa").write_bytes(b"")
    (fake.spool / "result" / ASSOCIATION).mkdir()
    assert len(fake.judge()) == 2
    assert fake.judge(owners=[ASSOCIATION]) == []
    assert len(fake.judge(owners=[ASSOCIATION[:-1]])) == 2


def test_corrupt(fake, one):
    fake.send(one)
    path = fake.item(one, "corrupt")
    path.write_bytes(b"torn")
    found(fake.judge(), "corrupt/")
    assert fake.judge(expected_corrupt=1) == []


def test_delivered_twice(fake, one):
    entry = fake.good(one)
    fake.deliver(one)
    found(fake.judge(), "1 times too often", one.uid)
    assert fake.judge(duplicates_allowed=1) == []
    assert judges.duplicates(fake.ledger, fake.arrivals) == 1
    assert entry.success


def test_delivered_again_for_a_second_request(fake, one):
    fake.good(one)
    fake.good(one, message_id=8)
    assert fake.judge() == []


def test_a_resend_that_joins_explains_no_delivery(fake, one):
    first = fake.send(one)
    second = fake.send(one, 8)
    fake.deliver(one)
    fake.answer(first)
    fake.deliver(one)
    fake.answer(second)
    found(fake.judge(), "too often")


def test_what_was_not_confirmed_may_come_again(fake, one):
    entry = fake.send(one)
    fake.deliver(one, confirmed=False)
    fake.deliver(one)
    fake.deliver(one, has_it=True)
    fake.answer(entry)
    assert fake.judge() == []


def test_waits_before_a_link_that_is_up(fake, one):
    fake.send(one)
    fake.item(one)
    soon, late = time.time() + 60, time.time() + 130
    assert fake.judge(now=soon) == []
    found(fake.judge(now=late), "waits", "link that is up")
    assert fake.judge(now=late, patience_s=200) == []
    (fake.spool / "queue/pacs/down").write_bytes(b"")
    assert fake.judge(now=late) == []
    (fake.spool / "queue/pacs/down").unlink()
    (fake.spool / "queue/pacs/paused").write_bytes(b"")
    assert fake.judge(now=late) == []


def test_deferred_waits_beyond_its_time(fake, one):
    fake.send(one)
    path = fake.item(one, "deferred")
    due = time.gmtime(time.time() + 1000)
    record(fake.spool / "queue/pacs/result" / path.name, "Attempts: 1",
           "Next-Attempt: " + time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", due))
    now = time.time()
    assert fake.judge(now=now + 1100) == []
    found(fake.judge(now=now + 1200), "waits")


def test_held_and_failed_wait_for_the_operator(fake, one):
    fake.send(one)
    fake.item(one, "hold")
    fake.send(one, 8)
    fake.item(one, "failed", 8)
    assert fake.judge(now=time.time() + 9999) == []


def test_no_spool_of_this_version(fake):
    (fake.spool / "version").write_text("dcmspool-spool 2\n")
    found(fake.judge(), "version")


def test_what_peers_record(fake, one):
    """The recording of peers.destination is understood."""
    from peers import destination

    entry = fake.ledger.sent(one.uid, one.digest, 7, at=10)
    got = destination.Received(
        one.uid, one.sop_class, pdu.EXPLICIT_LE, 1, 0, None, None, "A", "B",
        1, digest=one.digest, whole=True, arrived=11, answered=12, status=0)
    entry.answered(0, 7, at=13)
    peer = destination.Destination()
    peer.received.append(got)
    fake.arrivals = judges.arrivals({"pacs": peer})
    assert fake.judge() == []
    got.status = 0xA700
    fake.arrivals = judges.arrivals({"pacs": peer})
    found(fake.judge(), "untrue")
    got.status, got.answered = 0, 14
    fake.arrivals = judges.arrivals({"pacs": peer})
    found(fake.judge(), "untrue")
