"""1,000 connections of one host that are up to no good, and come again at once
when they are closed."""

import errno
import select
import socket
import threading
import time

import raw
from peers import pdu

import tools

PENDING = (errno.ENOTCONN, errno.EAGAIN)


class Flood:
    """`again` is called for each connection, over and over: false, and it is
    closed and another one opened."""

    pause = 0.05

    def __init__(self, port, source="127.0.0.2", n=1000):
        self.port, self.source, self.n = port, source, n
        self.made, self.served = 0, 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        tools.wait_until(lambda: self.made >= self.n, 20)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def _connect(self):
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((self.source, 0))
        sock.connect_ex(("127.0.0.1", self.port))
        self.made += 1
        return sock

    def _run(self):
        sockets = [None] * self.n
        while not self.stopping.is_set():
            for i, sock in enumerate(sockets):
                if sock is None or not self._goes_on(sock):
                    if sock is not None:
                        sock.close()
                    sockets[i] = self._connect()
            self.stopping.wait(self.pause)
        for sock in sockets:
            if sock is not None:
                sock.close()

    def _goes_on(self, sock):
        try:
            return self.again(sock)
        except OSError as e:
            return e.errno in PENDING

    def again(self, sock):
        """Says nothing."""
        return sock.recv(4096) != b""


class Half(Flood):
    """The first half of an association request, once."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.said = set()

    def again(self, sock):
        if sock not in self.said:
            sock.send(raw.associate_rq()[:100])
            self.said.add(sock)
        if sock.recv(4096) != b"":
            return True
        self.said.discard(sock)
        return False


class Trickle(Flood):
    """A byte of an association request a second."""

    pause = 1.0

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.at = {}

    def again(self, sock):
        at = self.at[sock] = self.at.get(sock, 0) + 1
        sock.send(raw.associate_rq()[at - 1:at])
        if sock.recv(4096) != b"":
            return True
        del self.at[sock]
        return False


class Held(Flood):
    """Associations, and nothing in them; one that is refused asks again."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.said = set()

    def again(self, sock):
        if sock not in self.said:
            sock.send(raw.associate_rq())
            self.said.add(sock)
        came = sock.recv(4096)
        if came[:1] == bytes((pdu.ASSOCIATE_AC,)):
            self.served += 1
            return True
        self.said.discard(sock)
        return False


class Quick(Flood):
    """Connects and hangs up, as quickly as it can, so many at a time."""

    pause = 0.0

    def _run(self):
        while not self.stopping.is_set():
            sockets = [self._connect() for _ in range(50)]
            poller = select.poll()
            for sock in sockets:
                poller.register(sock, select.POLLOUT)
            end = time.monotonic() + 1
            left = len(sockets)
            while left and time.monotonic() < end:
                for fd, _ in poller.poll(100):
                    poller.unregister(fd)
                    left -= 1
            for sock in sockets:
                sock.close()


KINDS = {"silent": Flood, "half-a-request": Half, "a-byte-a-second": Trickle,
         "connect-and-close": Quick, "associations-held": Held}
