"""Installing by `make install`, and by the Debian package, which is tried in a
fresh Debian: `make check-deb`."""

import os
import re
import shutil

import pytest

import contrib
import gateway as gateways
import tools


# installing

def make(*words):
    """make, but not as a part of the one that runs us."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith("MAKE") and name != "MFLAGS"}
    sanitized = ["SAN=1"] if gateways.SANITIZED else []
    done = tools.run("make", "-s", "-C", tools.TREE, *sanitized, *words,
                     env=env)
    assert done.returncode == 0, done.stdout


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
    for page in tools.TREE.glob("[a-z]*/*.[158]"):
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


def test_versions_agree():
    makefile = (tools.TREE / "Makefile").read_text("utf-8")
    version = re.search(r"^VERSION := (\S+)", makefile, re.M).group(1)
    changelog = (contrib.FOLDER / "debian/changelog").read_text("utf-8")
    assert changelog.startswith(f"dcmspool ({version}) ")
    assert tools.run(gateways.COMMAND, "-V").stdout.split()[-1] == version


# the package, in a fresh Debian

class Chroot:
    """Each call has namespaces of its own: it sees its processes and its
    loopback only, and all of them end with it."""

    def __init__(self, root):
        self.root = root

    def run(self, script, code=0, network=False):
        inside = "mount -t proc proc /proc && set -eu\n" + script
        done = tools.run(
            "unshare", "--mount", "--pid", "--fork", "--kill-child",
            *([] if network else ["--net"]), "sh", "-c",
            '[ "$2" = 1 ] || ip link set lo up\nexec chroot "$1" sh -c "$0"',
            inside, self.root, "1" if network else "0", timeout=240,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
                 "DEBIAN_FRONTEND": "noninteractive"})
        assert done.returncode == code, done.stdout
        return done.stdout

    def path(self, inside):
        return self.root / inside.lstrip("/")


START = """
start()
{
	for side in sender receiver; do
		runuser -u dcmspool -- dcmspool-$side 2>>/tmp/$side.log &
		eval "$side=\\$!"
		within "grep -q ' ready' /tmp/$side.log"
	done
}
stop()
{
	for side in sender receiver; do
		pkill -x -TERM "$(echo "dcmspool-$side" | cut -c -15)" || true
	done
	wait "$sender" "$receiver"
	rm -f /tmp/*.log
}
pacs()
{
	storescp +B -od /tmp/archive 11112 2>>/tmp/storescp.log &
	pacs=$!
	within "echoscu 127.0.0.1 11112"
}
send()
{
	dcmsend -aec ENS-SCP -aet JD-SCU 127.0.0.1 1112 /tmp/one.dcm -v 2>&1
}
within()
{
	tries=100
	until eval "$1" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || { echo "not: $1"; cat /tmp/*.log; exit 1; }
		sleep 0.1
	done
}
digests()
{
	find /var/spool/dcmspool/queue -name '*.dcm' -exec md5sum {} +
}
queued()
{
	find /var/spool/dcmspool/queue -name '*.dcm' | wc -l
}
"""


@pytest.fixture(scope="module")
def package():
    if not os.environ.get("DCMSPOOL_TEST_PACKAGE"):
        pytest.skip("make check-deb runs it: it takes a minute")
    contrib.need("debootstrap", "dpkg-deb", "unshare", root=True)
    (found,) = (tools.TREE / ".build/deb").glob("dcmspool_*.deb")
    return found


@pytest.fixture(scope="module")
def newer_package(package, tmp_path_factory):
    """The same, but for its version."""
    folder = tmp_path_factory.mktemp("newer")
    tools.run("dpkg-deb", "-R", package, folder / "tree")
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", r"\g<0>+test1",
                              control.read_text("utf-8")), "utf-8")
    done = tools.run("dpkg-deb", "--root-owner-group", "-b", folder / "tree",
                     folder / "newer.deb")
    assert done.returncode == 0, done.stdout
    return folder / "newer.deb"


@pytest.fixture(scope="module")
def chroot(package, newer_package, tmp_path_factory):
    root = tmp_path_factory.mktemp("chroot")
    done = tools.run("debootstrap", "--variant=minbase", "bookworm", root,
                     timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    root.chmod(0o755)
    shutil.copy(package, root / "tmp/dcmspool.deb")
    shutil.copy(newer_package, root / "tmp/newer.deb")
    shutil.copy(tools.PYDICOM_FILES / "CT_small.dcm", root / "tmp/one.dcm")
    made = Chroot(root)
    made.run("apt-get update && apt-get install -y --no-install-recommends "
             "systemd-standalone-sysusers procps dcmtk", network=True)
    yield made
    shutil.rmtree(root, ignore_errors=True)


@pytest.mark.limit(600)
def test_package_in_a_fresh_debian(chroot):
    """One life: installed, used, upgraded with a queue, removed, purged."""
    chroot.run("apt-get install -y --no-install-recommends /tmp/dcmspool.deb",
               network=True)
    folder = chroot.path("/var/spool/dcmspool")
    assert folder.stat().st_mode & 0o7777 == 0o700
    assert chroot.run("stat -c %U:%G /var/spool/dcmspool") == (
        "dcmspool:dcmspool\n")
    conf = chroot.path("/etc/dcmspool/dcmspool.conf")
    conf.write_text(conf.read_text("utf-8").replace(
        "#RetryMax = 300;", "RetryMax = 2;").replace(
        "#ResponseTimeout = 25;", "ResponseTimeout = 3;"), "utf-8")
    assert "RetryMax = 2;" in conf.read_text("utf-8")

    # The main job, and one that is queued; then an upgrade beneath them.
    chroot.run(START + """
        mkdir -p /tmp/archive
        pacs; start
        send | grep 'with status SUCCESS *: 1'
        [ "$(ls /tmp/archive | wc -l)" = 1 ]
        dcmspool status -q
        kill "$pacs"; wait "$pacs" || true
        send | grep 'OutOfResources'
        [ "$(queued)" = 1 ]
        before=$(digests)
        dpkg -i /tmp/newer.deb
        [ "$(queued)" = 1 ]
        [ "$before" = "$(digests)" ]
        stop""")
    assert "RetryMax = 2;" in conf.read_text("utf-8")
    assert "+test1" in chroot.run("dpkg-query -W dcmspool")

    # Taken away with a queue, which says so; and installed again.
    said = chroot.run("dpkg -r dcmspool 2>&1")
    assert "not delivered: 1\n" in said
    assert not chroot.path("/usr/sbin/dcmspool-sender").exists()
    chroot.run(START + """
        [ "$(queued)" = 1 ]
        dpkg -i /tmp/newer.deb
        rm -f /tmp/archive/*
        pacs; start
        dcmspool wait --timeout 30
        [ "$(ls /tmp/archive | wc -l)" = 1 ] && [ "$(queued)" = 0 ]
        kill "$pacs"; wait "$pacs" || true
        send || true
        [ "$(queued)" = 1 ]
        stop""")

    chroot.path("/var/log/dcmspool.log").write_text("x", "utf-8")
    said = chroot.run("dpkg -P dcmspool 2>&1")
    assert "/var/spool/dcmspool and the user dcmspool are left" in said
    assert "not delivered: 1\n" in said
    assert len(list(folder.glob("queue/*/*/*.dcm"))) == 1
    assert chroot.run("stat -c %U /var/spool/dcmspool") == "dcmspool\n"
    assert chroot.run(
        "find /etc /usr /lib/systemd /var/log -name '*dcmspool*'") == ""
