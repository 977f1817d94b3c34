"""A field whose destination misbehaves, and the judgement of one case."""

import re
import time

import tools
from attack import Verdict
from field import Field
from peers import instance
from peers.modality import Modality, contexts_for
from scp import Scp


def make(folder):
    return Field(
        folder, Scp().start(), {"MaxInstanceBytes": 0},
        routes=[{"ResponseTimeout": 20}], ConnectTimeout=1,
        AssociateTimeout=1, DimseTimeout=1, IdleTimeout=1)


def play_once(field, case):
    """A modality stores one while its destination misbehaves, once."""
    scp, gateway = field.destination, field.gateway
    verdict = Verdict(case.name, f"{case.expect} {case.ends}", case.kind)
    since, arrived = field.marks(), len(scp.received)
    scp.cut_all("fin")
    scp.plans, scp.failures = [case.play], []
    scp.over.clear()
    made = instance.make(pixels=case.pixels)
    begun = time.monotonic()
    with Modality(gateway.port, contexts_for(made), timeout=25) as ct:
        status = ct.store(made).status
    verdict.seconds = round(time.monotonic() - begun, 3)
    verdict.words = f"{status:04X}"
    if not re.search(case.expect, verdict.words):
        verdict.faults.append(f"the modality got {status:04X}")
    verdict.faults += judge_end(field, case, made, status, arrived)
    try:
        verdict.log = gateway.sender.wait_log(case.log, 4, since[1])
    except AssertionError:
        verdict.faults.append(f"no line {case.log!r} in the log of the sender")
    if scp.plans or case.waits and not scp.over.wait(10):
        verdict.faults.append("it was not played to its end")
    scp.plans = []
    loud = [line for line in gateway.sender.log[since[1]:]
            if re.search(r"\] (warning|error) ", line)]
    if len(loud) > 3:
        verdict.faults.append(f"{len(loud)} lines above info: {loud}")
    verdict.faults += field.judge_rest(since)
    verdict.faults += scp.failures
    return verdict


def judge_end(field, case, made, status, arrived):
    """No success that nobody meant; the item is where it has to be."""
    gateway = field.gateway
    def over():
        # between two looks it may be in neither of two folders
        return gateway.empty("pacs") and (
            case.ends != "delivered" or made.uid in
            field.destination.uids()[arrived:])
    try:
        tools.wait_until(over, 10, "delivered, and nothing queued")
    except AssertionError as e:
        return [str(e)]
    got = [r for r in field.destination.received[arrived:]
           if r.uid == made.uid]
    failed = [n for n in gateway.items("pacs", "failed") if made.uid in n]
    faults = []
    for name in failed:
        gateway.command("remove", "--yes", f"pacs/failed/{name}")
    if case.ends == "delivered" and (
            len(got) != 1 or got[0].digest != made.digest or failed):
        faults.append(f"{len(got)} delivered, {len(failed)} failed")
    if case.ends == "failed" and (got or len(failed) != 1):
        faults.append(f"{len(got)} delivered, {len(failed)} failed")
    if case.ends == "passed-on" and (got or failed):
        faults.append(f"{len(got)} sent again, {len(failed)} failed")
    return faults
