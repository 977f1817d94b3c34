"""Destinations that do what none should, and what the sender makes of it."""

import dataclasses
import time

import pdu_events as events
import raw
from associate import UIDS
from attack import of_kinds
from peers import pdu

AGAIN = r"^0000$"  # sent again, and honestly delivered


@dataclasses.dataclass
class Misbehaviour:
    name: str
    play: object  # callable(scp.Link), for the first connection
    expect: str = AGAIN  # of the status that the modality gets
    ends: str = "delivered"  # or "failed": what becomes of the item
    log: str = r"link-down|\[\d+\] info delivered"
    slow: bool = False
    waits: bool = False  # for its end, before another one is served
    pixels: int = 512
    kind: str = ""  # the row that it counts in


def states():
    """States 5 and 6 of PS3.8 table 9-10: what may come, and when."""
    def before_request(link, event):
        act(link, event)

    def instead_of_answer(link, event):
        link.read_request()
        act(link, event)

    def after_answer(link, event):
        link.accept()
        act(link, event)

    def in_data(link, event):
        link.accept()
        link.read_command()
        act(link, event)

    def instead_of_response(link, event):
        link.request_read()
        act(link, event)

    stages = {"connected": before_request, "sta5": instead_of_answer,
              "sta6": after_answer, "sta6-data": in_data,
              "sta6-response": instead_of_response}
    for stage, play in stages.items():
        for event in events.EVENTS:
            if (stage, event) == ("sta5", "a-associate-ac"):
                continue  # see answers()
            yield Misbehaviour(
                f"{stage}/{event}",
                lambda link, p=play, e=event: p(link, e),
                slow=event in events.SILENT,
                log=r"link-down|warning|info delivered")


def afterwards():
    """States 6 and 7: when all is delivered, and while it is released."""
    def idle(link, event):
        link.request_read()
        link.respond(0)
        time.sleep(0.05)
        act(link, event)

    def release(link, event):
        link.request_read()
        link.respond(0)
        kind, _ = pdu.read_pdu(link.sock)
        assert kind == pdu.RELEASE_RQ, kind
        act(link, event)

    for stage, play in (("sta6-idle", idle), ("sta7", release)):
        for event in events.EVENTS:
            yield Misbehaviour(
                f"{stage}/{event}",
                lambda link, p=play, e=event: p(link, e), ends="passed-on",
                slow=event in events.SILENT or stage == "sta7",
                waits=stage == "sta7", log="info delivered")

    def twice(pause):
        def play(link):
            link.request_read()
            data = raw.p_data(raw.pdv(link.response(0), link.context_id,
                                      command=True))
            if pause:
                link.send(data)
                time.sleep(pause)
                link.send(data)
            else:
                link.send(data + data)
        return play
    for pause in (0, 0.1):
        yield Misbehaviour(f"moment/twice-after-{pause}", twice(pause),
                           ends="passed-on", log="info delivered")


def act(link, event):
    if event == "fin":
        link.end("fin")
    elif event == "rst":
        pdu.reset(link.sock)
    else:
        link.send(events.EVENTS[event])


def accepts():
    """A-ASSOCIATE-AC that is wrong in one thing."""
    def one(name, expect=AGAIN, ends="delivered", **changes):
        def play(link):
            link.request_read(**changes)
            link.respond(0)  # a success nobody may believe
        return Misbehaviour("accept/" + name, play, expect, ends,
                            log=r"link-down|warning|info delivered")
    user = raw.user_information
    for size in (1, 4, 6, 7, 12, 13):
        yield one(f"maximum-pdu-{size}",
                  user=user(first=raw.max_length(size)))
    yield one("context-never-proposed", results=[(251, 0, raw.EXPLICIT)])
    yield one("even-context", results=[(2, 0, raw.EXPLICIT)])
    yield one("context-0", results=[(0, 0, raw.EXPLICIT)])
    yield one("no-contexts", results=b"")
    for name, uid in (("other", b"1.2.840.10008.1.2.4.50"), *UIDS.items()):
        if name == "60000":
            continue
        yield one(f"transfer-{name}", results=lambda link, u=uid: [
            (i, 0, u) for i, _, _ in link.results()])
    for result in (1, 2, 3, 4, 5, 255):
        yield one(f"all-refused-{result}",
                  results=lambda link, r=result: link.results(r))
    yield one("body-empty", head=b"", application=b"", results=b"", user=b"")
    yield one("item-beyond-the-end", more=raw.item(0x21, b"x", 0xFFFF))
    yield one("without-end", length=0x7FFFFFF0)


def responses():
    """A response that is none to the request."""
    def one(name, expect=AGAIN, ends="delivered", status=0, **more):
        def play(link):
            link.request_read()
            link.respond(status, **more)
        return Misbehaviour("response/" + name, play, expect, ends,
                            log=r"link-down|warning|info delivered")
    wrong = lambda tag, value: {"changes": {tag: value}}
    for name, value in (("0", 0), ("7777", 7777), ("65535", 65535)):
        yield one(f"message-id-{name}", **wrong(0x0120, raw.us(value)))
    yield one("no-message-id", **wrong(0x0120, None))
    yield one("no-status", **wrong(0x0900, None))
    yield one("no-field", **wrong(0x0100, None))
    yield one("with-a-data-set", **wrong(0x0800, raw.us(1)))
    for field in (0x8010, 0x8020, 0x8030, 0x0001, 0x0FFF, 0xFFFF):
        yield one(f"field-{field:04x}", **wrong(0x0100, raw.us(field)))
    for tag in (0x0100, 0x0120, 0x0900):
        for size in (0, 1, 3, 4):
            yield one(f"{tag:04x}-of-{size}", **wrong(tag, bytes(size)))
    for name, uid in (("other", b"1.2.3.4"), *UIDS.items()):
        if name == "60000":
            continue
        yield one(f"uid-{name}", **wrong(0x1000, raw.uid(uid)))
        yield one(f"class-{name}", **wrong(0x0002, raw.uid(uid)))
    for n in (0, 2, 99, 255):
        yield one(f"context-{n}", context_id=n)
    for status in (0xFF00, 0xFF01, 0xFE00):
        yield one(f"status-{status:04x}", status=status)
    for status in (0xA900, 0xC000, 0xCFFF, 0x0122, 0x0124, 0x0117, 0x0111,
                   0x1234, 0xFFFF, 0x8000):
        yield one(f"status-{status:04x}", rf"^{status:04X}$", "failed",
                  status=status)
    for status in (0xB000, 0xB007, 0xBFFF, 0x0001, 0x0107, 0x0116):
        yield one(f"status-{status:04x}", rf"^{status:04X}$", "passed-on",
                  status=status)
    for status in (0xA700, 0xA7FF, 0x0110, 0x0210, 0x0213):
        yield one(f"status-{status:04x}", rf"^{status:04X}$", status=status)
    yield one("beyond-its-end", after=raw.element(0x1031, b"", 1000))
    yield one("out-of-order", after=raw.element(0x0001, b""))
    yield one("other-group", after=raw.element(0x0010, b"", group=8))
    yield one("of-8-mb", after=raw.element(0x5000, bytes(8 << 20)))
    yield one("twice-status", after=raw.element(0x0900, raw.us(0)))


def moments():
    """A response at a wrong time, or in a wrong shape."""
    def one(name, play, **more):
        more.setdefault("log", r"link-down|warning|info delivered")
        return Misbehaviour("moment/" + name, play, **more)

    def early(link):
        link.accept()
        link.read_command()
        link.respond(0)
    yield one("early", early, pixels=4 << 20)

    def early_and_read(link):
        early(link)
        link.read_data()
    yield one("early-and-all-is-read", early_and_read, pixels=4 << 20)

    def unasked(link):
        link.accept()
        link.command = {"AffectedSOPClassUID": "1.2", "MessageID": 1,
                        "AffectedSOPInstanceUID": "1.2"}
        link.respond(0, context_id=1)
    yield one("unasked", unasked)

    def never(link):
        link.request_read()
        link.wait_end()
    yield one("never", never, slow=True)

    def byte_by_byte(link):
        link.request_read()
        data = raw.p_data(raw.pdv(link.response(0), link.context_id,
                                  command=True))
        for at in range(len(data)):
            link.send(data[at:at + 1])
    yield one("byte-by-byte", byte_by_byte, ends="passed-on")

    def byte_pdvs(link):
        link.request_read()
        data = link.response(0)
        for at in range(len(data)):
            link.send(raw.p_data(raw.pdv(
                data[at:at + 1], link.context_id, command=True,
                last=at == len(data) - 1)))
    yield one("pdvs-of-a-byte", byte_pdvs, ends="passed-on")

    def without_end(link):
        link.request_read()
        for _ in range(10000):
            link.send(raw.p_data(raw.pdv(bytes(800), link.context_id,
                                         command=True, last=False)))
    yield one("command-of-8-mb", without_end)

    def empty_pdvs(link):
        link.request_read()
        for _ in range(20000):
            link.send(raw.p_data(raw.pdv(b"", link.context_id, command=True,
                                         last=False)))
    yield one("empty-pdvs", empty_pdvs, slow=True)

    def data_set(link):
        link.request_read()
        link.send(raw.p_data(raw.pdv(bytes(100), link.context_id)))
    yield one("a-data-set", data_set)
    for how in ("abort", "rst", "fin"):
        def half(link, how=how):
            link.request_read()
            link.send(raw.p_data(raw.pdv(
                link.response(0), link.context_id, command=True))[:30])
            link.end(how)
        yield one(f"{how}-inside", half)
    for result, source, reason in ((1, 1, 3), (1, 1, 7), (2, 3, 2), (2, 3, 1),
                                   (0, 0, 0), (9, 9, 9), (255, 255, 255)):
        def reject(link, r=(result, source, reason)):
            link.read_request()
            link.send(pdu.associate_rj(*r))
        yield one(f"reject-{result}-{source}-{reason}", reject)


def cases():
    return of_kinds((
        ("any PDU while it connects and sends", states),
        ("any PDU afterwards", afterwards), ("association answers", accepts),
        ("responses", responses), ("moments", moments)))
