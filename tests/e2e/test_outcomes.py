"""The outcome table, row by row: what becomes of the item and of the link."""

import os
import signal
import time

import pytest
from peers import instance
from peers.destination import Answer, Associate
from peers.modality import Rejected

import tools


@pytest.fixture
def spooled(start_gateway, pacs):
    """A gateway whose modalities are answered when the item is queued."""
    def start(**more):
        return start_gateway(
            {"pacs": pacs}, routes=[{"AnswerWhen": "spooled"}], **more)
    return start


@pytest.mark.parametrize(
    "status", [0x0000, 0xB000, 0xB006, 0xBFFF, 0x0001, 0x0107, 0x0116],
    ids=hex)
def test_delivered(start_gateway, pacs, status):
    gateway = start_gateway({"pacs": pacs}, KeepSent=3600)
    pacs.default = Answer(status)
    assert gateway.store(instance.make()).status == status
    gateway.wait_items("pacs", "sent", 1)
    assert gateway.empty("pacs") and not gateway.items("pacs", "failed")
    assert len(pacs.received) == 1


def test_delivered_items_are_removed(to_pacs):
    assert to_pacs.store(instance.make()).status == 0
    tools.wait_until(lambda: not any(
        any(to_pacs.path("pacs", s).iterdir())
        for s in ("new", "active", "deferred", "sent", "failed", "result")))


@pytest.mark.parametrize("status", [0xA700, 0xA7FF, 0x0110, 0x0210, 0x0213],
                         ids=hex)
def test_transient(to_pacs, pacs, status):
    pacs.script = [Answer(status, comment="later")]
    made = instance.make()
    response = to_pacs.store(made)
    assert (response.status, response.comment) == (status, "later")
    (name,) = to_pacs.items("pacs", "deferred") or [None]
    if name is not None:
        record = to_pacs.record("pacs", name)
        assert record["State"] == "deferred"
        assert int(record["Status"], 16) == status
        assert record["Attempts"] == "1"
        assert record["ErrorComment"].rstrip() == "later"
        assert record["Next-Attempt"] > record["Last-Attempt"]
    tools.wait_until(lambda: len(pacs.received) == 2)
    to_pacs.wait_empty("pacs")
    assert not to_pacs.down("pacs")


@pytest.mark.parametrize(
    "status", [0xA900, 0xC000, 0xC123, 0x0122, 0x0117, 0x0124, 0x0111, 0x0211,
               0x1234], ids=hex)
def test_permanent(to_pacs, pacs, status):
    pacs.default = Answer(status, offending=[0x00100010])
    assert to_pacs.store(instance.make(), 42).status == status
    (name,) = to_pacs.wait_items("pacs", "failed", 1)
    record = to_pacs.record("pacs", name)
    assert record["State"] == "failed"
    assert int(record["Status"], 16) == status
    assert record["MessageID"] == "42" and record["Destination"] == "pacs"
    assert record["Item"] == name
    tools.stays(lambda: len(pacs.received) == 1, 1.3)


def test_the_others_go_on_after_a_permanent_one(to_pacs, pacs):
    bad = instance.make()
    pacs.by_uid[bad.uid] = [Answer(0xC001)]
    made = [instance.make(), bad, instance.make()]
    with to_pacs.modality(*made) as ct:
        assert [ct.store(m).status for m in made] == [0, 0xC001, 0]
    assert len(pacs.associations) == 1


def test_max_attempts(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, MaxAttempts=2)
    pacs.default = Answer(0xA700)
    assert gateway.store(instance.make()).status == 0xA700
    (name,) = gateway.wait_items("pacs", "failed", 1)
    assert len(pacs.received) == 2
    assert gateway.record("pacs", name)["Attempts"] == "2"


def test_backoff_doubles(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, RetryMin=1, RetryMax=8)
    pacs.default = Answer(0xA700)
    gateway.store(instance.make())
    tools.wait_until(lambda: len(pacs.received) == 3, 15)
    at = [r.arrived for r in pacs.received]
    first, second = at[1] - at[0], at[2] - at[1]
    assert 0.4 < first < 2.5
    assert second > 1.1 and second < 5
    pacs.default = Answer()


def test_busy_is_probed_one_at_a_time(spooled, pacs):
    """Five in a row: one item a time, and attempts do not count."""
    gateway = spooled(MaxAttempts=2)
    pacs.default = Answer(0xA700)
    made = [instance.make() for _ in range(12)]
    with gateway.modality(*made) as ct:
        for one in made:
            assert ct.store(one).status == 0
    tools.wait_until(lambda: len(pacs.received) >= 5)
    seen = len(pacs.received)
    tools.stays(lambda: len(pacs.received) - seen <= 8
                and not gateway.items("pacs", "failed"), 3)
    pacs.default = Answer()
    gateway.wait_empty("pacs", 20)
    delivered = {r.uid for r in pacs.received if r.status == 0}
    assert delivered == {m.uid for m in made}


def test_duplicate_after_a_lost_answer_is_delivered(to_pacs, pacs):
    """0x0111 where an earlier try was sent whole."""
    pacs.script = [Answer(cut="answer", how="rst"), Answer(0x0111),
                   Answer(0x0111)]
    made = instance.make()
    response = to_pacs.store(made)
    assert response.status == 0x0111
    to_pacs.wait_empty("pacs")
    assert not to_pacs.items("pacs", "failed")


def test_duplicate_after_a_lost_answer_to_other_bytes(start_gateway, pacs):
    """Put into its place by hand: they are not there."""
    gateway = start_gateway(
        {"pacs": {"RemotePort": pacs.port, "RetryMin": 60,
                  "RetryMax": 60}},
        routes=[{"AnswerWhen": "spooled"}])
    pacs.script = [Answer(cut="answer", how="rst"), Answer(0xA700)]
    pacs.default = Answer(0x0111)
    gateway.store(instance.make())
    (name,) = gateway.wait_items("pacs", "deferred", 1)
    assert gateway.record("pacs", name)["AnswerLost"] == "yes"
    held = gateway.path("pacs", "hold", name)
    gateway.path("pacs", "deferred", name).rename(held)
    assert tools.run("dcmodify", "-nb", "-m", "PatientID=NEW", held
                     ).returncode == 0
    held.rename(gateway.path("pacs", "new", name))
    assert gateway.wait_items("pacs", "failed", 1) == [name]


BROKEN = [
    ("pending", Answer(0xFF00)), ("cancel", Answer(0xFE00)),
    ("message ID", Answer(override={"MessageIDBeingRespondedTo": 60000})),
    ("instance", Answer(override={"AffectedSOPInstanceUID": "1.2.3"})),
    ("class", Answer(override={"AffectedSOPClassUID": "1.2.3"})),
    ("context", Answer(context_id=255)),
    ("early", Answer(early=True)),
    ("no status", Answer(override={"Status": None})),
    ("command", Answer(override={"CommandField": 0x8030})),
]


@pytest.mark.parametrize("answer", [a for _, a in BROKEN],
                         ids=[n for n, _ in BROKEN])
def test_broken_peer(to_pacs, pacs, answer):
    """Its word is not taken: abort, and another try."""
    pacs.script = [answer]
    # more than the sockets' buffers hold, so that an early answer is one
    made = instance.make(pixels=16000000 if answer.early else 512)
    assert to_pacs.store(made).status == 0
    assert pacs.received[-1].uid == made.uid
    assert pacs.received[-1].status == 0
    assert len(pacs.associations) >= 2
    assert pacs.aborts + pacs.closes >= 1
    to_pacs.wait_empty("pacs")


def test_a_second_answer_is_not_the_next_ones(to_pacs, pacs):
    # Seen before the next is sent, or in the place of its answer: sent again.
    pacs.script = [Answer(times=2), Answer(0xB000), Answer(0xB000)]
    made = [instance.make(), instance.make()]
    with to_pacs.modality(*made) as ct:
        assert ct.store(made[0]).status == 0
        assert ct.store(made[1]).status == 0xB000
    to_pacs.wait_empty("pacs")


@pytest.mark.parametrize("cut", ["rst", "fin", "abort"])
@pytest.mark.parametrize("where", ["command", "data", "answer", "in-answer"])
def test_breaks_are_hidden(to_pacs, pacs, where, cut):
    pacs.script = [Answer(cut=where, how=cut)]
    made = instance.make(pixels=1000000)
    assert to_pacs.store(made).status == 0
    assert pacs.received[-1].digest == made.digest
    to_pacs.wait_empty("pacs")
    to_pacs.wait_down("pacs", False)


@pytest.mark.parametrize("where", ["data", "answer"])
def test_silence_is_a_break(start_gateway, pacs, where):
    gateway = start_gateway({"pacs": pacs}, DimseTimeout=1)
    pacs.script = [Answer(cut=where, how="silence")]
    assert gateway.store(instance.make(pixels=4000000)).status == 0


@pytest.mark.parametrize("plan", [
    Associate(cut="rst"), Associate(cut="abort"), Associate(cut="silence"),
    Associate(reject=(2, 3, 2)), Associate(reject=(1, 1, 7)),
    Associate(refuse=lambda *_: True)],
    ids=["rst", "abort", "silence", "busy", "permanent", "no context"])
def test_link_down_and_up(start_gateway, pacs, plan):
    """Items keep their attempts, one probe a time, and then on."""
    gateway = start_gateway({"pacs": pacs}, AssociateTimeout=1, MaxAttempts=1)
    pacs.associate = plan
    made = [instance.make() for _ in range(3)]
    open_ones = [gateway.modality(m).__enter__() for m in made]
    for ct, one in zip(open_ones, made):
        ct.send(one)
    gateway.wait_down("pacs")
    tools.stays(lambda: pacs.requests <= 6
                and not gateway.items("pacs", "failed"), 2.2)
    assert pacs.requests >= 1
    if plan.reject == (1, 1, 7) or plan.refuse:
        assert any("warning" in line for line in gateway.sender.log)
    pacs.associate = Associate()
    for ct in open_ones:
        assert ct.read_response().status == 0
        ct.release()
    gateway.wait_down("pacs", False)
    assert len(pacs.received) == 3


def test_connect_refused(to_pacs, pacs):
    pacs.stop()
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        to_pacs.wait_down("pacs")
        text = (to_pacs.path("pacs", "down")).read_text()
        assert text.startswith("dcmspool-link 1\n")
        pacs.start()
        assert ct.read_response().status == 0
    to_pacs.wait_down("pacs", False)


def test_probe_with_an_empty_queue(to_pacs, pacs):
    """A link that broke is known to be up again before anything is sent."""
    pacs.stop()
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        to_pacs.wait_down("pacs")
        ct.abort()
    (name,) = (to_pacs.items("pacs", "new") + to_pacs.items("pacs", "active")
               + to_pacs.items("pacs", "deferred"))
    for state in ("new", "deferred"):
        path = to_pacs.path("pacs", state, name)
        if path.exists():
            path.rename(to_pacs.path("pacs", "hold", name))
    pacs.start()
    to_pacs.wait_down("pacs", False)
    assert pacs.echoes >= 1 and pacs.received == []


def test_probe_where_echo_is_not_accepted(to_pacs, pacs):
    pacs.associate = Associate(echo=False)
    pacs.stop()
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        to_pacs.wait_down("pacs")
        pacs.start()
        assert ct.read_response().status == 0


def test_full_speed_after_the_link_is_up(spooled, pacs):
    gateway = spooled()
    pacs.stop()
    made = [instance.make() for _ in range(100)]
    with gateway.modality(*made) as ct:
        for one in made:
            assert ct.store(one).status == 0
    gateway.wait_down("pacs")
    pacs.start()
    tools.wait_until(lambda: pacs.received)
    began = time.monotonic()
    gateway.wait_empty("pacs")
    assert time.monotonic() - began < 3
    assert sorted(pacs.uids()) == sorted(m.uid for m in made)


def test_an_instance_that_breaks_the_link_is_set_aside(start_gateway, pacs):
    """Three breaks with C-ECHO in between: transient for that item; the
    others go on."""
    gateway = start_gateway({"pacs": pacs}, MaxAttempts=1, routes=[
        {"ResponseTimeout": 20}])
    bad, good = instance.make(), instance.make()
    pacs.by_uid[bad.uid] = [Answer(cut="data", how="abort")
                            for _ in range(50)]
    with gateway.modality(bad) as one, gateway.modality(good) as two:
        one.send(bad)
        tools.wait_until(lambda: pacs.partial)
        two.send(good)
        assert one.read_response().status != 0
        assert two.read_response().status == 0
    assert pacs.echoes >= 1
    (name,) = gateway.wait_items("pacs", "failed", 1)
    assert bad.uid in name
    assert len(pacs.partial) <= 6
    gateway.wait_down("pacs", False)


def test_a_reused_association_that_broke_is_made_anew_at_once(to_pacs, pacs):
    for how in ("rst", "fin", "abort"):
        assert to_pacs.store(instance.make()).status == 0
        pacs.cut_all(how)
        response = to_pacs.store(instance.make())
        assert response.status == 0 and response.seconds < 0.9
    assert not any("down" in line.split(" ", 3)[-1].split(" ")[0]
                   for line in to_pacs.sender.log)


def test_the_items_context_refused_beside_others(to_pacs, pacs):
    pacs.associate = Associate(
        refuse=lambda abstract, _: abstract == instance.MR_IMAGE)
    fine = instance.make(sop_class=instance.CT_IMAGE)
    bad = instance.make(sop_class=instance.MR_IMAGE)
    with to_pacs.modality(fine, bad) as ct:
        assert ct.store(fine).status == 0
        assert ct.store(bad).status == 0x0122
        assert ct.store(fine).status == 0
    (name,) = to_pacs.wait_items("pacs", "failed", 1)
    assert bad.uid in name


def test_status_class(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, KeepSent=3600, StatusClass=(
        "0xA900 transient", "0xB000-0xB007 permanent", "0xC001 delivered"))
    pacs.script = [Answer(0xA900), Answer(0x0000)]
    assert gateway.store(instance.make()).status == 0xA900
    tools.wait_until(lambda: len(pacs.received) == 2)
    gateway.wait_items("pacs", "sent", 1)
    pacs.default = Answer(0xB007)
    assert gateway.store(instance.make()).status == 0xB007
    gateway.wait_items("pacs", "failed", 1)
    pacs.default = Answer(0xC001)
    assert gateway.store(instance.make()).status == 0xC001
    gateway.wait_items("pacs", "sent", 2)


def test_poison_kills_the_lane_twice(spooled, pacs):
    """The lane dies while it sends an item: the second time it fails."""
    gateway = spooled()
    bad = instance.make()
    pacs.by_uid[bad.uid] = [Answer(delay=30) for _ in range(3)]
    assert gateway.store(bad).status == 0
    for n in (1, 2):
        tools.wait_until(lambda n=n: len(pacs.received) == n, 15)
        parent = gateway.sender.process.pid
        for pid in gateway.sender.processes():
            if pid != parent:
                os.kill(pid, signal.SIGKILL)
    (name,) = gateway.wait_items("pacs", "failed", 1)
    assert bad.uid in name
    assert gateway.store(instance.make()).status == 0
    gateway.wait_empty("pacs")


def test_keep_sent_and_keep_failed(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, KeepSent=1, KeepFailed=1)
    pacs.script = [Answer(), Answer(0xC001)]
    assert gateway.store(instance.make()).status == 0
    assert gateway.store(instance.make()).status == 0xC001
    gateway.wait_items("pacs", "sent", 0, 20)
    gateway.wait_items("pacs", "failed", 0, 20)
    tools.wait_until(
        lambda: not list(gateway.path("pacs", "result").iterdir()))


def test_max_queue_bytes(start_gateway, destination):
    full, other = destination(), destination()
    full.stop()
    gateway = start_gateway(
        {"full": {"RemotePort": full.port, "MaxQueueBytes": 100000},
         "other": other},
        routes=[{"RemoteAET": "CT*", "DuplexTargetConfigNames": "full",
                 "AnswerWhen": "spooled"},
                {"DuplexTargetConfigNames": "other"}])
    statuses = [gateway.store(
        instance.make(pixels=60000), calling="CT").status for _ in range(3)]
    assert statuses[0] == 0 and statuses[-1] == 0xA700
    assert gateway.store(instance.make(), calling="MR").status == 0
    full.start()
    gateway.wait_empty("full")


def test_min_free_bytes(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, top={"MinFreeBytes": 1 << 60})
    with pytest.raises(Rejected) as e:
        gateway.store(instance.make())
    assert e.value.args == (2, 3, 1)
