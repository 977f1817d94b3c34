"""The programs that are measured: dcmspool, its rivals, their peers."""

import contextlib
import json
import mmap
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time

BENCH = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(BENCH.parent), str(BENCH.parent / "e2e")]

import tools
from peers import instance

BIN = os.environ.get("BIN", "")
PROGRAMS = tools.TREE / (".build/san" if "san" in BIN else ".build/release")
PROGRAMS = PROGRAMS / "tests" / "bench"
ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc",
                                                  path="/usr/sbin")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
MAX_PDU = ("--max-pdu", "131072")
NODELAY = {"TCP_NODELAY": "1"}

LUA = """function OnStoredInstance(id, tags, metadata, origin)
  if origin['RequestOrigin'] ~= 'Lua' then
    Delete(SendToModality(id, 'pacs'))
  end
end
"""


class Process:
    """One program in a session of its own; a part of what is measured."""

    def __init__(self, *command, env=None, log=None, cwd=None):
        with open(log or os.devnull, "ab") as out:
            self.process = subprocess.Popen(
                [str(c) for c in command], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, env={**os.environ, **(env or {})},
                start_new_session=True, cwd=cwd)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        tools.end_session(self.process)

    def wait_port(self, port):
        def up():
            assert self.process.poll() is None, f"{self.process.args} ended"
            return tools.listening(port)
        tools.wait_until(up, 20, f"port {port}")
        return self

    def cpu_s(self):
        """CPU seconds of the session, the ended children included."""
        return sum(_cpu_ticks(pid)
                   for pid in tools.processes(self.pid)) * TICK_S


def _cpu_ticks(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text("latin-1")
    except OSError:
        return 0
    return sum(map(int, text[text.rindex(")") + 2:].split()[11:15]))


class Rig:
    """Something with a port that takes instances, and its processes."""

    def __init__(self, port):
        self.port = port
        self.processes = []

    def add(self, *command, **more):
        self.processes.append(Process(*command, **more))
        return self.processes[-1]

    def cpu_s(self):
        return sum(process.cpu_s() for process in self.processes)

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Dcmspool(Rig):
    def __init__(self, place, to_port, lanes=1, when="delivered", work=None,
                 receiver=None, top=None, start=True, trace=None,
                 **destination):
        super().__init__(tools.free_port())
        self.trace = trace
        self.spool = pathlib.Path(place) / "spool"
        self.work = pathlib.Path(work or place)
        self.conf = self.work / "dcmspool.conf"
        self.conf.write_text(tools.libconfig({
            "StorageLocation": str(self.spool), "MinFreeBytes": 1 << 20,
            "MinFreeInodes": 100, **(top or {}),
            "receiver": {"LocalAET": "ENS-SCP", "RemoteAET": "*",
                         "IPPort": self.port, "LocalInterface": "127.0.0.1",
                         **(receiver or {})},
            "routes": [{"DuplexTargetConfigNames": "pacs",
                        "AnswerWhen": when}],
            "destinations": [{"Name": "pacs", "RemoteAET": "PACS",
                              "RemoteHost": "127.0.0.1",
                              "RemotePort": to_port, "Lanes": lanes,
                              **destination}],
            "log": {"Level": "info"}}))
        if start:
            self.start_sender()
            self.start_receiver()

    def start_sender(self):
        self.sender = self._daemon("sender")
        return self.sender

    def start_receiver(self):
        self.receiver = self._daemon("receiver").wait_port(self.port)
        return self.receiver

    def _daemon(self, name):
        """trace: a folder for the system calls, a file for each process."""
        tracer = [] if self.trace is None else [
            "strace", "-ff", "-qq", "-o", self.trace / name]
        return self.add(*tracer, tools.TREE / f"{BIN}{name}/dcmspool-{name}",
                        "-c", self.conf, log=self.work / f"{name}.log")

    def end(self):
        """With SIGTERM, and waits."""
        for process in self.processes:
            for pid, name in tools.processes(process.pid).items():
                if name.startswith("dcmspool"):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)
            process.process.wait(30)

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.spool, ignore_errors=True)


class Relay(Rig):
    """The plain byte relay, which does the same steps in the file system."""

    def __init__(self, place, to_port, lanes=1, sync=False):
        super().__init__(tools.free_port())
        self.spool = pathlib.Path(place) / "relay"
        self.spool.mkdir()
        sync = ["-f"] if sync else []
        self.sender = self.add(PROGRAMS / "relay", "-d", self.spool, "-p",
                               to_port, "-l", lanes, *sync, "sender")
        tools.wait_until((self.spool / "result").is_dir, 5, "the relay")
        self.receiver = self.add(
            PROGRAMS / "relay", "-d", self.spool, "-p", self.port, *sync,
            "receiver").wait_port(self.port)

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.spool, ignore_errors=True)


class Shell(Rig):
    """storescp into a folder, and a loop of dcmsend."""

    def __init__(self, place, to_port):
        super().__init__(tools.free_port())
        folder = pathlib.Path(place) / "shell"
        for name in ("in", "out"):
            (folder / name).mkdir(parents=True)
        self.folder = folder
        self.add("storescp", "+B", "+xa", "--fork", *MAX_PDU, "-od",
                 folder / "in", "-xcr", f"mv #p/#f {folder}/out", self.port,
                 env=NODELAY).wait_port(self.port)
        self.add("sh", "-c", f"""while :; do
            rm -rf {folder}/batch; mkdir {folder}/batch
            mv {folder}/out/* {folder}/batch/ 2>/dev/null || {{
                sleep 0.02; continue; }}
            dcmsend --max-pdu 131072 -aec PACS 127.0.0.1 {to_port} \
                +sd {folder}/batch
        done""", env=NODELAY)

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Orthanc(Rig):
    """Orthanc, which forwards what it stored and deletes it."""

    def __init__(self, place, to_port):
        super().__init__(tools.free_port())
        self.folder = pathlib.Path(place) / "orthanc"
        self.folder.mkdir()
        (self.folder / "forward.lua").write_text(LUA)
        (self.folder / "orthanc.json").write_text(json.dumps({
            "StorageDirectory": str(self.folder / "db"),
            "IndexDirectory": str(self.folder / "db"),
            "DicomPort": self.port, "HttpServerEnabled": False,
            "DicomAet": "ENS-SCP", "DicomCheckCalledAet": False,
            "DicomAlwaysAllowStore": True, "StorageCompression": False,
            "LuaScripts": [str(self.folder / "forward.lua")],
            "DicomModalities": {"pacs": ["PACS", "127.0.0.1", to_port]},
            "OverwriteInstances": True}))
        self.add(ORTHANC, self.folder / "orthanc.json", env=NODELAY,
                 log=self.folder / "log").wait_port(self.port)

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Delay(Rig):
    """A round trip of so many milliseconds in front of a port."""

    def __init__(self, to_port, round_trip_ms=100):
        super().__init__(tools.free_port())
        self.add(PROGRAMS / "delay", "-p", self.port, "-t", to_port, "-r",
                 round_trip_ms).wait_port(self.port)


class LoadScp(Rig):
    """The fast destination. raw: for the byte relay."""

    MOST = 1500000

    def __init__(self, work, raw=False, port=None):
        super().__init__(port or tools.free_port())
        self.path = pathlib.Path(work) / f"times.{self.port}"
        self.raw = ["-x"] if raw else []
        self.start()

    def start(self):
        self.add(PROGRAMS / "load_scp", "-p", self.port, "-t", self.path,
                 *self.raw).wait_port(self.port)
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)
        return self

    @property
    def count(self):
        return struct.unpack_from("<Q", self.map)[0]

    def times(self, first=0):
        """The CLOCK_MONOTONIC second of each arrival, from `first` on."""
        n = min(self.count, self.MOST) - first
        return [t / 1e6 for t in struct.unpack_from(f"<{n}q", self.map,
                                                    8 + 8 * first)]

    def wait(self, n, timeout):
        tools.wait_until(lambda: self.count >= n, timeout,
                         f"{n} instances at the destination")

    def __exit__(self, *_):
        self.stop()
        self.path.unlink()


class Storescp(Rig):
    """DCMTK's storescp, which writes the bytes as they came."""

    def __init__(self, folder, env=None, *options):
        super().__init__(tools.free_port())
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.add("storescp", "+B", "+xa", "--fork", *options, "-od",
                 self.folder, self.port, env=env).wait_port(self.port)

    def empty(self, n):
        """Asserts that n have arrived, and removes them."""
        found = list(self.folder.iterdir())
        assert len(found) == n, f"{len(found)} of {n} have arrived"
        for path in found:
            path.unlink()


def load(port, n, size=8192, associations=1, raw=False, timeout=120, **more):
    """The load generator: what it reports. n instances in all."""
    load.source += 1
    command = [PROGRAMS / "load_scu", "-p", port, "-n",
               max(1, n // associations), "-s", size, "-a", associations,
               "-u", load.source]
    for key, value in more.items():
        command += [f"-{key}", value]
    done = tools.run(*command, *(["-x"] if raw else []), timeout=timeout)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)


load.source = 0


def dcmsend(port, batches, options=(), env=None, timeout=110):
    """A dcmsend for each batch, all at once: seconds from the first connection
    to the last end, and seconds from their start to that."""
    ready, tell = os.pipe()
    wait, go = os.pipe()
    shim = PROGRAMS / "start_shim.so"
    env = {**os.environ, **(env or {}), "LD_PRELOAD": str(shim),
           "BENCH_READY": str(tell), "BENCH_GO": str(wait)}
    began = time.monotonic()
    processes = [subprocess.Popen(
        ["dcmsend", "-aec", "ENS-SCP", "-aet", "JD-SCU", *options,
         "127.0.0.1", str(port), *map(str, batch)], env=env,
        pass_fds=(tell, wait), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for batch in batches]
    os.close(tell)
    os.close(wait)
    try:
        for _ in processes:
            assert os.read(ready, 1) == b"r", "dcmsend does not connect"
        os.write(go, b"g" * len(processes))
        times = b""
        while len(times) < 16 * len(processes):
            part = os.read(ready, 4096)
            assert part, "a dcmsend says no times"
            times += part
        for process in processes:
            assert process.wait(timeout) == 0, "dcmsend failed"
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        os.close(ready)
        os.close(go)
    numbers = struct.unpack(f"<{2 * len(processes)}q", times)
    end = max(numbers[1::2]) / 1e6
    return end - min(numbers[::2]) / 1e6, end - began


def files(folder, size, associations, n):
    """n instances for each association, as files."""
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    return [[instance.make(pixels=size).write(folder / f"{a}-{i}.dcm")
             for i in range(n)] for a in range(associations)]
