"""Association requests that are wrong in one thing each."""

import struct
import time

import raw
from attack import Attack, of_kinds
from peers import pdu

REJECT_CALLED, REJECT_CALLING = "rj1/1/7 end", "rj1/1/3 end"
REJECT_APPLICATION, REJECT = "rj1/1/2 end", "rj1/1/1 end"
NONE = "abort0/0 end"  # it is no request: AA-1
LIMIT = "rj1/3/2 end"  # of ours, not of the standard
SERVED = "ac released end"
LOG = r"\bended\b|not-associated|rejected"

# What a title must not be taken for.
TITLES = {
    "empty": b"", "nul": b"\0" * 16, "newline": b"ENS-SCP\nFORGED",
    "return": b"ENS-SCP\rX", "escape": b"\x1b]0;x\x07", "delete": b"ENS-SCP\x7f",
    "tab": b"ENS\tSCP", "slashes": b"../../etc/shadow", "dots": b"..",
    "slash": b"/", "backslash": b"ENS\\SCP", "format": b"%n%s%x%p%99$n",
    "command": b"$(reboot)", "backticks": b"`id>/tmp/x`", "semicolon": b";reboot",
    "pipe": b"|sh", "quotes": b"\"' --", "high": b"\xff\xfe\x80\x81",
    "star": b"*", "question": b"ENS-SC?", "bracket": b"[A-Z]*",
    "lower": b"ens-scp", "percent-calling": b"%calling", "longer": b"ENS-SCPX",
    "shorter": b"ENS-SC", "comma": b"ENS-SCP,X", "equals": b"a=b level=info",
}

UIDS = {
    "empty": b"", "65": b"1." + b"2" * 63, "1000": b"1" * 1000,
    "60000": b"9" * 60000, "path": b"../../etc/passwd", "newline": b"1.2\n3",
    "nul-inside": b"1.2\x003.4", "format": b"%n%n%n%s", "letters": b"abc",
    "shell": b"$(id)", "high": b"\xff\xff", "escape": b"\x1b[2J",
}

USER_ITEMS = {0x51: "maximum-length", 0x52: "class", 0x53: "window",
              0x54: "role", 0x55: "version", 0x56: "extended",
              0x57: "common-extended", 0x58: "identity", 0x59: "identity-ac",
              0x00: "type-00", 0x60: "type-60", 0xFF: "type-ff"}


def one(name, expect, log, slow=False, results=None, **changes):
    """results: of the presentation contexts, where it is associated."""
    def play(wire):
        wire.associate(**changes)
        if wire.words[-1] == "ac":
            wire.release()
        wire.hear_all()

    def check(wire):
        if results is not None:
            got = {i: r for i, (r, _) in wire.ac.results.items()}
            assert got == results, got
    return Attack("associate/" + name, play, expect, log, slow=slow,
                  check=check)


def titles():
    for name, title in TITLES.items():
        yield one(f"called-{name}", REJECT_CALLED, "rejected", called=title)
        yield one(f"calling-{name}", REJECT_CALLING, "rejected",
                  calling=title)
    yield one("called-nul-and-more", REJECT_CALLED, "rejected",
              called=raw.CALLED + b"\0EVIL")
    yield one("calling-nul-and-more", REJECT_CALLING, "rejected",
              calling=raw.CALLING + b"\0EVIL")


def contexts():
    many = [raw.context(2 * i + 1) for i in range(128)]
    ids = lambda *n: b"".join(raw.context(i) for i in n)
    abstract = raw.item(0x30, raw.STORAGE)
    transfer = raw.item(0x40, raw.EXPLICIT)
    for name, expect, items in (
            ("no-context", REJECT, b""),
            ("129-contexts", NONE, b"".join(many) + raw.context(1)),
            ("1000-contexts", NONE, b"".join(many * 8)),
            ("even-id", NONE, ids(2)), ("id-0", NONE, ids(0)),
            ("id-254", NONE, ids(254)), ("id-twice", NONE, ids(1, 1)),
            ("even-id-among-others", NONE, ids(1, 3, 4, 5)),
            ("id-twice-other", NONE, raw.context(1) + raw.context(
                1, raw.VERIFICATION)),
            ("no-abstract", NONE, raw.context(subs=transfer)),
            ("two-abstracts", NONE, raw.context(
                subs=abstract * 2 + transfer)),
            ("no-transfer", NONE, raw.context(transfers=())),
            ("empty-subs", NONE, raw.context(subs=b"")),
            ("of-3-bytes", NONE, raw.item(0x20, b"\1\0\0")),
            ("cut-sub", NONE, raw.context(subs=abstract + b"\x40\0")),
            ("129-transfers", LIMIT, raw.context(
                transfers=[raw.EXPLICIT] * 129)),
            ("1000-transfers", LIMIT, raw.context(
                transfers=[b"1.2.840.%d" % i for i in range(1000)])),
            ("128-contexts-of-128-transfers", LIMIT, b"".join(
                raw.context(2 * i + 1, transfers=[b"1.2.840.113619.5.%d" % i
                                                  for i in range(128)])
                for i in range(128)))):
        yield one(name, expect, LOG, presentation=items)
    for name, results, items in (
            ("128-contexts", {2 * i + 1: 0 for i in range(128)},
             b"".join(many)),
            ("128-transfers", {1: 0}, raw.context(
                transfers=[raw.EXPLICIT] * 128)),
            ("unknown-sub", {1: 0}, raw.context(
                subs=raw.item(0x99, b"x") + abstract + transfer))):
        yield one(name, SERVED, LOG, presentation=items, results=results)
    for name, value in UIDS.items():
        # what is empty, or ends earlier for some, is no UID
        refused = 0 < len(value) <= 64 and b"\0" not in value
        expect = SERVED if refused else NONE
        yield one(f"abstract-{name}", expect, LOG,
                  results={1: 3} if refused else None,
                  presentation=raw.context(abstract=value))
        yield one(f"transfer-{name}", expect, LOG,
                  results={1: 4} if refused else None,
                  presentation=raw.context(transfers=[value]))


def lengths():
    base = raw.context()
    for off in (-4, -1, 1, 4, 1000):
        size = len(base) - 4 + off
        yield one(f"context-length{off:+}", NONE, LOG,
                  presentation=raw.context(length=size))
        yield one(f"application-length{off:+}", NONE, LOG,
                  application=raw.application_context(length=21 + off))
        yield one(f"user-length{off:+}", NONE, LOG,
                  user=raw.item(0x50, raw.max_length(), 8 + off))
        yield one(f"maximum-length-item{off:+}", NONE, LOG,
                  user=raw.user_information(
                      first=raw.item(0x51, bytes(4), 4 + off)))
        yield one(f"abstract-length{off:+}", NONE, LOG,
                  presentation=raw.context(
                      subs=raw.item(0x30, raw.STORAGE, len(raw.STORAGE) + off)
                      + raw.item(0x40, raw.EXPLICIT)))
    for kind in (0x10, 0x20, 0x50):
        yield one(f"item-{kind:02x}-empty-at-the-end", NONE, LOG,
                  more=raw.item(kind))
        yield one(f"item-{kind:02x}-of-ffff", NONE, LOG,
                  more=raw.item(kind, b"x", 0xFFFF))
    yield one("three-bytes-at-the-end", NONE, LOG, more=b"\x50\0\0")


# Sizes of items of user information that can be read, by type; of four bytes
# they say that 0xFFF0 follow, where they say so. Unknown ones are passed over.
READABLE = {0x51: {4}, 0x52: {0, 1, 3, 4}, 0x53: {4}, 0x54: (),
            0x55: {0, 1, 3, 4}, 0x56: (), 0x57: (), 0x58: (), 0x59: ()}


def user_items():
    def user(kind, items):
        first = {0x51: raw.implementation(), 0x52: raw.max_length()}.get(
            kind, raw.max_length() + raw.implementation())
        return raw.user_information(items, first=first)
    for kind, name in USER_ITEMS.items():
        readable = READABLE.get(kind, {0, 1, 3, 4, 60000})
        for size in (0, 1, 3, 60000):
            yield one(f"user-{name}-of-{size}",
                      SERVED if size in readable else NONE, LOG,
                      user=user(kind, raw.item(kind, b"\x7f" * size)))
        # the first that is wrong, or the one beyond the limit
        wrong = kind in (0x51, 0x52, 0x53, 0x55, 0x57, 0x58)
        yield one(f"user-{name}-1000-times", NONE if wrong else LIMIT, LOG,
                  user=user(kind, raw.item(kind, bytes(4)) * 1000))
        yield one(f"user-{name}-beyond-its-end",
                  SERVED if 4 in readable else NONE, LOG,
                  user=user(kind, raw.item(
                      kind, struct.pack(">HH", 0xFFF0, 0xFFF0))))
    roles = [raw.item(0x54, struct.pack(">H", len(u)) + u + b"\1\1")
             for u in (b"1.2.%d" % i for i in range(511))]
    for n, expect in ((510, SERVED), (511, LIMIT)):  # beside two others
        yield one(f"user-{n + 2}-items", expect, LOG,
                  user=raw.user_information(*roles[:n]))
    for kind in (0x51, 0x52, 0x53, 0x55):
        yield one(f"user-{USER_ITEMS[kind]}-twice", NONE, LOG,
                  user=user(kind, raw.item(kind, bytes(4)) * 2))
    for size in (1, 4, 6, 7, 12, 13):
        yield one(f"maximum-pdu-{size}", REJECT, "rejected",
                  user=raw.user_information(
                      first=raw.max_length(size) + raw.implementation()))
    for size in (0, 14, 15, 127, 1 << 31, 0xFFFFFFFF):
        yield one(f"maximum-pdu-{size}", SERVED, LOG,
                  user=raw.user_information(
                      first=raw.max_length(size) + raw.implementation()))


def whole():
    for version, expect in ((0, "rj1/2/2 end"), (2, "rj1/2/2 end"),
                            (0xFFFF, SERVED)):
        yield one(f"version-{version}", expect, LOG, version=version)
    yield one("reserved-bytes", SERVED, LOG, reserved=b"\xff" * 32)
    for name, item in (
            ("none", b""), ("twice", raw.application_context() * 2),
            ("other", raw.application_context(b"1.2.3")),
            ("empty", raw.application_context(b"")),
            ("nul-inside", raw.application_context(
                pdu.APPLICATION_CONTEXT.encode() + b"\0.1")),
            ("1000", raw.application_context(b"1" * 1000))):
        expect = {"twice": NONE, "nul-inside": NONE, "1000": NONE}.get(name, REJECT_APPLICATION)
        yield one(f"application-{name}", expect, LOG, application=item)
    # without a word on a maximum there is none
    for name, expect, item in (
            ("none", SERVED, b""), ("empty", SERVED, raw.item(0x50)),
            ("twice", NONE, raw.user_information() * 2),
            ("no-maximum", SERVED, raw.item(0x50, raw.implementation()))):
        yield one(f"user-{name}", expect, LOG, user=item)
    good = raw.associate_rq()
    for size in (1, 5, 67, 68, 74, 100, len(good) - 7):
        def cut(wire, size=size):
            wire.send(raw.pdu_of(pdu.ASSOCIATE_RQ, good[6:6 + size]))
            wire.hear_all()
        yield Attack(f"associate/body-of-{size}", cut,
                     REJECT_APPLICATION if size == 68 else NONE, LOG)

    def huge(wire):
        wire.send(raw.pdu_of(pdu.ASSOCIATE_RQ, good[6:], 0x7FFFFFF0))
        while wire.send(bytes(65536)):
            continue
        wire.hear_all()
    yield Attack("associate/without-end", huge, LIMIT, "not-associated")

    def quickly(wire):
        wire.trickle(good)
        wire.hear()
        wire.release()
        wire.hear_all()
    yield Attack("associate/byte-by-byte", quickly, SERVED, "ended")

    def slowly(wire):
        begun = time.monotonic()
        wire.trickle(good, pause=0.2)
        wire.hear_all()
        assert time.monotonic() - begun < 5
    yield Attack("associate/a-byte-each-fifth-of-a-second", slowly, "end",
                 "not-associated", slow=True)


def attacks():
    return of_kinds((
        ("AE titles", titles), ("presentation contexts", contexts),
        ("lengths of items", lengths), ("user information", user_items),
        ("association requests", whole)))
