#!/usr/bin/env python3
"""Writes the corpora of the fuzz targets from real messages, and from what both
daemons write when they serve them: seeds.py [FOLDER].

What libFuzzer finds beyond these is added by hand, minimised (-merge=1).
"""

import pathlib
import struct
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "e2e")]

import gateway as gateways
import pki
import tools
from peers import instance, pdu
from peers.destination import Answer, Destination

UID = "2.25.1"
ITEM_CONTEXT = 3
REPORT_BYTES, REPORT_UID_AT = 720, 384  # of struct lane_report, x86-64
STAMP = "20260101T000000.000001Z"


def store_rq(one, **more):
    return pdu.pack_command({
        "AffectedSOPClassUID": one.sop_class, "AffectedSOPInstanceUID": one.uid,
        "CommandField": pdu.C_STORE_RQ, "MessageID": 7, "Priority": 0,
        "CommandDataSetType": 1, **more})


def echo_rq():
    return pdu.pack_command({
        "AffectedSOPClassUID": pdu.VERIFICATION, "CommandField": pdu.C_ECHO_RQ,
        "MessageID": 1, "CommandDataSetType": pdu.NO_DATA_SET})


def store_rsp(status, **more):
    return pdu.pack_command({
        "CommandField": 0x8001, "MessageIDBeingRespondedTo": 1,
        "CommandDataSetType": pdu.NO_DATA_SET, "Status": status, **more})


def received(one):
    """What a modality says, from its first byte to its last."""
    contexts = [(1, one.sop_class, [one.transfer, pdu.IMPLICIT_LE]),
                (3, pdu.VERIFICATION, [pdu.IMPLICIT_LE])]
    rq = pdu.associate_rq("JD-SCU", "ENS-SCP", contexts, 16384)
    store = [pdu.pdv(1, True, True, store_rq(one)),
             pdu.pdv(1, False, True, one.data)]
    parts = [pdu.pdv(1, True, True, store_rq(one))] + list(
        pdu.fragments(1, False, one.data, 256))
    yield "release", [rq, pdu.release_rq()]
    yield "abort", [rq, pdu.abort()]
    yield "echo", [rq, pdu.pdv(3, True, True, echo_rq()), pdu.release_rq()]
    yield "store", [rq, *store, pdu.release_rq()]
    yield "fragments", [rq, *parts, pdu.release_rq()]
    yield "two", [rq, *store, *store]
    yield "cut", [rq, store[0], store[1][:-9]]
    yield "moved", [rq, pdu.pdv(1, True, True, store_rq(
        one, MoveOriginatorAET="MOVER", MoveOriginatorMessageID=3)), store[1]]


def asked():
    """Association requests with every user item that there is."""
    uid = lambda text: struct.pack(">H", len(text)) + text
    item = lambda kind, data: struct.pack(">BxH", kind, len(data)) + data
    rq = pdu.associate_rq("JD-SCU", "ENS-SCP", [
        (1, instance.CT_IMAGE, [pdu.IMPLICIT_LE])], 16384)
    user = {
        "plain": b"", "window": item(0x53, b"\0\1\0\1"), "role": item(0x54, uid(b"1.2") + b"\1\0"),
        "extended": item(0x56, uid(b"1.2") + b"\1"),
        "common": item(0x57, uid(b"1.2") + uid(b"1.3") + uid(uid(b"1.4"))),
        "identity": item(0x58, b"\1\1" + uid(b"user") + uid(b"word"))}
    for name, more in user.items():
        at = rq.index(b"\x50\0", 74)
        information = item(0x50, rq[at + 4:] + more)
        body = rq[6:at] + information
        yield name, rq[:2] + struct.pack(">I", len(body)) + body


def answered():
    """What a destination says. The lane proposes verification and its item's
    context, and its first message has the ID 1."""
    rq = pdu.associate_rq("ENS-SCU", "PACS", [], 16384)[6:]
    ac, no = (pdu.associate_ac(rq, [(1, 0, pdu.IMPLICIT_LE),
                                    (ITEM_CONTEXT, result, pdu.IMPLICIT_LE)],
                               16384) for result in (0, 3))
    say = lambda status, **more: pdu.pdv(ITEM_CONTEXT, True, True, store_rsp(status, **more))
    yield "accepted", [ac]
    yield "no-context", [no]
    yield "rejected", [pdu.associate_rj(1, 1, 7)]
    yield "busy", [pdu.associate_rj(2, 3, 2)]
    yield "aborted", [ac, pdu.abort()]
    yield "success", [ac, say(0), pdu.release_rp()]
    yield "failure", [ac, say(0xC123, ErrorComment="no", OffendingElement=[
        0x00100020]), pdu.release_rp()]
    yield "pending", [ac, say(0xFF00), say(0)]
    yield "uids", [ac, say(0, AffectedSOPClassUID=instance.CT_IMAGE,
                          AffectedSOPInstanceUID="1.2.3"), pdu.release_rq()]


def reports():
    """What a lane says, sender/lane.h: as a job of tests/fuzz/report.c."""
    def report(kind, outcome, *flags, status=0):
        flags = [name in flags for name in ("other", "lost", "marked", "own")]
        return struct.pack("<II4?H", kind, outcome, *flags,
                           status).ljust(REPORT_BYTES, b"\0")
    deliver, probe, compare = 0, 1, 3
    same, different, answered, broken = 0, 1, 2, 7
    yield "delivered", b"\2" + report(deliver, answered) + report(
        compare, same, "other")
    yield "marked", b"\2" + report(deliver, answered, "marked", "own") + report(
        compare, different, "other")
    yield "failed", b"\2" + report(deliver, answered, status=0xC123) + report(
        compare, same, "other")
    yield "busy", b"\2" + report(deliver, answered, status=0xA700)
    yield "broken", b"\2" + report(deliver, broken, "lost")
    yield "died", b"\6"
    yield "probed", b"\0" + report(probe, same)
    yield "inspected", b"\1" + struct.pack("<II", 2, same).ljust(
        REPORT_UID_AT, b"\0") + b"1.2.3".ljust(
            REPORT_BYTES - REPORT_UID_AT, b"\0")


def implicit():
    """Data sets in implicit VR, with sequences before the study (PS3.5 7.5)."""
    def element(group, number, value, size=None):
        return struct.pack("<HHL", group, number,
                           len(value) if size is None else size) + value
    study = element(0x0020, 0x000D, b"1.2.840.99")
    inner = element(0x0008, 0x1150, b"1.2.3\0")
    item, end = (0xFFFE, 0xE000), element(0xFFFE, 0xE00D, b"")
    yield element(0x0008, 0x1140, element(*item, inner)) + study
    yield (element(0x0008, 0x1140, b"", 0xFFFFFFFF)
           + element(*item, b"", 0xFFFFFFFF) + inner + end
           + element(0xFFFE, 0xE0DD, b"") + study)


def certificates(folder):
    """A peer's certificate and what it is made of, as DER and PEM."""
    authority = pki.Authority(folder / "ca")
    names = "DNS:ct1.example.org,IP:192.0.2.1,IP:2001:db8::1,URI:urn:ct1"
    one = authority.issue("ct1", san=names)
    yield "pem", pathlib.Path(one.cert).read_bytes()
    der = folder / "one.der"
    pki.openssl("x509", "-in", one.cert, "-outform", "DER", "-out", der)
    yield "der", der.read_bytes()


def served(folder):
    """An item, its record, a `down`, and the ledger, of both daemons."""
    one = instance.make(uid=UID, fill=1)
    with Destination() as pacs:
        pacs.script = [Answer(status=0xC123, comment="as it is")]
        gateway = gateways.Gateway(folder, {"pacs": pacs})
        gateway.log_settings = {"Ledger": str(folder / "ledger")}
        gateway.write_conf()
        gateway.start()
        try:
            gateway.store(one)
            name, = gateway.wait_items("pacs", "failed", 1)
            item = gateway.path("pacs", "failed", name).read_bytes()
            record = gateway.path("pacs", "result", name).read_bytes()
            pacs.stop("rst")
            gateway.store(instance.make())
            gateway.wait_down("pacs")
            down = (gateway.spool / "queue/pacs/down").read_bytes()
        finally:
            gateway.finish()
        conf = gateway.conf.read_bytes()
        ledger = (folder / "ledger").read_bytes()
    return name, item, record, down, conf, ledger


def main(out, folder):
    def put(target, name, data):
        path = out / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    one = instance.make(pixels=64, uid=UID, fill=1)
    for name, parts in received(one):
        put("receive", name, b"".join(parts))
    for name, request in asked():
        put("precheck", name, request)
    for name, parts in answered():
        for how in (b"\0", b"\1"):
            put("send", f"{name}-{how[0]}", how + b"".join(parts))
    name, item, record, down, conf, ledger = served(folder)
    for kind, data in certificates(folder):
        put("certificate", kind, data)
    put("item", "item", item)
    put("item", "foreign", one_as_file(folder).read_bytes())
    put("counters", "whole", struct.pack("<qh", 1_795_000_000_000_000, 0))
    put("counters", "shorter", struct.pack("<qh", 0, -1))
    put("study", "explicit", b"\1" + one.data[:512])
    for i, data in enumerate(implicit()):
        put("study", f"implicit-{i}", b"\0" + data)
    put("trace", "ledger", ledger)
    put("trace", "syslog", b"".join(
        b"Jan  1 00:00:00 host dcmspool-sender[7]: " + line.split(b" ", 3)[3]
        for line in ledger.splitlines(True)))
    for i, words in ((0, b"pacs"), (0, b"pacs/new"), (1, b"new,failed"),
                     (2, b"CT*"), (3, b"1.2.3"), (4, b"2d"), (5, b"0xA7xx")):
        put("filter", words.decode().replace("/", "-").replace("*", ""),
            bytes([i]) + words)
    for what, data in reports():
        put("report", what, data)
    put("name", "item", name.encode())
    put("name", "destination", b"ENS-SCU-storage")
    at = item.index(b"dcmspool-envelope")
    put("envelope", "envelope", item[at:at + 1024])
    put("part10", "item", item[:at + 1024])
    put("part10", "foreign", one_as_file(folder).read_bytes()[:600])
    put("result", "record", record)
    put("link", "down", down)
    put("conf", "shipped", (tools.TREE / "etc/dcmspool.conf").read_bytes())
    put("conf", "test", conf.replace(str(folder).encode(), b"/tmp"))
    put("command", "store-rq", store_rq(one, MoveOriginatorAET="MOVER"))
    put("command", "echo-rq", echo_rq())
    put("command", "store-rsp", store_rsp(0xC123, ErrorComment="no",
                                          OffendingElement=[0x00100020]))
    for i, line in enumerate((
            b"10.0.0.0/8\n10.1.2.3", b"2001:db8::/32\n2001:db8::1",
            b"*\n192.0.2.1", b"sha256:" + b"ab" * 32 + b"\n*.example.org",
            b"CT*\nCT1", b"192.0.2.7\n::ffff:192.0.2.7")):
        put("peer", str(i), line)


def one_as_file(folder):
    path = folder / "foreign.dcm"
    instance.make(uid=UID, fill=1).write(path)
    return path


if __name__ == "__main__":
    import tempfile
    with tempfile.TemporaryDirectory() as temporary:
        main(pathlib.Path(sys.argv[1] if sys.argv[1:] else
                          TESTS / "fuzz/corpus"), pathlib.Path(temporary))
