"""System calls and context switches of one instance, each process apart.

Counted with strace over one warm association: 120 instances less 20, so that
starts and ends do not count.
"""

import collections
import pathlib
import re
import shutil
import threading

import place as places
import rig
from figure import Figure

SIZES = {"525k": 525000, "8k": 8192}
FEW, MANY = 20, 120
AGAIN = 2  # where one is over its budget
CALL = re.compile(r"^(?:\[pid +\d+\] )?(\w+)\(")

# System calls an instance: what is there, and a margin for how the bytes come
# in. Lower it when the path gets shorter.
BUDGET = {
    ("525k", "receiver child"): 50,
    ("525k", "receiver parent"): 2,
    ("525k", "sender parent"): 12,
    ("525k", "sender lane"): 42,
    ("8k", "receiver child"): 26,
    ("8k", "receiver parent"): 2,
    ("8k", "sender parent"): 12,
    ("8k", "sender lane"): 24,
}


def _traced(bench, size, n):
    """{process: Counter of system calls} for n instances."""
    folder = pathlib.Path(bench.work, "calls")
    folder.mkdir()
    found = collections.defaultdict(collections.Counter)
    with bench.place("tmpfs") as place, rig.LoadScp(bench.work) as sink, \
            rig.Dcmspool(place, sink.port, work=bench.work,
                         trace=folder) as us:
        rig.load(us.port, n, size)
        # as it was sent, the end of the association included
        us.end()
    for kind, other in (("receiver", "child"), ("sender", "lane")):
        files = sorted(folder.glob(f"{kind}.*"),
                       key=lambda path: int(path.suffix[1:]))
        for i, path in enumerate(files):
            who = f"{kind} {'parent' if i == 0 else other}"
            found[who].update(
                match[1] for match in map(CALL.match, path.open(
                    encoding="latin-1")) if match)
    shutil.rmtree(folder)
    return found


def calls(bench, name, label):
    if shutil.which("strace") is None:
        raise places.Skip("no strace")
    found = _each(bench, label)
    for _ in range(AGAIN):
        if all(sum(each.values()) <= BUDGET[label, who]
               for who, each in found.items()):
            break
        # a slow moment makes waits end early, and syncs due: the least counts
        for who, each in _each(bench, label).items():
            found[who] = min(found[who], each, key=lambda c: sum(c.values()))
    return [Figure(
        f"{name}/{who.replace(' ', '-')}",
        f"system calls of the {who} for {label}B", "", [sum(each.values())],
        ("<=", BUDGET[label, who]), ("<=", BUDGET[label, who]),
        **{call: f"{n:.1f}" for call, n in each.items() if n >= 0.05})
        for who, each in sorted(found.items())]


def _each(bench, label):
    """{process: {system call: how many an instance}}."""
    few, many = (_traced(bench, SIZES[label], n) for n in (FEW, MANY))
    return {who: {call: (n - few[who][call]) / (MANY - FEW)
                  for call, n in calls_of.most_common()}
            for who, calls_of in many.items()}


def switches(bench, name, label):
    """Voluntary context switches: how often somebody waits."""
    n = 200 if bench.short else 1000
    found = collections.defaultdict(list)
    with bench.place() as place, rig.LoadScp(bench.work) as sink, \
            rig.Dcmspool(place, sink.port, work=bench.work) as us:
        for _ in range(bench.rounds):
            rig.load(us.port, 20, SIZES[label])
            before = _waits(us)
            seen = {}
            look = threading.Event()

            def watch():
                while not look.wait(0.01):
                    seen.update(_waits(us))
            watcher = threading.Thread(target=watch)
            watcher.start()
            rig.load(us.port, n, SIZES[label])
            look.set()
            watcher.join()
            seen.update(_waits(us))
            sums = collections.Counter()
            for (pid, who), count in seen.items():
                sums[who] += (count - before.get((pid, who), 0)) / n
            for who, each in sums.items():
                found[who].append(each)
    return [Figure(f"{name}/{who.replace(' ', '-')}",
                   f"voluntary context switches of the {who} for {label}B",
                   "", values) for who, values in sorted(found.items())]


def _waits(us):
    """{(pid, who): voluntary switches so far}."""
    found = {}
    for kind, process, other in (("receiver", us.receiver, "child"),
                                 ("sender", us.sender, "lane")):
        for pid in rig.tools.processes(process.pid):
            who = f"{kind} {'parent' if pid == process.pid else other}"
            try:
                text = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
            except OSError:
                continue
            found[pid, who] = int(re.search(
                r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])
    return found


ROWS = {f"calls-{label}": lambda bench, name, label=label: calls(
    bench, name, label) for label in SIZES}
SHORT = tuple(ROWS)
ROWS |= {f"switches-{label}": lambda bench, name, label=label: switches(
    bench, name, label) for label in SIZES}
