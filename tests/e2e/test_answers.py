"""What the modality is told, and when."""

import pytest
from peers import instance, pdu
from peers.destination import Answer, Associate
from peers.modality import Rejected

import tools

STATUSES = (0x0000, 0xB000, 0xA700, 0xA900, 0xC123, 0x0111, 0x0122)


@pytest.mark.parametrize("status", STATUSES, ids=hex)
def test_the_destinations_answer_unchanged(to_pacs, pacs, status):
    pacs.script = [Answer(status, comment="as the destination says",
                          offending=[0x00080018, 0x00100020])]
    made = instance.make()
    response = to_pacs.store(made, 4711)
    assert (response.status, response.message_id) == (status, 4711)
    assert response.comment == "as the destination says"
    assert response.offending == [0x00080018, 0x00100020]
    assert response.uids == (made.sop_class, made.uid)


def test_a_comment_that_is_not_ascii(to_pacs, pacs):
    pacs.script = [Answer(0xB000, override={
        "ErrorComment": "Größe \\ ü\x07".encode("latin-1")})]
    response = to_pacs.store(instance.make())
    assert response.command["ErrorComment"] == (
        "Größe \\ ü\x07".encode("latin-1").decode("utf-8", "replace"))


def test_plain_success_has_no_more_than_that(to_pacs):
    response = to_pacs.store(instance.make())
    assert (response.status, response.comment, response.offending) == (
        0, None, None)


@pytest.mark.parametrize("status", [0x0000, 0xC001], ids=hex)
def test_uids_left_out_by_the_destination(to_pacs, pacs, status):
    pacs.default = Answer(status, omit_uids=True)
    made = instance.make()
    response = to_pacs.store(made)
    assert response.status == status
    assert response.uids == (made.sop_class, made.uid)


def test_not_before_the_destinations(to_pacs, pacs):
    pacs.default = Answer(0xB007, delay=2)
    response = to_pacs.store(instance.make())
    assert response.status == 0xB007
    assert response.seconds >= 2
    assert response.at >= pacs.received[0].answered > 0


def test_a_hang_up_while_waiting(to_pacs, pacs):
    pacs.default = Answer(delay=1)
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        tools.wait_until(lambda: pacs.received)
        ct.reset()
    to_pacs.wait_empty("pacs")
    assert len(pacs.received) == 1
    assert to_pacs.store(instance.make()).status == 0


def test_a_hang_up_while_the_destination_is_down(to_pacs, pacs):
    pacs.stop()
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        to_pacs.wait_down("pacs")
        ct.abort()
    pacs.start()
    tools.wait_until(lambda: pacs.uids() == [made.uid])


def test_an_abort_while_waiting(to_pacs, pacs):
    """One after which the connection stays open. The item is delivered."""
    pacs.default = Answer(delay=3)
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        pdu.send(ct.sock, pdu.abort(2, 1))
        to_pacs.receiver.wait_log(r"\bhung-up\b")
        to_pacs.receiver.wait_log(r"\bended\b.*how=aborted.*source 2")
        with pytest.raises(pdu.Closed):
            ct.read_response()
        ct.close()
    to_pacs.wait_empty("pacs")
    assert pacs.uids() == [made.uid]


def test_an_abort_behind_another_request(to_pacs, pacs):
    """The answer is given, and the request not served before."""
    pacs.default = Answer(delay=1)
    made, more = instance.make(), instance.make()
    with to_pacs.modality(made, more) as ct:
        ct.send(made)
        ct.send(more)
        pdu.send(ct.sock, pdu.abort())
        assert ct.read_response().status == 0
        to_pacs.receiver.wait_log(r"\bended\b.*how=aborted", 20)
        ct.close()
    to_pacs.wait_empty("pacs")
    assert pacs.uids() == [made.uid, more.uid]


# several destinations

@pytest.mark.parametrize("first, second, want", [
    (0x0000, 0x0000, 0x0000), (0x0000, 0xB000, 0xB000),
    (0xA700, 0xC001, 0xC001), (0xC001, 0xA700, 0xC001),
    (0xB000, 0xA900, 0xA900), (0xC001, 0xC002, 0xC001),
    (0x0000, 0xA701, 0xA701), (0xB006, 0xB000, 0xB006)],
    ids=lambda s: f"{s:04x}")
def test_worst_of_several(start_gateway, destination, first, second, want):
    one, two = destination(), destination()
    one.script = [Answer(first, comment="from the first")]
    two.script = [Answer(second, comment="from the second")]
    response = start_gateway({"one": one, "two": two}).store(instance.make())
    assert response.status == want
    assert response.comment == (
        "from the first" if want == first else "from the second")


def test_waits_for_all(start_gateway, destination):
    fast, slow = destination(), destination()
    slow.default = Answer(delay=1)
    response = start_gateway({"fast": fast, "slow": slow}).store(
        instance.make())
    assert response.status == 0 and response.seconds >= 1


def test_wait_for_one_of_two(start_gateway, destination):
    fast, slow = destination(), destination()
    slow.default = Answer(0xC001, delay=1.5)
    gateway = start_gateway(
        {"fast": fast, "slow": slow}, routes=[{"WaitFor": "fast"}])
    response = gateway.store(instance.make())
    assert response.status == 0 and response.seconds < 1
    tools.wait_until(lambda: slow.received and gateway.empty("slow"))
    assert gateway.wait_items("slow", "failed", 1)


def test_a_forged_marker_changes_an_answer_and_nothing_else(
        start_gateway, destination):
    """What a lane that is taken over can do in result/: see dcmspool(7)."""
    one, two = destination(), destination()
    two.stop()
    gateway = start_gateway({"one": one, "two": two.port})
    made = instance.make()
    with gateway.modality(made) as ct:
        ct.send(made, message_id=7)
        item, = gateway.wait_items("two", "new", 1)
        folder, = tools.wait_until(lambda: [
            p for p in (gateway.spool / "result").iterdir()
            if not p.name.endswith("-0")])
        key = "-".join(item.split("-")[:2])
        (folder / ".forged").write_text(
            f"dcmspool-result 1\nItem: {item}\nAssociation: {folder.name}\n"
            f"MessageID: 7\nSOPInstanceUID: {made.uid}\nDestination: two\n"
            "State: delivered\nStatus: 0x0000\nAttempts: 1\n")
        (folder / ".forged").rename(folder / f"{key}.two")
        assert ct.read_response().status == 0
    assert gateway.items("two", "new") == [item] and not two.received
    two.start()
    gateway.wait_empty("two", 20)
    assert [r.uid for r in two.received] == [made.uid]


def test_the_same_data_set_for_each(start_gateway, destination):
    pacs = [destination() for _ in range(3)]
    gateway = start_gateway({f"d{i}": p for i, p in enumerate(pacs)})
    made = instance.make(pixels=200000)
    assert gateway.store(made).status == 0
    assert [p.received[0].digest for p in pacs] == [made.digest] * 3


# the wait and its end

def test_timeout_refuses(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 1}])
    pacs.default = Answer(delay=3)
    response = gateway.store(instance.make())
    assert response.status == 0xA700
    assert response.comment == "queued, not yet delivered"
    assert 0.9 < response.seconds < 2.5
    gateway.wait_empty("pacs")
    assert len(pacs.received) == 1  # the answer of the first try was taken


def test_timeout_accepts(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"ResponseTimeout": 1, "OnTimeout": "accept"}])
    pacs.default = Answer(delay=3)
    response = gateway.store(instance.make())
    assert response.status == 0
    assert 0.9 < response.seconds < 2.5
    gateway.wait_empty("pacs")
    assert len(pacs.received) == 1


def test_accept_does_not_hide_a_failure(start_gateway, destination):
    bad, slow = destination(), destination()
    bad.default, slow.default = Answer(0xC009), Answer(delay=3)
    gateway = start_gateway({"slow": slow, "bad": bad}, routes=[
        {"ResponseTimeout": 1, "OnTimeout": "accept"}])
    assert gateway.store(instance.make()).status == 0xC009
    gateway.wait_empty("slow")


def test_a_blip_is_hidden(to_pacs, pacs):
    pacs.stop()
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        to_pacs.wait_down("pacs")
        pacs.start()
        assert ct.read_response().status == 0


def test_nobody_waits_in_vain_for_a_dead_link(start_gateway, pacs):
    """The time counts from the moment the link went down."""
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 2}])
    pacs.stop()
    first = gateway.store(instance.make())
    assert first.status == 0xA700 and first.seconds > 1
    tools.wait_until(
        lambda: gateway.store(instance.make()).seconds < 0.5, 10)
    pacs.start()
    gateway.wait_empty("pacs")


def test_no_sender_counts_as_down(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 2}])
    gateway.sender.stop()
    made = instance.make()
    response = gateway.store(made)
    assert response.status == 0xA700 and response.seconds < 4
    assert gateway.items("pacs", "new")
    gateway.sender.start()
    tools.wait_until(lambda: pacs.uids() == [made.uid])


def test_answer_when_spooled(start_gateway, pacs):
    gateway = start_gateway(
        {"pacs": pacs}, routes=[{"AnswerWhen": "spooled"}])
    pacs.default = Answer(0xB000, delay=2)
    made = instance.make()
    response = gateway.store(made, 4711)
    assert (response.status, response.message_id) == (0, 4711)
    assert response.seconds < 1
    tools.wait_until(lambda: pacs.uids() == [made.uid])
    gateway.wait_empty("pacs")


def test_spooled_with_the_destination_down(start_gateway, pacs):
    gateway = start_gateway(
        {"pacs": pacs}, routes=[{"AnswerWhen": "spooled"}])
    pacs.stop()
    made = [instance.make() for _ in range(3)]
    with gateway.modality(*made) as ct:
        assert [ct.store(m).status for m in made] == [0, 0, 0]
    pacs.start()
    tools.wait_until(lambda: sorted(pacs.uids()) == sorted(
        m.uid for m in made))


def test_link_down_rejects(start_gateway, destination):
    one, two = destination(), destination()
    gateway = start_gateway({"one": one, "two": two}, routes=[
        {"OnLinkDown": "reject", "ResponseTimeout": 1}])
    one.stop()
    gateway.store(instance.make())
    gateway.wait_down("one")
    assert gateway.store(instance.make()).status == 0xA700  # two is up
    two.stop()
    gateway.store(instance.make())
    gateway.wait_down("two")
    with pytest.raises(Rejected) as e:
        gateway.store(instance.make())
    assert e.value.args == (2, 3, 1)
    one.start()
    two.start()
    gateway.wait_down("one", False)
    gateway.wait_down("two", False)
    assert gateway.store(instance.make()).status == 0
    gateway.wait_empty("one")
    gateway.wait_empty("two")


def test_a_refusal_of_the_destination_is_passed_on_at_once(to_pacs, pacs):
    pacs.default = Answer(0xA701)
    response = to_pacs.store(instance.make())
    assert response.status == 0xA701 and response.seconds < 1
    assert to_pacs.items("pacs", "deferred") or pacs.received[1:]
    pacs.default = Answer()
    to_pacs.wait_empty("pacs")


def test_success_is_never_told_for_a_dead_destination(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 1}])
    pacs.associate = Associate(cut="rst")
    made = instance.make()
    assert gateway.store(made).status == 0xA700
    pacs.associate = Associate()
    tools.wait_until(lambda: pacs.uids() == [made.uid])


def test_the_wait_does_not_block_others(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, Lanes=2)
    slow, fast = instance.make(), instance.make()
    pacs.by_uid[slow.uid] = [Answer(delay=1.5)]
    with gateway.modality(slow) as one:
        one.send(slow)
        with gateway.modality(fast) as two:
            response = two.store(fast)
            assert response.status == 0 and response.seconds < 1
        assert one.read_response().status == 0
