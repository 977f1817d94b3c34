"""Order and resends."""

import os
import time

from peers import instance
from peers.destination import Answer

import tools


def other_content(one):
    """The same UID with other bytes."""
    return instance.make(pixels=1024, uid=one.uid)


def hold_back(gateway, pacs, *instances, **association):
    """Sends them, all refused after the wait, while the destination is away."""
    pacs.stop()
    statuses = []
    for one in instances:
        statuses.append(gateway.store(one, **association).status)
    return statuses


def test_resends_are_joined(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 1}])
    made = instance.make()
    assert hold_back(gateway, pacs, made, made, made) == [0xA700] * 3
    assert sum(len(gateway.items("pacs", s))
               for s in ("new", "active", "deferred")) == 3
    pacs.start()
    gateway.wait_empty("pacs")
    assert pacs.uids() == [made.uid]


def test_the_resend_gets_the_answer(start_gateway, pacs):
    """Refused, sent again: one delivery, and its answer."""
    gateway = start_gateway({"pacs": pacs})
    made = instance.make()
    pacs.script = [Answer(0xA700)]
    assert gateway.store(made, 1).status == 0xA700
    response = gateway.store(made, 2)
    assert (response.status, response.message_id) == (0, 2)
    gateway.wait_empty("pacs")
    assert len(pacs.received) == 2


def test_two_that_wait_for_the_same(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 8}])
    pacs.stop()
    made = instance.make()
    with gateway.modality(made) as one, gateway.modality(made) as two:
        one.send(made, 11)
        two.send(made, 22)
        gateway.wait_down("pacs")
        pacs.default = Answer(0xB000)
        pacs.start()
        first, second = one.read_response(), two.read_response()
    assert (first.status, first.message_id) == (0xB000, 11)
    assert (second.status, second.message_id) == (0xB000, 22)
    gateway.wait_empty("pacs")
    assert pacs.uids() == [made.uid]


def test_other_content_comes_after_the_older(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 1}],
                            Lanes=3)
    old = instance.make()
    new = other_content(old)
    hold_back(gateway, pacs, old, new)
    pacs.start()
    gateway.wait_empty("pacs")
    assert [r.digest for r in pacs.received] == [old.digest, new.digest]


def test_no_join_where_other_content_came_in_between(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 1}])
    one = instance.make()
    two = other_content(one)
    hold_back(gateway, pacs, one, two, one)
    pacs.start()
    gateway.wait_empty("pacs")
    assert [r.digest for r in pacs.received] == [
        one.digest, two.digest, one.digest]


def test_an_equal_one_in_failed_is_superseded(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    made = instance.make()
    pacs.script = [Answer(0xC001)]
    assert gateway.store(made).status == 0xC001
    gateway.wait_items("pacs", "failed", 1)
    assert gateway.store(made).status == 0
    gateway.wait_items("pacs", "failed", 0)


def test_order_of_arrival(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"AnswerWhen": "spooled"}])
    pacs.stop()
    made = [instance.make() for _ in range(40)]
    with gateway.modality(*made) as ct:
        for one in made:
            assert ct.store(one).status == 0
    gateway.wait_down("pacs")
    pacs.start()
    gateway.wait_empty("pacs")
    assert pacs.uids() == [m.uid for m in made]


def test_order_of_one_uid_with_a_transient_older_one(start_gateway, pacs):
    """The newer content waits for the older, however often that is tried."""
    gateway = start_gateway(
        {"pacs": pacs}, Lanes=3, routes=[{"AnswerWhen": "spooled"}])
    old = instance.make()
    new = other_content(old)
    pacs.script = [Answer(0xA700), Answer(0xA700)]
    with gateway.modality(old) as ct:
        assert ct.store(old).status == 0
        assert ct.store(new).status == 0
    gateway.wait_empty("pacs", 15)
    assert [r.digest for r in pacs.received] == [old.digest] * 3 + [new.digest]


def test_who_waits_goes_first(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"RemoteAET": "BULK", "AnswerWhen": "spooled"},
        {"ResponseTimeout": 15}])
    pacs.stop()
    bulk = [instance.make() for _ in range(60)]
    with gateway.modality(*bulk, calling="BULK") as ct:
        for one in bulk:
            assert ct.store(one).status == 0
    gateway.wait_down("pacs")
    urgent = instance.make()
    pacs.default = Answer(delay=0.05)
    with gateway.modality(urgent) as ct:
        ct.send(urgent)
        tools.wait_until(lambda: any(
            urgent.uid in n for s in ("new", "deferred", "active")
            for n in gateway.items("pacs", s)))
        pacs.start()
        assert ct.read_response().status == 0
    assert pacs.uids().index(urgent.uid) < 5
    gateway.wait_empty("pacs", 20)


def test_foreign_files_keep_nobody_waiting(to_pacs, pacs, tmp_path):
    """However many somebody copies into new/ at once."""
    old, made = instance.make(), instance.make()
    old.write(tmp_path / "old.dcm")
    new = to_pacs.path("pacs", "new")
    to_pacs.command("pause", "pacs")
    to_pacs.sender.wait_log(r"\bpaused\b")
    for n in range(300):
        os.link(tmp_path / "old.dcm", new / f"foreign{n}.dcm")
    with to_pacs.modality(made) as ct:
        ct.send(made)
        to_pacs.wait_items("pacs", "new", 301)
        to_pacs.command("resume", "pacs")
        assert ct.read_response().status == 0
        assert list(new.glob("foreign*"))
    to_pacs.wait_empty("pacs", 60)
    assert set(pacs.uids()) == {old.uid, made.uid}


def test_stamps_do_not_repeat_over_restarts(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, KeepSent=3600)
    day = time.gmtime(time.time() + 30 * 86400)  # the clock was set back
    far = time.strftime("%Y%m%dT235959.999990Z-m1-1.2.3.4.dcm", day)
    made = instance.make(uid="1.2.3.4")
    gateway.receiver.stop()
    made.write(gateway.path("pacs", "hold", far))
    gateway.receiver.start()
    assert gateway.store(instance.make()).status == 0
    assert gateway.store(instance.make()).status == 0
    names = gateway.wait_items("pacs", "sent", 2)
    assert all(far < n for n in names) and len(set(
        n.split("-m")[0] for n in names)) == 2
