"""Direct against through dcmspool, with DCMTK's dcmsend and storescp."""

import contextlib
import pathlib
import shutil
import statistics

import rig
from figure import Figure, alternate, rate, ratios

SIZES = {"525k": 525000, "8k": 8000}


def _compare(bench, folder, size, associations, n, stock, kind):
    """A round's seconds of n instances from the connection on, and with the
    start of dcmsend, which looks at all files: {direct, through}; and where
    the peers are not stock those of the parts, see _limits()."""
    env = {} if stock else rig.NODELAY
    options = () if stock else rig.MAX_PDU
    total = n * associations
    batches = rig.files(folder / "files", size, associations, n)
    with bench.place(kind) as place, \
            rig.Storescp(folder / "direct", env, *options) as direct, \
            rig.Storescp(folder / "behind", env, *options) as behind, \
            rig.Dcmspool(place, behind.port, associations, work=folder) as us:
        def send(port, scp):
            took = rig.dcmsend(port, batches, options, env)
            scp.empty(total)
            return took
        send(us.port, behind)  # warm, as it is in use
        both = {"direct": lambda: send(direct.port, direct),
                "through": lambda: send(us.port, behind)}
        if stock:
            return alternate(bench.rounds, **both)
        with _parts(folder, place, direct, size, associations, total,
                    batches) as parts:
            return alternate(bench.rounds, **both, **parts)


@contextlib.contextmanager
def _parts(folder, place, storescp, size, associations, n, batches):
    """What any gateway that takes an instance whole before it sends it on has
    to wait for, each alone: seconds of n instances from dcmsend, and to
    storescp, with the fast load generator at the other end; and through the
    byte relay, and from one load generator to the other."""
    with rig.LoadScp(folder) as sink, \
            rig.LoadScp(folder, raw=True) as raw_sink, \
            rig.Relay(place, raw_sink.port, associations) as relay:
        def load(port, raw):
            return n / rig.load(port, n, size, associations, raw,
                                w=0 if port == storescp.port else 20)["rate"]

        def to_storescp():
            took = load(storescp.port, False)
            storescp.empty(n)
            return took
        yield {"from_dcmsend": lambda: rig.dcmsend(
                   sink.port, batches, rig.MAX_PDU, rig.NODELAY)[0],
               "to_storescp": to_storescp,
               "relay": lambda: load(relay.port, True),
               "alone": lambda: load(raw_sink.port, True)}


def _limits(took):
    """What would be reached by a gateway that costs nothing, and by one that
    costs what the byte relay does."""
    if "relay" not in took:
        return {}
    seconds = {key: statistics.median(
        s[0] if isinstance(s, tuple) else s for s in took[key])
        for key in took}
    least = seconds["from_dcmsend"] + seconds["to_storescp"]
    relay = max(0, seconds["relay"] - seconds["alone"])
    return {"at_no_cost": f"{seconds['direct'] / least:.2f}",
            "at_the_cost_of_the_byte_relay":
            f"{seconds['direct'] / (least + relay):.2f}"}


def row(bench, name, label, associations, stock, kind="ext4"):
    size = SIZES[label]
    n = {(True, "525k"): 25, (True, "8k"): 15, (False, "525k"): 800,
         (False, "8k"): 3000}[stock, label] // (1 if stock else associations)
    if bench.short:
        n //= 2
    folder = pathlib.Path(bench.work, name)
    folder.mkdir()
    took = _compare(bench, folder, size, associations, n, stock, kind)
    shutil.rmtree(folder)
    total = n * associations
    direct, through = ([total / s for s, _ in took[key]]
                       for key in ("direct", "through"))
    whole = ratios(*([s for _, s in took[key]]
                     for key in ("direct", "through")))
    if stock:
        target = {("525k", 1): 15, ("8k", 1): 50}.get((label, associations))
        loose = 5
    else:
        target = 0.6 if (label, associations) == ("525k", 4) else 0.65
        loose = 0.08  # a stall of 40 ms in each instance: 0.02
    return [Figure(
        name, f"{'stock' if stock else 'TCP_NODELAY'} dcmsend and storescp, "
        f"{label}B, {associations} at once, spool on {kind}, "
        "dcmspool : direct", "times", ratios(through, direct),
        (">=", target) if target and kind == "ext4" else None,
        (">=", loose), direct=rate(direct), dcmspool=rate(through),
        with_the_start_of_dcmsend=f"{statistics.median(whole):.3f}",
        **_limits(took))]


def rows():
    found = {}
    for stock in (False, True):
        for label in SIZES:
            for associations in (1, 4):
                for kind in ("ext4",) if stock else ("ext4", "tmpfs"):
                    name = (f"{'stock' if stock else 'nodelay'}-{label}-"
                            f"{associations}"
                            + ("" if kind == "ext4" else f"-{kind}"))
                    found[name] = (label, associations, stock, kind)
    return {name: lambda bench, name, how=how: row(bench, name, *how)
            for name, how in found.items()}


ROWS = rows()
SHORT = ("nodelay-525k-1", "nodelay-8k-4")
