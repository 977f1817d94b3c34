"""A link that breaks as it is told: a relay between an SCU and an SCP.

    relay = Relay(pacs.port).start()
    relay.arm(Fault("rsp", "middle", "rst"))    # the next response, once
    relay.set_mode("hole")                      # from now on, for all
    relay.set_mode("pass")

It forwards whole PDUs, and cuts them where a fault says so.
"""

import collections
import ctypes
import dataclasses
import random
import socket
import struct
import threading
import time

from peers import pdu

# What is named, by direction: request and data set, and what comes back.
FORTH = ("associate-rq", "command", "data", "last-data", "release-rq")
BACK = ("associate-ac", "rsp", "release-rp")
OFFSETS = ("before", "header", "item", "middle", "short", "after")
HOWS = ("rst", "fin", "half", "silence")
MODES = ("pass", "refuse", "silent", "hole")

KINDS = {pdu.ASSOCIATE_RQ: "associate-rq", pdu.ASSOCIATE_AC: "associate-ac",
         pdu.ASSOCIATE_RJ: "associate-rj", pdu.RELEASE_RQ: "release-rq",
         pdu.RELEASE_RP: "release-rp", pdu.ABORT: "abort"}
CLONE_NEWNET = 0x40000000


@dataclasses.dataclass
class Fault:
    """One cut. place: a PDU, as FORTH and BACK name it; offset: how much of
    it still passes; how: what ends the connection."""

    place: str
    offset: str = "middle"
    how: str = "rst"

    def bytes_of(self, size):
        return {"before": 0, "header": 3, "item": 9, "middle": size // 2,
                "short": size - 1, "after": size}[self.offset]

    def __str__(self):
        return f"{self.place}/{self.offset}/{self.how}"


class Relay:
    def __init__(self, target, host="127.0.0.1", netns=None, seed=0):
        """target: a port of this machine. netns: the name of a network
        namespace in which it listens."""
        self.target, self.host, self.netns = target, host, netns
        self.port = 0
        self.mode = "pass"
        self.rate = 0  # bytes a second each way; 0: no limit
        self.latency = self.jitter = 0  # seconds, each way
        self.cuts = []  # (Fault, time.monotonic())
        self.lost_answers = 0  # data set forwarded whole, answer not
        self.connections = 0
        self.requests = []  # when each C-STORE-RQ passed, wholly or in part
        self.random = random.Random(seed)
        self._armed = collections.deque()
        self._lock = threading.Lock()
        self._alive = set()
        self._listener = None
        self.stopping = threading.Event()

    def start(self):
        self._listen()
        return self

    def stop(self):
        self.stopping.set()
        self._unlisten()
        self.cut_all("rst")

    def arm(self, fault):
        self._armed.append(fault)

    @property
    def armed(self):
        return len(self._armed)

    def set_mode(self, mode):
        """pass; refuse: nobody listens; silent: accepts and says nothing;
        hole: the same, and open connections fall silent without an end."""
        self.mode = mode
        if mode == "refuse":
            self._unlisten()
        elif self._listener is None:
            self._listen()
        if mode == "hole":
            for link in self._links():
                link.silent = True
        elif mode in ("refuse", "silent"):
            self.cut_all("rst")

    def cut_all(self, how="rst"):
        for link in self._links():
            link.end(how)

    def take(self, place):
        """The fault that is due at this PDU."""
        with self._lock:
            if self._armed and self._armed[0].place == place:
                fault = self._armed.popleft()
                self.cuts.append((fault, time.monotonic()))
                return fault
        return None

    def _links(self):
        with self._lock:
            return list(self._alive)

    def _listen(self):
        if self.netns is None:
            self._bind()
        else:
            _in_namespace(self.netns, self._bind)
        threading.Thread(target=self._accept, args=(self._listener,),
                         daemon=True).start()

    def _bind(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        self.port = listener.getsockname()[1]
        listener.listen(128)
        self._listener = listener

    def _unlisten(self):
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            link = _Link(self, sock)
            with self._lock:
                self._alive.add(link)
                self.connections += 1
            if self.stopping.is_set():
                link.end("rst")
            threading.Thread(target=link.run, daemon=True).start()

    def gone(self, link):
        with self._lock:
            if link in self._alive:
                self._alive.discard(link)
                self.lost_answers += link.owed


class _Link:
    """One connection through the relay."""

    def __init__(self, relay, sock):
        self.relay, self.near, self.far = relay, sock, None
        self.silent = relay.mode in ("silent", "hole")
        self.owed = False  # the SCP has a data set, the SCU no answer
        self.ended = False

    def run(self):
        self.near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.far = socket.create_connection(
                ("127.0.0.1", self.relay.target), 10)
        except OSError:
            self.end("rst")
            return
        self.far.settimeout(None)
        self.far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.ended:
            self.end("rst", again=True)
            return
        back = threading.Thread(target=self._pump, daemon=True,
                                args=(self.far, self.near, False))
        back.start()
        self._pump(self.near, self.far, True)
        back.join()
        self.end("fin")

    def end(self, how, again=False):
        if self.ended and not again:
            return
        self.ended = True
        for sock in (self.near, self.far):
            if sock is None:
                continue
            if how == "rst":
                pdu.reset(sock)
            else:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                sock.close()
        self.relay.gone(self)

    def _pump(self, source, sink, forth):
        line = _DelayLine(self, sink) if self.relay.latency else None
        try:
            while True:
                data, whole = _read(source)
                if self.silent:
                    if not data:
                        break
                    continue
                if not self._pass(data, whole, sink, forth, line):
                    break
                if not whole:
                    break
        except OSError:
            self.end("rst")
            return
        if not self.silent:
            if line is not None:
                line.close()
            _shut(sink)
        elif forth:
            self.end("fin")  # the SCU gave up

    def _pass(self, data, whole, sink, forth, line):
        """false: this direction ends."""
        place = _place(data) if whole else None
        fault = self.relay.take(place) if place else None
        kept = data if fault is None else data[:fault.bytes_of(len(data))]
        is_all = len(kept) == len(data)
        if place == "last-data" and is_all:
            self.owed = True
        if place == "command":
            self.relay.requests.append(time.monotonic())
        self._forward(kept, sink, line)
        if place == "rsp" and is_all:
            self.owed = False
        if fault is None:
            return True
        if line is not None:
            line.close()
        if fault.how == "silence":
            self.silent = True
            return True
        if fault.how == "half":
            _shut(sink)
            return False
        self.end(fault.how)
        return False

    def _forward(self, data, sink, line):
        if line is not None:
            line.put(data)
        elif not self.relay.rate:
            sink.sendall(data)
        else:
            step = max(1, self.relay.rate // 10)
            for at in range(0, len(data), step):
                sink.sendall(data[at:at + step])
                self.relay.stopping.wait(0.1)


class _DelayLine:
    """Holds back what passes, in order."""

    def __init__(self, link, sink):
        self.link, self.sink = link, sink
        self.held, self.ready = collections.deque(), threading.Condition()
        self.closed = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def put(self, data):
        relay = self.link.relay
        due = time.monotonic() + relay.latency + (
            relay.random.uniform(-relay.jitter, relay.jitter))
        with self.ready:
            self.held.append((due, data))
            self.ready.notify()

    def close(self):
        with self.ready:
            self.closed = True
            self.ready.notify()
        self.thread.join()

    def _run(self):
        while True:
            with self.ready:
                while not self.held and not self.closed:
                    self.ready.wait()
                if not self.held:
                    return
                due, data = self.held.popleft()
            self.link.relay.stopping.wait(max(0, due - time.monotonic()))
            try:
                self.sink.sendall(data)
            except OSError:
                return


def _read(sock):
    """The bytes of the next PDU, and whether it is whole."""
    data = bytearray()
    want = 6
    while len(data) < want:
        part = sock.recv(want - len(data))
        if not part:
            return bytes(data), False
        data += part
        if len(data) == 6:
            want = 6 + struct.unpack(">xxI", data)[0]
    return bytes(data), True


def _place(data):
    if data[0] != pdu.P_DATA_TF:
        return KINDS.get(data[0])
    *_, (_, is_command, last, part) = pdu.pdvs(data[6:])
    if not is_command:
        return "last-data" if last else "data"
    field = pdu.unpack_command(bytes(part)).get("CommandField")
    return {pdu.C_STORE_RQ: "command", pdu.C_STORE_RSP: "rsp"}.get(
        field, "echo")


def _shut(sock):
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _in_namespace(name, function):
    """Runs it in a thread that is in that network namespace; its sockets
    stay there."""
    failed = []

    def work():
        try:
            with open(f"/run/netns/{name}", "rb") as f:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(f.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            function()
        except OSError as e:
            failed.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
