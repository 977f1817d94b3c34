"""What the tests share: programs, ports, waiting, real files."""

import hashlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

from peers import instance, pdu

PYTHON = sys.executable
TESTS = pathlib.Path(__file__).resolve().parent.parent
TREE = TESTS.parent
PYDICOM_FILES = pathlib.Path(
    "/usr/lib/python3/dist-packages/pydicom/data/test_files")
SHARED_FILES = TREE.parent / "shared" / "data"

_ports = set()
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
PORTS = range(20000 + 1250 * _worker, 21250 + 1250 * _worker)


def run(*command, timeout=60, **more):
    """A program to its end; its output is one text."""
    return subprocess.run(
        [str(c) for c in command], text=True, timeout=timeout,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)


def wait_until(condition, timeout=10, what=None):
    """Polls until condition() is true, and returns what it gave."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(
                f"not within {timeout} s: {what or _source(condition)}")
        time.sleep(0.01)


def stays(condition, seconds):
    """Asserts that condition() stays true for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), "did not stay so"
        time.sleep(0.02)


def slow(seconds):
    """Time that is itself a part of the test, as of a peer that is slow. Never a
    wait for something to happen: that is wait_until."""
    time.sleep(seconds)


def _source(condition):
    code = getattr(condition, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else condition


def free_port(first=PORTS.start, last=PORTS.stop):
    """A port that nobody uses, outside the range of outgoing connections; each
    of the tests that run beside each other has a range of its own."""
    while True:
        port = random.randrange(first, last)
        if port in _ports:
            continue
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        _ports.add(port)
        return port


def listening(port):
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as f:
            for line in f:
                words = line.split()
                if words[3] == "0A" and words[1].endswith(f":{port:04X}"):
                    return True
    return False


def connections(port):
    """How many there are to a port, IPv4."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        return sum(words[3] == "01" and words[2].endswith(f":{port:04X}")
                   for words in map(str.split, f))


def real_files(even=False):
    """The real instances of this machine, each content once. even: those
    that storescp takes; it aborts on data sets of an odd length."""
    # no SOP class; ends early, which DCMTK does not take
    unfit = ("nested_priv_SQ.dcm", "rtplan_truncated.dcm", "MR_truncated.dcm")
    found = {}
    for folder in (PYDICOM_FILES, SHARED_FILES):
        for path in sorted(folder.glob("*.dcm")) if folder.is_dir() else ():
            try:
                size = instance.read(path).size
                if path.name in unfit or size == 0 or even and size % 2:
                    continue
            except ValueError:
                continue
            key = hashlib.sha256(path.read_bytes()).digest()
            found.setdefault(key, path)
    return list(found.values())


def study(even=True, compressed=True):
    """A choice of them that DCMTK's and GDCM's programs can read and send."""
    names = """CT_small ExplVR_BigEnd JPEG-lossy JPEG2000 JPGExtended MR_small
        MR_small_RLE MR_small_bigendian MR_small_expb MR_small_implicit
        MR_small_jp2klossless MR_small_jpeg_ls_lossless SC_rgb_jpeg_dcmtk
        SC_rgb_rle_2frame SC_rgb_small_odd examples_overlay liver_1frame
        reportsi rtdose rtplan rtstruct test-SR waveform_ecg""".split()
    found = {p.stem: p for p in real_files(even) if p.stem in names}
    plain = (pdu.IMPLICIT_LE, pdu.EXPLICIT_LE, pdu.EXPLICIT_BE)
    return [p for p in found.values()
            if compressed or instance.read(p).transfer in plain]


def processes(session):
    """The living processes of a session, and what each is in: {pid: name}. One
    that the kernel is still taking apart, which an inotify instance makes
    last, runs nothing any more."""
    alive = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(encoding="latin-1")
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        words = text[text.rindex(")") + 2:].split()
        exiting = int(words[6]) & 0x4  # PF_EXITING, linux/sched.h
        if int(words[3]) == session and words[0] != "Z" and not exiting:
            alive[int(stat.parent.name)] = name
    return alive


def end_session(process, timeout=5):
    """SIGKILL for a process of ours and all that it started."""
    for pid in processes(process.pid):
        try:
            subprocess.os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait(timeout)


def libconfig(value, indent=0):
    """Python values as libconfig text."""
    pad = "\t" * indent
    if isinstance(value, dict) and indent == 0:
        return "".join(f"{k} = {libconfig(v, 1)};\n" for k, v in value.items())
    if isinstance(value, dict):
        inner = "".join(f"{pad}{k} = {libconfig(v, indent + 1)};\n"
                        for k, v in value.items())
        return "{\n" + inner + pad[:-1] + "}"
    if isinstance(value, list):
        return "(" + ", ".join(libconfig(v, indent) for v in value) + ")"
    if isinstance(value, tuple):
        return "[" + ", ".join(libconfig(v, indent) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"{value}L" if abs(value) >= 1 << 31 else str(value)


class Storescp:
    """DCMTK's storescp, which writes the bytes as they came (+B)."""

    def __init__(self, folder, *options, port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.port = port or free_port()
        self.options = options
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["storescp", "+B", "--accept-all", "--fork", *self.options,
             "-od", str(self.folder), str(self.port)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: listening(self.port), 10, "storescp listens")
        return self

    def stop(self):
        if self.process is not None:
            end_session(self.process)
            self.process = None

    def instances(self):
        return [instance.read(p) for p in sorted(self.folder.iterdir())]
