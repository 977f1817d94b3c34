"""The container file, built and run by podman: it takes two minutes, `make
check-container`. The base image is Debian's own where a registry can be reached,
else one that debootstrap makes."""

import json
import os
import pathlib
import shutil
import tempfile

import pytest
from peers import instance
from peers.modality import Modality, contexts_for

import contrib
import tools
from chroot import Chroot

BASE = "docker.io/library/debian:bookworm-slim"
FILE = contrib.FOLDER / "container/Containerfile"
IMAGE = "localhost/dcmspool-test"


def limits():
    """Less than ours: podman's own are more than some may give."""
    for name in ("nofile", "nproc"):
        yield from ("--ulimit", f"{name}=4096:4096")


class Podman:
    """With an image store of its own."""

    def __init__(self, folder):
        self.options = ["--root", folder / "images", "--runroot",
                        folder / "run", "--storage-driver", "vfs",
                        "--cgroup-manager", "cgroupfs", "--runtime", "runc"]

    def try_(self, *words, timeout=120):
        return contrib.run("podman", *self.options, *words, timeout=timeout)

    def run(self, *words, timeout=120):
        done = self.try_(*words, timeout=timeout)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout.strip()


@pytest.fixture(scope="module")
def podman():
    if not os.environ.get("DCMSPOOL_TEST_CONTAINER"):
        pytest.skip("make check-container runs it: it takes two minutes")
    contrib.need("podman", "runc", "debootstrap", root=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dcmspool-container."))
    yield Podman(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def base(podman, tmp_path_factory):
    """Where it is from."""
    if podman.try_("pull", "-q", BASE).returncode == 0:
        return "a registry"
    made = Chroot(tmp_path_factory.mktemp("base") / "root")
    tar = made.root.parent / "base.tar"
    tools.run("tar", "-C", made.root, "-cf", tar, ".", timeout=120)
    podman.run("import", tar, BASE)
    shutil.rmtree(made.root.parent)
    return "debootstrap"


@pytest.fixture(scope="module")
def image(podman, base, tmp_path_factory):
    """Of what git knows of the tree, and of the programs of another machine
    as they lie about in one."""
    source = tmp_path_factory.mktemp("source")
    tools.run("sh", "-c", 'git -C "$0" ls-files -z | '
              'rsync -a --from0 --files-from=- "$0" "$1"', tools.TREE, source)
    for program in ("receiver/dcmspool-receiver", "sender/dcmspool-sender",
                    "spool/dcmspool"):
        (source / program).write_text("#!/bin/false\n")
    print(f"base image from {base}")
    podman.run("build", "--isolation", "chroot", "--network", "host",
               "--pull-never", "-t", IMAGE, "-f",
               source / FILE.relative_to(tools.TREE), source, timeout=400)
    return IMAGE


@pytest.fixture
def container(podman, image, tmp_path):
    """Starts one on volumes that stay; all are gone in the end."""
    started = []
    text = (tools.TREE / "etc/dcmspool.conf").read_text("utf-8")
    ports = tools.free_port(), tools.free_port()
    for old, new in (("#IPPort = 1112;", f"IPPort = {ports[0]};"),
                     ("RemotePort = 11112;", f"RemotePort = {ports[1]};"),
                     ("#RetryMax = 300;", "RetryMax = 2;"),
                     ("#ResponseTimeout = 25;", "ResponseTimeout = 3;")):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    conf = tmp_path / "dcmspool.conf"
    conf.write_text(text, "utf-8")

    def start():
        name = podman.run(
            "run", "-d", "--network", "host", *limits(),
            "-v", f"dcmspool:{contrib.spool()}", "-v",
            f"dcmspool-log:{os.path.dirname(contrib.ledger())}", "-v",
            f"{conf}:/etc/dcmspool/dcmspool.conf:ro", image)
        started.append(name)
        tools.wait_until(lambda: podman.run("logs", name).count(" ready ") == 2,
                         20, "both daemons are ready")
        return name
    start.ports, start.conf = ports, conf
    yield start
    for name in started:
        podman.try_("rm", "-f", name)
    podman.try_("volume", "rm", "dcmspool", "dcmspool-log")


def send(port, made):
    with Modality(port, contexts_for(made)) as ct:
        return ct.store(made).status


def users(podman, name):
    """{program: {real and effective user and group}} of what runs in it."""
    pid = int(podman.run("inspect", "-f", "{{.State.Pid}}", name))
    found = {}
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in
                          status.read_text().splitlines() if ":\t" in line)
            inside = os.readlink(status.parent / "ns/pid") == os.readlink(
                f"/proc/{pid}/ns/pid")
        except OSError:
            continue
        if inside:
            found.setdefault(fields["Name"], set()).update(
                fields["Uid"].split() + fields["Gid"].split())
    return found


@pytest.mark.limit(600)
def test_container(podman, container, storescp, tmp_path):
    """Served, reloaded, stopped with a queue, and another one goes on."""
    port, pacs_port = container.ports
    pacs = storescp(port=pacs_port)
    name = container()
    one, two = instance.make(), instance.make()
    assert send(port, one) == 0
    (came,) = pacs.instances()
    assert (came.uid, came.digest) == (one.uid, one.digest)

    ids = users(podman, name)
    assert {"dcmspool-both", "dcmspool-receiv", "dcmspool-sender"} <= set(ids)
    (uid, gid), = {tuple(podman.run("exec", name, "id", flag, contrib.user())
                         for flag in ("-u", "-g"))}
    assert set().union(*ids.values()) == {uid, gid} and "0" not in (uid, gid)

    status = json.loads(podman.run("exec", name, "dcmspool", "status", "--json"))
    assert [d["Items"]["new"] for d in status["Destinations"]] == [0]
    podman.run("exec", name, "dcmspool", "status", "-q")
    assert " ledger delivered " in podman.run(
        "exec", name, "dcmspool", "trace", one.uid)
    assert podman.run("exec", name, "dcmspool", "report").endswith("</html>")

    podman.run("kill", "-s", "HUP", name)
    tools.wait_until(lambda: podman.run("logs", name).count(" reloaded ") == 2,
                     10, "both have reloaded")

    pacs.stop()
    assert send(port, two) == 0xA700
    podman.run("stop", "-t", "60", name)
    assert podman.run("inspect", "-f", "{{.State.ExitCode}}", name) == "0"
    assert podman.run("logs", name).count(" stopped") == 2
    podman.run("rm", name)

    pacs.start()
    name = container()
    podman.run("exec", name, "dcmspool", "wait", "--timeout", "30")
    assert {i.uid for i in pacs.instances()} == {one.uid, two.uid}
    told = podman.run("exec", name, "dcmspool", "trace", two.uid)
    assert " ledger received " in told and " ledger delivered " in told
    assert set().union(*users(podman, name).values()) == {uid, gid}
