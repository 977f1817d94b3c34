"""`make install` and `make uninstall`; for the package see test_package.py."""

import os
import re

import pytest
from peers import instance

import contrib
import gateway as gateways
import tools


def make(*words):
    """make, but not as a part of the one that runs us."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith("MAKE") and name != "MFLAGS"}
    sanitized = ["SAN=1"] if gateways.SANITIZED else []
    done = tools.run("make", "-s", "-C", tools.TREE, *sanitized, *words,
                     env=env)
    assert done.returncode == 0, done.stdout
    return done.stdout


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if not path.is_dir()}


@pytest.mark.parametrize("prefix", ["/usr", "/opt/dcmspool"])
def test_install(tmp_path, prefix):
    where = [f"DESTDIR={tmp_path}", f"PREFIX={prefix}"]
    make("install", *where)
    top = tmp_path / prefix.lstrip("/")
    for program in ("sbin/dcmspool-receiver", "sbin/dcmspool-sender",
                    "bin/dcmspool"):
        assert tools.run(top / program, "-V").returncode == 0
    conf = tmp_path / "etc/dcmspool/dcmspool.conf"
    assert tools.run(top / "bin/dcmspool", "-n", "-c", conf).returncode == 0
    for page in tools.TREE.glob("[a-z]*/*.[1578]"):
        assert (top / f"share/man/man{page.suffix[1:]}/{page.name}").exists()
    for unit in (top / "lib/systemd/system").glob("*.service"):
        (start,) = contrib.settings(unit.read_text("utf-8"))["ExecStart"]
        assert (tmp_path / start.lstrip("/")).exists()
    cron = (tmp_path / "etc/cron.d/dcmspool").read_text("utf-8")
    assert set(re.findall(r"/\S*/dcmspool\b", cron)) == {
        f"{prefix}/bin/dcmspool"}

    conf.write_text("mine", "utf-8")
    make("install", *where)
    assert conf.read_text("utf-8") == "mine"
    make("uninstall", *where)
    assert files(tmp_path) == {"etc/dcmspool/dcmspool.conf"}


def test_a_queue_outlives_upgrade_and_uninstall(
        tmp_path, make_gateway, storescp):
    """While both run, and again when they do not."""
    where = [f"DESTDIR={tmp_path / 'top'}", "PREFIX=/usr"]
    make("install", *where)
    pacs = storescp()
    pacs.stop()
    gateway = make_gateway({"pacs": pacs.port}, routes=[
        {"ResponseTimeout": 1}])
    for side in ("sender", "receiver"):
        daemon = getattr(gateway, side)
        daemon.program = tmp_path / "top/usr/sbin" / f"dcmspool-{side}"
    gateway.start()
    made = [instance.make() for _ in range(3)]
    assert gateway.store(made[0]).status == 0xA700
    make("install", *where)
    assert gateway.store(made[1]).status == 0xA700
    gateway.stop()
    gateway.start()
    assert gateway.store(made[2]).status == 0xA700
    assert "spool" in make("uninstall", *where)
    assert not gateway.sender.program.exists()
    gateway.stop()
    queued = {name for state in ("new", "deferred")
              for name in gateway.items("pacs", state)}
    assert len(queued) == 3

    make("install", *where)
    pacs.start()
    gateway.start()
    gateway.wait_empty("pacs")
    assert {i.digest for i in pacs.instances()} == {i.digest for i in made}


def test_versions_agree():
    makefile = (tools.TREE / "Makefile").read_text("utf-8")
    version = re.search(r"^VERSION := (\S+)", makefile, re.M).group(1)
    changelog = (contrib.FOLDER / "debian/changelog").read_text("utf-8")
    assert changelog.startswith(f"dcmspool ({version}) ")
    assert tools.run(gateways.COMMAND, "-V").stdout.split()[-1] == version


def test_the_report_is_found(tmp_path, make_gateway, pacs):
    """The page's script is beside the programs, wherever they are."""
    top = tmp_path / "top"
    make("install", f"DESTDIR={top}", "PREFIX=/opt/dcmspool")
    gateway = make_gateway({"pacs": pacs})
    gateway.sender.start()
    done = tools.run(top / "opt/dcmspool/bin/dcmspool", "-c", gateway.conf,
                     "report", os.devnull)
    assert done.returncode == 0 and done.stdout.endswith("</html>\n")
    (top / "opt/dcmspool/lib/dcmspool/dcmspool-report").unlink()
    done = tools.run(top / "opt/dcmspool/bin/dcmspool", "-c", gateway.conf,
                     "report", os.devnull)
    assert done.returncode == 73
    assert "install dcmspool as a whole" in done.stdout
