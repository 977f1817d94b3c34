"""Files that somebody put into queue/DEST/new and should not have: what is no
whole instance goes to corrupt/, what is no regular file is left alone unless it
has a name of ours, and what is an instance under a strange name is sent under
one."""

import dataclasses
import os
import socket
import struct
import tempfile

import field as fields
import pytest
from peers import instance, pdu

import tools

CORRUPT, SENT, LEFT = "corrupt", "sent", "left"
OURS = "20250101T000000.{:06d}Z-m1-{}.dcm"


@dataclasses.dataclass
class File:
    name: str
    become: str
    put: object  # callable(path, instance): makes it
    file: object = None  # its name in new/, a format for the UID
    needs_root: bool = False


def element(tag, vr, value, length=None):
    size = len(value) if length is None else length
    if vr in instance.LONG_VRS:
        return struct.pack("<HH2sHI", 2, tag, vr, 0, size & 0xFFFFFFFF) + value
    return struct.pack("<HH2sH", 2, tag, vr, size & 0xFFFF) + value


def meta(made, length=None, changes=(), after=b"", head=bytes(128) + b"DICM"):
    """The head of a Part 10 file; a change to None leaves an element out."""
    values = {0x02: made.sop_class.encode(), 0x03: made.uid.encode(),
              0x10: made.transfer.encode(),
              0x12: pdu.IMPLEMENTATION_UID.encode(), **dict(changes)}
    body = element(1, b"OB", b"\0\1") + b"".join(
        element(tag, b"UI", value + b"\0" * (len(value) % 2))
        for tag, value in sorted(values.items()) if value is not None) + after
    size = len(body) if length is None else length(len(body))
    return head + element(0, b"UL", struct.pack(
        "<I", size & 0xFFFFFFFF)) + body


def bytes_of(make):
    def put(path, made):
        path.write_bytes(make(made))
    return put


def with_meta(**more):
    return bytes_of(lambda made: meta(made, **more) + made.data)


def private(size):
    """So many bytes of private information, all of it true."""
    def put(path, made):
        after = (element(0x100, b"UI", b"1.2.3\0")
                 + element(0x102, b"OB", b"", size))
        with open(path, "wb") as f:
            f.write(meta(made, lambda n: n + size, after=after))
            f.seek(size, os.SEEK_CUR)
            f.write(made.data)
    return put


def sparse(path, _):
    with open(path, "wb") as f:
        f.truncate(5 << 30)


def link_to(target):
    def put(path, made):
        made.write(path.parent.parent / "elsewhere.dcm")
        path.symlink_to(target or path.parent.parent / "elsewhere.dcm")
    return put


def listen(path, _):
    sock = socket.socket(socket.AF_UNIX)
    here = os.open(path.parent, os.O_RDONLY)  # a path may be too long for it
    sock.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)
    sock.close()


def whole(path, made):
    made.write(path)


UID = 0x03
FILES = [
    # what is in it
    File("empty", CORRUPT, bytes_of(lambda m: b"")),
    File("131-bytes", CORRUPT, bytes_of(lambda m: bytes(128) + b"DIC")),
    File("only-the-mark", CORRUPT, bytes_of(lambda m: bytes(128) + b"DICM")),
    File("no-mark", CORRUPT, with_meta(head=bytes(132))),
    File("cut-in-its-meta", CORRUPT, bytes_of(lambda m: meta(m)[:200])),
    File("no-data-set", CORRUPT, bytes_of(meta)),
    File("meta-of-0", CORRUPT, with_meta(length=lambda n: 0)),
    File("meta-a-byte-short", CORRUPT, with_meta(length=lambda n: n - 1)),
    File("meta-beyond-its-end", CORRUPT, with_meta(length=lambda n: 1 << 20)),
    File("meta-of-2^31", CORRUPT, with_meta(length=lambda n: 1 << 31)),
    File("meta-of-2^32-1", CORRUPT, with_meta(length=lambda n: -1)),
    File("element-beyond-meta", CORRUPT, with_meta(
        after=element(0x102, b"OB", b"x", 5000))),
    File("element-of-2^32-1", CORRUPT, with_meta(
        after=element(0x102, b"OB", b"x", -1))),
    File("meta-of-60-kb", SENT, private(60000)),
    File("meta-of-64-mb", CORRUPT, private(64 << 20)),
    File("no-uid", CORRUPT, with_meta(changes={UID: None})),
    File("no-class", CORRUPT, with_meta(changes={0x02: None})),
    File("no-transfer-syntax", CORRUPT, with_meta(changes={0x10: None})),
    File("uid-empty", CORRUPT, with_meta(changes={UID: b""})),
    File("uid-path", CORRUPT, with_meta(changes={UID: b"../../etc/x"})),
    File("uid-newline", CORRUPT, with_meta(changes={UID: b"1.2\n3"})),
    File("uid-nul", CORRUPT, with_meta(changes={UID: b"1.2\x003"})),
    File("uid-format", CORRUPT, with_meta(changes={UID: b"%n%s%n%s"})),
    File("uid-of-1000", CORRUPT, with_meta(changes={UID: b"1" * 1000})),
    File("class-shell", CORRUPT, with_meta(changes={0x02: b"$(reboot)"})),
    File("sparse-5-gib", CORRUPT, sparse),
    # an envelope that is none
    *(File(f"{name}-of-ours", CORRUPT, put, OURS) for name, put in (
        ("empty", bytes_of(lambda m: b"")),
        ("cut", bytes_of(lambda m: meta(m)[:200])),
        ("no-dicom", bytes_of(lambda m: b"x" * 4096)))),
    # what it is
    File("symlink-to-a-file", LEFT, link_to(None)),
    File("symlink-to-nowhere", LEFT, link_to("nowhere")),
    File("symlink-to-itself", LEFT, lambda p, m: p.symlink_to(p.name)),
    File("symlink-to-shadow", LEFT, link_to("/etc/shadow")),
    File("symlink-of-ours", CORRUPT, link_to(None), OURS),
    File("fifo", LEFT, lambda p, m: os.mkfifo(p)),
    File("fifo-of-ours", CORRUPT, lambda p, m: os.mkfifo(p), OURS),
    File("device", LEFT, lambda p, m: os.mknod(
        p, 0o20600, os.makedev(1, 5)), needs_root=True),
    File("socket", LEFT, listen),
    File("folder", LEFT, lambda p, m: p.mkdir()),
    File("folder-of-ours", CORRUPT, lambda p, m: p.mkdir(), OURS),
    # what it is called
    *(File(f"called-{name}", SENT, whole, file) for name, file in (
        ("newline", "a\nerror forged.dcm"), ("escape", "\x1b]0;x\x07.dcm"),
        ("format", "%n%s%x.dcm"), ("shell", "$(reboot);`id`.dcm"),
        ("option", "--help.dcm"), ("spaces", "  .dcm"),
        ("high", b"\xff\xfe.dcm".decode("utf-8", "surrogateescape")),
        ("longest", "x" * 251 + ".dcm"), ("quotes", "\"' \\.dcm"))),
    File("called-dot-dcm", LEFT, whole, ".dcm"),
]


@pytest.fixture(scope="module")
def field():
    with tempfile.TemporaryDirectory(prefix="dcmspool-hostile.") as folder:
        one = fields.Field(folder)
        one.serial = 0
        yield one
        one.stop()


@pytest.mark.parametrize("case", FILES, ids=lambda c: c.name)
def test_file(field, case):
    if case.needs_root and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    gateway, made = field.gateway, instance.make()
    field.serial += 1
    since, arrived = field.marks(), len(field.destination.received)
    file = (case.file or f"{case.name}.dcm").format(field.serial, made.uid) \
        if case.file in (None, OURS) else case.file
    path = gateway.path("pacs", "new", file)
    case.put(path, made)
    try:
        faults = judge(field, case, path, made, since, arrived)
    finally:
        remove(field, path)
    faults += field.judge_rest(since)
    assert faults == []


def judge(field, case, path, made, since, arrived):
    gateway = field.gateway
    if case.become == LEFT:
        # an honest one goes on, and it is still there, and nobody wrote of it
        field.honest()
        lines = [line for line in gateway.sender.log[since[1]:]
                 if " warning " in line or " error " in line]
        return (["it is gone"] if not os.path.lexists(path) else []) + lines
    if case.become == SENT:
        tools.wait_until(lambda: made.uid in field.destination.uids()[arrived:],
                         10, "it is sent")
        gateway.wait_empty("pacs")
        return []
    tools.wait_until(lambda: gateway.items("pacs", "corrupt"), 10,
                     "it is in corrupt/")
    line = gateway.sender.wait_log(r" corrupt ", 3, since[1])
    loud = [x for x in gateway.sender.log[since[1]:]
            if " warning " in x or " error " in x]
    faults = [] if loud == [line] else loud
    if len(field.destination.received) != arrived:
        faults.append("something was sent")
    return faults


def remove(field, path):
    for item in field.gateway.items("pacs", "corrupt"):
        drop(field.gateway.path("pacs", "corrupt", item))
    drop(path)


def drop(path):
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    elif os.path.lexists(path):
        path.unlink()
