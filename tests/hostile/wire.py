"""The attacker's end of a connection, and a record of what came back.

Each thing that comes is one word: "ac", "rj1/1/7" (result, source, reason),
"rsp8001:0117" (command field, status), "released", "abort2/0" (source,
reason), "end" (FIN or RST), "open" (nothing came, and it is still there).
"""

import socket
import struct
import time

from peers import instance, pdu

import raw

PATIENCE_S = 6  # all limits of the field are shorter


class Wire:
    """field: who knows what is behind the port, or None."""

    def __init__(self, port, field=None, source=None, patience=PATIENCE_S):
        self.port, self.field, self.source = port, field, source
        self.patience = patience
        self.words = []
        self.answers = []  # unpacked response commands
        self.ac = None
        self.made = instance.make(pixels=512)
        self.sock = self.connect()

    def connect(self):
        sock = socket.create_connection(
            ("127.0.0.1", self.port), PATIENCE_S,
            self.source and (self.source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    # what goes out

    def send(self, *parts):
        """Who is hung up on meanwhile finds that out by hearing."""
        try:
            self.sock.sendall(b"".join(parts))
            return True
        except OSError:
            return False

    def trickle(self, data, pause=0.0, step=1):
        for at in range(0, len(data), step):
            if not self.send(data[at:at + step]):
                return
            if pause:
                time.sleep(pause)

    def associate(self, **changes):
        self.send(raw.associate_rq(**changes))
        self.hear()
        return self

    def command(self, data, context_id=raw.STORE_CONTEXT):
        self.send(raw.p_data(raw.pdv(data, context_id, command=True)))

    def store_command(self, changes=(), **more):
        elements = {**raw.store_elements(self.made.uid), **dict(changes)}
        self.command(raw.command_set(elements, **more))

    def data_set(self, data=None, context_id=raw.STORE_CONTEXT, last=True):
        data = self.made.data if data is None else data
        self.send(raw.p_data(raw.pdv(data, context_id, last=last)))

    def store(self, changes=(), data=None, **more):
        """All of it, answered and released if it can be."""
        self.store_command(changes, **more)
        self.data_set(data)
        self.hear()

    def release(self):
        self.send(pdu.release_rq())
        self.hear()

    def half_close(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def reset(self):
        pdu.reset(self.sock)

    # what comes back

    def hear(self):
        """One word more."""
        if self.words and self.words[-1] in ("end", "open"):
            return self.words[-1]
        self.words.append(self._word(self.patience))
        return self.words[-1]

    def hear_all(self):
        """Until the end, or until nothing comes."""
        while self.hear() not in ("end", "open"):
            continue

    def close(self):
        pdu.hang_up(self.sock)

    def _word(self, timeout):
        try:
            self.sock.settimeout(timeout)
            kind, size = struct.unpack(
                ">BxI", pdu.read_exactly(self.sock, 6))
            body = pdu.read_exactly(self.sock, min(size, 1 << 24))
        except socket.timeout:
            return "open"
        except (pdu.Closed, OSError, ValueError):
            return "end"
        if kind == pdu.ASSOCIATE_AC:
            self.ac = pdu.Association(body)
            return "ac"
        if kind == pdu.ASSOCIATE_RJ:
            return f"rj{body[1]}/{body[2]}/{body[3]}"
        if kind == pdu.ABORT:
            return f"abort{body[2]}/{body[3]}"
        if kind == pdu.P_DATA_TF:
            return self._response(body)
        return {pdu.RELEASE_RQ: "release-rq", pdu.RELEASE_RP: "released"}.get(
            kind, f"pdu{kind}")

    def _response(self, body):
        data = b"".join(part for _, is_command, _, part in pdu.pdvs(body)
                        if is_command)
        answer = pdu.unpack_command(data)
        self.answers.append(answer)
        return f"rsp{answer['CommandField']:04X}:{answer['Status']:04X}"
