"""Each cell of PS3.8 table 9-10 that an acceptor can be brought to.

The table is for PDUs that follow each other in time; a peer that sends two at
once finds the acceptor in the state after the first.
"""

import pdu_events as events
import raw
from attack import Attack
from peers import pdu


def sta2(wire):
    """The connection is there, the request is not."""


def sta3(wire):
    """What follows is sent before the request is answered."""
    wire.send(raw.associate_rq())


def sta6(wire):
    wire.associate()


def sta6_command(wire):
    """In the midst of a command set."""
    wire.associate()
    data = raw.command_set(raw.store_elements(wire.made.uid))
    wire.send(raw.p_data(raw.pdv(data[:40], command=True, last=False)))


def sta6_data(wire):
    """In the midst of a data set."""
    wire.associate()
    wire.store_command()
    wire.data_set(wire.made.data[:200], last=False)


def sta6_answer(wire):
    """A request is there as a whole, and its answer is awaited."""
    wire.associate()
    if wire.field is not None:
        wire.field.answer_late(wire.made.uid, 0.4)
    wire.store_command()
    wire.data_set()


def sta8(wire):
    """What follows is sent before the release is answered."""
    wire.associate()
    wire.send(pdu.release_rq())


def sta13_rejected(wire):
    wire.associate(called=b"NOBODY")


def sta13_released(wire):
    wire.associate()
    wire.release()


def sta13_aborted(wire):
    """The acceptor has aborted."""
    wire.associate()
    wire.send(raw.associate_ac())
    wire.hear()


STAGES = {
    "sta2": (sta2, ""),
    "sta3": (sta3, "ac "),
    "sta6": (sta6, "ac "),
    "sta6-command": (sta6_command, "ac "),
    "sta6-data": (sta6_data, "ac "),
    "sta6-answer": (sta6_answer, "ac "),
    "sta8": (sta8, "ac released "),
    "sta13-rejected": (sta13_rejected, "rj1/1/7 "),
    "sta13-released": (sta13_released, "ac released "),
    "sta13-aborted": (sta13_aborted, "ac abort2/2 "),
}


def aborted(event):
    """AA-8, with the reason that PS3.8 9.3.8 has for it. What comes in the
    midst of a message, or not in time, is for the user of the service."""
    if event in events.OUT_OF_PLACE:
        return "abort2/2 end"
    if event in events.UNKNOWN:
        return "abort2/1 end"
    if event in events.INVALID or event == "abort-of-1000":
        return "abort2/6 end"
    return "abort0/0 end"


def expected(stage, event):
    """The words that are to come after those of the stage."""
    if stage == "sta8" or stage.startswith("sta13"):
        # It has closed its side behind its last word, and takes in silence
        # what comes until the peer closes its own: AA-6, and nothing that
        # AA-7 could still be sent on.
        return "end"
    if event in events.ENDS:
        return "end"  # AA-3, AA-4
    if stage == "sta6-answer" and event.startswith("abort-of-"):
        return "end"  # who waits sees an A-ABORT in any
    answered = "rsp8001:0000 " if stage == "sta6-answer" else ""
    if stage == "sta2":
        if event == "a-associate-rq":
            return "ac abort0/0 end"  # and then idle for too long
        if event in events.SILENT or event == "abort-of-0-bytes":
            return "end"  # ARTIM, or A-ABORT: AA-2
        return "abort0/0 end"  # AA-1
    if stage in ("sta3", "sta6", "sta6-answer"):
        if event == "a-release-rq":
            return answered + "released end"
        if event == "p-data":
            return answered + "rsp8030:0000 abort0/0 end"
    return answered + aborted(event)


def log_line(stage, event):
    if stage == "sta2" and event != "a-associate-rq":
        return "not-associated"
    if stage == "sta13-rejected":
        return "rejected"
    if stage == "sta3" and event == "rst":
        return r"\bended\b|not-associated"
    return r"\bended\b"


def attacks():
    for stage, (bring, prefix) in STAGES.items():
        for event in events.EVENTS:
            def play(wire, bring=bring, event=event):
                bring(wire)
                events.send(wire, event)
                wire.hear_all()
            words = prefix + expected(stage, event)
            if event == "rst" and stage in ("sta3", "sta8"):
                words = words.split()[0] + " end"  # what comes is not read
                words = words if stage == "sta8" else "end"
            yield Attack(
                f"{stage}/{event}", play, words, log=log_line(stage, event),
                # of the item that has no answer, and of the association
                warnings=2 if stage == "sta6-answer" else 1,
                slow=event in events.SILENT or event == "p-data",
                kind=f"any PDU in state {stage[3:].partition('-')[0]}")
