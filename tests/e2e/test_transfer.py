"""Instances pass bit for bit, with all that goes with them."""

import subprocess

import pydicom
import pytest
from peers import instance, pdu

import gateway as gateways
import tools

EXAMPLES = tools.real_files()


def send_with_dcmsend(port, paths):
    return tools.run("dcmsend", "-v", "--decompress-never", "-aec", "ENS-SCP",
                     "-aet", "JD-SCU", "127.0.0.1", port, *paths)


def send_with_storescu(port, paths):
    return tools.run("storescu", "-v", "-R", "-nh", "-aec", "ENS-SCP",
                     "-aet", "JD-SCU", "127.0.0.1", port, *paths)


def send_with_gdcmscu(port, paths):
    return tools.run("gdcmscu", "--store", "--call", "ENS-SCP", "--aetitle",
                     "JD-SCU", "127.0.0.1", port, *paths)


def by_uid(rows):
    return {r.uid: (r.sop_class, r.transfer, r.digest) for r in rows}


def test_real_files_arrive_as_sent(to_pacs, pacs):
    """Ours to the destination's peer: the bytes on both wires are the same."""
    sent = [instance.read(path) for path in EXAMPLES]
    with to_pacs.modality(*sent) as ct:
        for one in sent:
            response = ct.store(one)
            assert response.status == 0
            assert response.uids == (one.sop_class, one.uid)
            got = pacs.received[-1]
            assert (got.uid, got.sop_class) == (one.uid, one.sop_class)
            assert (got.transfer, got.digest) == (one.transfer, one.digest)
    assert len(pacs.received) == len(sent)
    assert to_pacs.empty("pacs")


def test_real_files_reach_storescp(start_gateway, storescp):
    """And what storescp +B writes is the same."""
    scp = storescp()
    gateway = start_gateway({"pacs": scp})
    sent = [instance.read(p) for p in tools.real_files(even=True)]
    for one in sent:  # where files share a UID, each is compared in turn
        assert gateway.store(one).status == 0
        got = by_uid(scp.instances())[one.uid]
        assert got == (one.sop_class, one.transfer, one.digest)


@pytest.mark.parametrize("send, files", [
    (send_with_dcmsend, tools.study()),
    (send_with_storescu, tools.study(compressed=False)),
    (send_with_gdcmscu, [p for p in tools.study(compressed=False)
                         if p.stem in ("CT_small", "MR_small")])],
    ids=["dcmsend", "storescu", "gdcmscu"])
def test_programs_arrive_as_they_send(
        start_gateway, destination, storescp, send, files):
    """What the program puts on the wire, seen by a peer without a gateway, is
    what storescp +B has with one, and what another destination has."""
    plain, pacs, scp = destination(), destination(), storescp()
    direct = send(plain.port, files)
    gateway = start_gateway({"scp": scp, "pacs": pacs}, KeepSent=3600)
    through = send(gateway.port, files)
    if send is not send_with_gdcmscu:  # which may crash when it is done
        assert (direct.returncode, through.returncode) == (0, 0)
    assert len(plain.received) == len(files) > 1, direct.stdout
    assert by_uid(pacs.received) == by_uid(plain.received)
    assert by_uid(scp.instances()) == by_uid(plain.received)
    # The answer goes out before the item moves; an equal one that comes in
    # between is settled with it.
    gateway.wait_empty("scp")
    kept = [instance.read(gateway.path("scp", "sent", name)).digest
            for name in gateway.items("scp", "sent")]
    assert list(dict.fromkeys(kept)) == list(
        dict.fromkeys(r.digest for r in plain.received))


@pytest.mark.parametrize("size", [2, 4096, 131062, 131063, 262120, 1000001])
def test_sizes(to_pacs, pacs, size):
    """Around the limits of PDUs, and odd."""
    made = instance.make()
    made.data = bytes(i % 251 for i in range(size))
    assert to_pacs.store(made).status == 0
    assert pacs.received[0].digest == made.digest


@pytest.mark.parametrize("max_pdu", [4096, 16384, 131072])
def test_max_pdu_of_the_destination_is_kept(to_pacs, pacs, max_pdu):
    pacs.associate.max_pdu = max_pdu
    made = instance.make(pixels=300000)
    assert to_pacs.store(made).status == 0
    assert pacs.received[0].digest == made.digest


def test_max_pdu_of_the_modality_is_kept(to_pacs, pacs):
    pacs.default.comment = "c" * 64
    made = instance.make()
    with to_pacs.modality(made, max_pdu=128) as ct:
        assert ct.store(made).comment == "c" * 64


def test_message_ids_are_the_modalitys(to_pacs, pacs):
    made = [instance.make() for _ in range(5)]
    with to_pacs.modality(*made) as ct:
        for one, message_id in zip(made, (4711, 4711, 65535, 0, 4712)):
            response = ct.store(one, message_id)
            assert (response.status, response.message_id) == (0, message_id)
            assert response.uids == (one.sop_class, one.uid)
    ids = [r.message_id for r in pacs.received]
    assert len(set(ids)) == len(ids) and 4711 not in ids


def test_priority_and_move_originator_go_along(to_pacs, pacs):
    made = [instance.make(), instance.make()]
    with to_pacs.modality(*made) as ct:
        assert ct.store(made[0], priority=1, move=("MOVER", 77)).status == 0
        assert ct.store(made[1], priority=2).status == 0
    first, second = pacs.received
    assert (first.priority, first.move_aet, first.move_message_id) == (
        1, "MOVER", 77)
    assert (second.priority, second.move_aet) == (2, None)


def test_ae_titles_of_the_gateway(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, LocalAET="ENS-SCU")
    assert gateway.store(instance.make(), calling="CT-1").status == 0
    assert (pacs.received[0].calling, pacs.received[0].called) == (
        "ENS-SCU", "PACS")


def test_ae_titles_passed_through(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, LocalAET="%calling",
                            RemoteAET="%called",
                            receiver={"LocalAET": "ENS-SCP, GW-*"})
    for calling, called in (("CT-1", "ENS-SCP"), ("MR 2", "GW-A"),
                            ("CT-1", "ENS-SCP")):
        response = gateway.store(
            instance.make(), calling=calling, called=called)
        assert response.status == 0
        got = pacs.received[-1]
        assert (got.calling, got.called) == (calling, called)


def test_one_warm_association_serves_many(to_pacs, pacs):
    made = [instance.make() for _ in range(20)]
    for one in made:
        assert to_pacs.store(one).status == 0
    assert len(pacs.associations) == 1


def test_idle_association_is_released(start_gateway, pacs):
    start_gateway({"pacs": pacs}, IdleTimeout=1).store(instance.make())
    tools.wait_until(lambda: pacs.releases == 1, 5)
    assert pacs.aborts == 0


def test_lane_associates_anew_for_a_context_it_lacks(to_pacs, pacs):
    made = [instance.make(), instance.make(sop_class=instance.CT_IMAGE),
            instance.make(sop_class=instance.MR_IMAGE), instance.make()]
    for one in made:
        assert to_pacs.store(one).status == 0
    assert pacs.uids() == [m.uid for m in made]
    assert len(pacs.associations) == 3
    assert (pacs.releases, pacs.aborts) == (2, 0)
    last = {a for _, a, _ in pacs.associations[-1].proposed}
    assert {m.sop_class for m in made} <= last
    for association in pacs.associations:
        assert all(len(t) == 1 for _, _, t in association.proposed)


def test_lanes_are_used_at_once(start_gateway, pacs):
    pacs.default.delay = 0.5
    gateway = start_gateway({"pacs": pacs}, Lanes=4)
    made = [instance.make() for _ in range(4)]
    open_ones = [gateway.modality(m).__enter__() for m in made]
    for ct, one in zip(open_ones, made):
        ct.send(one)
    for ct in open_ones:
        assert ct.read_response().status == 0
        ct.release()
    assert pacs.most_open >= 3


def test_choice_of_transfer_syntax(to_pacs):
    """Explicit, then implicit little endian, else the first."""
    jpeg, j2k = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
    offers = [([pdu.IMPLICIT_LE, pdu.EXPLICIT_LE], pdu.EXPLICIT_LE),
              ([jpeg, pdu.IMPLICIT_LE], pdu.IMPLICIT_LE),
              ([jpeg, pdu.EXPLICIT_BE, pdu.EXPLICIT_LE], pdu.EXPLICIT_LE),
              ([jpeg, j2k], jpeg), ([pdu.EXPLICIT_BE], pdu.EXPLICIT_BE),
              (["2.25.999"], "2.25.999")]
    extra = [(instance.CT_IMAGE, offered) for offered, _ in offers]
    with to_pacs.modality(extra=extra) as ct:
        assert list(ct.accepted.values()) == [want for _, want in offers]


def test_storage_classes(make_gateway, pacs):
    gateway = make_gateway(
        {"pacs": pacs}, receiver={"ExtraSOPClasses": "1.3.12.2.1107.5.9.1"})
    gateway.start()
    retired = "1.2.840.10008.5.1.4.1.1.5"  # Nuclear Medicine, retired
    unheard_of = "1.2.840.10008.5.1.4.1.1.88.999"
    taken = [retired, unheard_of, "1.3.12.2.1107.5.9.1"]
    refused = ["1.2.840.10008.5.1.4.1.2.2.1", "1.3.12.2.1107.5.9.2"]
    made = [instance.make(sop_class=c) for c in taken]
    others = [instance.make(sop_class=c) for c in refused]
    with gateway.modality(*made, *others) as ct:
        assert [ct.results[2 * i + 1][0] for i in range(5)] == [0, 0, 0, 3, 3]
        for one in made:
            assert ct.store(one).status == 0


def test_128_contexts(to_pacs, pacs):
    made = [instance.make(sop_class=f"1.2.840.10008.5.1.4.1.1.{9000 + i}")
            for i in range(128)]
    with to_pacs.modality(*made) as ct:
        assert len(ct.accepted) == 128
        for one in (made[0], made[127]):
            assert ct.store(one).status == 0


def test_echo(to_pacs, pacs):
    done = tools.run("echoscu", "-v", "-aec", "ENS-SCP", "127.0.0.1",
                     to_pacs.port)
    assert done.returncode == 0, done.stdout
    assert pacs.requests == 0
    verification = [(pdu.VERIFICATION, [pdu.IMPLICIT_LE])]
    with to_pacs.modality(extra=verification) as ct:
        assert [ct.echo().status for _ in range(3)] == [0, 0, 0]


def test_an_item_is_a_dicom_file(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, KeepSent=3600)
    made = instance.make(pixels=2000)
    assert gateway.store(made, 4711, calling="CT-1").status == 0
    (name,) = gateway.wait_items("pacs", "sent", 1)
    assert name.split("-m")[1] == f"4711-{made.uid}.dcm"
    path = gateway.path("pacs", "sent", name)
    assert path.stat().st_mode & 0o777 == 0o600
    dataset = pydicom.dcmread(path)
    assert dataset.SOPInstanceUID == made.uid
    assert dataset.file_meta.MediaStorageSOPInstanceUID == made.uid
    assert dataset.file_meta.TransferSyntaxUID == pdu.EXPLICIT_LE
    dump = subprocess.run(["dcmdump", "-q", str(path)], check=True,
                          capture_output=True, text=True).stdout
    assert "CT-1" in dump
    assert instance.read(path).digest == made.digest
    envelope = gateways.envelope(path)
    assert envelope["MessageID"] == "4711"
    assert (envelope["CallingAET"], envelope["CalledAET"]) == (
        "CT-1", "ENS-SCP")
    assert int(envelope["DataSetLength"]) == made.size
    assert len(envelope["Digest"]) == 32


def test_several_associations_with_several_syntaxes(to_pacs, pacs):
    explicit, implicit = instance.make(), instance.make()
    implicit.transfer = pdu.IMPLICIT_LE
    with to_pacs.modality(explicit, implicit) as ct:
        assert ct.store(explicit).status == 0
        assert ct.store(implicit).status == 0
    assert [r.transfer for r in pacs.received] == [
        pdu.EXPLICIT_LE, pdu.IMPLICIT_LE]


def test_routes_choose_by_title_and_class(start_gateway, destination):
    ct_pacs, mr_pacs, rest = destination(), destination(), destination()
    gateway = start_gateway(
        {"ct": ct_pacs, "mr": mr_pacs, "rest": rest}, routes=[
            {"RemoteAET": "CT*", "SOPClass": instance.CT_IMAGE,
             "DuplexTargetConfigNames": "ct"},
            {"RemoteAET": "MR*, ANGIO", "DuplexTargetConfigNames": "mr"},
            {"DuplexTargetConfigNames": "rest"}])
    image = instance.make(sop_class=instance.CT_IMAGE)
    other = instance.make()
    with gateway.modality(image, other, calling="CT-1") as ct:
        assert ct.store(image).status == 0
        assert ct.store(other).status == 0
    assert gateway.store(instance.make(), calling="MR-1").status == 0
    assert gateway.store(instance.make(), calling="ANGIO").status == 0
    assert [len(d.received) for d in (ct_pacs, mr_pacs, rest)] == [1, 2, 1]


def test_a_class_that_no_route_takes_is_refused(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs}, routes=[
        {"SOPClass": "1.2.840.10008.5.1.4.1.1.2*"}])
    image = instance.make(sop_class=instance.CT_IMAGE)
    other = instance.make(sop_class=instance.MR_IMAGE)
    with gateway.modality(image, other) as ct:
        assert [ct.results[i][0] for i in (1, 3)] == [0, 3]
        assert ct.store(image).status == 0
