"""Alert rules and dashboard of contrib/, against the real output of metrics and
by Prometheus' own tool."""

import json
import re
import shutil

import pytest

import tools

CONTRIB = tools.TREE / "contrib"
RULES = CONTRIB / "prometheus/dcmspool.rules.yml"
DASHBOARD = CONTRIB / "grafana/dcmspool.json"
NAME = re.compile(r"\bdcmspool_\w+")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool is not installed (apt-get install prometheus)")


@pytest.fixture
def output(start_gateway, pacs):
    return start_gateway({"pacs": pacs}).command("metrics").stdout


def names(output):
    found = set(re.findall(r"^(dcmspool_\w+)", output, re.M))
    return found | set(re.findall(r"^# TYPE (\w+)", output, re.M))


@needs_promtool
def test_promtool_takes_the_output(output, tmp_path):
    path = tmp_path / "metrics"
    path.write_text(output)
    done = tools.run("sh", "-c", 'promtool check metrics <"$1"', "sh", path)
    assert (done.returncode, done.stdout) == (0, "")


@needs_promtool
def test_promtool_takes_the_rules():
    done = tools.run("promtool", "check", "rules", RULES)
    assert done.returncode == 0, done.stdout


@needs_promtool
def test_rules_fire_when_they_have_to():
    done = tools.run("promtool", "test", "rules",
                     CONTRIB / "prometheus/dcmspool.test.yml")
    assert done.returncode == 0, done.stdout


def test_rules_know_the_metrics(output):
    used = set(NAME.findall("\n".join(re.findall(
        r"expr: (?:>\n(?: {10}.*\n)+|.*)", RULES.read_text()))))
    assert len(used) > 8
    assert used - names(output) == set()


def test_dashboard_knows_the_metrics(output):
    board = json.loads(DASHBOARD.read_text())
    targets = [t["expr"] for p in board["panels"] for t in p["targets"]]
    used = {name for expr in targets for name in NAME.findall(expr)}
    assert len(used) > 12
    assert used - names(output) == set()
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
