"""Queues from one item to a million: start, memory, rate."""

import os
import statistics
import time

import rig
from figure import Figure

MILLION = 1000000
LINKS = 60000  # of one file: ext4 has 65000 at most
LAST = 1000
ITEM_BYTES = 1024


def fill(us, n):
    """n items in new/, as the receiver makes them: hard links of a few, each
    under a name of its own. Its sender does not run."""
    us.start_receiver()
    rig.load(us.port, 1, ITEM_BYTES)
    us.stop()
    new = us.spool / "queue" / "pacs" / "new"
    (made,) = new.iterdir()
    content = made.read_bytes()
    made.unlink()
    folder_fd = os.open(new, os.O_RDONLY | os.O_DIRECTORY)
    source = None
    for i in range(n):
        item = _name(i)
        if i % LINKS == 0:
            source = item
            (new / item).write_bytes(content)
        else:
            os.link(source, item, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    os.close(folder_fd)


def _name(i):
    return (f"20260101T{i // 3600000:02d}{i // 60000 % 60:02d}"
            f"{i // 1000 % 60:02d}.{i % 1000:06d}Z-m1-2.25.1{i:09d}.dcm")


def drain(bench, n, kind):
    """Seconds until the first of n is sent, the rate of the last 1000 and
    of all, and the sender's most memory in MiB."""
    with bench.place(kind, size=6 << 30, inodes=200000) as place, \
            rig.LoadScp(bench.work) as sink, \
            rig.Dcmspool(place, sink.port, 4, "spooled", work=bench.work,
                         start=False) as us:
        fill(us, n)
        began = time.monotonic()
        us.start_sender()
        # the pace of a sender that is given up is a failure
        sink.wait(n, 60 + n / 300)
        times = sink.times()
        with open(f"/proc/{us.sender.pid}/status", encoding="ascii") as f:
            peak = next(int(line.split()[1]) / 1024 for line in f
                        if line.startswith("VmHWM:"))
    last = min(LAST, n - 1)
    end_rate = last / (times[-1] - times[-1 - last]) if last else 0
    return times[0] - began, end_rate, (
        (n - 1) / (times[-1] - times[0]) if n > 1 else 0), peak


def million(bench, name, kind="ext4"):
    n = 20000 if bench.short else MILLION
    small = [drain(bench, LAST, kind) for _ in range(3)]
    first, end_rate, whole, peak = drain(bench, n, kind)
    usual = statistics.median(one[1] for one in small)
    what = f"{n} items waiting, on {kind}"
    return [
        Figure(f"{name}/start", f"{what}, start of the sender until the first "
               "is sent", "s", [first], ("<=", 5), ("<=", 60)),
        Figure(f"{name}/memory", f"{what}, most memory of the sender's parent",
               "MiB", [peak], ("<=", 256), ("<=", 1024)),
        Figure(f"{name}/drain", f"{what}, four lanes, rate of the last {LAST}"
               f" : rate of {LAST} items", "times", [end_rate / usual],
               (">=", 0.9), (">=", 0.05), end=f"{end_rate:.0f}/s",
               of_1000=f"{usual:.0f}/s", whole=f"{whole:.0f}/s")]


def lengths(bench, name):
    """Rate against queue length: a plot, and the worst against the best."""
    line = []
    for n in (10, 100, 1000, 10000, 100000, MILLION):
        line.append((n, statistics.median(
            drain(bench, n, "ext4")[2]
            for _ in range(1 if n > 1000 else bench.rounds))))
    bench.series["queue"] = {
        "title": "Rate against queue length: four lanes, 1 kB",
        "x": "items waiting at the start", "y": "instances a second",
        "lines": {"dcmspool": line}, "log_x": True}
    rates = dict(line)
    return [Figure(name, "rate of draining a million items : 1000 items",
                   "times", [rates[MILLION] / rates[1000]], (">=", 0.9),
                   (">=", 0.05),
                   **{f"of_{n}": f"{value:.0f}/s" for n, value in line})]


ROWS = {"million": million,
        "million-tmpfs": lambda bench, name: million(bench, name, "tmpfs"),
        "lengths": lengths}
SHORT = ()
