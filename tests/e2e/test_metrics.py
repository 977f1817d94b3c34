"""dcmspool metrics, and what the counters behind it survive."""

import re
import resource
import stat

import pytest
from peers import instance
from peers.destination import Answer

import gateway as gateways
import pki
import tools

SAMPLE = re.compile(r"(dcmspool_\w+)(?:\{(.*)\})? (\S+)")
ITEMS = 100000


def metrics(gateway):
    """{(name, labels): value}"""
    done = gateway.command("metrics")
    assert done.returncode == 0, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            found[name, labels or ""] = float(value)
    return found


def children_s():
    """What our children have worked, in seconds: others that work here do not
    count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def total(found, name, *parts):
    return sum(v for (n, labels), v in found.items()
               if n == name and all(p in labels for p in parts))


def test_counts_survive_kills_and_restarts(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    pacs.script = [Answer(0), Answer(0xB000), Answer(0xA900)]
    sent = [instance.make() for _ in range(3)]
    assert [gateway.store(one).status for one in sent] == [0, 0xB000, 0xA900]
    for daemon in (gateway.receiver, gateway.sender):
        daemon.kill()
        daemon.start()
    assert gateway.store(instance.make()).status == 0
    gateway.wait_empty("pacs")

    def all_there():
        found = metrics(gateway)
        return found if total(found, "dcmspool_answered_total") == 4 else None
    found = tools.wait_until(all_there)
    assert total(found, "dcmspool_received_total") == 4
    assert total(found, "dcmspool_queued_total", 'destination="pacs"') == 4
    assert total(found, "dcmspool_sent_total") == 4
    assert total(found, "dcmspool_received_bytes_total") == total(
        found, "dcmspool_sent_bytes_total") > 0
    for outcome, klass, n in (("delivered", "success", 2),
                              ("delivered", "warning", 1),
                              ("failed", "permanent", 1)):
        assert total(found, "dcmspool_outcomes_total",
                     f'outcome="{outcome}"', f'class="{klass}"') == n
        assert total(found, "dcmspool_answered_total",
                     f'class="{klass}"') == n
    for name in ("wait", "in_spool", "destination_answer"):
        assert total(found, f"dcmspool_{name}_seconds_count") == 4
        assert total(found, f"dcmspool_{name}_seconds_bucket",
                     'le="+Inf"') == 4
    assert total(found, "dcmspool_queue_items", 'state="failed"') == 1
    assert total(found, "dcmspool_up") == 2
    assert total(found, "dcmspool_attention") == 1


def test_acts_of_operators(start_gateway, make_gateway, pacs, tmp_path):
    """Each command by its name, of the destination where the item was."""
    gateway = start_gateway({"pacs": pacs, "other": 1}, routes=[
        {"DuplexTargetConfigNames": "pacs"}])
    gateway.command("pause", "other")
    pacs.script = [Answer(0xA900)]
    one = instance.make()
    gateway.store(one)
    gateway.wait_items("pacs", "failed", 1)

    def act(*words):
        done = gateway.command(*words)
        assert done.returncode == 0, done.stdout
    act("hold", one.uid)
    act("edit", one.uid, "--", "dcmodify", "-nb", "-m", "PatientID=X")
    act("copy", f"pacs/hold/{one.uid}", "other")
    act("hold", f"other/{one.uid}")
    act("export", f"pacs/{one.uid}", tmp_path)
    act("import", "other", next(tmp_path.glob("*.dcm")))
    act("fail", "--all", "other/new", "--yes")
    act("remove", "--all", "other/failed", "--yes", "--dry-run")
    act("remove", "--all", "other/failed", "--yes")
    act("move", f"other/hold/{one.uid}", "pacs")
    gateway.wait_empty("pacs")
    act("release", f"pacs/hold/{one.uid}")
    act("flush", "pacs", "other")
    act("resume", "other")
    found = metrics(gateway)
    acts = {tuple(re.findall('"(.*?)"', labels)): n for (name, labels), n
            in found.items() if name == "dcmspool_operator_acts_total" and n}
    assert acts == {
        ("pacs", "hold"): 1, ("pacs", "edit"): 1, ("pacs", "copy"): 1,
        ("pacs", "export"): 1, ("pacs", "release"): 1, ("pacs", "flush"): 1,
        ("other", "hold"): 1, ("other", "import"): 1, ("other", "fail"): 1,
        ("other", "remove"): 1, ("other", "move"): 1, ("other", "flush"): 1,
        ("other", "pause"): 1, ("other", "resume"): 1}


def test_repair_and_expire_are_acts(make_gateway, pacs):
    """By hand, with no daemon and nothing counted before."""
    gateway = make_gateway({"pacs": pacs}, KeepFailed=3600)
    gateway.start()
    pacs.default = Answer(0xA900)
    for _ in range(2):
        gateway.store(instance.make())
    torn, old = gateway.wait_items("pacs", "failed", 2)
    gateway.stop()
    for path in gateway.spool.rglob("counters"):
        path.unlink()
    with open(gateway.path("pacs", "failed", torn), "r+b") as f:
        f.truncate(900)
    assert gateway.command("check", "--repair").returncode == 0
    gateway.destinations["pacs"]["KeepFailed"] = 1
    gateway.write_conf()
    tools.wait_until(lambda: gateway.command("expire").stdout ==
                     "expire\tpacs/failed\t1\n")
    found = metrics(gateway)
    for action in ("repair", "expire"):
        assert found["dcmspool_operator_acts_total",
                     f'destination="pacs",action="{action}"'] == 1


def test_file_for_node_exporter(start_gateway, pacs, tmp_path):
    gateway = start_gateway({"pacs": pacs})
    path = tmp_path / "dcmspool.prom"
    path.write_text("old")
    done = gateway.command("metrics", "-o", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert "dcmspool_up{daemon=\"sender\"} 1" in path.read_text()
    assert sorted(p.name for p in tmp_path.glob(".*")) == []
    done = gateway.command("metrics", "-o", str(tmp_path / "no/x.prom"))
    assert done.returncode != 0 and "no/" in done.stdout


def test_labels_are_those_of_the_page(start_gateway, pacs):
    page = (tools.TREE / "spool/dcmspool.1").read_text("utf-8")
    told = {name: set(labels.split(" , ")) - {""} for name, labels in
            re.findall(r"^\.It Li (dcmspool_\w+) , \w+(?: , (.*))?$", page,
                       re.M)}
    [families] = start_gateway({"pacs": pacs}).json("metrics")
    without = {name for name, f in families.items() if not f["Samples"]}
    assert without == {"dcmspool_certificate_end_seconds"}  # its own test
    for name, family in families.items():
        for sample in family["Samples"]:
            assert set(sample["Labels"]) - {"le"} == told[name], name


def test_json_says_the_same(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    [families] = gateway.json("metrics")
    text = gateway.command("metrics").stdout
    assert [*families] == re.findall(r"^# TYPE (\w+)", text, re.M)
    names = {s["Name"] for f in families.values() for s in f["Samples"]}
    assert names == {SAMPLE.fullmatch(line).group(1)
                     for line in text.splitlines() if line[0] != "#"}
    for name, family in families.items():
        if family["Type"] == "counter":
            assert name.endswith("_total")


def test_damaged_counters_are_set_aside(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs})
    gateway.start()
    gateway.stop()
    file = gateway.spool / "queue/pacs/counters"
    file.write_bytes(b"\0" * 100)
    gateway.start()
    assert gateway.store(instance.make()).status == 0
    gateway.wait_empty("pacs")
    assert total(metrics(gateway), "dcmspool_sent_total") == 1
    assert (gateway.spool / "queue/pacs/counters.damaged").exists()


@pytest.mark.alone
def test_quick_with_many(make_gateway, pacs):
    gateway = make_gateway({"pacs": pacs})
    gateway.sender.start()
    gateway.sender.stop()
    new = gateway.spool / "queue/pacs/new"
    for i in range(ITEMS):
        (new / f"20261123T225001.{i:06d}Z-m1-1.2.3.{i}.dcm").touch()
    took = []
    for _ in range(3):
        begin = children_s()
        found = metrics(gateway)
        took.append(children_s() - begin)
    assert total(found, "dcmspool_queue_items") == ITEMS
    assert min(took) < (1.5 if gateways.SANITIZED else 0.3)


def test_status_tells_of_the_last_minute(start_gateway, pacs):
    gateway = start_gateway({"pacs": pacs})
    pacs.script = [Answer(0), Answer(0xA900)]
    for _ in range(2):
        gateway.store(instance.make())
    gateway.wait_items("pacs", "failed", 1)

    def minute():
        [pacs] = gateway.json("status")["Destinations"]
        return pacs["LastMinute"] == {
            "Received": 2, "Delivered": 1, "Failed": 1}
    tools.wait_until(minute)
    assert "minute\tpacs\t2\t1\t1\n" in gateway.command("status").stdout


@pytest.mark.parametrize("days, code", [(40, 0), (10, 1), (-1, 1)])
def test_status_tells_when_a_certificate_ends(
        start_gateway, pacs, tmp_path, days, code):
    ca = pki.Authority(tmp_path / "ca")
    own = ca.issue("own", begin=-9, end=days)
    gateway = start_gateway({"pacs": pacs})
    gateway.receiver_settings["tls"] = {
        "Certificate": str(own.cert), "PrivateKey": str(own.key),
        "TrustedCertificates": str(ca.cert)}
    gateway.write_conf()
    done = gateway.command("status")
    left = int(re.search(r"^certificate\treceiver\t(-?\d+)$", done.stdout,
                         re.M).group(1))
    assert done.returncode == code
    assert days - 1 <= left <= days
    [family] = [f for name, f in gateway.json("metrics")[0].items()
                if name == "dcmspool_certificate_end_seconds"]
    assert [s["Labels"] for s in family["Samples"]] == [{"whose": "receiver"}]
