"""The Debian package in a fresh Debian, without and with systemd: it takes two
minutes, `make check-deb`."""

import os
import re
import shutil

import pytest

import contrib
import tools
from chroot import Booted, Chroot

# What the scripts below do. start and stop are for where no systemd is.
SHELL = """
port=1112
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
	storescp +B -od /tmp/archive 11112 >>/tmp/storescp.log 2>&1 &
	pacs=$!
	within "echoscu 127.0.0.1 11112"
}
# sends WORD: the answer has it
sends()
{
	dcmsend -aec ENS-SCP -aet JD-SCU 127.0.0.1 "$port" /srv/one.dcm -v \\
		>/tmp/sent 2>&1 || true
	grep "$1" /tmp/sent || { cat /tmp/sent; exit 1; }
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
    made = Chroot(root)
    for file, name in ((package, "dcmspool.deb"), (newer_package, "newer.deb"),
                       (tools.PYDICOM_FILES / "CT_small.dcm", "one.dcm")):
        shutil.copy(file, root / "srv" / name)
    made.install("procps", "dcmtk")
    yield made
    shutil.rmtree(root, ignore_errors=True)


def configure(chroot):
    """What an administrator changed."""
    conf = chroot.path("/etc/dcmspool/dcmspool.conf")
    conf.write_text(conf.read_text("utf-8").replace(
        "#RetryMax = 300;", "RetryMax = 2;").replace(
        "#ResponseTimeout = 25;", "ResponseTimeout = 3;"), "utf-8")
    assert "RetryMax = 2;" in conf.read_text("utf-8")
    return conf


@pytest.mark.limit(600)
def test_package_in_a_fresh_debian(chroot):
    """One life: installed, used, upgraded with a queue, removed, purged."""
    chroot.install("systemd-standalone-sysusers", "/srv/dcmspool.deb")
    folder = chroot.path("/var/spool/dcmspool")
    assert folder.stat().st_mode & 0o7777 == 0o700
    assert chroot.run("stat -c %U:%G:%a /var/spool/dcmspool "
                      "/var/log/dcmspool") == (
        "dcmspool:dcmspool:700\ndcmspool:dcmspool:750\n")
    conf = configure(chroot)

    # The main job, and one that is queued; then an upgrade beneath them.
    chroot.run(SHELL + """
        mkdir -p /tmp/archive
        pacs; start
        sends 'with status SUCCESS *: 1'
        [ "$(ls /tmp/archive | wc -l)" = 1 ]
        dcmspool status -q
        uid=$(find /tmp/archive -type f | sed 's/.*CT[.]//')
        dcmspool trace "$uid" | grep -q ' ledger delivered '
        kill "$pacs"; wait "$pacs" || true
        sends OutOfResources
        [ "$(queued)" = 1 ]
        before=$(digests)
        dpkg -i /srv/newer.deb
        [ "$(queued)" = 1 ]
        [ "$before" = "$(digests)" ]
        stop""")
    assert "RetryMax = 2;" in conf.read_text("utf-8")
    assert "+test1" in chroot.run("dpkg-query -W dcmspool")

    # Taken away with a queue, which says so; and installed again.
    said = chroot.run("dpkg -r dcmspool 2>&1")
    assert "not delivered: 1\n" in said
    assert not chroot.path("/usr/sbin/dcmspool-sender").exists()
    chroot.run(SHELL + """
        [ "$(queued)" = 1 ]
        dpkg -i /srv/newer.deb
        rm -f /tmp/archive/*
        pacs; start
        dcmspool wait --timeout 30
        [ "$(ls /tmp/archive | wc -l)" = 1 ] && [ "$(queued)" = 0 ]
        kill "$pacs"; wait "$pacs" || true
        sends OutOfResources
        [ "$(queued)" = 1 ]
        stop""")

    chroot.path("/var/log/dcmspool.log").write_text("x", "utf-8")
    said = chroot.run("dpkg -P dcmspool 2>&1")
    assert "/var/spool/dcmspool, the ledger" in said and "left as they" in said
    assert "not delivered: 1\n" in said
    assert len(list(folder.glob("queue/*/*/*.dcm"))) == 1
    assert chroot.run("stat -c %U /var/spool/dcmspool") == "dcmspool\n"
    assert chroot.run("find /etc /usr /lib/systemd /var/log "
                      "-name '*dcmspool*'") == "/var/log/dcmspool\n"
    ledger = chroot.path("/var/log/dcmspool/ledger").read_text("utf-8")
    assert " ledger delivered " in ledger


def show(booted, side, name):
    """A property of a unit."""
    return booted.run(f"systemctl show -P {name} dcmspool-{side}").strip()


def wait_for(booted, side, name, value):
    tools.wait_until(lambda: show(booted, side, name) == value, 20,
                     f"{name} of {side} is {value}")


def dies_by_watchdog(booted, side):
    """Halted, it is replaced."""
    folder = f"/run/systemd/system/dcmspool-{side}.service.d"
    booted.run(f"""
        mkdir -p {folder}
        printf '[Service]\nWatchdogSec=2\n' >{folder}/watchdog.conf
        systemctl daemon-reload
        systemctl restart dcmspool-{side}""")
    tools.stays(lambda: show(booted, side, "NRestarts") == "0", 5)
    booted.run(f'kill -STOP "$(systemctl show -P MainPID dcmspool-{side})"')
    wait_for(booted, side, "NRestarts", "1")
    wait_for(booted, side, "ActiveState", "active")


@pytest.mark.limit(600)
def test_package_under_systemd(chroot):
    """The units as they are installed, with all that they forbid."""
    chroot.install("systemd-sysv", "/srv/dcmspool.deb")
    conf = configure(chroot)
    shutil.rmtree(chroot.path("/var/spool/dcmspool"))
    chroot.run("systemd-tmpfiles --create dcmspool.conf; rm -rf /tmp/archive")
    with Booted(chroot, f"dcmspool-test-{os.getpid()}") as booted:
        for side in contrib.UNITS:
            wait_for(booted, side, "ActiveState", "active")
        booted.run(SHELL + """
            mkdir /tmp/archive
            pacs; sends Success
            [ "$(ls /tmp/archive | wc -l)" = 1 ]
            kill "$pacs"; wait "$pacs" || true""")
        for side in contrib.UNITS:
            booted.run(f"systemctl reload dcmspool-{side}")
            tools.wait_until(lambda: " reloaded " in booted.run(
                f"journalctl -o cat -u dcmspool-{side}"))  # noqa: B023
            dies_by_watchdog(booted, side)

        # DICOM's own port.
        conf.write_text(conf.read_text("utf-8").replace(
            "#IPPort = 1112;", "IPPort = 104;"), "utf-8")
        assert "IPPort = 104;" in conf.read_text("utf-8")
        booted.run("""
            folder=/etc/systemd/system/dcmspool-receiver.service.d
            examples=/usr/share/doc/dcmspool/examples
            ! systemctl restart dcmspool-receiver
            mkdir -p $folder && cp $examples/port-104.conf $folder
            systemctl daemon-reload
            systemctl restart dcmspool-receiver
            echoscu -aec ENS-SCP -aet JD-SCU 127.0.0.1 104
            systemctl is-active dcmspool-receiver""")

        # An upgrade restarts both, with one queued.
        before = [show(booted, side, "MainPID") for side in contrib.UNITS]
        booted.run(SHELL + """
            port=104
            sends OutOfResources
            [ "$(queued)" = 1 ]
            dpkg -i /srv/newer.deb""")
        for side, pid in zip(contrib.UNITS, before):
            wait_for(booted, side, "ActiveState", "active")
            assert show(booted, side, "MainPID") != pid
        booted.run(SHELL + """
            [ "$(queued)" = 1 ]
            pacs; dcmspool wait --timeout 30
            kill "$pacs"; wait "$pacs" || true""")

        # A wrong configuration is not tried again and again.
        conf.write_text("wrong", "utf-8")
        booted.run("! systemctl restart dcmspool-sender")
        # "activating" is what waits to be tried again.
        assert show(booted, "sender", "ActiveState") == "failed"
        assert show(booted, "sender", "ExecMainStatus") == "78"
        booted.run("dpkg -r dcmspool")
        assert booted.run("pgrep dcmspool || echo none") == "none\n"
