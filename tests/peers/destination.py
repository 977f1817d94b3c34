"""An SCP that answers, stalls and breaks as it is told, and records what came.

    with Destination() as pacs:                     # a free port
        pacs.default = Answer(status=0xB000)
        pacs.script = [Answer(status=0xA700, delay=1)]  # the next, in turn
        pacs.by_uid["1.2.3"] = [Answer(cut="data", how="rst")]
        ...
        assert pacs.received[0].digest == sent.digest

As a program it serves until its stdin ends, then prints the record as JSON.
"""

import argparse
import dataclasses
import hashlib
import json
import socket
import sys
import threading
import time

from . import pdu


@dataclasses.dataclass
class Answer:
    """What becomes of one instance."""

    status: int = 0x0000
    comment: str = None
    offending: list = None
    omit_uids: bool = False
    delay: float = 0  # seconds, before the answer
    before: list = ()  # statuses answered first, as 0xFF00
    early: bool = False  # answered before the data set is there
    times: int = 1  # the same answer so often
    cut: str = None  # where: "command", "data", "answer", "in-answer", "after"
    how: str = "abort"  # and how: "abort", "rst", "fin", "silence"
    context_id: int = None  # wrong on purpose, as all in `override`
    override: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Associate:
    """What becomes of an association request."""

    reject: tuple = None  # result, source, reason
    cut: str = None  # "abort", "rst", "fin", "silence"
    delay: float = 0
    max_pdu: int = 131072
    refuse: object = None  # callable(abstract, transfer syntaxes): refused?
    refuse_result: int = 3  # abstract syntax not supported
    echo: bool = True  # accepts Verification


@dataclasses.dataclass
class Received:
    """One instance that came whole, or (whole=False) as far as it got."""

    uid: str
    sop_class: str
    transfer: str
    message_id: int
    priority: int
    move_aet: str
    move_message_id: int
    calling: str
    called: str
    association: int
    size: int = 0
    digest: str = None
    whole: bool = False
    started: float = 0  # time.monotonic()
    arrived: float = 0
    answered: float = 0  # when the answer went out; 0: it did not
    status: int = None
    data: bytes = None  # with keep_data


class Cut(Exception):
    """The script says that the connection ends here; args: how."""


class Destination:
    """All may be changed while it runs; each request looks anew."""

    def __init__(self, port=0, keep_data=False):
        self.port = port
        self.keep_data = keep_data
        self.default = Answer()
        self.script = []
        self.by_uid = {}
        self.associate = Associate()
        self.associate_script = []
        self.received = []  # whole instances, by arrival
        self.partial = []  # those that broke off
        self.associations = []  # pdu.Association of each that was accepted
        self.requests = 0  # connections that asked for an association
        self.connections = 0
        self.echoes = 0
        self.releases = 0
        self.aborts = 0
        self.closes = 0  # ended without release or abort
        self.violations = []  # what no SCU should do
        self.open = 0  # associations now
        self.most_open = 0
        self._lock = threading.Lock()
        self._sockets = set()
        self._threads = []
        self._listener = None
        self._stopping = threading.Event()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Listens, after a stop() on the same port again."""
        self._stopping = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._listener.listen(128)
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        self._threads = [thread]
        return self

    def stop(self, how="rst"):
        """Closes the port and every connection ("rst", "fin" or "abort")."""
        if self._listener is None:
            return
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        self.cut_all(how)
        for thread in self._threads:
            thread.join(10)

    def cut_all(self, how="rst"):
        """Ends every open connection; goes on listening."""
        with self._lock:
            sockets = list(self._sockets)
        for sock in sockets:
            end(sock, how)

    def as_json(self):
        rows = [dataclasses.asdict(r) for r in self.received + self.partial]
        for row in rows:
            row.pop("data")
        return json.dumps({
            "received": rows, "requests": self.requests,
            "associations": len(self.associations), "echoes": self.echoes,
            "releases": self.releases, "aborts": self.aborts,
            "violations": self.violations}, indent=1)

    def uids(self):
        return [r.uid for r in self.received]

    def _accept(self):
        listener, stopping = self._listener, self._stopping
        while not stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets.add(sock)
                self.connections += 1
            thread = threading.Thread(
                target=self._serve, args=(sock, stopping), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, sock, stopping):
        link = _Link(self, sock, stopping)
        try:
            link.run()
        except pdu.Aborted:
            self._count("aborts")
        except pdu.Closed:
            self._count("closes")
        except Cut as cut:
            if cut.args[0] == "silence":
                link.keep_silent()
            end(sock, cut.args[0])
        finally:
            with self._lock:
                self._sockets.discard(sock)
                self.open -= link.associated
                if link.current is not None:
                    self.partial.append(link.current[1])
            pdu.hang_up(sock)

    def _count(self, name, by=1):
        with self._lock:
            setattr(self, name, getattr(self, name) + by)

    def _next_associate(self):
        with self._lock:
            self.requests += 1
            if self.associate_script:
                return self.associate_script.pop(0)
            return self.associate

    def _next_answer(self, received):
        with self._lock:
            for answers in (self.by_uid.get(received.uid), self.script):
                if answers:
                    return answers.pop(0)
            default = self.default
        return default(received) if callable(default) else default


def end(sock, how):
    try:
        if how == "abort":
            sock.sendall(pdu.abort())
        if how == "rst":
            pdu.reset(sock)
        else:
            sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class _Link:
    """One connection."""

    def __init__(self, destination, sock, stopping):
        self.destination, self.sock = destination, sock
        self.stopping = stopping
        self.associated = 0
        self.number = 0
        self.ac = {}  # context ID: (abstract, transfer syntax)
        self.command, self.command_context = b"", None
        self.current = None  # (request, Received, Answer, hash)

    def run(self):
        kind, body = pdu.read_pdu(self.sock)
        if kind != pdu.ASSOCIATE_RQ:
            self.destination.violations.append(f"PDU {kind} before all others")
            return
        self._associate(body)
        while True:
            kind, body = pdu.read_pdu(self.sock)
            if kind == pdu.RELEASE_RQ:
                self.destination._count("releases")
                pdu.send(self.sock, pdu.release_rp())
                return
            if kind != pdu.P_DATA_TF:
                self.destination.violations.append(f"PDU {kind}")
                return
            if len(body) > self.max_pdu:
                self.destination.violations.append(f"PDU of {len(body)}")
            for part in pdu.pdvs(body):
                self._pdv(*part)

    def keep_silent(self):
        """Reads on until the peer hangs up, and says nothing."""
        self.sock.settimeout(0.1)
        while not self.stopping.is_set():
            try:
                if not self.sock.recv(65536):
                    return
            except socket.timeout:
                continue
            except OSError:
                return

    def _associate(self, body):
        destination, rq = self.destination, pdu.Association(body)
        plan = destination._next_associate()
        if plan.delay:
            self.stopping.wait(plan.delay)
        if plan.cut:
            raise Cut(plan.cut)
        if plan.reject:
            pdu.send(self.sock, pdu.associate_rj(*plan.reject))
            raise Cut("fin")
        results = []
        for context_id, abstract, transfers in rq.proposed:
            refused = plan.refuse and plan.refuse(abstract, transfers)
            if abstract == pdu.VERIFICATION and not plan.echo:
                refused = True
            transfer = next((t for t in (pdu.EXPLICIT_LE, pdu.IMPLICIT_LE)
                             if t in transfers), transfers[0])
            results.append((context_id, plan.refuse_result if refused else 0,
                            transfer))
            if not refused:
                self.ac[context_id] = (abstract, transfer)
        self.max_pdu, self.peer_max_pdu = plan.max_pdu, rq.max_pdu
        self.calling, self.called = rq.calling, rq.called
        self.associated = 1
        with destination._lock:
            destination.associations.append(rq)
            self.number = len(destination.associations)
            destination.open += 1
            destination.most_open = max(
                destination.most_open, destination.open)
        pdu.send(self.sock, pdu.associate_ac(body, results, plan.max_pdu))

    def _pdv(self, context_id, is_command, last, data):
        if context_id not in self.ac:
            self.destination.violations.append(f"context {context_id}")
            raise Cut("abort")
        if is_command:
            self.command += data
            if last:
                command = pdu.unpack_command(self.command)
                self.command = b""
                self._request(context_id, command)
        elif self.current is None:
            self.destination.violations.append("a data set without a command")
            raise Cut("abort")
        else:
            self._data(context_id, last, data)

    def _request(self, context_id, rq):
        if rq["CommandField"] == pdu.C_ECHO_RQ:
            self.destination._count("echoes")
            self._send(context_id, {
                "AffectedSOPClassUID": pdu.VERIFICATION,
                "CommandField": pdu.C_ECHO_RSP,
                "MessageIDBeingRespondedTo": rq["MessageID"],
                "CommandDataSetType": pdu.NO_DATA_SET, "Status": 0})
            return
        received = Received(
            rq["AffectedSOPInstanceUID"], rq["AffectedSOPClassUID"],
            self.ac[context_id][1], rq["MessageID"], rq["Priority"],
            rq.get("MoveOriginatorAET"), rq.get("MoveOriginatorMessageID"),
            self.calling, self.called, self.number, started=time.monotonic(),
            data=b"" if self.destination.keep_data else None)
        if rq["AffectedSOPClassUID"] != self.ac[context_id][0]:
            self.destination.violations.append("class differs from context")
        answer = self.destination._next_answer(received)
        self.current = (rq, received, answer, hashlib.sha256())
        self._cut(answer, "command")
        if answer.early:
            self._answer(context_id, rq, received, answer)
            self.stopping.wait(0.5)

    def _data(self, context_id, last, data):
        rq, received, answer, digest = self.current
        digest.update(data)
        received.size += len(data)
        if received.data is not None:
            received.data += bytes(data)
        self._cut(answer, "data")
        if not last:
            return
        self.current = None
        received.digest, received.whole = digest.hexdigest(), True
        received.arrived = time.monotonic()
        with self.destination._lock:
            self.destination.received.append(received)
        if answer.delay:
            self.stopping.wait(answer.delay)
        self._cut(answer, "answer")
        if not answer.early:
            self._answer(context_id, rq, received, answer)
        self._cut(answer, "after")

    def _answer(self, context_id, rq, received, answer):
        received.answered = time.monotonic()
        received.status = answer.status
        for status in [*answer.before, *[answer.status] * answer.times]:
            uids = {} if answer.omit_uids else {
                n: rq[n] for n in
                ("AffectedSOPClassUID", "AffectedSOPInstanceUID")}
            self._send(answer.context_id or context_id, {
                **uids, "CommandField": pdu.C_STORE_RSP,
                "MessageIDBeingRespondedTo": rq["MessageID"],
                "CommandDataSetType": pdu.NO_DATA_SET, "Status": status,
                "ErrorComment": answer.comment,
                "OffendingElement": answer.offending, **answer.override},
                answer)

    def _send(self, context_id, command, answer=None):
        data = b"".join(pdu.fragments(
            context_id, True, pdu.pack_command(command), self.peer_max_pdu))
        if answer is not None and answer.cut == "in-answer":
            pdu.send(self.sock, data[:len(data) // 2])
            raise Cut(answer.how)
        pdu.send(self.sock, data)

    def _cut(self, answer, where):
        if answer.cut == where:
            raise Cut(answer.how)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--status", type=lambda s: int(s, 0), default=0)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--comment")
    args = parser.parse_args()
    with Destination(args.port) as destination:
        destination.default = Answer(
            args.status, comment=args.comment, delay=args.delay)
        print(f"listening on {destination.port}", file=sys.stderr, flush=True)
        sys.stdin.read()
    print(destination.as_json())


if __name__ == "__main__":
    main()
