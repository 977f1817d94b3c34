"""Many modalities, large instances, a dead destination beside live ones."""

import os
import threading
import time

import pytest
from peers import instance
from peers.destination import Answer

import tools
from gateway import SANITIZED

MIB = 1 << 20


def resident_kib(pids, what="VmHWM"):
    """The resident set of each, the largest it has had or (VmRSS) is now."""
    sizes = {}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                for line in f:
                    if line.startswith(f"{what}:"):
                        sizes[pid] = int(line.split()[1])
        except OSError:
            pass
    return sizes


@pytest.mark.limit(120)
def test_64_modalities_one_of_three_destinations_dead(
        start_gateway, destination):
    one, two, dead = destination(), destination(), destination()
    dead.stop()
    gateway = start_gateway(
        {"one": one, "two": two, "dead": dead}, Lanes=2, routes=[
            {"RemoteAET": "CT-*", "DuplexTargetConfigNames": "one,dead",
             "WaitFor": "one", "ResponseTimeout": 20},
            {"RemoteAET": "MR-*", "DuplexTargetConfigNames": "two",
             "ResponseTimeout": 20},
            {"DuplexTargetConfigNames": "dead", "ResponseTimeout": 1}])
    # each instance has its own answer
    def answer(received):
        return Answer(0xB000 if int(received.uid[-1]) % 2 else 0,
                      comment=received.uid[-20:])
    one.default = two.default = answer
    results, started = [], threading.Barrier(64)

    def modality(number):
        kind = ("CT", "MR", "CT", "MR", "CT", "MR", "XA", "MR")[number % 8]
        made = [instance.make(pixels=60000) for _ in range(5)]
        with gateway.modality(*made, calling=f"{kind}-{number}") as ct:
            started.wait(30)
            for i, m in enumerate(made):
                response = ct.store(m, 1000 * number + i)
                results.append((kind, m, 1000 * number + i, response))

    threads = [threading.Thread(target=modality, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 64 * 5
    for kind, made, message_id, response in results:
        assert response.message_id == message_id
        assert response.uids[1] == made.uid
        if kind == "XA":
            assert response.status == 0xA700
        else:
            assert response.status == (0xB000 if int(made.uid[-1]) % 2 else 0)
            assert response.comment == made.uid[-20:]
            assert response.seconds < 5
    sent = {m.uid: m.digest for k, m, _, _ in results if k != "XA"}
    got = {r.uid: r.digest for r in one.received + two.received}
    assert got == sent
    assert len(one.received) + len(two.received) == len(sent)
    dead.start()
    gateway.wait_empty("dead", 30)
    assert len(dead.received) == sum(k != "MR" for k, *_ in results)


@pytest.mark.limit(180)
@pytest.mark.slow
def test_one_gib(start_gateway, pacs):
    """Each process stays under 64 MiB."""
    gateway = start_gateway({"pacs": pacs}, DimseTimeout=120, routes=[
        {"ResponseTimeout": 120}])
    made = instance.make(pixels=1024 * MIB)
    with gateway.modality(made, timeout=150) as ct:
        response = ct.store(made)
        pids = {**gateway.receiver.processes(), **gateway.sender.processes()}
        peaks = resident_kib(pids)
    assert response.status == 0
    assert pacs.received[0].size == made.size > 1 << 30
    assert pacs.received[0].digest == made.digest
    print({f"{pids[p]}[{p}]": f"{k} KiB" for p, k in peaks.items()})
    assert len(peaks) >= 4  # two parents, a child, a lane
    if not SANITIZED:
        assert max(peaks.values()) < 64 * 1024, peaks


@pytest.mark.skipif(SANITIZED, reason="the sanitizer has its own")
def test_parents_keep_no_more_than_serving_takes(to_pacs, pacs):
    """Each less than 8 MiB, also after a reload, which reads much anew."""
    parents = (to_pacs.receiver.process.pid, to_pacs.sender.process.pid)

    def serve():
        made = [instance.make(pixels=500000) for _ in range(20)]
        with to_pacs.modality(*made) as ct:
            for one in made:
                assert ct.store(one).status == 0
            sizes = resident_kib(parents, "VmRSS")
        assert len(sizes) == 2
        assert max(sizes.values()) <= 8 * 1024, sizes

    serve()
    for daemon in to_pacs.receiver, to_pacs.sender:
        daemon.hup()
    serve()
    assert len(pacs.received) == 40


@pytest.mark.skipif(SANITIZED, reason="the sanitizer has its own")
def test_a_lane_has_no_part_of_a_backlog(start_gateway, pacs):
    """Lanes and connectors are forked without what the parent knows of it."""
    gateway = start_gateway({"pacs": pacs}, Lanes=4, routes=[
        {"AnswerWhen": "spooled"}])
    paused = gateway.path("pacs", "paused")
    paused.touch()
    gateway.sender.stop()
    assert gateway.store(instance.make()).status == 0
    (item,) = gateway.items("pacs", "new")
    stamp = item.split("-")[0]
    new = gateway.path("pacs", "new")
    for i in range(50000):
        os.link(new / item, new / f"{stamp}-m1-2.25.{10 ** 30 + i}.dcm")
    gateway.sender.start()
    parent = gateway.sender.process.pid
    tools.wait_until(
        lambda: resident_kib([parent], "RssAnon")[parent] > 7 * 1024, 20,
        "a sender that knows the backlog")
    pacs.default = Answer(delay=2)
    paused.unlink()
    tools.wait_until(lambda: len(gateway.sender.processes()) >= 5, 10,
                     "lanes, and what connects for them")
    others = [pid for pid in gateway.sender.processes() if pid != parent]
    sizes = resident_kib(others, "RssAnon")
    assert len(sizes) >= 2  # what connects may have ended
    assert max(sizes.values()) < 4 * 1024, sizes


def test_a_slow_destination_does_not_delay_another(start_gateway, destination):
    slow, fast = destination(), destination()
    slow.default = Answer(delay=3)
    gateway = start_gateway({"slow": slow, "fast": fast}, routes=[
        {"RemoteAET": "SLOW", "DuplexTargetConfigNames": "slow"},
        {"DuplexTargetConfigNames": "fast"}])
    waits = instance.make()
    with gateway.modality(waits, calling="SLOW") as one:
        one.send(waits)
        began = time.monotonic()
        for _ in range(10):
            assert gateway.store(instance.make()).status == 0
        assert time.monotonic() - began < 2
        assert one.read_response().status == 0


def test_many_in_a_row_have_no_stall(to_pacs, pacs):
    """No delayed acknowledgement anywhere: 40 ms each would be 8 s."""
    made = [instance.make(pixels=8000) for _ in range(200)]
    with to_pacs.modality(*made) as ct:
        began = time.monotonic()
        for one in made:
            assert ct.store(one).status == 0
        took = time.monotonic() - began
    assert took < 4
    assert pacs.uids() == [m.uid for m in made]
