"""Association requests that are wrong in one thing each."""

import struct
import time

import raw
from attack import Attack
from peers import pdu

REJECT_CALLED, REJECT_CALLING, REJECT = "rj1/1/7", "rj1/1/3", "rj1/1/1"
ABORT = r"abort[02]/\d end"
REFUSED = r"(abort[02]/\d )?end"  # no request: AA-1, or the peer's time is over
USELESS = rf"({REJECT} end|rj1/1/2 end|{REFUSED})"
SERVED = r"ac released end"
LIMIT = "rj1/3/2 end"  # of ours, not of the standard

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


def one(name, expect, log, slow=False, warnings=1, **changes):
    def play(wire):
        wire.associate(**changes)
        if wire.words[-1] == "ac":
            wire.release()
        wire.hear_all()
    return Attack("associate/" + name, play, expect, log, warnings, slow)


def titles():
    for name, title in TITLES.items():
        yield one(f"called-{name}", REJECT_CALLED + " end", "rejected",
                  called=title)
        yield one(f"calling-{name}", REJECT_CALLING + " end", "rejected",
                  calling=title)
    for which, log in (("called", 7), ("calling", 3)):
        good = raw.CALLED if which == "called" else raw.CALLING
        yield one(f"{which}-nul-and-more", f"rj1/1/{log} end", "rejected",
                  **{which: good + b"\0EVIL"})


def contexts():
    many = [raw.context(2 * i + 1) for i in range(128)]
    ids = lambda *n: b"".join(raw.context(i) for i in n)
    either = rf"({SERVED}|{USELESS})"
    for name, expect, items in (
            ("no-context", USELESS, b""),
            ("128-contexts", SERVED, b"".join(many)),
            ("129-contexts", ABORT, b"".join(many) + raw.context(1)),
            ("1000-contexts", ABORT, b"".join(many * 8)),
            ("even-id", ABORT, ids(2)), ("id-0", ABORT, ids(0)),
            ("id-254", ABORT, ids(254)), ("id-twice", ABORT, ids(1, 1)),
            ("even-id-among-others", ABORT, ids(1, 3, 4, 5)),
            ("id-twice-other", ABORT, raw.context(1) + raw.context(
                1, raw.VERIFICATION)),
            ("no-abstract", ABORT, raw.context(
                subs=raw.item(0x40, raw.EXPLICIT))),
            ("two-abstracts", ABORT, raw.context(
                subs=raw.item(0x30, raw.STORAGE) * 2
                + raw.item(0x40, raw.EXPLICIT))),
            ("no-transfer", ABORT, raw.context(transfers=())),
            ("128-transfers", SERVED, raw.context(
                transfers=[raw.EXPLICIT] * 128)),
            ("129-transfers", LIMIT, raw.context(
                transfers=[raw.EXPLICIT] * 129)),
            ("1000-transfers", LIMIT, raw.context(
                transfers=[b"1.2.840.%d" % i for i in range(1000)])),
            ("128-contexts-of-128-transfers", LIMIT, b"".join(
                raw.context(2 * i + 1, transfers=[b"1.2.840.113619.5.%d" % i
                                                  for i in range(128)])
                for i in range(128))),
            ("empty-subs", ABORT, raw.context(subs=b"")),
            ("unknown-sub", either, raw.context(
                subs=raw.item(0x99, b"x") + raw.item(0x30, raw.STORAGE)
                + raw.item(0x40, raw.EXPLICIT)))):
        yield one(name, expect, r"ended|not-associated|rejected",
                  presentation=items, warnings=2)
    for name, value in UIDS.items():
        yield one(f"abstract-{name}", either, r"ended|not-associated|rejected",
                  presentation=raw.context(abstract=value), warnings=2)
        yield one(f"transfer-{name}", either, r"ended|not-associated|rejected",
                  presentation=raw.context(transfers=[value]), warnings=2)


def lengths():
    log = r"ended|not-associated|rejected"
    either = rf"({SERVED}|{USELESS})"
    base = raw.context()
    for off in (-4, -1, 1, 4, 1000):
        size = len(base) - 4 + off
        yield one(f"context-length{off:+}", either, log, warnings=2,
                  presentation=raw.context(length=size))
        yield one(f"application-length{off:+}", either, log, warnings=2,
                  application=raw.application_context(length=21 + off))
        yield one(f"user-length{off:+}", either, log, warnings=2,
                  user=raw.item(0x50, raw.max_length(), 8 + off))
        yield one(f"maximum-length-item{off:+}", either, log, warnings=2,
                  user=raw.user_information(
                      first=raw.item(0x51, bytes(4), 4 + off)))
        yield one(f"abstract-length{off:+}", either, log, warnings=2,
                  presentation=raw.context(
                      subs=raw.item(0x30, raw.STORAGE, len(raw.STORAGE) + off)
                      + raw.item(0x40, raw.EXPLICIT)))
    for kind in (0x10, 0x20, 0x50):
        yield one(f"item-{kind:02x}-empty-at-the-end",
                  ABORT if kind == 0x10 else either, log,
                  more=raw.item(kind), warnings=2)
        yield one(f"item-{kind:02x}-of-ffff", USELESS, log,
                  more=raw.item(kind, b"x", 0xFFFF), warnings=2)


def user_items():
    log = r"ended|not-associated|rejected"
    either = rf"({SERVED}|{USELESS})"
    for kind, name in USER_ITEMS.items():
        for size in (0, 1, 3, 60000):
            yield one(f"user-{name}-of-{size}", either, log, warnings=2,
                      user=raw.user_information(raw.item(kind, b"\x7f" * size)))
        yield one(f"user-{name}-1000-times", rf"({LIMIT}|{ABORT})", log,
                  user=raw.user_information(raw.item(kind, bytes(4)) * 1000))
        yield one(f"user-{name}-beyond-its-end", either, log, warnings=2,
                  user=raw.user_information(
                      raw.item(kind, struct.pack(">HH", 0xFFF0, 0xFFF0))))
    roles = [raw.item(0x54, struct.pack(">H", len(u)) + u + b"\1\1")
             for u in (b"1.2.%d" % i for i in range(511))]
    for n, expect in ((510, SERVED), (511, LIMIT)):  # beside two others
        yield one(f"user-{n + 2}-items", expect, log,
                  user=raw.user_information(*roles[:n]))
    for size in (1, 4, 6, 7, 12, 13):
        yield one(f"maximum-pdu-{size}", REJECT + " end", "rejected",
                  user=raw.user_information(
                      first=raw.max_length(size) + raw.implementation()))
    for size in (0, 14, 15, 127, 1 << 31, 0xFFFFFFFF):
        yield one(f"maximum-pdu-{size}", SERVED, r"ended",
                  user=raw.user_information(
                      first=raw.max_length(size) + raw.implementation()))


def whole():
    log = r"ended|not-associated|rejected"
    either = rf"({SERVED}|{USELESS})"
    for version, expect in ((0, "rj1/2/2 end"), (2, "rj1/2/2 end"),
                            (0xFFFF, SERVED)):
        yield one(f"version-{version}", expect, log, version=version,
                  warnings=2)
    yield one("reserved-bytes", SERVED, "ended", reserved=b"\xff" * 32)
    for name, item in (
            ("none", b""), ("twice", raw.application_context() * 2),
            ("other", raw.application_context(b"1.2.3")),
            ("empty", raw.application_context(b"")),
            ("1000", raw.application_context(b"1" * 1000))):
        expect = {"twice": ABORT, "1000": ABORT}.get(name, "rj1/1/2 end")
        yield one(f"application-{name}", expect, log, application=item)
    for name, item in (("none", b""), ("empty", raw.item(0x50)),
                       ("twice", raw.user_information() * 2),
                       ("no-maximum", raw.item(0x50, raw.implementation()))):
        yield one(f"user-{name}", either, log, user=item)
    good = raw.associate_rq()
    for size in (1, 5, 67, 68, 74, 100, len(good) - 7):
        def cut(wire, size=size):
            wire.send(raw.pdu_of(pdu.ASSOCIATE_RQ, good[6:6 + size]))
            wire.hear_all()
        yield Attack(f"associate/body-of-{size}", cut, USELESS, log)

    def huge(wire):
        wire.send(raw.pdu_of(pdu.ASSOCIATE_RQ, good[6:], 0x7FFFFFF0))
        while wire.send(bytes(65536)):
            continue
        wire.hear_all()
    yield Attack("associate/without-end", huge, LIMIT, "not-associated",
                 warnings=2)

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
    yield Attack("associate/a-byte-each-fifth-of-a-second", slowly, REFUSED,
                 "not-associated", slow=True)


def attacks():
    for part in (titles, contexts, lengths, user_items, whole):
        yield from part()
