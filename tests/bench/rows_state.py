"""Memory, idleness, links that return, far links, many associations."""

import statistics
import threading
import time

import rig
from figure import Figure, alternate, rate, ratios

MIB = 1024  # in KiB
HUGE = 4187593112  # 3.9 GiB
SIZE = 8192


def _status(pid, *names):
    """Values of /proc/PID/status; zeros where it has ended."""
    found = {}
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            found = dict(line.split(":", 1) for line in f)
    except OSError:
        pass
    return [int(found.get(name, "0").split()[0]) for name in names]


def _members(us):
    """{pid: what it is}."""
    return {pid: f"{kind} {'parent' if pid == process.pid else other}"
            for kind, process, other in (("receiver", us.receiver, "child"),
                                         ("sender", us.sender, "lane"))
            for pid in rig.tools.processes(process.pid)}


def _pss(pid):
    """Its share of what is resident, in KiB; 0 where it has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f
                        if line.startswith("Pss:"))
    except OSError:
        return 0


def memory(bench, name):
    """What is resident while serving, as ps(1) has it: seen every 50 ms. A
    parent has had more before it was ready, which stands beside it."""
    size = 64 << 20 if bench.short else HUGE
    seen, ever, own, pss = {}, {}, {}, {}
    with bench.place(size=12 << 30) as place, \
            rig.LoadScp(bench.work) as sink, \
            rig.Dcmspool(place, sink.port, work=bench.work) as us:
        done = threading.Event()

        def look():
            while not done.wait(0.05):
                for pid, kind in _members(us).items():
                    most, rss, anon = _status(pid, "VmHWM", "VmRSS", "RssAnon")
                    for sizes, kib in (seen, rss), (ever, most), (own, anon):
                        sizes[kind] = max(sizes.get(kind, 0), kib / MIB)
        rig.load(us.port, 1, SIZE)  # both parents are ready
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            rig.load(us.port, 1000, SIZE)
            rig.load(us.port, 1, size, timeout=300)
            for pid, kind in _members(us).items():
                pss[kind] = max(pss.get(kind, 0), _pss(pid) / MIB)
            time.sleep(0.2)  # and after
        finally:
            done.set()
            watcher.join()
    return [Figure(f"{name}/{kind.replace(' ', '-')}",
                   f"most that is resident of a {kind} while it serves, one "
                   f"instance of {size / (1 << 30):.2g} GiB", "MiB", [most],
                   ("<=", 8 if "parent" in kind else 16), ("<=", 100),
                   not_of_files=f"{own[kind]:.1f} MiB",
                   share_at_the_end=f"{pss.get(kind, 0):.1f} MiB",
                   most_with_its_start=f"{ever[kind]:.1f} MiB")
            for kind, most in sorted(seen.items())]


def idle(bench, name):
    seconds = 10 if bench.short else 60
    with bench.place() as place, rig.LoadScp(bench.work) as sink, \
            rig.Dcmspool(place, sink.port, work=bench.work,
                         IdleTimeout=1) as us:
        rig.load(us.port, 50, SIZE)
        time.sleep(4)  # past IdleTimeout
        before, cpu = _switches(us), us.cpu_s()
        time.sleep(seconds)
        after, cpu = _switches(us), us.cpu_s() - cpu
    a_minute = 60 / seconds
    by_kind = {}
    for (pid, kind), n in after.items():
        key = kind.replace(" ", "_")
        by_kind[key] = by_kind.get(key, 0) + round(
            (n - before.get((pid, kind), 0)) * a_minute)
    return [Figure(f"{name}/wakes", "idle, wake-ups a minute, all processes",
                   "", [sum(by_kind.values())], ("<=", 2), ("<=", 2000),
                   **by_kind),
            Figure(f"{name}/cpu", f"idle, CPU seconds in {seconds} s", "s",
                   [cpu], ("<=", 0), ("<=", seconds / 10))]


def _switches(us):
    return {(pid, kind): _status(pid, "voluntary_ctxt_switches")[0]
            for pid, kind in _members(us).items()}


def link(bench, name):
    """The destination is away, 4000 wait, it returns."""
    first, full = [], []
    for _ in range(bench.rounds):
        with bench.place() as place, rig.LoadScp(bench.work) as sink:
            sink.stop()
            with rig.Dcmspool(place, sink.port, 4, "spooled",
                              work=bench.work, RetryMin=1,
                              RetryMax=1) as us:
                rig.load(us.port, 4000, SIZE)
                time.sleep(1.5)  # down for longer than RetryMin
                back = time.monotonic()
                sink.start()
                sink.wait(4000, 120)
                times = [t - back for t in sink.times()]
                first.append(times[0])
                full.append(_full_speed(times))
    return [Figure(f"{name}/first", "a link returns, RetryMin 1 s, until the "
                   "first delivery", "s", first, ("<=", 1.2), ("<=", 30)),
            Figure(f"{name}/speed", "a link returns, from the first delivery "
                   "to full speed", "s", full, ("<=", 1), ("<=", 30))]


def _full_speed(times):
    """The end of the first 100 that were as fast as 0.9 of the median."""
    spans = [(times[i + 100] - times[i], times[i + 100])
             for i in range(0, len(times) - 100, 100)]
    usual = statistics.median(span for span, _ in spans)
    return next(at for span, at in spans if span <= usual / 0.9) - times[0]


def wan(bench, name):
    """A round trip of 100 ms; until the last is at the destination."""
    n, one_n = (64, 10) if bench.short else (480, 30)
    with bench.place() as place, rig.LoadScp(bench.work) as sink, \
            rig.Delay(sink.port, 100) as far, \
            rig.Dcmspool(place, far.port, 16, "spooled",
                         work=bench.work) as us:
        rig.load(us.port, 64, 525000)  # the lanes are warm
        sink.wait(64, 60)

        def measured(port, n):
            before = sink.count
            got = rig.load(port, n, 525000)
            sink.wait(before + n, 120)
            end = max(sink.times(before)[n - 1], got["end_us"] / 1e6)
            return n / (end - got["begin_us"] / 1e6)
        rates = alternate(bench.rounds, us=lambda: measured(us.port, n),
                          direct=lambda: measured(far.port, one_n))
    return [Figure(name, "round trip of 100 ms, 525kB, spooled, 16 lanes : "
                   "one direct association", "times",
                   ratios(rates["us"], rates["direct"]), (">=", 12),
                   (">=", 2), dcmspool=rate(rates["us"]),
                   direct=rate(rates["direct"]))]


def held(bench, name):
    """500 associations, 100 of them send."""
    shares, rates = [], []
    with bench.place() as place, rig.LoadScp(bench.work) as sink, \
            rig.Dcmspool(place, sink.port, 4, work=bench.work,
                         receiver={"MaxAssociations": 600,
                                   "MaxAssociationsPerPeer": 600}) as us:
        for _ in range(1 if bench.short else bench.rounds):
            got = rig.load(us.port, 2000 if bench.short else 10000, SIZE,
                           100, i=400, timeout=200)
            shares.append(got["slowest_rate"] / got["mean_rate"])
            rates.append(got["rate"])
    return [Figure(name, "500 associations held, 100 send 8kB: the slowest : "
                   "the mean", "times", shares, (">=", 0.5), (">=", 0.01),
                   all_together=rate(rates))]


ROWS = {"memory": memory, "idle": idle, "link": link, "wan": wan,
        "held-500": held}
SHORT = ("memory",)
