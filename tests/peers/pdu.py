"""Protocol data units (PS3.8 9.3) and command sets (PS3.7 6.3.1, E.1)."""

import socket
import struct

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ = 1, 2, 3
P_DATA_TF, RELEASE_RQ, RELEASE_RP, ABORT = 4, 5, 6, 7

C_STORE_RQ, C_STORE_RSP = 0x0001, 0x8001
C_ECHO_RQ, C_ECHO_RSP = 0x0030, 0x8030
NO_DATA_SET = 0x0101

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLEMENTATION_UID = "2.25.203434190914271424117143286012366312911"

ELEMENTS = {
    "AffectedSOPClassUID": (0x0002, "UI"),
    "CommandField": (0x0100, "US"),
    "MessageID": (0x0110, "US"),
    "MessageIDBeingRespondedTo": (0x0120, "US"),
    "Priority": (0x0700, "US"),
    "CommandDataSetType": (0x0800, "US"),
    "Status": (0x0900, "US"),
    "OffendingElement": (0x0901, "AT"),
    "ErrorComment": (0x0902, "LO"),
    "AffectedSOPInstanceUID": (0x1000, "UI"),
    "MoveOriginatorAET": (0x1030, "AE"),
    "MoveOriginatorMessageID": (0x1031, "US"),
}
KEYWORDS = {tag: (name, vr) for name, (tag, vr) in ELEMENTS.items()}


class Closed(Exception):
    """The connection ended: by FIN, by RST, or because we closed it."""


class Aborted(Exception):
    """A-ABORT came; args are source and reason."""


def read_exactly(sock, size):
    data = bytearray(size)
    view = memoryview(data)
    while view:
        try:
            n = sock.recv_into(view)
        except socket.timeout:
            raise
        except OSError as e:
            raise Closed(str(e)) from e
        if n == 0:
            raise Closed("FIN")
        view = view[n:]
    return data


def read_pdu(sock):
    """The next PDU: type and body."""
    kind, size = struct.unpack(">BxI", read_exactly(sock, 6))
    body = read_exactly(sock, size)
    if kind == ABORT:
        raise Aborted(body[2], body[3])
    return kind, body


def send(sock, data):
    try:
        sock.sendall(data)
    except socket.timeout:
        raise
    except OSError as e:
        raise Closed(str(e)) from e


def pdu(kind, body):
    return struct.pack(">BxI", kind, len(body)) + body


def release_rq():
    return pdu(RELEASE_RQ, bytes(4))


def release_rp():
    return pdu(RELEASE_RP, bytes(4))


def abort(source=0, reason=0):
    return pdu(ABORT, bytes((0, 0, source, reason)))


def associate_rj(result, source, reason):
    return pdu(ASSOCIATE_RJ, bytes((0, result, source, reason)))


def reset(sock):
    """Closes so that the peer sees an RST."""
    try:
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    hang_up(sock)


def hang_up(sock):
    """Closes, also under a thread that reads from it."""
    try:
        sock.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    sock.close()


def item(kind, data):
    return struct.pack(">BxH", kind, len(data)) + data


def items(data):
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from(">BxH", data, at)
        yield kind, bytes(data[at + 4:at + 4 + size])
        at += 4 + size


def aet_bytes(aet):
    return aet.encode("latin-1")[:16].ljust(16)


def user_information(max_pdu):
    return item(0x50, item(0x51, struct.pack(">I", max_pdu))
                + item(0x52, IMPLEMENTATION_UID.encode())
                + item(0x55, b"DCMSPOOL_TEST"))


def associate_rq(calling, called, contexts, max_pdu):
    """contexts: (id, abstract syntax, transfer syntaxes)."""
    body = struct.pack(">HH", 1, 0) + aet_bytes(called) + aet_bytes(calling)
    body += bytes(32) + item(0x10, APPLICATION_CONTEXT.encode())
    for context_id, abstract, transfers in contexts:
        subs = item(0x30, abstract.encode())
        subs += b"".join(item(0x40, t.encode()) for t in transfers)
        body += item(0x20, bytes((context_id, 0, 0, 0)) + subs)
    return pdu(ASSOCIATE_RQ, body + user_information(max_pdu))


def associate_ac(request, results, max_pdu):
    """results: (id, result, transfer syntax); request: the RQ's body."""
    body = bytes(request[:68]) + item(0x10, APPLICATION_CONTEXT.encode())
    for context_id, result, transfer in results:
        body += item(0x21, bytes((context_id, 0, result, 0))
                     + item(0x40, transfer.encode()))
    return pdu(ASSOCIATE_AC, body + user_information(max_pdu))


class Association:
    """What an A-ASSOCIATE-RQ or -AC body says."""

    def __init__(self, body):
        self.called = body[4:20].decode("latin-1").strip()
        self.calling = body[20:36].decode("latin-1").strip()
        self.max_pdu = 0
        self.proposed = []  # (id, abstract, [transfer syntaxes])
        self.results = {}  # id: (result, transfer syntax)
        for kind, data in items(body[68:]):
            if kind == 0x20:
                subs = list(items(data[4:]))
                text = lambda k: [uid(d) for t, d in subs if t == k]
                self.proposed.append((data[0], text(0x30)[0], text(0x40)))
            elif kind == 0x21:
                transfer = [uid(d) for t, d in items(data[4:]) if t == 0x40]
                self.results[data[0]] = (data[2], "".join(transfer[:1]))
            elif kind == 0x50:
                for sub, value in items(data):
                    if sub == 0x51:
                        self.max_pdu = struct.unpack(">I", value)[0]


def uid(data):
    return data.decode("latin-1").rstrip("\0 ")


def pdv(context_id, command, last, data):
    """One PDV in a P-DATA-TF PDU of its own."""
    flags = (1 if command else 0) | (2 if last else 0)
    head = struct.pack(">BxIIBB", P_DATA_TF, len(data) + 6, len(data) + 2,
                       context_id, flags)
    return head + data


def pdvs(body):
    """The PDVs of a P-DATA-TF body: context ID, command?, last?, data."""
    view = memoryview(body)
    while view:
        size, context_id, flags = struct.unpack_from(">IBB", view)
        yield context_id, bool(flags & 1), bool(flags & 2), view[6:4 + size]
        view = view[4 + size:]


def fragments(context_id, command, data, max_pdu):
    """data in as many PDUs as the peer's maximum asks for."""
    step = (max_pdu or 131072) - 6
    for at in range(0, len(data), step) or (0,):
        yield pdv(context_id, command, at + step >= len(data),
                  data[at:at + step])


def pack_command(command):
    """A command set from {keyword: value}; None leaves an element out."""
    body = b""
    for name, (tag, vr) in sorted(ELEMENTS.items(), key=lambda e: e[1]):
        value = command.get(name)
        if value is None:
            continue
        if vr == "US":
            data = struct.pack("<H", value)
        elif vr == "AT":
            data = b"".join(
                struct.pack("<HH", v >> 16, v & 0xFFFF) for v in value)
        else:
            data = value if isinstance(value, bytes) else value.encode()
            if len(data) % 2:
                data += b"\0" if vr == "UI" else b" "
        body += struct.pack("<HHI", 0, tag, len(data)) + data
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def unpack_command(data):
    """{keyword: value}; elements that we do not know under their number."""
    command, at = {}, 0
    while at < len(data):
        group, tag, size = struct.unpack_from("<HHI", data, at)
        value = bytes(data[at + 8:at + 8 + size])
        at += 8 + size
        if group != 0 or tag == 0:
            continue
        name, vr = KEYWORDS.get(tag, (tag, "UN"))
        if vr == "US":
            value = struct.unpack("<H", value)[0]
        elif vr == "AT":
            value = [g << 16 | e for g, e in struct.iter_unpack("<HH", value)]
        elif vr in ("LO", "AE"):
            value = value.decode("utf-8", "replace").rstrip(" ")
        elif vr == "UI":
            value = uid(value)
        command[name] = value
    return command
