"""Peers and files that are not as they should be."""

import os
import re
import shutil
import socket
import subprocess
import time

import pytest
from peers import instance, pdu
from peers.modality import Rejected

import gateway as gateways
import tools


@pytest.fixture
def strict(start_gateway, pacs):
    return start_gateway({"pacs": pacs}, receiver={
        "LocalAET": "ENS-SCP, GW-*", "RemoteAET": " JD-SCU , CT-? ",
        "ARTIM": 1, "MaxAssociations": 4})


@pytest.mark.parametrize("calling, called, reason", [
    ("UNKNOWN", "ENS-SCP", 3), ("JD-SCU", "NOBODY", 7), ("CT-12", "GW-1", 3),
    ("jd-scu", "ENS-SCP", 3), ("JD-SCU", "ens-scp", 7), ("", "ENS-SCP", 3)])
def test_unknown_ae_titles(strict, calling, called, reason):
    with pytest.raises(Rejected) as e:
        strict.store(instance.make(), calling=calling, called=called)
    assert e.value.args == (1, 1, reason)


def test_known_ae_titles(strict):
    for calling, called in (("JD-SCU", "ENS-SCP"), ("CT-1", "GW-2")):
        assert strict.store(
            instance.make(), calling=calling, called=called).status == 0


def test_too_many_associations(strict):
    made = instance.make()
    open_ones = [strict.modality(made).__enter__() for _ in range(4)]
    with pytest.raises(Rejected) as e:
        strict.store(made)
    assert e.value.args == (2, 3, 2)
    for one in open_ones:
        one.release()
    def let_in():
        try:
            return strict.store(made).status == 0
        except Rejected:
            return False
    tools.wait_until(let_in, 5)


@pytest.mark.parametrize("uid", [
    "", "1.2.3/../../x", "../../../etc/passwd", "abc", "1..2", ".1.2", "1.2.",
    "1" * 65, "1.2 .3", "1.2\n3", "$(id)", "%s%n"])
def test_no_sop_instance_uid(to_pacs, pacs, uid):
    made = instance.make()
    with to_pacs.modality(made) as ct:
        response = ct.store(made, 9, override={"AffectedSOPInstanceUID": uid})
        assert (response.status, response.message_id) == (0x0117, 9)
        assert ct.store(made).status == 0
    assert len(pacs.received) == 1


def test_sop_instance_uid_left_out(to_pacs, pacs):
    made = instance.make()
    with to_pacs.modality(made) as ct:
        response = ct.store(made, override={"AffectedSOPInstanceUID": None})
        assert response.status == 0x0117
    assert pacs.received == []


def test_class_differs_from_its_context(to_pacs, pacs):
    made = instance.make()
    with to_pacs.modality(made) as ct:
        response = ct.store(
            made, override={"AffectedSOPClassUID": instance.CT_IMAGE})
        assert response.status == 0x0122
        assert ct.store(made).status == 0
    assert len(pacs.received) == 1


@pytest.mark.parametrize("data", [
    b"", b"\2\0\0\0UL\4\0\0\0\0\0", b"DICM" + bytes(20)],
    ids=["empty", "group 2", "DICM"])
def test_what_is_no_data_set(to_pacs, pacs, data):
    made = instance.make()
    made.data = data
    assert to_pacs.store(made).status == 0xC000
    assert pacs.received == []


def test_no_data_set_at_all(to_pacs, pacs):
    made = instance.make()
    with to_pacs.modality(made) as ct:
        context = ct.context_for(made.sop_class, made.transfer)
        ct.send_command(context, {
            "AffectedSOPClassUID": made.sop_class,
            "AffectedSOPInstanceUID": made.uid,
            "CommandField": pdu.C_STORE_RQ, "MessageID": 5, "Priority": 0,
            "CommandDataSetType": pdu.NO_DATA_SET})
        response = ct.read_response()
        assert (response.status, response.message_id) == (0xC000, 5)
    assert pacs.received == []


@pytest.mark.parametrize("end", ["abort", "reset", "close", "release"])
@pytest.mark.parametrize("upto", [0, 100, 500000])
def test_a_data_set_that_ends_early_leaves_nothing(to_pacs, pacs, end, upto):
    made = instance.make(pixels=1000000)
    seen = len(to_pacs.receiver.log)
    ct = to_pacs.modality(made).__enter__()
    ct.send(made, upto=upto)
    if end == "release":
        pdu.send(ct.sock, pdu.release_rq())
        ct.close()
    else:
        getattr(ct, end)()
    tools.wait_until(lambda: not list((to_pacs.spool / "tmp").iterdir())
                     and not list((to_pacs.spool / "result").iterdir()))
    assert to_pacs.empty("pacs") and pacs.received == []
    to_pacs.receiver.wait_log(r" warning (broke-off|ended) ", 5, seen)
    assert to_pacs.store(instance.make()).status == 0


def test_garbage_on_the_socket(strict):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1000, b"\1\0\0\0\0\0",
                 b"\1\0\xff\xff\xff\xff" + bytes(100), b"\4\0\0\0\0\4\0\0\0\0"):
        with socket.create_connection(("127.0.0.1", strict.port), 5) as sock:
            sock.sendall(data)
            try:
                while sock.recv(100):
                    pass
            except ConnectionError:
                pass
    assert strict.store(instance.make()).status == 0


def test_a_peer_that_says_nothing_is_cut_off(strict):
    with socket.create_connection(("127.0.0.1", strict.port), 5) as sock:
        began = time.monotonic()
        try:
            while sock.recv(100):
                pass
        except ConnectionError:
            pass
        assert 0.5 < time.monotonic() - began < 3


def test_an_association_request_byte_by_byte(strict):
    request = pdu.associate_rq("JD-SCU", "ENS-SCP", [
        (1, pdu.VERIFICATION, [pdu.IMPLICIT_LE])], 16384)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", strict.port), 5) as sock:
        try:
            for at in range(len(request)):
                sock.sendall(request[at:at + 1])
                tools.slow(0.05)
                if time.monotonic() - began > 5:
                    break
        except ConnectionError:
            pass
        assert time.monotonic() - began < 4


def test_a_modality_that_stalls_in_the_data_set(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, receiver={"DimseTimeout": 1})
    made = instance.make(pixels=100000)
    with pytest.raises((pdu.Aborted, pdu.Closed)):
        with gateway.modality(made) as ct:
            ct.send(made, upto=50000)
            ct.read_response(5)
    tools.wait_until(lambda: not list((gateway.spool / "tmp").iterdir()))


def test_idle_modalities_are_cut_off(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, receiver={"IdleTimeout": 1})
    made = instance.make()
    with pytest.raises((pdu.Aborted, pdu.Closed)):
        with gateway.modality(made) as ct:
            assert ct.store(made).status == 0
            ct.read_response(5)


def test_idle_is_not_while_an_answer_is_due(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, receiver={"IdleTimeout": 1})
    pacs.default.delay = 2.5
    assert gateway.store(instance.make()).status == 0


@pytest.mark.parametrize("field", [0x0020, 0x0021, 0x0FFF, 0x8001])
def test_other_commands_do_not_hurt(to_pacs, field):
    made = instance.make()
    try:
        with to_pacs.modality(made) as ct:
            context = ct.context_for(made.sop_class, made.transfer)
            ct.send_command(context, {
                "AffectedSOPClassUID": made.sop_class, "CommandField": field,
                "MessageID": 1, "MessageIDBeingRespondedTo": 1,
                "CommandDataSetType": pdu.NO_DATA_SET, "Status": 0})
            response = ct.read_response(1)
            assert response.status != 0
    except (pdu.Aborted, pdu.Closed, TimeoutError):
        pass
    assert to_pacs.store(made).status == 0


def test_a_command_set_without_end(to_pacs):
    made = instance.make()
    with pytest.raises((pdu.Aborted, pdu.Closed)):
        with to_pacs.modality(made) as ct:
            for _ in range(1000):
                pdu.send(ct.sock, pdu.pdv(1, True, False, bytes(100000)))
            ct.read_response(5)
    assert to_pacs.store(made).status == 0


@pytest.mark.parametrize("calling", [
    "A\nready x=1", "B\x1b[2J", 'C" x="y', "D\\n", "%s%n", "$(id)"])
def test_names_from_the_network_do_not_break_a_log_line(to_pacs, calling):
    try:
        assert to_pacs.store(instance.make(), calling=calling).status == 0
    except Rejected as e:  # those with control characters
        assert e.args == (1, 1, 3)
    to_pacs.stop()
    log = to_pacs.receiver.log + to_pacs.sender.log
    assert any(calling[:1] in line for line in log)
    for line in log:
        assert line.isprintable(), line
        assert re.match(
            r"[0-9T:.Z-]+ dcmspool-(sender|receiver)\[\d+\] [a-z]+ [a-z0-9-]+"
            r"( [A-Za-z0-9_-]+=(\"([^\"\\]|\\.)*\"|[^ \"]+))*$", line), line


def test_no_patient_data_in_logs(to_pacs, pacs):
    pacs.default.status, pacs.default.comment = 0xC001, "Patient TEST^E2E dead"
    assert to_pacs.store(instance.make()).status == 0xC001
    to_pacs.wait_items("pacs", "failed", 1)
    for line in to_pacs.receiver.log + to_pacs.sender.log:
        assert "TEST^E2E" not in line and "E2E-" not in line


# files in the spool

def drop(gateway, data, name="foreign.dcm", state="new"):
    """A file made elsewhere and moved in, as `mv` does."""
    aside = gateway.folder / f"aside-{name}"
    aside.write_bytes(data)
    target = gateway.path("pacs", state, name)
    aside.rename(target)
    return target


def test_a_foreign_file_is_sent(to_pacs, pacs):
    made = instance.make()
    drop(to_pacs, made.write(to_pacs.folder / "x").read_bytes())
    tools.wait_until(lambda: pacs.uids() == [made.uid])
    assert pacs.received[0].digest == made.digest
    to_pacs.wait_empty("pacs")


def test_real_foreign_files_are_sent(to_pacs, pacs):
    paths = tools.real_files()
    want = set()
    for number, path in enumerate(paths):
        drop(to_pacs, path.read_bytes(), f"{number} {path.name}")
        one = instance.read(path)
        want.add((one.uid, one.digest))
    tools.wait_until(lambda: to_pacs.empty("pacs"), 30)
    assert {(r.uid, r.digest) for r in pacs.received} == want
    assert not to_pacs.items("pacs", "corrupt")


def test_a_foreign_file_copied_in_slowly_is_left_alone(to_pacs, pacs):
    made = instance.make(pixels=100000)
    data = made.write(to_pacs.folder / "x").read_bytes()
    with open(to_pacs.path("pacs", "new", "slow.dcm"), "wb") as f:
        for at in range(0, len(data), 25000):
            f.write(data[at:at + 25000])
            f.flush()
            tools.stays(lambda: pacs.received == []
                        and to_pacs.items("pacs", "corrupt") == [], 0.4)
    tools.wait_until(lambda: pacs.uids() == [made.uid], 15)
    assert pacs.received[0].digest == made.digest


def test_a_foreign_file_in_active_whose_name_is_taken(to_pacs, pacs):
    """In new/ one of the same name is still being written."""
    one, two = instance.make(), instance.make()
    data = one.write(to_pacs.folder / "one.dcm").read_bytes()
    with open(to_pacs.path("pacs", "new", "a.dcm"), "wb") as f:
        f.write(data[:100])
        f.flush()
        two.write(to_pacs.path("pacs", "active", "a.dcm"))
        to_pacs.sender.hup()  # scans
        tools.wait_until(lambda: [r.uid for r in pacs.received] == [two.uid])
        f.write(data[100:])
    to_pacs.wait_empty("pacs", 20)
    assert [r.uid for r in pacs.received] == [two.uid, one.uid]


def test_foreign_files_keep_what_hard_links_are_for(to_pacs, pacs):
    """A hard link in new/ is sent; the other name stays as it is."""
    made = instance.make()
    path = made.write(to_pacs.folder / "archive.dcm")
    os.link(path, to_pacs.path("pacs", "new", "link.dcm"))
    tools.wait_until(lambda: pacs.uids() == [made.uid])
    to_pacs.wait_empty("pacs")
    assert instance.read(path).digest == made.digest


@pytest.mark.parametrize("name", ["notes.txt", ".hidden.dcm", "folder.dcm"])
def test_what_does_not_count(to_pacs, pacs, name):
    path = to_pacs.path("pacs", "new", name)
    if name == "folder.dcm":
        path.mkdir()
    else:
        path.write_bytes(b"no item")
    assert to_pacs.store(instance.make()).status == 0
    tools.stays(path.exists, 0.5)
    assert not to_pacs.items("pacs", "corrupt")


@pytest.mark.parametrize("data", [
    b"", b"hello", bytes(128) + b"DICM", bytes(4096), os.urandom(4096)],
    ids=["empty", "short", "no meta", "zeros", "random"])
def test_no_dicom_goes_to_corrupt(to_pacs, pacs, data):
    drop(to_pacs, data)
    to_pacs.wait_items("pacs", "corrupt", 1)
    (record,) = tools.wait_until(
        lambda: [path for path in to_pacs.path("pacs", "result").iterdir()
                 if not path.name.startswith(".")])  # still being written
    assert "Reason: " in record.read_text()
    assert any("corrupt" in line for line in to_pacs.sender.log)
    assert pacs.received == []
    assert to_pacs.store(instance.make()).status == 0


def test_long_names_that_are_taken_in_corrupt(to_pacs):
    """One that no stamp fits before loses its end, and is an item still."""
    long = "x" * 251 + ".dcm"
    for n in range(2):
        drop(to_pacs, b"no DICOM", "short.part").rename(
            to_pacs.path("pacs", "new", long))
        to_pacs.wait_items("pacs", "corrupt", n + 1)
    one, two = sorted(to_pacs.items("pacs", "corrupt"))
    assert two == long and len(one) == 255 and re.match(r"2\d+T.*Z-x+\.dcm$", one)


def spoiled_item(gateway, pacs, spoil):
    """An item of the gateway's own, changed behind its back."""
    made = instance.make(pixels=300000)
    pacs.stop()
    with gateway.modality(made) as ct:
        ct.send(made)
        gateway.wait_down("pacs")
        ct.abort()
    gateway.sender.stop()
    (path,) = [p for s in ("new", "deferred")
               for p in gateway.path("pacs", s).glob("*.dcm")]
    spoil(path)
    pacs.start()
    gateway.sender.start()
    return made


def flip(path):
    with open(path, "r+b") as f:
        f.seek(-1000, os.SEEK_END)
        byte = f.read(1)
        f.seek(-1000, os.SEEK_END)
        f.write(bytes((byte[0] ^ 1,)))


def shorten(path):
    os.truncate(path, path.stat().st_size - 1000)


def lengthen(path):
    with open(path, "ab") as f:
        f.write(bytes(10))


@pytest.mark.parametrize("spoil", [flip, shorten, lengthen])
def test_an_item_that_does_not_fit_its_digest(to_pacs, pacs, spoil):
    made = spoiled_item(to_pacs, pacs, spoil)
    (name,) = to_pacs.wait_items("pacs", "corrupt", 1)
    assert made.uid in name
    assert pacs.received == []  # its last PDV was kept back
    assert to_pacs.store(instance.make()).status == 0


def test_an_item_changed_by_dcmodify_is_foreign_and_sent(to_pacs, pacs):
    def modify(path):
        subprocess.run(["dcmodify", "-nb", "-m", "PatientID=NEW", str(path)],
                       check=True, capture_output=True)
    made = spoiled_item(to_pacs, pacs, modify)
    tools.wait_until(lambda: pacs.uids() == [made.uid])
    assert pacs.received[0].digest != made.digest
    assert not to_pacs.items("pacs", "corrupt")


# spools

def start_refused(daemon, timeout=15):
    daemon.spawn()
    code = daemon.wait_exit(timeout)
    return code, "\n".join(daemon.log)


def test_a_second_daemon_refuses_to_start(to_pacs):
    conf = to_pacs.folder / "other.conf"
    conf.write_text(to_pacs.conf.read_text().replace(
        f"IPPort = {to_pacs.port}", f"IPPort = {tools.free_port()}"))
    second = [gateways.Daemon(d.program, conf)
              for d in (to_pacs.sender, to_pacs.receiver)]
    for daemon in second:
        daemon.spawn()
    for daemon in second:
        assert daemon.process.wait(15) == 75, daemon.log
        assert not any("ready" in line for line in daemon.log)
    assert to_pacs.store(instance.make()).status == 0


@pytest.mark.parametrize("which", ["sender", "receiver"])
@pytest.mark.parametrize("version", [
    "dcmspool-spool 2\n", "dcmspool-spool 10\n", "maildir\n", ""])
def test_another_version(make_gateway, pacs, which, version):
    gateway = make_gateway({"pacs": pacs})
    gateway.spool.mkdir()
    (gateway.spool / "version").write_text(version)
    code, log = start_refused(getattr(gateway, which))
    assert code not in (0, 75) and code > 0, log
    assert "version" in log and str(gateway.spool) in log


@pytest.mark.parametrize("which", ["sender", "receiver"])
def test_a_folder_that_is_not_ours(make_gateway, pacs, which):
    gateway = make_gateway({"pacs": pacs})
    gateway.spool.mkdir()
    (gateway.spool / "holiday.jpg").write_bytes(b"x")
    code, log = start_refused(getattr(gateway, which))
    assert code > 0 and code != 75, log
    assert str(gateway.spool) in log
    assert [p.name for p in gateway.spool.iterdir()] == ["holiday.jpg"]


@pytest.mark.parametrize("which", ["sender", "receiver"])
def test_no_parent_folder(make_gateway, pacs, which):
    gateway = make_gateway({"pacs": pacs}, top={
        "StorageLocation": "/nonexistent/dcmspool/spool"})
    code, log = start_refused(getattr(gateway, which))
    assert code > 0, log
    assert "/nonexistent/dcmspool" in log


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts: needs root")
@pytest.mark.parametrize("folder", ["tmp", "queue/pacs/new", "result"])
def test_two_file_systems(make_gateway, pacs, folder):
    gateway = make_gateway({"pacs": pacs})
    gateway.start().stop()
    where = gateway.spool / folder
    mounted = tools.run("mount", "-t", "tmpfs", "none", where)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount here: {mounted.stdout.strip()}")
    try:
        for daemon in (gateway.sender, gateway.receiver):
            daemon.log.clear()
            code, log = start_refused(daemon)
            assert code > 0 and code != 75, log
            assert "file system" in log
    finally:
        tools.run("umount", where)


def test_a_removed_spool_folder_comes_back(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs})
    gateway.start().stop()
    shutil.rmtree(gateway.path("pacs", "deferred"))
    gateway.start()
    assert gateway.store(instance.make()).status == 0
