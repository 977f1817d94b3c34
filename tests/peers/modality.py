"""An SCU that says what it is told, and returns the whole answer.

    with Modality(port, contexts_for(instance)) as ct:
        response = ct.store(instance, message_id=4711)
        assert response.status == 0
"""

import dataclasses
import socket
import time

from . import pdu


class Rejected(Exception):
    """A-ASSOCIATE-RJ; args are result, source and reason."""


@dataclasses.dataclass
class Response:
    command: dict  # all elements of the response
    context_id: int
    seconds: float  # from the last byte of the request to the response
    at: float  # time.monotonic() of its arrival

    @property
    def status(self):
        return self.command["Status"]

    @property
    def comment(self):
        return self.command.get("ErrorComment")

    @property
    def offending(self):
        return self.command.get("OffendingElement")

    @property
    def message_id(self):
        return self.command["MessageIDBeingRespondedTo"]

    @property
    def uids(self):
        return (self.command.get("AffectedSOPClassUID"),
                self.command.get("AffectedSOPInstanceUID"))


def contexts_for(*instances):
    """One presentation context for each class and transfer syntax."""
    pairs = dict.fromkeys((i.sop_class, i.transfer) for i in instances)
    return [(sop_class, [transfer]) for sop_class, transfer in pairs]


class Modality:
    def __init__(self, port, contexts, calling="JD-SCU", called="ENS-SCP",
                 max_pdu=131072, timeout=60, host="127.0.0.1", source=None):
        """contexts: (abstract syntax, [transfer syntaxes]); they get the
        context IDs 1, 3, 5 … source: the address to come from."""
        self.proposed = [(2 * i + 1, a, t) for i, (a, t) in enumerate(contexts)]
        self.calling, self.called = calling, called
        self.max_pdu = max_pdu
        self.sock = socket.create_connection(
            (host, port), timeout, source and (source, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted = {}  # context ID: transfer syntax
        self.results = {}  # context ID: (result, transfer syntax)
        self.peer_max_pdu = 0
        self._message_id = 0
        self._sent_at = 0

    def __enter__(self):
        try:
            self.associate()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.sock.fileno() >= 0:
                self.release()
        finally:
            self.close()

    def associate(self):
        """Raises Rejected, pdu.Aborted or pdu.Closed."""
        pdu.send(self.sock, pdu.associate_rq(
            self.calling, self.called, self.proposed, self.max_pdu))
        kind, body = pdu.read_pdu(self.sock)
        if kind == pdu.ASSOCIATE_RJ:
            raise Rejected(body[1], body[2], body[3])
        assert kind == pdu.ASSOCIATE_AC, kind
        ac = pdu.Association(body)
        self.peer_max_pdu = ac.max_pdu
        self.results = ac.results
        self.accepted = {i: t for i, (r, t) in ac.results.items() if r == 0}
        return self

    def context_for(self, sop_class, transfer):
        for context_id, abstract, _ in self.proposed:
            if (abstract == sop_class
                    and self.accepted.get(context_id) == transfer):
                return context_id
        raise LookupError(f"no context for {sop_class} {transfer}")

    def echo(self):
        context_id = self.context_for(pdu.VERIFICATION, pdu.IMPLICIT_LE)
        self._message_id += 1
        self.send_command(context_id, {
            "AffectedSOPClassUID": pdu.VERIFICATION,
            "CommandField": pdu.C_ECHO_RQ, "MessageID": self._message_id,
            "CommandDataSetType": pdu.NO_DATA_SET})
        return self.read_response()

    def store(self, instance, message_id=None, **more):
        """send() and read_response()."""
        self.send(instance, message_id, **more)
        return self.read_response()

    def send(self, instance, message_id=None, priority=0, move=None,
             upto=None, context_id=None, override=None):
        """The request alone. move: (AE title, message ID). upto: so many
        bytes of the data set and no last PDV."""
        if message_id is None:
            message_id = self._message_id + 1
        self._message_id = message_id % 65535
        if context_id is None:
            context_id = self.context_for(instance.sop_class, instance.transfer)
        move_aet, move_id = move or (None, None)
        self.send_command(context_id, {
            "AffectedSOPClassUID": instance.sop_class,
            "AffectedSOPInstanceUID": instance.uid,
            "CommandField": pdu.C_STORE_RQ, "MessageID": message_id,
            "Priority": priority, "CommandDataSetType": 1,
            "MoveOriginatorAET": move_aet, "MoveOriginatorMessageID": move_id,
            **(override or {})})
        self._send_data(context_id, instance.chunks(), upto)
        self._sent_at = time.monotonic()

    def send_command(self, context_id, command):
        for part in pdu.fragments(context_id, True, pdu.pack_command(command),
                                  self.peer_max_pdu):
            pdu.send(self.sock, part)
        self._sent_at = time.monotonic()

    def _send_data(self, context_id, chunks, upto):
        step = (self.peer_max_pdu or 131072) - 6
        left = sum(len(c) for c in chunks)
        whole = upto is None
        if not whole:
            left = min(left, upto)
        if left == 0 and whole:
            pdu.send(self.sock, pdu.pdv(context_id, False, True, b""))
        for chunk in chunks:
            for at in range(0, len(chunk), step):
                part = chunk[at:at + min(step, left)]
                if not part:
                    return
                left -= len(part)
                pdu.send(self.sock, pdu.pdv(
                    context_id, False, whole and left == 0, part))

    def read_response(self, timeout=None):
        """Raises socket.timeout, pdu.Aborted or pdu.Closed."""
        if timeout is not None:
            self.sock.settimeout(timeout)
        data = b""
        while True:
            kind, body = pdu.read_pdu(self.sock)
            assert kind == pdu.P_DATA_TF, kind
            assert len(body) <= self.max_pdu, len(body)
            for context_id, is_command, last, part in pdu.pdvs(body):
                assert is_command, "a response with a data set"
                data += part
                if last:
                    now = time.monotonic()
                    return Response(pdu.unpack_command(data), context_id,
                                    now - self._sent_at, now)

    def release(self):
        pdu.send(self.sock, pdu.release_rq())
        kind, _ = pdu.read_pdu(self.sock)
        assert kind == pdu.RELEASE_RP, kind
        self.close()

    def abort(self):
        pdu.send(self.sock, pdu.abort())
        self.close()

    def reset(self):
        pdu.reset(self.sock)

    def close(self):
        pdu.hang_up(self.sock)


def store_one(port, instance, **association):
    """One association, one instance, released: the response."""
    with Modality(port, contexts_for(instance), **association) as modality:
        return modality.store(instance)
