"""What a peer may send or do in any state: the rows of PS3.8 table 9-10, with
the invalid PDUs that it counts as one row apart."""

import raw
from peers import pdu

UNKNOWN = {
    **{f"type-{kind:02x}": raw.pdu_of(kind, bytes(4))
       for kind in (0x00, 0x08, 0x44, 0xFF)},
    "type-00-of-2^32-1": raw.pdu_of(0, bytes(600), 0xFFFFFFFF),
    "http": b"GET /%s%n HTTP/1.1\r\nHost: $(reboot)\r\n\r\n",
    "tls-hello": bytes.fromhex("16030100f8010000f40303") + bytes(239),
}

OUT_OF_PLACE = {  # of an association that is there
    "a-associate-rq": raw.associate_rq(),
    "a-associate-ac": raw.associate_ac(),
    "a-associate-rj": pdu.associate_rj(1, 1, 1),
    "a-release-rp": pdu.release_rp(),
    "rq-of-10-bytes": raw.pdu_of(pdu.ASSOCIATE_RQ, bytes(10)),
    "rq-of-0-bytes": raw.pdu_of(pdu.ASSOCIATE_RQ),
    "ac-of-10-bytes": raw.pdu_of(pdu.ASSOCIATE_AC, bytes(10)),
    "rj-of-0-bytes": raw.pdu_of(pdu.ASSOCIATE_RJ),
    "release-rp-of-0-bytes": raw.pdu_of(pdu.RELEASE_RP),
}

INVALID = {
    "p-data-of-0-bytes": raw.p_data(),
    "p-data-of-3-bytes": raw.pdu_of(pdu.P_DATA_TF, bytes(3)),
    "p-data-of-2^31": raw.pdu_of(pdu.P_DATA_TF, bytes(600), 1 << 31),
    "p-data-of-2^32-1": raw.pdu_of(pdu.P_DATA_TF, bytes(600), 0xFFFFFFFF),
    "release-rq-of-0-bytes": raw.pdu_of(pdu.RELEASE_RQ),
    "release-rq-of-2^32-1": raw.pdu_of(
        pdu.RELEASE_RQ, bytes(600), 0xFFFFFFFF),
    "abort-of-0-bytes": raw.pdu_of(pdu.ABORT),
}

# After these nothing comes for so long that a limit is met.
SILENT = {
    "silence": b"",
    "half-a-header": b"\x04\x00\x00",
    "abort-of-1000": raw.pdu_of(pdu.ABORT, bytes(4), 1000),
}

ENDS = ("a-abort", "a-abort-by-provider", "fin", "rst")

EVENTS = {
    "p-data": raw.echo_pdu(),
    "a-release-rq": pdu.release_rq(),
    "a-abort": pdu.abort(),
    "a-abort-by-provider": pdu.abort(2, 6),
    "fin": None,
    "rst": None,
    **OUT_OF_PLACE,
    **UNKNOWN,
    **INVALID,
    **SILENT,
}


def send(wire, event):
    if event == "fin":
        wire.half_close()
    elif event == "rst":
        wire.reset()
        wire.words.append("end")
    else:
        wire.send(EVENTS[event])
