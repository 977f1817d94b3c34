"""A destination that misbehaves once, and is honest otherwise."""

import socket
import threading
import time

from peers import destination, pdu

import raw


class Scp(destination.Destination):
    """plans: a callable(Link) for each of the next connections."""

    def __init__(self):
        super().__init__()
        self.plans = []
        self.over = threading.Event()  # the last plan has been played
        self.failures = []  # of the plans themselves

    def _serve(self, sock, stopping):
        with self._lock:
            plan = self.plans.pop(0) if self.plans else None
        if plan is None:
            super()._serve(sock, stopping)
            return
        link = Link(self, sock)
        try:
            plan(link)
            link.wait_end()
        except (pdu.Aborted, pdu.Closed, OSError):
            pass  # the sender has had enough
        except Exception as e:
            self.failures.append(repr(e))
        finally:
            self.over.set()
            with self._lock:
                self._sockets.discard(sock)
            pdu.hang_up(sock)


class Link:
    """One connection of the sender's."""

    def __init__(self, scp, sock):
        self.scp, self.sock = scp, sock
        self.sock.settimeout(8)
        self.request, self.command = None, None
        self.context_id, self.size = None, 0

    def send(self, *parts):
        pdu.send(self.sock, b"".join(parts))

    def read_request(self):
        kind, self.body = pdu.read_pdu(self.sock)
        assert kind == pdu.ASSOCIATE_RQ, kind
        self.request = pdu.Association(self.body)

    def results(self, result=0):
        return [(i, result, t[0].encode())
                for i, _, t in self.request.proposed]

    def accept(self, **changes):
        """A change may be callable(link): what the request makes of it."""
        self.read_request()
        changes.setdefault("results", self.results())
        changes.setdefault("head", bytes(self.body[:68]))
        self.send(raw.associate_ac(**{
            k: v(self) if callable(v) else v for k, v in changes.items()}))

    def read_command(self):
        """Of a C-STORE; C-ECHO is answered on the way."""
        data = b""
        while True:
            kind, body = pdu.read_pdu(self.sock)
            if kind == pdu.RELEASE_RQ:
                self.send(pdu.release_rp())
                raise pdu.Closed("released")
            self.rest = []
            for context_id, command, last, part in pdu.pdvs(body):
                if not command:
                    self.rest.append((last, part))
                    continue
                data += part
                if last:
                    self.command = pdu.unpack_command(data)
                    self.context_id = context_id
                    data = b""
            if self.command:
                return self.command

    def read_data(self, whole=True):
        """Of the data set: all, or the first piece."""
        for last, part in self.rest:
            self.size += len(part)
            if last:
                return
        self.rest = []
        while True:
            _, body = pdu.read_pdu(self.sock)
            for _, _, last, part in pdu.pdvs(body):
                self.size += len(part)
                if last:
                    return
            if not whole:
                return

    def request_read(self, **accept):
        """Up to where a response is due."""
        self.accept(**accept)
        self.read_command()
        self.read_data()

    def response(self, status=0, changes=(), **more):
        """The command set of one; a change to None leaves an element out."""
        rq = self.command
        elements = {0x0002: raw.uid(rq["AffectedSOPClassUID"]),
                    0x0100: raw.us(pdu.C_STORE_RSP),
                    0x0120: raw.us(rq["MessageID"]),
                    0x0800: raw.us(pdu.NO_DATA_SET),
                    0x0900: raw.us(status),
                    0x1000: raw.uid(rq["AffectedSOPInstanceUID"]),
                    **dict(changes)}
        return raw.command_set(elements, **more)

    def respond(self, status=0, changes=(), context_id=None, **more):
        self.send(raw.p_data(raw.pdv(
            self.response(status, changes, **more),
            self.context_id if context_id is None else context_id,
            command=True)))

    def end(self, how):
        destination.end(self.sock, how)

    def wait_end(self, seconds=8):
        """Reads until the sender hangs up."""
        end = time.monotonic() + seconds
        self.sock.settimeout(0.2)
        while time.monotonic() < end:
            try:
                if not self.sock.recv(65536):
                    return
            except socket.timeout:
                continue
