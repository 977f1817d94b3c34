"""What a disk may hold after a power cut, from a record of record_shim.c.

Assumed of the file system (see dcmspool-spool(5)): fsync of a file keeps what
was written to it; fsync of a folder keeps what was renamed, linked, made or
removed in it before; a rename is there with both its ends or with none. All
else may be lost:

    "journal"    names in the order in which they changed, up to any point
    "scattered"  each change of a name for itself, unless it builds on another
                 change of the same name that is lost

and what was written to a file and not synced may be there, in part, or as
zeros, or not at all.
"""

import dataclasses

SECTOR = 512
TEARS = ("whole", "none", "prefix", "zeros", "sectors", "last")


@dataclasses.dataclass(eq=False)
class Inode:
    number: str
    writes: list = dataclasses.field(default_factory=list)  # (at, offset, data)
    syncs: list = dataclasses.field(default_factory=list)  # at

    def content(self, before, since=None):
        """The bytes of all writes before a point (and not before since)."""
        data = bytearray()
        for at, offset, part in self.writes:
            if at >= before or since is not None and at < since:
                continue
            if part is None:
                data.clear()
                continue
            if len(data) < offset:
                data.extend(bytes(offset - len(data)))
            data[offset:offset + len(part)] = part
        return bytes(data)

    def synced_at(self, before):
        return max((at for at in self.syncs if at < before), default=0)

    def is_safe(self, before):
        synced = self.synced_at(before)
        return not any(synced <= at < before for at, *_ in self.writes)

    def torn(self, before, tear, luck):
        """One of the contents that the disk may have."""
        synced = self.synced_at(before)
        safe, full = self.content(synced), self.content(before)
        if safe == full:
            return full
        if tear == "none":
            return safe
        if tear == "prefix":
            return full[:luck.randrange(len(full) + 1)]
        if tear == "zeros":
            return safe + bytes(max(0, len(full) - len(safe)))
        if tear == "sectors":
            data = bytearray(full)
            for start in range(0, len(data), SECTOR):
                if luck.random() < 0.5:
                    old = safe[start:start + SECTOR]
                    size = min(SECTOR, len(data) - start)
                    data[start:start + size] = old.ljust(size, b"\0")[:size]
            return bytes(data)
        if tear == "last":
            last = max(at for at, *_ in self.writes if at < before)
            return self.content(max(last, synced))
        return full


@dataclasses.dataclass(eq=False)
class Change:
    """Of names: one call."""

    at: int
    adds: dict  # path: Inode, or None for a folder
    removes: tuple
    after: list  # the changes that it builds on
    kept_at: float = float("inf")  # from here on it is on stable storage

    @property
    def folders(self):
        return {parent(p) for p in (*self.adds, *self.removes)}

    def keep(self, at):
        if self.kept_at > at:
            self.kept_at = at
            for other in self.after:
                other.keep(at)


@dataclasses.dataclass
class Sent:
    """What went out on a socket, from this point on."""

    at: int
    time: int  # ns
    data: bytes


def parent(path):
    return path.rpartition("/")[0] or "."


class Record:
    """The calls in their order; a point is how many of them there were."""

    def __init__(self, lines):
        self.changes, self.inodes, self.sent = [], [], []
        self.times = []
        self._names, self._numbers, self._last = {}, {}, {}
        for at, line in enumerate(lines):
            time, _, call, *words = line.rstrip("\n").split(" ")
            self.times.append(int(time))
            getattr(self, f"_{call}")(at, *words)

    @property
    def points(self):
        return len(self.times)

    def time(self, point):
        """Monotonic seconds of the last call before it."""
        return self.times[point - 1] / 1e9 if point else 0

    def _change(self, at, adds, removes=()):
        touched = (*adds, *removes)
        after = [self._last[p] for p in touched if p in self._last]
        change = Change(at, adds, tuple(removes), after)
        for path in removes:
            self._names.pop(path, None)
        self._names.update(adds)
        for path in touched:
            self._last[path] = change
        self.changes.append(change)

    def _create(self, at, path, number):
        old = self._names.get(path)
        if old is not None and old.number == number:
            old.writes.append((at, 0, None))
            return
        inode = self._numbers[number] = Inode(number)
        self.inodes.append(inode)
        self._change(at, {path: inode})

    def _write(self, at, number, offset, data=""):
        if number in self._numbers:
            self._numbers[number].writes.append(
                (at, int(offset), bytes.fromhex(data)))

    def _sync(self, at, number):
        if number in self._numbers:
            self._numbers[number].syncs.append(at)

    def _syncdir(self, at, path):
        for change in self.changes:
            if change.kept_at > at and path in change.folders:
                change.keep(at)

    def _rename(self, at, source, target):
        self._change(at, {target: self._names.get(source)}, (source,))

    def _link(self, at, source, target):
        self._change(at, {target: self._names.get(source)})

    def _unlink(self, at, path):
        self._change(at, {}, (path,))

    _rmdir = _unlink

    def _mkdir(self, at, path):
        if path != ".":
            self._change(at, {path: None})

    def _send(self, at, _, data=""):
        self.sent.append(Sent(at, self.times[at], bytes.fromhex(data)))

    # what survives

    def journal(self, point, luck=None):
        """The changes that survive: the fewest, or up to some point."""
        there = [c for c in self.changes if c.at < point]
        kept = max((i + 1 for i, c in enumerate(there) if c.kept_at < point),
                   default=0)
        return there[:kept if luck is None
                     else luck.randrange(kept, len(there) + 1)]

    def scattered(self, point, chance=0, luck=None):
        """The kept ones, and others as luck will have it."""
        alive, lost = [], set()
        for c in self.changes:
            if c.at >= point:
                break
            if c.kept_at < point or luck is not None and (
                    luck.random() < chance
                    and not any(o in lost for o in c.after)):
                alive.append(c)
            else:
                lost.add(c)
        return alive

    def tree(self, point, changes, tear, luck):
        """{path: bytes, or None for a folder}; tear: how, or None for a
        choice of its own for each file."""
        names = {}
        for c in changes:
            for path in c.removes:
                names.pop(path, None)
            names.update(c.adds)
        tree, contents = {}, {}
        for path, inode in names.items():
            folder = parent(path)
            while folder != "." and folder in names:
                folder = parent(folder)
            if folder != ".":
                continue  # its folder is lost
            if inode is None:
                tree[path] = None
                continue
            if inode not in contents:
                how = luck.choice(TEARS) if tear is None else tear
                contents[inode] = (inode, inode.torn(point, how, luck))
            tree[path] = contents[inode]
        return tree
