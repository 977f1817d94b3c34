"""Instances as raw bytes: read from Part 10 files, or made."""

import hashlib
import itertools
import struct
import uuid

from . import pdu

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
LONG_VRS = (b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT", b"UC", b"UR", b"OD",
            b"OL", b"OV", b"SV", b"UV")

_serial = itertools.count(1)


def new_uid():
    return f"2.25.{uuid.uuid4().int}"


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Instance:
    """SOP class and instance, transfer syntax, and the data set's bytes.

    data may also be a list of byte strings (the same object many times over
    makes a large instance of little memory).
    """

    def __init__(self, sop_class, uid, transfer, data):
        self.sop_class, self.uid = sop_class, uid
        self.transfer, self.data = transfer, data

    def chunks(self):
        return self.data if isinstance(self.data, list) else [self.data]

    @property
    def size(self):
        return sum(len(c) for c in self.chunks())

    @property
    def digest(self):
        h = hashlib.sha256()
        for chunk in self.chunks():
            h.update(chunk)
        return h.hexdigest()

    def write(self, path):
        """As a Part 10 file (PS3.10 7.1)."""
        meta = _explicit(0x0002, 0x0001, b"OB", b"\0\1")
        for element, value in ((0x02, self.sop_class), (0x03, self.uid),
                               (0x10, self.transfer),
                               (0x12, pdu.IMPLEMENTATION_UID)):
            meta += _explicit(0x0002, element, b"UI", value.encode())
        length = _explicit(0x0002, 0, b"UL", struct.pack("<I", len(meta)))
        with open(path, "wb") as f:
            f.write(bytes(128) + b"DICM" + length + meta)
            for chunk in self.chunks():
                f.write(chunk)
        return path


def read(path):
    """The Part 10 file at path; ValueError where it is none."""
    with open(path, "rb") as f:
        data = f.read()
    meta, offset = read_meta(data)
    try:
        return Instance(meta[0x02], meta[0x03], meta[0x10], data[offset:])
    except KeyError as e:
        raise ValueError(f"{path}: no (0002,{e.args[0]:04x})") from e


def read_meta(data):
    """Group 0002 as {element: bytes or UID}, and where the data set begins."""
    if data[128:132] != b"DICM" or data[132:138] != b"\2\0\0\0UL":
        raise ValueError("no Part 10 file with a group length")
    end = 144 + struct.unpack_from("<I", data, 140)[0]
    meta, at = {}, 144
    while at < end:
        element, vr = struct.unpack_from("<H2s", data, at + 2)
        if vr in LONG_VRS:
            size, start = struct.unpack_from("<I", data, at + 8)[0], at + 12
        else:
            size, start = struct.unpack_from("<H", data, at + 6)[0], at + 8
        value = bytes(data[start:start + size])
        meta[element] = pdu.uid(value) if vr == b"UI" else value
        at = start + size
    return meta, end


def _explicit(group, element, vr, value):
    if len(value) % 2:
        value += b"\0" if vr in (b"UI", b"OB") else b" "
    if vr in LONG_VRS:
        head = struct.pack("<HH2sHI", group, element, vr, 0, len(value))
    else:
        head = struct.pack("<HH2sH", group, element, vr, len(value))
    return head + value


def make(pixels=512, uid=None, sop_class=SECONDARY_CAPTURE, fill=None):
    """A small but valid image, explicit little endian. `pixels` in bytes, a
    multiple of 2; images differ from each other unless `fill` is the same."""
    uid = uid or new_uid()
    serial = next(_serial) if fill is None else fill
    side = struct.pack("<H", 16)
    study = "2.25.340282366920938463463374607431768211455"
    head = b"".join(_explicit(*e) for e in (
        (0x0008, 0x0016, b"UI", sop_class.encode()),
        (0x0008, 0x0018, b"UI", uid.encode()),
        (0x0008, 0x0020, b"DA", b"20260101"),
        (0x0008, 0x0030, b"TM", b"120000"),
        (0x0008, 0x0060, b"CS", b"OT"),
        (0x0010, 0x0010, b"PN", b"TEST^E2E"),
        (0x0010, 0x0020, b"LO", b"E2E-%d" % serial),
        (0x0020, 0x000D, b"UI", study.encode()),
        (0x0020, 0x000E, b"UI", study.encode()[:-1]),
        (0x0020, 0x0013, b"IS", b"%d" % serial),
        (0x0028, 0x0002, b"US", struct.pack("<H", 1)),
        (0x0028, 0x0004, b"CS", b"MONOCHROME2"),
        (0x0028, 0x0010, b"US", side),
        (0x0028, 0x0011, b"US", side),
        (0x0028, 0x0100, b"US", side),
        (0x0028, 0x0101, b"US", side),
        (0x0028, 0x0102, b"US", struct.pack("<H", 15)),
        (0x0028, 0x0103, b"US", struct.pack("<H", 0))))
    head += struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, pixels)
    block = struct.pack("<I", serial) * 16384
    if pixels <= len(block):
        data = head + block[:pixels]
    else:
        data = [head] + [block] * (pixels // len(block))
        data.append(block[:pixels % len(block)])
        if pixels <= 1 << 24:
            data = b"".join(data)
    return Instance(sop_class, uid, pdu.EXPLICIT_LE, data)
