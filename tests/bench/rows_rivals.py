"""dcmspool against its rivals, all between the same load generators."""

import contextlib
import statistics

import rig
from figure import Figure, alternate, rate, ratios

SIZES = {"525k": 525000, "8k": 8192}
N = {"525k": 600, "8k": 3000}
WARM = 20
RIVALS_N = {"525k": 200, "8k": 300}  # the slow ones take part


def _count(bench, label, all_n):
    return all_n[label] // (4 if bench.short else 1)


def _rate(port, n, label, associations, raw=False):
    return rig.load(port, n, SIZES[label], associations, raw, w=WARM)["rate"]


@contextlib.contextmanager
def _both(bench, lanes, kind="ext4", when="delivered", sync=False, **more):
    """A sink and dcmspool, a raw sink and the relay; spools side by side."""
    with bench.place(kind, **more) as place, \
            rig.LoadScp(bench.work) as sink, \
            rig.LoadScp(bench.work, raw=True) as raw_sink, \
            rig.Dcmspool(place, sink.port, lanes, when,
                         work=bench.work) as us, \
            rig.Relay(place, raw_sink.port, lanes, sync) as relay:
        yield sink, raw_sink, us, relay


def against_relay(bench, name, label, associations, kind):
    n = _count(bench, label, N)
    with _both(bench, associations, kind) as (sink, raw_sink, us, relay):
        rates = alternate(
            bench.rounds,
            us=lambda: _rate(us.port, n, label, associations),
            relay=lambda: _rate(relay.port, n, label, associations, True),
            direct=lambda: _rate(sink.port, n, label, associations),
            raw=lambda: _rate(raw_sink.port, n, label, associations, True))
    what = f"{label}B, {associations} at once, spool on {kind}"
    return [
        Figure(name, f"{what}, dcmspool : byte relay", "times",
               ratios(rates["us"], rates["relay"]),
               (">=", 0.6) if kind == "ext4" else None, (">=", 0.02),
               dcmspool=rate(rates["us"]), relay=rate(rates["relay"])),
        Figure(f"{name}/generators",
               f"{what}, load generators alone : dcmspool", "times",
               ratios(rates["direct"], rates["us"]), None, (">=", 1),
               alone=rate(rates["direct"]),
               bytes_alone_to_relay=f"{_times(rates['raw'], rates['relay'])}"
               " times")]


def _times(above, below):
    return f"{statistics.median(ratios(above, below)):.1f}"


def spooled(bench, name):
    """16 associations, answered when synced."""
    n = 400 if bench.short else 4000
    with _both(bench, 16, when="spooled", sync=True) as (
            sink, raw_sink, us, relay):
        def measured(one, its_sink, raw):
            before = its_sink.count
            got = _rate(one.port, n, "8k", 16, raw)
            its_sink.wait(before + (n // 16 + WARM) * 16, 120)
            return got
        rates = alternate(bench.rounds,
                          us=lambda: measured(us, sink, False),
                          relay=lambda: measured(relay, raw_sink, True))
    return [Figure(
        name, "8kB, 16 at once, answered when synced, dcmspool : byte relay "
        "with fdatasync and fsync", "times", ratios(rates["us"],
                                                     rates["relay"]),
        (">=", 1.0), (">=", 0.02), dcmspool=rate(rates["us"]),
        relay=rate(rates["relay"]))]


def latency(bench, name):
    """What dcmspool adds; and the plot of latency against load."""
    n = 500 if bench.short else 2000
    with _both(bench, 1) as (sink, _, us, relay):
        def both(port):
            got = rig.load(port, n, SIZES["8k"], w=WARM)
            return got["p50_us"] / 1000, got["p99_us"] / 1000
        found = alternate(bench.rounds, us=lambda: both(us.port),
                          direct=lambda: both(sink.port))
        if not bench.short:
            bench.series["latency"] = _latency_series(us, sink)
    added = [[a[i] - b[i] for a, b in zip(found["us"], found["direct"])]
             for i in (0, 1)]
    what = "8kB, warm association, latency that dcmspool adds,"
    return [Figure(f"{name}/p50", f"{what} p50", "ms", added[0], ("<=", 0.5),
                   ("<=", 50)),
            Figure(f"{name}/p99", f"{what} p99", "ms", added[1], ("<=", 3),
                   ("<=", 500))]


def _latency_series(us, sink):
    most = rig.load(us.port, 2000, SIZES["8k"], w=WARM)["rate"]
    lines = {}
    for key, port in (("dcmspool", us.port), ("direct", sink.port)):
        for share in (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95):
            offered = max(1, int(most * share))
            got = rig.load(port, max(200, offered), SIZES["8k"], w=WARM,
                           r=offered)
            for part in ("p50", "p99"):
                lines.setdefault(f"{key} {part}", []).append(
                    (offered, got[f"{part}_us"] / 1000))
    return {"title": "Latency against load: 8 kB, one association",
            "x": "instances a second, offered", "y": "ms", "lines": lines,
            "log_y": True}


def cpu(bench, name):
    n = 100 if bench.short else 1000
    gigabytes = n * SIZES["525k"] / 1e9
    with _both(bench, 1) as (_, _, us, relay):
        def seconds(one, raw):
            rig.load(one.port, 20, SIZES["525k"], raw=raw)
            before = one.cpu_s()
            rig.load(one.port, n, SIZES["525k"], raw=raw)
            return max(one.cpu_s() - before, rig.TICK_S) / gigabytes
        found = alternate(bench.rounds, us=lambda: seconds(us, False),
                          relay=lambda: seconds(relay, True))
    return [Figure(
        name, "CPU seconds for a GB in 525kB, both daemons : byte relay",
        "times", ratios(found["us"], found["relay"]), ("<=", 2), ("<=", 20),
        **{key: f"{statistics.median(value):.2f} s/GB"
           for key, value in found.items()})]


def rivals(bench, name, label):
    """From the first sent until the last is at the destination."""
    n = _count(bench, label, RIVALS_N)
    with bench.place() as place, rig.LoadScp(bench.work) as sink, \
            rig.LoadScp(bench.work, raw=True) as raw_sink, \
            contextlib.ExitStack() as stack:
        all_of = {
            "dcmspool": rig.Dcmspool(place, sink.port, work=bench.work),
            "relay": rig.Relay(place, raw_sink.port),
            "shell": rig.Shell(place, sink.port)}
        if rig.ORTHANC:
            all_of["Orthanc"] = rig.Orthanc(place, sink.port)
        for one in all_of.values():
            stack.enter_context(one)
        all_of["direct"] = sink

        def measured(key, one):
            its_sink = raw_sink if key == "relay" else sink
            before = its_sink.count
            got = rig.load(one.port, n, SIZES[label], raw=key == "relay")
            its_sink.wait(before + n, 120)
            end = max(its_sink.times(before)[n - 1], got["end_us"] / 1e6)
            return n / (end - got["begin_us"] / 1e6)

        rates = alternate(bench.rounds, **{
            key: lambda key=key, one=one: measured(key, one)
            for key, one in all_of.items()})
    us = rates.pop("dcmspool")
    return [Figure(f"{name}/{key}", f"{label}B, one association, until the "
                   f"last has arrived, dcmspool : {key}", "times",
                   ratios(us, theirs), None, None, dcmspool=rate(us),
                   **{key: rate(theirs)}) for key, theirs in rates.items()]


ROWS = {f"relay-{label}-{n}{'' if kind == 'ext4' else '-tmpfs'}":
        lambda bench, name, how=(label, n, kind): against_relay(
            bench, name, *how)
        for label in SIZES for n in (1, 4) for kind in ("ext4", "tmpfs")}
ROWS |= {f"rivals-{label}": lambda bench, name, label=label: rivals(
    bench, name, label) for label in SIZES}
ROWS |= {"spooled-16": spooled, "latency": latency, "cpu": cpu}
SHORT = ("relay-8k-1", "latency")
