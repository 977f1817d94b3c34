"""PDUs, items and command sets in which anything may be wrong."""

import struct

from peers import instance, pdu

CALLED, CALLING = b"ENS-SCP", b"JD-SCU"
STORE_CONTEXT, ECHO_CONTEXT = 1, 3
STORAGE = instance.SECONDARY_CAPTURE.encode()
VERIFICATION = pdu.VERIFICATION.encode()
EXPLICIT = pdu.EXPLICIT_LE.encode()
IMPLICIT = pdu.IMPLICIT_LE.encode()
DEFLATED = b"1.2.840.10008.1.2.1.99"


def pdu_of(kind, body=b"", length=None):
    """A PDU whose header may say another length than it has."""
    size = len(body) if length is None else length
    return struct.pack(">BxI", kind, size) + body


def item(kind, data=b"", length=None):
    """An item or sub-item, the same."""
    size = len(data) if length is None else length
    return struct.pack(">BxH", kind, size & 0xFFFF) + data


def application_context(name=pdu.APPLICATION_CONTEXT.encode(), length=None):
    return item(0x10, name, length)


def context(context_id=STORE_CONTEXT, abstract=STORAGE, transfers=(EXPLICIT,),
            length=None, subs=None):
    if subs is None:
        subs = item(0x30, abstract) + b"".join(item(0x40, t) for t in transfers)
    return item(0x20, bytes((context_id, 0, 0, 0)) + subs, length)


def echo_context():
    return context(ECHO_CONTEXT, VERIFICATION, (IMPLICIT,))


def contexts():
    return context() + echo_context()


def max_length(size=131072):
    return item(0x51, struct.pack(">I", size))


def implementation():
    return item(0x52, pdu.IMPLEMENTATION_UID.encode())


def user_information(*more, first=None):
    first = max_length() + implementation() if first is None else first
    return item(0x50, first + b"".join(more))


def associate_rq(called=CALLED, calling=CALLING, version=1, reserved=bytes(32),
                 application=None, presentation=None, user=None, more=b"",
                 length=None):
    """Titles are padded to 16 bytes; the parts are raw items."""
    application = application_context() if application is None else application
    presentation = contexts() if presentation is None else presentation
    user = user_information() if user is None else user
    body = (struct.pack(">HH", version, 0) + called.ljust(16)[:16]
            + calling.ljust(16)[:16] + reserved + application + presentation
            + user + more)
    return pdu_of(pdu.ASSOCIATE_RQ, body, length)


def associate_ac(application=None, results=None, user=None, version=1,
                 head=None, more=b"", length=None, kind=pdu.ASSOCIATE_AC):
    """results: (context ID, result, transfer syntax), or raw items."""
    application = application_context() if application is None else application
    user = user_information() if user is None else user
    if results is None:
        results = [(STORE_CONTEXT, 0, EXPLICIT), (ECHO_CONTEXT, 0, IMPLICIT)]
    if not isinstance(results, bytes):
        results = b"".join(result(*r) for r in results)
    if head is None:
        head = (struct.pack(">HH", version, 0) + CALLED.ljust(16)
                + CALLING.ljust(16) + bytes(32))
    return pdu_of(kind, head + application + results + user + more, length)


def result(context_id, reason, transfer, length=None):
    return item(0x21, bytes((context_id, 0, reason, 0)) + item(0x40, transfer),
                length)


def pdv(data, context_id=STORE_CONTEXT, command=False, last=True, length=None,
        flags=None):
    """A PDV without its PDU."""
    if flags is None:
        flags = (1 if command else 0) | (2 if last else 0)
    size = len(data) + 2 if length is None else length
    return struct.pack(">IBB", size, context_id, flags) + data


def p_data(*pdvs, length=None):
    return pdu_of(pdu.P_DATA_TF, b"".join(pdvs), length)


def element(tag, value=b"", length=None, group=0):
    size = len(value) if length is None else length
    return struct.pack("<HHI", group, tag, size) + value


def us(number):
    return struct.pack("<H", number & 0xFFFF)


def uid(text):
    text = text.encode() if isinstance(text, str) else text
    return text + b"\0" * (len(text) % 2)


def store_elements(instance_uid, message_id=7, sop_class=STORAGE):
    return {0x0002: uid(sop_class), 0x0100: us(pdu.C_STORE_RQ),
            0x0110: us(message_id), 0x0700: us(0), 0x0800: us(1),
            0x1000: uid(instance_uid)}


def command_set(elements, group_length=None, before=b"", after=b""):
    """From {tag: value}, None leaves an element out; `before` and `after` are
    raw elements around them."""
    body = before + b"".join(element(tag, value) for tag, value
                             in sorted(elements.items()) if value is not None)
    body += after
    size = len(body) if group_length is None else group_length
    return element(0, struct.pack("<I", size)) + body


def echo_command(message_id=9):
    return command_set({0x0002: uid(VERIFICATION),
                        0x0100: us(pdu.C_ECHO_RQ), 0x0110: us(message_id),
                        0x0800: us(pdu.NO_DATA_SET)})


def echo_pdu(message_id=9):
    return p_data(pdv(echo_command(message_id), ECHO_CONTEXT, command=True))
