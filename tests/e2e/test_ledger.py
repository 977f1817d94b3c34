"""The ledger: what is in it, rotation under load, a file that cannot be
written, and the way back by `dcmspool trace`."""

import collections
import gzip
import re
import threading

import pytest

import contrib
import tools
from peers import instance

LINE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) dcmspool[a-z-]*\[\d+\] ledger "
    r"([a-z]+) (.*)")


def read(path):
    """[(event, {key: value})]; each line is whole."""
    found = []
    data = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz"
            else path.read_bytes())
    for line in data.decode("ascii").splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        found.append((match[2], {
            key: value.strip('"') for key, value in
            re.findall(r'([a-z]+)=("[^"]*"|\S*)', match[3])}))
    return found


def events(path, uid):
    return [event for event, keys in read(path) if keys.get("uid") == uid]


@pytest.fixture
def kept(tmp_path, make_gateway):
    """A gateway with a ledger, whose folder is not there yet."""
    def make(destinations, **settings):
        gateway = make_gateway(destinations, **settings)
        gateway.ledger = tmp_path / "log" / "ledger"
        gateway.log_settings = {"Ledger": str(gateway.ledger)}
        gateway.write_conf()
        return gateway.start()
    return make


def wait_events(gateway, uid, *wanted):
    return tools.wait_until(
        lambda: gateway.ledger.exists()
        and sorted(events(gateway.ledger, uid)) == sorted(wanted), 10,
        f"{wanted} of {uid} in {gateway.ledger}")


def test_a_file_that_is_no_instance(kept, pacs):
    gateway = kept({"pacs": pacs})
    (gateway.path("pacs", "new") / "mine.dcm").write_text("nothing")
    gateway.wait_items("pacs", "corrupt", 1)
    inode = gateway.path("pacs", "corrupt", "mine.dcm").stat().st_ino
    [(event, keys)] = tools.wait_until(
        lambda: gateway.ledger.exists() and read(gateway.ledger))
    assert (event, keys["item"], keys["uid"], keys["destination"]) == (
        "corrupt", f"inode={inode}", "", "pacs")
    metrics = gateway.command("metrics").stdout
    assert re.search(r'^dcmspool_outcomes_total\{.*outcome="corrupt".*\} 1$',
                     metrics, re.M), metrics


def test_the_life_of_an_instance(kept, pacs):
    gateway = kept({"pacs": pacs})
    one = instance.make()
    assert gateway.store(one, 7).status == 0
    wait_events(gateway, one.uid, "received", "answered", "delivered")
    entries = {event: keys for event, keys in read(gateway.ledger)}
    assert entries["received"]["calling"] and entries["received"]["called"]
    assert entries["received"]["destinations"] == "pacs"
    assert entries["received"]["message"] == "7"
    assert entries["answered"]["status"] == "0x0000"
    assert entries["delivered"]["destination"] == "pacs"
    assert len({keys["item"] for keys in entries.values()}) == 1
    assert gateway.ledger.stat().st_mode & 0o777 == 0o600

    done = gateway.command("trace", one.uid)
    assert done.returncode == 0, done.stderr
    order = re.findall(r" ledger ([a-z]+) ", done.stdout)
    # Each is written after what it tells of: a quick sender may be first.
    assert sorted(order) == ["answered", "delivered", "received"]


def test_refused_failed_and_by_hand(kept, destination):
    picky = destination()
    picky.default.status = 0xA900
    gateway = kept({"pacs": picky})
    one = instance.make()
    assert gateway.store(one).status == 0xA900
    wait_events(gateway, one.uid, "received", "answered", "failed")
    gateway.wait_items("pacs", "failed", 1)
    picky.default.status = 0
    assert gateway.command("hold", one.uid).returncode == 0
    assert gateway.command("retry", one.uid).returncode == 0
    wait_events(gateway, one.uid, "received", "answered", "failed",
                "operator", "operator", "delivered")
    acts = [keys for event, keys in read(gateway.ledger)
            if event == "operator"]
    assert [act["action"] for act in acts] == ["hold", "retry"]
    assert all(act["by"] for act in acts)
    assert [act["state"] for act in acts] == ["failed", "hold"]


def test_rotated_under_load(kept, pacs, tmp_path):
    """Renamed away again and again, on associations that stay: each line is
    somewhere, once, and whole."""
    gateway = kept({"pacs": {"RemotePort": pacs.port, "Lanes": 2}})
    made = [instance.make() for _ in range(2)]
    stop, sent, failures = threading.Event(), [], []

    def send(template):
        try:
            with gateway.modality(template) as ct:
                while not stop.is_set():
                    one = instance.make()
                    assert ct.store(one).status == 0
                    sent.append(one.uid)
        except Exception as error:  # told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=send, args=(m,)) for m in made]
    for thread in threads:
        thread.start()
    rotated = []
    for n in range(3):
        tools.wait_until(gateway.ledger.exists, 10, "a ledger")
        mark = len(sent)
        old = gateway.ledger.with_name(f"ledger.{n + 1}")
        gateway.ledger.rename(old)
        rotated.append(old)
        tools.wait_until(lambda: failures or len(sent) > mark + 50
                         and gateway.ledger.exists()
                         and any(e == "answered"
                                 for e, _ in read(gateway.ledger)), 15,
                         "lines in the new ledger")
    stop.set()
    for thread in threads:
        thread.join(20)
    assert failures == []
    gateway.wait_empty("pacs")
    gateway.stop()
    count = collections.Counter()
    for path in [*rotated, gateway.ledger]:
        for event, keys in read(path):
            count[event, keys.get("uid")] += 1
    for uid in sent:
        for event in ("received", "answered", "delivered"):
            assert count[event, uid] == 1, (event, uid)

    # Years later: what was rotated first is compressed.
    first = next(keys["uid"] for event, keys in read(rotated[0])
                 if event == "received")
    packed = rotated[0].with_name(rotated[0].name + ".gz")
    packed.write_bytes(gzip.compress(rotated[0].read_bytes()))
    rotated[0].unlink()
    done = gateway.command("trace", first)
    assert done.returncode == 0, done.stderr
    assert " ledger received " in done.stdout


def test_years_later(kept, pacs, tmp_path):
    """Rotated as contrib/ has it, again and again, and packed otherwise."""
    contrib.need("logrotate", "xz", "zstd", root=True)
    gateway = kept({"pacs": pacs})
    rules = tmp_path / "logrotate"
    rules.write_text(contrib.logrotate().split("\n}\n")[0].replace(
        contrib.ledger(), str(gateway.ledger)) + "\n}\n", "utf-8")
    rules.chmod(0o644)
    lives = []

    def one_more():
        """Nobody writes to what was renamed away, which takes a second."""
        lives.append(instance.make())
        assert gateway.store(lives[-1]).status == 0
        tools.wait_until(
            lambda: len(gateway.json("trace", lives[-1].uid)) == 3)
        return gateway.ledger.exists() and len(
            events(gateway.ledger, lives[-1].uid)) == 3
    for _ in range(4):
        tools.wait_until(one_more)
        done = contrib.run("logrotate", "-f", "-s", tmp_path / "state", rules)
        assert done.returncode == 0, done.stdout
    folder = gateway.ledger.parent
    for name, program, new in (("ledger.3.gz", "xz", "ledger.3"),
                               ("ledger.4.gz", "zstd", "ledger-20190301")):
        plain = folder / new
        plain.write_bytes(gzip.decompress((folder / name).read_bytes()))
        (folder / name).unlink()
        assert tools.run(program, "-q", "--rm" if program == "zstd" else "-f",
                         plain).returncode == 0
    assert {p.name for p in folder.iterdir()} - {"ledger"} == {
        "ledger.1", "ledger.2.gz", "ledger.3.xz", "ledger-20190301.zst"}
    for one in lives:
        done = gateway.command("trace", one.uid)
        assert done.returncode == 0, done.stdout
        assert sorted(re.findall(r" ledger ([a-z]+) ", done.stdout)) == [
            "answered", "delivered", "received"]


def test_a_new_uid_and_a_repair(kept, destination):
    """`edit` gives another UID: both names lead to the whole life."""
    picky = destination()
    picky.default.status = 0xA900
    gateway = kept({"pacs": picky})
    one = instance.make()
    assert gateway.store(one).status == 0xA900
    gateway.wait_items("pacs", "failed", 1)
    done = gateway.command("edit", one.uid, "--", "dcmodify", "-nb", "-m",
                           "SOPInstanceUID=1.2.3.4")
    assert done.returncode == 0, done.stdout
    (name,) = gateway.items("pacs", "failed")
    acts = [row for row in gateway.json("trace", "1.2.3.4")
            if row["Event"] == "operator"]
    assert [(row["action"], row["uid"], row["target"]) for row in acts] == [
        ("edit", one.uid, name)]
    gateway.stop()
    with open(gateway.path("pacs", "failed", name), "r+b") as f:
        f.truncate(900)
    assert gateway.command("check", "--repair").returncode == 0
    acts = [row for row in gateway.json("trace", "1.2.3.4")
            if row["Event"] == "operator"]
    assert [row["action"] for row in acts] == ["edit", "repair"]


def test_trace_without_a_ledger_says_so(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    done = gateway.command("trace", "1.2.3.4")
    assert done.returncode == 1 and "log.Ledger" in done.stdout


def test_one_that_cannot_be_written(kept, pacs, tmp_path):
    """Said once, counted, and nothing else suffers; back when it can be."""
    (tmp_path / "log").write_text("not a folder")
    gateway = kept({"pacs": pacs})
    for _ in range(3):
        assert gateway.store(instance.make()).status == 0
    gateway.wait_empty("pacs")
    for daemon in (gateway.receiver, gateway.sender):
        assert len([line for line in daemon.log
                    if " error ledger-failed " in line]) == 1
    def lost():
        text = gateway.command("metrics").stdout
        return float(re.search(
            r"^dcmspool_ledger_errors_total (\S+)", text, re.M)[1])
    tools.wait_until(lambda: lost() >= 9, 10, "nine lines counted as lost")
    (tmp_path / "log").unlink()

    def back():
        assert gateway.store(instance.make()).status == 0
        return gateway.ledger.exists() and {
            event for event, _ in read(gateway.ledger)} >= {
                "received", "answered", "delivered"}
    tools.wait_until(back, 10, "lines again")
