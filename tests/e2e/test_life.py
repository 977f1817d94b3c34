"""Start, reload, stop, and what comes after a kill."""

import os
import pathlib
import random
import shutil
import signal
import socket
import threading
import time

import pytest
from peers import instance, pdu
from peers.destination import Answer, Associate
from peers.modality import Rejected

import tools


def try_store(gateway, one, calling="JD-SCU"):
    """The status, or None where there was no answer."""
    try:
        return gateway.store(one, calling=calling).status
    except (pdu.Aborted, pdu.Closed, OSError, Rejected):
        return None


# reload

def test_reload_takes_new_settings(to_pacs, pacs, destination):
    other = destination()
    assert to_pacs.store(instance.make()).status == 0
    to_pacs.destinations["pacs"]["RemotePort"] = other.port
    to_pacs.receiver_settings["RemoteAET"] = "ONLY"
    to_pacs.write_conf()
    to_pacs.sender.hup()
    to_pacs.receiver.hup()
    with pytest.raises(Rejected):
        to_pacs.store(instance.make())
    assert to_pacs.store(instance.make(), calling="ONLY").status == 0
    assert (len(pacs.received), len(other.received)) == (1, 1)


def test_an_association_keeps_its_configuration(to_pacs, destination):
    other = destination()
    made = [instance.make(), instance.make()]
    to_pacs.destinations["new"] = to_pacs._destination("new", other, {})
    with to_pacs.modality(*made) as ct:
        assert ct.store(made[0]).status == 0
        to_pacs.routes[0]["DuplexTargetConfigNames"] = "new"
        to_pacs.write_conf()
        to_pacs.sender.hup()
        to_pacs.receiver.hup()
        assert ct.store(made[1]).status == 0
    assert other.received == []
    assert to_pacs.store(instance.make()).status == 0
    assert len(other.received) == 1


def test_a_broken_configuration_is_not_taken(to_pacs):
    good = to_pacs.conf.read_text()
    to_pacs.conf.write_text(good.replace("RemotePort", "RemotPort"))
    seen = len(to_pacs.sender.log), len(to_pacs.receiver.log)
    to_pacs.sender.signal(signal.SIGHUP)
    to_pacs.receiver.signal(signal.SIGHUP)
    to_pacs.sender.wait_log("RemotPort", 5, seen[0])
    to_pacs.receiver.wait_log("RemotPort", 5, seen[1])
    assert to_pacs.store(instance.make()).status == 0


def test_a_folder_that_the_configuration_does_not_know(to_pacs, pacs):
    made = instance.make()
    queue = to_pacs.spool / "queue" / "gone"
    for state in ("new", "active", "deferred", "hold", "failed", "sent",
                  "corrupt", "result"):
        (queue / state).mkdir(parents=True, exist_ok=True)
    made.write(queue / "new" / "x.dcm")
    to_pacs.sender.hup()
    assert to_pacs.store(instance.make()).status == 0
    assert len(pacs.received) == 1
    assert len(list(queue.glob("*/*.dcm"))) == 1
    assert "not configured" in to_pacs.command("status").stdout


def test_a_move_from_one_destination_to_another(start_gateway, destination):
    dead, alive = destination(), destination()
    dead.stop()
    gateway = start_gateway({"dead": dead, "alive": alive}, routes=[
        {"DuplexTargetConfigNames": "dead", "AnswerWhen": "spooled"}])
    made = instance.make()
    assert gateway.store(made).status == 0
    gateway.wait_down("dead")
    (path,) = tools.wait_until(lambda: [
        p for s in ("new", "deferred")
        for p in gateway.path("dead", s).glob("*.dcm")])
    path.rename(gateway.path("alive", "new", path.name))
    tools.wait_until(lambda: alive.uids() == [made.uid])
    gateway.wait_empty("dead")
    gateway.wait_empty("alive")


# what an operator does with mv

def test_mv_failed_to_new_is_a_replay(to_pacs, pacs):
    pacs.script = [Answer(0xC001)]
    made = instance.make()
    assert to_pacs.store(made).status == 0xC001
    (name,) = to_pacs.wait_items("pacs", "failed", 1)
    to_pacs.path("pacs", "failed", name).rename(
        to_pacs.path("pacs", "new", name))
    tools.wait_until(lambda: len(pacs.received) == 2)
    to_pacs.wait_empty("pacs")
    assert not to_pacs.items("pacs", "failed")
    assert pacs.received[1].digest == made.digest


def test_mv_to_hold_and_back(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"AnswerWhen": "spooled"}])
    pacs.default = Answer(0xA700)
    made = instance.make()
    gateway.store(made)
    (name,) = gateway.wait_items("pacs", "deferred", 1)
    gateway.path("pacs", "deferred", name).rename(
        gateway.path("pacs", "hold", name))
    seen = len(pacs.received)
    pacs.default = Answer()
    tools.stays(lambda: gateway.items("pacs", "hold") == [name], 2)
    assert len(pacs.received) <= seen + 1
    gateway.path("pacs", "hold", name).rename(
        gateway.path("pacs", "new", name))
    gateway.wait_empty("pacs")
    assert pacs.received[-1].status == 0


def test_rm_while_somebody_waits(start_gateway, pacs):
    """An item that an operator took away is not told as queued."""
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"ResponseTimeout": 3, "OnTimeout": "accept"}])
    pacs.stop()
    made = instance.make()
    with gateway.modality(made) as ct:
        ct.send(made)
        gateway.wait_down("pacs")
        (path,) = tools.wait_until(lambda: [
            p for s in ("new", "deferred")
            for p in gateway.path("pacs", s).glob("*.dcm")])
        path.unlink()
        assert ct.read_response().status != 0


def test_paused(to_pacs, pacs):
    (to_pacs.spool / "queue" / "pacs" / "paused").touch()
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        tools.wait_until(lambda: to_pacs.items("pacs", "new"))
        tools.stays(lambda: pacs.received == [], 1.5)
        (to_pacs.spool / "queue" / "pacs" / "paused").unlink()
        assert ct.read_response().status == 0


# stop

def test_sigterm_of_idle_daemons(to_pacs, pacs):
    made = instance.make()
    assert to_pacs.store(made).status == 0
    began = time.monotonic()
    to_pacs.stop()
    assert time.monotonic() - began < 5
    assert pacs.releases == 1 and pacs.aborts == 0


def test_sigterm_of_the_receiver_in_flight(to_pacs, pacs):
    pacs.default = Answer(0xB000, delay=1.5)
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        tools.wait_until(lambda: pacs.received)
        to_pacs.receiver.signal(signal.SIGTERM)
        def refused():
            try:
                to_pacs.store(instance.make(), timeout=2)
            except (Rejected, OSError, pdu.Closed):
                return True
            return False
        tools.wait_until(refused, 5)
        response = ct.read_response(15)
        assert response.status in (0xB000, 0xA700)
    assert to_pacs.receiver.wait_exit() == 0


def test_sigterm_of_the_sender_in_flight(to_pacs, pacs):
    pacs.default = Answer(delay=1)
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        tools.wait_until(lambda: pacs.received)
        to_pacs.sender.stop()
        assert ct.read_response().status == 0
    assert len(pacs.received) == 1


def test_sigterm_with_a_silent_destination(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, DimseTimeout=4,
                            routes=[{"ResponseTimeout": 2}])
    pacs.script = [Answer(cut="answer", how="silence")]
    made = instance.make()
    with gateway.modality(made) as ct:
        ct.send(made)
        tools.wait_until(lambda: pacs.received)
        gateway.sender.stop(60)
        assert ct.read_response().status == 0xA700
    assert gateway.items("pacs", "new") or gateway.items("pacs", "deferred")
    gateway.sender.start()
    tools.wait_until(lambda: len(pacs.received) == 2)
    gateway.wait_empty("pacs")


# kill

def test_children_die_with_their_parent(to_pacs, pacs):
    made = instance.make()
    with pytest.raises((pdu.Closed, pdu.Aborted)):
        with to_pacs.modality(made) as ct:
            assert ct.store(made).status == 0
            to_pacs.sender.kill()
            to_pacs.receiver.kill()
            ct.read_response(5)
    to_pacs.start()
    assert to_pacs.store(instance.make()).status == 0


def test_sender_killed_while_an_answer_is_due(to_pacs, pacs):
    pacs.script = [Answer(delay=5)]
    made = instance.make()
    with to_pacs.modality(made) as ct:
        ct.send(made)
        tools.wait_until(lambda: pacs.received)
        to_pacs.sender.kill()
        assert to_pacs.items("pacs", "active")
        to_pacs.sender.start()
        assert ct.read_response().status == 0
    assert [r.uid for r in pacs.received] == [made.uid] * 2
    to_pacs.wait_empty("pacs")


def test_receiver_killed_while_an_answer_is_due(to_pacs, pacs):
    pacs.script = [Answer(delay=1)]
    made = instance.make()
    ct = to_pacs.modality(made).__enter__()
    ct.send(made)
    tools.wait_until(lambda: pacs.received)
    to_pacs.receiver.kill()
    with pytest.raises((pdu.Closed, pdu.Aborted)):
        ct.read_response(5)
    to_pacs.receiver.start()
    to_pacs.wait_empty("pacs")
    assert len(pacs.received) == 1
    assert to_pacs.left_behind() == []
    assert to_pacs.store(instance.make()).status == 0


def test_receiver_killed_in_the_data_set(to_pacs):
    made = instance.make(pixels=1000000)
    ct = to_pacs.modality(made).__enter__()
    ct.send(made, upto=500000)
    tools.wait_until(lambda: list((to_pacs.spool / "tmp").iterdir()))
    to_pacs.receiver.kill()
    ct.close()
    to_pacs.receiver.start()
    assert to_pacs.left_behind() == []
    assert to_pacs.empty("pacs")


def test_what_came_while_the_sender_was_dead(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[{"ResponseTimeout": 1}])
    gateway.sender.kill()
    made = [instance.make() for _ in range(3)]
    for one in made:
        assert gateway.store(one).status == 0xA700
    # Nobody waits any more: one that is waited for would go first.
    tools.wait_until(
        lambda: not list((gateway.spool / "result").iterdir()), 10)
    gateway.sender.start()
    gateway.wait_empty("pacs")
    assert pacs.uids() == [m.uid for m in made]


@pytest.mark.limit(120)
@pytest.mark.slow
def test_killed_again_and_again(start_gateway, destination, request):
    """At any time: what was answered with success is there, what was refused
    is there or still queued, and nothing is left over."""
    seed = random.randrange(1 << 30)
    request.node.add_report_section("call", "seed", str(seed))
    chance = random.Random(seed)
    one, two = destination(), destination()
    gateway = start_gateway({"one": one, "two": two}, Lanes=2, routes=[
        {"ResponseTimeout": 3}])
    statuses, stop = {}, threading.Event()

    def modality(number):
        while not stop.is_set():
            made = instance.make(pixels=chance.choice((512, 300000)))
            statuses[made.uid] = (
                try_store(gateway, made, f"CT-{number}"), made)

    threads = [threading.Thread(target=modality, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        tools.slow(chance.uniform(0.1, 0.8))
        daemon = chance.choice((gateway.sender, gateway.receiver))
        daemon.kill()
        daemon.start()
    seen = len(statuses)
    tools.wait_until(lambda: len(statuses) > seen + 4, 20)
    stop.set()
    for thread in threads:
        thread.join(20)
    gateway.wait_empty("one", 30)
    gateway.wait_empty("two", 30)
    for pacs in (one, two):
        arrived = {r.uid: r.digest for r in pacs.received}
        for uid, (status, made) in statuses.items():
            if status in (0, 0xA700):  # delivered; queued
                assert arrived.get(uid) == made.digest
            if uid in arrived:
                assert arrived[uid] == made.digest
    assert not gateway.items("one", "corrupt") + gateway.items("two", "corrupt")
    assert sum(s == 0 for s, _ in statuses.values()) > 5


# start

def test_receiver_on_a_port_in_use(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs})
    gateway.sender.start()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", gateway.port))
        sock.listen()
        gateway.receiver.spawn()
        assert gateway.receiver.process.wait(15) > 0
    tools.wait_until(lambda: any(
        str(gateway.port) in line for line in gateway.receiver.log), 2)


@pytest.mark.parametrize("order", ["sender receiver", "receiver sender"])
def test_either_may_start_first(make_gateway, pacs, order):
    gateway = make_gateway({"pacs": pacs})
    for which in order.split():
        getattr(gateway, which).start()
    assert gateway.store(instance.make()).status == 0


def test_sd_notify(make_gateway, pacs, tmp_path, monkeypatch):
    gateway = make_gateway({"pacs": pacs})
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        sock.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        for daemon in (gateway.sender, gateway.receiver):
            daemon.start()
            assert "READY=1" in sock.recv(4096).decode()
        for daemon in (gateway.receiver, gateway.sender):
            daemon.stop()
            said = ""
            while "STOPPING=1" not in said:
                said += sock.recv(4096).decode()


def cpu_s(pid):
    times = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
    return sum(map(int, times.split()[11:13])) / os.sysconf("SC_CLK_TCK")


def sleeps(pid, seconds=1):
    before = cpu_s(pid)
    tools.stays(lambda: cpu_s(pid) < before + 0.2, seconds)


@pytest.mark.parametrize("take", [
    shutil.rmtree, lambda folder: folder.rename(folder.parents[2] / "away")],
    ids=["removed", "renamed"])
def test_a_folder_taken_from_an_idle_association(to_pacs, take):
    """It sleeps on, and takes nothing that it could not wait for."""
    made, more = instance.make(), instance.make()
    with to_pacs.modality(made) as ct:
        assert ct.store(made).status == 0
        [folder] = (to_pacs.spool / "result").iterdir()
        child = max(to_pacs.receiver.processes())
        take(folder)
        sleeps(child)
        response = ct.store(more)
        assert (response.status, response.seconds < 5) == (0xA700, True)
    to_pacs.wait_empty("pacs")
    assert to_pacs.store(more).status == 0


SPOOLED = [{"AnswerWhen": "spooled"}]


@pytest.mark.parametrize("job", ["delivery", "probe"])
def test_a_foreign_file_waits_asleep_for_a_lane(start_gateway, pacs, job):
    gateway = start_gateway({"pacs": pacs}, routes=SPOOLED, Lanes=1)
    made, foreign = instance.make(), instance.make()
    if job == "probe":
        pacs.stop()
    pacs.default, pacs.associate = Answer(delay=2), Associate(delay=2)
    assert gateway.store(made).status == 0
    if job == "probe":
        gateway.wait_down("pacs")
        pacs.start()
        tools.wait_until(lambda: pacs.connections)
    else:
        tools.wait_until(lambda: pacs.received)
    foreign.write(gateway.path("pacs", "new") / "somebody.dcm")
    sleeps(gateway.sender.process.pid)
    tools.wait_until(lambda: foreign.uid in pacs.uids())
    gateway.wait_empty("pacs")


def test_asleep_until_a_busy_destination_is_tried_again(start_gateway, pacs):
    """Though others are due before; and with nothing left to try."""
    gateway = start_gateway({"pacs": pacs}, routes=SPOOLED, Lanes=1,
                            RetryMin=2, RetryMax=2)
    pid = gateway.sender.process.pid
    pacs.script = [Answer(0xC000)] + 4 * [Answer(0xA700)] + [
        Answer(0xA700, delay=1.5)]
    made = [instance.make() for _ in range(6)]
    with gateway.modality(*made) as ct:
        for one in made:
            assert ct.store(one).status == 0
    gateway.sender.wait_log("destination-busy", 10)
    tools.wait_until(lambda: len(gateway.items("pacs", "deferred")) == 5)
    sleeps(pid, 1.5)
    held = gateway.command("hold", "--dest", "pacs", "--yes")
    assert held.returncode == 0, held.stdout
    sleeps(pid, 3)
    assert gateway.command("release", "--dest", "pacs", "--yes"
                           ).returncode == 0
    gateway.wait_empty("pacs")


def test_no_descriptor_is_leaked(to_pacs, pacs):
    def count():
        return [len(os.listdir(f"/proc/{d.process.pid}/fd"))
                for d in (to_pacs.receiver, to_pacs.sender)]
    for _ in range(3):
        assert to_pacs.store(instance.make()).status == 0
    tools.wait_until(lambda: len(to_pacs.receiver.processes()) == 1)
    before = count()
    for _ in range(30):
        assert to_pacs.store(instance.make()).status == 0
    pacs.cut_all()
    assert to_pacs.store(instance.make()).status == 0
    tools.wait_until(lambda: count() <= before)
