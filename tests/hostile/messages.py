"""Commands, PDVs and data sets that are wrong in one thing each."""

import time
import zlib

import raw
from attack import Attack, of_kinds
from associate import UIDS
from peers import pdu

BROKEN = "ac abort0/0 end"  # by the user of the service
INVALID = "ac abort2/6 end"  # by its provider: AA-8, PS3.8 9.3.8
ENDED = r"\bended\b"


def answered(status):
    return rf"ac rsp8001:{status} released end"


def store(name, expect, log=ENDED, warnings=1, changes=(), data=None, **more):
    def play(wire):
        wire.associate()
        wire.store(changes, data, **more)
        if wire.words[-1].startswith("rsp"):
            wire.release()
        wire.hear_all()
    return Attack("message/" + name, play, expect, log, warnings)


def sent(name, expect, *steps, log=ENDED, slow=False, **rq):
    """steps: bytes to send after the association is there."""
    def play(wire):
        wire.associate(**rq)
        for step in steps:
            wire.send(step(wire) if callable(step) else step)
        wire.hear_all()
    return Attack("message/" + name, play, expect, log, slow=slow)


def elements():
    for tag, status in ((0x0002, "0122"), (0x1000, "0117")):
        yield store(f"no-{tag:04x}", answered(status), "refused",
                    changes={tag: None})
    for tag in (0x0100, 0x0110, 0x0800):
        yield store(f"no-{tag:04x}", BROKEN, changes={tag: None})
        yield store(f"empty-{tag:04x}", BROKEN, changes={tag: b""})
        for size in (1, 3, 4, 1000):
            yield store(f"{tag:04x}-of-{size}", BROKEN,
                        changes={tag: bytes(size)})
    yield store("no-priority", answered("0000"), changes={0x0700: None})
    yield store("priority-ffff", answered("0000"),
                changes={0x0700: b"\xff\xff"})
    for name, length in (("0", 0), ("1", 1), ("2^32-1", 0xFFFFFFFF)):
        yield store(f"group-length-{name}", answered("0000"),
                    group_length=length)
    for name, more in (
            ("repeated-uid", raw.element(0x1000, b"1.2.3\0")),
            ("out-of-order", raw.element(0x0002, b"1.2\0")),
            ("other-group", raw.element(0x0010, b"X ", group=0x0010)),
            ("beyond-its-end", raw.element(0x1031, b"ab", 1000)),
            ("beyond-2^31", raw.element(0x1031, b"ab", 0x80000000)),
            ("undefined-length", raw.element(0x1031, b"ab", 0xFFFFFFFF)),
            ("cut-header", b"\0\0\x31\x10"),
            ("sequence-without-end", raw.element(0x1031, b"", 0xFFFFFFFF)
             + (raw.element(0xE000, b"", 0xFFFFFFFF, group=0xFFFE)) * 500),
            ("move-id-of-4", raw.element(0x1031, bytes(4)))):
        yield store(name, BROKEN, after=more)
    yield store("unknown-element", answered("0000"),
                after=raw.element(0x5000, b"what"))
    yield store("17000-bytes", BROKEN,
                after=raw.element(0x5000, bytes(17000)))
    yield store("explicit-vr", BROKEN,
                before=b"\0\0\2\0UI\4\x001.2\0")
    for name, value in (("newline", b"A\nB "), ("nul", b"A\0B "),
                        ("path", b"../../x "), ("format", b"%n%s%n"),
                        ("200", b"A" * 200)):
        yield store(f"move-aet-{name}", answered("0000"),
                    after=raw.element(0x1030, value) + raw.element(
                        0x1031, b"\1\0"))


def uids():
    for name, value in UIDS.items():
        if name == "60000":
            continue
        yield store(f"uid-{name}", answered("0117"), "refused",
                    changes={0x1000: raw.uid(value)})
        yield store(f"class-{name}", answered("0122"), "refused",
                    changes={0x0002: raw.uid(value)})
    for name, value in (
            ("dots", b".."), ("dot", b"."), ("slash", b"1.2/3.4"),
            ("absolute", b"/etc/passwd"), ("backslash", b"1\\2"),
            ("option", b"--help"), ("dcm", b"1.2.dcm"), ("wildcard", b"1.*"),
            ("cr", b"1.2\r"), ("tab", b"1.2\t3"), ("space-inside", b"1 2"),
            ("unicode", "1.２.3".encode()), ("spaces", b"    "),
            ("nuls", bytes(8)), ("quote", b"1.2'\"")):
        yield store(f"uid-{name}", answered("0117"), "refused",
                    changes={0x1000: raw.uid(value)})
    yield store("other-class", answered("0122"), "refused",
                changes={0x0002: raw.uid("1.2.840.10008.5.1.4.1.1.2")})
    yield store("verification-as-class", answered("0122"), "refused",
                changes={0x0002: raw.uid(raw.VERIFICATION)})


def commands():
    for field in (0x0010, 0x0020, 0x0021, 0x0100, 0x0110, 0x0120, 0x0130,
                  0x0140, 0x0150, 0x0000, 0x1234, 0x7FFF):
        def play(wire, field=field):
            wire.associate()
            wire.command(raw.command_set({
                0x0002: raw.uid(raw.STORAGE), 0x0100: raw.us(field),
                0x0110: raw.us(5), 0x0800: raw.us(pdu.NO_DATA_SET)}))
            wire.hear()
            wire.release()
            wire.hear_all()
        yield Attack(f"message/command-{field:04x}", play,
                     rf"ac rsp{field | 0x8000:04X}:0211 released end",
                     "command")
    for field in (0x8001, 0x8030, 0x8020, 0xFFFF):
        yield store(f"response-{field:04x}", BROKEN,
                    changes={0x0100: raw.us(field)})
    yield sent("cancel", r"ac released end",
               raw.p_data(raw.pdv(raw.command_set({
                   0x0100: raw.us(0x0FFF), 0x0120: raw.us(7),
                   0x0800: raw.us(pdu.NO_DATA_SET)}), command=True)),
               pdu.release_rq())
    yield sent("echo-on-the-store-context", r"ac rsp8030:0122 released end",
               raw.p_data(raw.pdv(raw.echo_command(), command=True)),
               pdu.release_rq())

    def on_echo_context(wire):
        wire.associate()
        wire.command(raw.command_set(raw.store_elements(wire.made.uid)),
                     raw.ECHO_CONTEXT)
        wire.data_set(context_id=raw.ECHO_CONTEXT)
        wire.hear()
        wire.release()
        wire.hear_all()
    yield Attack("message/store-on-the-echo-context", on_echo_context,
                 answered("0122"), "refused")
    yield store("no-data-set-and-one-comes", "ac rsp8001:C000 abort0/0 end",
                "refused", 2, changes={0x0800: raw.us(pdu.NO_DATA_SET)})


def command_bytes(wire, cut=None):
    return raw.command_set(raw.store_elements(wire.made.uid))[:cut]


def fragments():
    for n in (0, 2, 3, 5, 99, 255):
        yield sent(f"command-on-context-{n}", BROKEN, lambda w, n=n: raw.p_data(
            raw.pdv(command_bytes(w), n, command=True)))
        yield sent(f"data-on-context-{n}", BROKEN,
                   lambda w: raw.p_data(raw.pdv(command_bytes(w), command=True)),
                   raw.p_data(raw.pdv(b"12345678", n)))
    yield sent("data-before-command", BROKEN, raw.p_data(raw.pdv(b"12345678")))
    yield sent("two-commands", BROKEN, *[lambda w: raw.p_data(
        raw.pdv(command_bytes(w), command=True))] * 2)
    for length in (0, 1, 3, 100, 1 << 20, 1 << 31, 0xFFFFFFFF):
        yield sent(f"command-pdv-of-{length}",
                   BROKEN if length in (3, 100) else INVALID,
                   lambda w, n=length: raw.p_data(raw.pdv(
                       command_bytes(w), command=True, length=n)))
        # the second of a whole data set of one byte and what is none
        expect = "ac rsp8001:0000 abort2/6 end"
        yield sent(f"data-pdv-of-{length}", expect if length == 3 else INVALID,
                   lambda w: raw.p_data(raw.pdv(command_bytes(w), command=True)),
                   raw.p_data(raw.pdv(bytes(40), length=length)))
    for n in (1, 3, 5):
        yield sent(f"p-data-of-{n}", INVALID, raw.p_data(bytes(n)))
    yield sent("larger-than-maximum-pdu", INVALID,
               raw.p_data(raw.pdv(bytes(200000), command=True)))
    yield sent("command-of-empty-fragments", BROKEN,
               *[raw.p_data(raw.pdv(b"", command=True, last=False))] * 200,
               slow=True)
    yield sent("command-without-end", BROKEN,
               *[raw.p_data(raw.pdv(bytes(1000), command=True,
                                    last=False))] * 40)
    yield sent("empty-command", BROKEN, raw.p_data(raw.pdv(b"", command=True)))

    def byte_by_byte(wire):
        wire.associate()
        wire.trickle(raw.p_data(raw.pdv(command_bytes(wire), command=True))
                     + raw.p_data(raw.pdv(wire.made.data)))
        wire.hear()
        wire.release()
        wire.hear_all()
    yield Attack("message/byte-by-byte", byte_by_byte, answered("0000"))

    def slowly(wire):
        begun = time.monotonic()
        wire.associate()
        wire.trickle(raw.p_data(raw.pdv(command_bytes(wire), command=True)),
                     pause=0.1)
        wire.hear_all()
        assert time.monotonic() - begun < 5
    yield Attack("message/a-byte-each-tenth-of-a-second", slowly, BROKEN,
                 slow=True)


def data_sets():
    yield store("data-set-empty", answered("C000"), "refused", data=b"")
    for name, head in (("group-2", b"\2\0\0\0UL\4\0\0\0\0\0"),
                       ("dicm", b"DICM"),
                       ("file", bytes(128) + b"DICM\2\0\0\0")):
        yield store(f"data-set-{name}", answered("C000"), "refused",
                    data=head + bytes(300))
    nest = (b"\x08\0\x15\x11SQ\0\0\xff\xff\xff\xff"
            b"\xfe\xff\0\xe0\xff\xff\xff\xff")
    for name, data in (
            ("nested-5000-deep", nest * 5000),
            ("odd", b"\x08\0\x60\0CS\3\0OT "),
            ("lengths-beyond-2^31", b"\x08\0\x60\0UN\0\0\xff\xff\xff\xf0ab"),
            ("undefined-length", b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"),
            ("random", bytes(range(16, 240)) * 9),
            ("one-byte", b"x")):
        yield store(f"data-set-{name}", answered("0000"), data=data)
    yield sent("larger-than-may-be", r"ac rsp8001:A700 released end",
               lambda w: raw.p_data(raw.pdv(command_bytes(w), command=True)),
               *[raw.p_data(raw.pdv(bytes(100000), last=False))] * 30,
               raw.p_data(raw.pdv(b"")), pdu.release_rq(), log="refused")
    bomb = zlib.compress(bytes(50 << 20), 9)[2:-4]

    def inflate(wire):
        wire.associate(presentation=raw.context(transfers=[raw.DEFLATED]))
        wire.store(data=bomb)
        wire.release()
        wire.hear_all()
    yield Attack("message/deflate-bomb", inflate, answered("0000"))
    for name, how, words in (("rst", lambda w: (
            w.reset(), w.words.append("end")), "ac end"), (
            "fin", lambda w: w.half_close(), "ac end"),
            ("abort", lambda w: w.send(pdu.abort()), "ac end")):
        for size in (0, 1, 400):
            def play(wire, how=how, size=size):
                wire.associate()
                wire.store_command()
                if size:
                    wire.data_set(wire.made.data[:size], last=False)
                how(wire)
                wire.hear_all()
            yield Attack(f"message/{name}-after-{size}-bytes", play, words)


def attacks():
    return of_kinds((
        ("command sets", elements), ("UIDs", uids), ("commands", commands),
        ("PDVs", fragments), ("data sets, and their end", data_sets)))
