"""Queues from one item to a million: start, memory, rate.

The speed of a machine wanders by a third within seconds, so that a rate of
now says nothing against one of a minute ago: what is compared runs in turn, a
tenth of a second each. Both senders are warm, their lanes associated, each on
a file system of its own; dcmspool-spool(5)'s "paused" stops one while the other
has the machine. Nobody fills a queue while it is measured.
"""

import contextlib
import os
import pathlib
import statistics
import tempfile
import time

import rig
from figure import Figure, alternate, rate, ratios

MILLION = 1000000
LINKS = 60000  # of one file: ext4 has 65000 at most
THOUSAND = 1000
AFTER = 500  # at most: what is still sent between two turns
ITEM_BYTES = 1024
RESTS_S = 0.02


class Backlog:
    """A sender with four lanes, and what waits for it: in new/, or beside the
    spool until queue() is told of it."""

    def __init__(self, stack, bench, kind):
        place = pathlib.Path(stack.enter_context(
            bench.place(kind, size=6 << 30, inodes=200000)))
        work = pathlib.Path(tempfile.mkdtemp(dir=bench.work))
        self.sink = stack.enter_context(rig.LoadScp(work))
        self.us = stack.enter_context(rig.Dcmspool(
            place, self.sink.port, 4, "spooled", work=work, start=False))
        self.new = self.us.spool / "queue" / "pacs" / "new"
        self.paused = self.new.parent / "paused"
        self.aside = place / "aside"
        self.aside.mkdir()
        self.made = self.queued = 0

    def make(self, n, folder):
        """n items, as the receiver makes them: hard links of a few, each
        under a name of its own."""
        self.us.start_receiver()
        rig.load(self.us.port, 1, ITEM_BYTES)
        self.us.stop()
        (one,) = self.new.iterdir()
        content = one.read_bytes()
        one.unlink()
        folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        for self.made in range(1, n + 1):
            item = _name(self.made)
            if self.made % LINKS == 1:
                source = item
                (folder / item).write_bytes(content)
            else:
                os.link(source, item, src_dir_fd=folder_fd,
                        dst_dir_fd=folder_fd)
        os.close(folder_fd)

    def queue(self, n):
        """So many wait, and the sender knows them."""
        while self.queued < self.sink.count + n:
            self.queued += 1
            item = _name(self.queued)
            os.rename(self.aside / item, self.new / item)
        self.rest()

    def pause(self):
        self.paused.touch()

    def release(self, n):
        """Instances a second, from the release of what waits until n have
        arrived; then it is paused again."""
        before, began = self.sink.count, time.monotonic()
        self.paused.unlink()
        self.wait(before + n)
        self.pause()
        self.rest()
        return n / (self.sink.times(before)[n - 1] - began)

    def wait(self, n):
        # the pace of a sender that is given up is a failure
        self.sink.wait(n, 60 + n / 300)

    def rest(self):
        """Until the sender's parent has not run for a while."""
        def rests():
            before = self._ran()
            time.sleep(RESTS_S)
            return self._ran() == before
        rig.tools.wait_until(rests, 60, "a sender that rests")

    def _ran(self):
        with open(f"/proc/{self.us.sender.pid}/schedstat",
                  encoding="ascii") as f:
            return f.read().split()[0]

    def memory_mib(self):
        with open(f"/proc/{self.us.sender.pid}/status",
                  encoding="ascii") as f:
            return next(int(line.split()[1]) / 1024 for line in f
                        if line.startswith("VmHWM:"))


def _name(i):
    return (f"20260101T{i // 3600000:02d}{i // 60000 % 60:02d}"
            f"{i // 1000 % 60:02d}.{i % 1000:06d}Z-m1-2.25.1{i:09d}.dcm")


@contextlib.contextmanager
def _two(bench, kind, n, others):
    """One with n in new/, not started; and one that is warm, to be given
    others."""
    with contextlib.ExitStack() as stack:
        many, few = (Backlog(stack, bench, kind) for _ in range(2))
        many.make(n, many.new)
        few.make(others + THOUSAND, few.aside)
        few.pause()
        few.us.start_sender()
        few.queue(THOUSAND)
        few.release(THOUSAND)
        yield many, few


def million(bench, name, kind="ext4"):
    """The rate at 1,000 items is that of a queue which holds 500 to 1,500, in
    a folder that never held more; the rate at the end that of the last few
    ten thousand, in turn, a thousand each time."""
    n = 20000 if bench.short else MILLION
    turns = 2 if bench.short else 12  # of each, a round
    all_turns = turns * bench.rounds
    end = all_turns * (THOUSAND + AFTER)
    with _two(bench, kind, n, end + THOUSAND) as (many, few):
        def usual():
            few.queue(THOUSAND * 3 // 2)
            return few.release(THOUSAND)

        began = time.monotonic()
        many.us.start_sender()
        many.wait(n - end)
        many.pause()
        many.rest()
        times = many.sink.times()
        rates = alternate(all_turns, end=lambda: many.release(THOUSAND),
                          usual=usual)
        many.release(n - many.sink.count)  # to the very last
        peak = many.memory_mib()
    by_round = {key: [statistics.harmonic_mean(values[i:i + turns])
                      for i in range(0, all_turns, turns)]
                for key, values in rates.items()}
    what = f"{n} items waiting, on {kind}"
    return [
        Figure(f"{name}/start", f"{what}, start of the sender until the first "
               "is sent", "s", [times[0] - began], ("<=", 5), ("<=", 60)),
        Figure(f"{name}/memory", f"{what}, most memory of the sender's parent",
               "MiB", [peak], ("<=", 256), ("<=", 1024)),
        Figure(f"{name}/drain", f"{what}, four lanes, rate of the last {end} : "
               f"rate of a queue of {THOUSAND}", "times",
               ratios(by_round["end"], by_round["usual"]), (">=", 0.9),
               (">=", 0.05), end=rate(by_round["end"]),
               of_1000=rate(by_round["usual"]),
               before=rate([(len(times) - 1) / (times[-1] - times[0])]))]


LENGTHS = {1: 5, 10: 5, 100: 5, 1000: 5, 10000: 1}  # {items: times a round}
ONCE = 100000


def lengths(bench, name):
    """Rate against queue length: a plot, and the longest against the fastest.

    A rate is the length by the time from the release of the queue until its
    last item has arrived, so that a queue of one has one, too: what its way
    takes. Shorter ones run between the parts of a million."""
    n = 20000 if bench.short else MILLION
    part = n // bench.rounds - 2 * THOUSAND
    rates = {length: [] for length in (*LENGTHS, n)}
    others = bench.rounds * sum(k * m for k, m in LENGTHS.items()) + ONCE
    with _two(bench, "ext4", n, others) as (many, few):
        many.pause()
        many.us.start_sender()
        many.release(THOUSAND)
        for _ in range(bench.rounds):
            for length, times in LENGTHS.items():
                for _ in range(times):
                    few.queue(length)
                    rates[length].append(few.release(length))
            rates[n].append(many.release(part))
        few.queue(ONCE)
        rates[ONCE] = [few.release(ONCE)]
    line = sorted((length, statistics.median(values))
                  for length, values in rates.items())
    fastest = max((value, length) for length, value in line
                  if length in LENGTHS)[1]
    bench.series["queue"] = {
        "title": "Rate against queue length: four lanes, 1 kB",
        "x": "items waiting at the start", "y": "instances a second",
        "lines": {"dcmspool": line}, "log_x": True}
    return [Figure(name, f"rate of draining {n} items : {fastest} items, of "
                   f"which it is highest", "times",
                   ratios(rates[n], _each(rates[fastest], LENGTHS[fastest])),
                   (">=", 0.9), (">=", 0.05),
                   **{f"of_{length}": f"{value:.0f}/s"
                      for length, value in line})]


def _each(values, n):
    """The medians of n at a time."""
    return [statistics.median(values[i:i + n])
            for i in range(0, len(values), n)]


ROWS = {"million": million,
        "million-tmpfs": lambda bench, name: million(bench, name, "tmpfs"),
        "lengths": lengths}
SHORT = ()
