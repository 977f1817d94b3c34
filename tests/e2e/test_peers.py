"""The test peers themselves, against DCMTK's tools."""

import subprocess

import pytest
from peers import instance, pdu
from peers.destination import Answer, Associate, Destination
from peers.modality import Modality, Rejected, contexts_for, store_one

import tools


@pytest.fixture
def pacs():
    with Destination() as destination:
        yield destination


def test_echoscu(pacs):
    assert tools.run("echoscu", "127.0.0.1", pacs.port).returncode == 0
    assert (pacs.echoes, pacs.releases) == (1, 1)


def test_storescu_is_told_the_status(pacs, tmp_path):
    made = instance.make()
    path = made.write(tmp_path / "a.dcm")
    pacs.default = Answer(0xA700, comment="no room", offending=[0x00080018])
    done = tools.run("storescu", "-v", "127.0.0.1", pacs.port, path)
    assert "0xa700" in done.stdout.lower() or "Refused" in done.stdout
    got = pacs.received[0]
    assert (got.uid, got.sop_class) == (made.uid, made.sop_class)
    assert got.calling == "STORESCU"


def test_dcmsend_sends_many(pacs, tmp_path):
    made = [instance.make(pixels=300000) for _ in range(5)]
    paths = [m.write(tmp_path / f"{m.uid}.dcm") for m in made]
    assert tools.run("dcmsend", "127.0.0.1", pacs.port, *paths).returncode == 0
    assert sorted(pacs.uids()) == sorted(m.uid for m in made)
    assert len(pacs.associations) == 1 and pacs.violations == []


def test_our_data_sets_are_what_dcmtk_sends(pacs, tmp_path):
    """dcmsend encodes an explicit little endian data set as we made it."""
    made = instance.make(pixels=70000)
    path = made.write(tmp_path / "a.dcm")
    assert tools.run("dcmsend", "127.0.0.1", pacs.port, path).returncode == 0
    assert pacs.received[0].digest == made.digest


@pytest.mark.parametrize(
    "path", tools.real_files(even=True), ids=lambda p: p.name)
def test_storescp_gets_it_bit_for_bit(path, storescp):
    scp = storescp()
    sent = instance.read(path)
    assert store_one(scp.port, sent).status == 0
    (got,) = scp.instances()
    assert (got.uid, got.transfer) == (sent.uid, sent.transfer)
    assert got.digest == sent.digest


def test_several_contexts_and_message_ids(storescp):
    scp = storescp()
    made = [instance.make(), instance.make(sop_class=instance.CT_IMAGE)]
    contexts = contexts_for(*made) + [(pdu.VERIFICATION, [pdu.IMPLICIT_LE])]
    with Modality(scp.port, contexts) as modality:
        assert modality.echo().status == 0
        for message_id in (4711, 4711, 65535):
            for one in made:
                response = modality.store(one, message_id)
                assert response.status == 0
                assert response.message_id == message_id
                assert response.uids == (one.sop_class, one.uid)


def test_break_off_in_the_data_set(pacs):
    made = instance.make(pixels=300000)
    with Modality(pacs.port, contexts_for(made)) as modality:
        modality.send(made, upto=200000)
        modality.abort()
    tools.wait_until(lambda: pacs.partial, 5)
    assert pacs.partial[0].size == 200000
    assert pacs.aborts == 1 and pacs.received == []


def test_rejected(pacs):
    made = instance.make()
    pacs.associate = Associate(reject=(2, 3, 1))
    with pytest.raises(Rejected) as e:
        store_one(pacs.port, made)
    assert e.value.args == (2, 3, 1)
    assert tools.run("echoscu", "127.0.0.1", pacs.port).returncode != 0


@pytest.mark.parametrize("how", ["abort", "rst", "fin"])
@pytest.mark.parametrize("where", ["command", "data", "answer", "in-answer"])
def test_breaks(pacs, where, how):
    pacs.script = [Answer(cut=where, how=how)]
    made = instance.make()
    clean = how == "abort" and where != "in-answer"
    with pytest.raises(pdu.Aborted if clean else pdu.Closed):
        store_one(pacs.port, made, timeout=5)
    assert store_one(pacs.port, made).status == 0


def test_stop_and_start_on_the_same_port(pacs):
    made = instance.make()
    pacs.stop()
    with pytest.raises(ConnectionRefusedError):
        store_one(pacs.port, made)
    pacs.start()
    assert store_one(pacs.port, made).status == 0


def test_as_a_program(tmp_path):
    program = subprocess.Popen(
        [tools.PYTHON, "-m", "peers.destination", "--status", "0xB000"],
        cwd=tools.TESTS, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    port = int(program.stderr.readline().split()[-1])
    assert store_one(port, instance.make()).status == 0xB000
    out, _ = program.communicate(timeout=10)
    assert '"status": 45056' in out
