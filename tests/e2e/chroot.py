"""A Debian below a folder: to run programs in, and to boot."""

import pathlib
import subprocess

import leftovers
import pytest

import tools

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
               "DEBIAN_FRONTEND": "noninteractive", **leftovers.environment()}

# $1 is the root, $2 a control group, which becomes the top of what is seen.
BOOT = r"""
set -eu
echo $$ >"$2/cgroup.procs"
exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child \
	sh -euc '
	mount --bind "$1" "$1"
	cd "$1"
	mount -t proc proc proc
	mount -t sysfs sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mount -t tmpfs tmpfs run
	mount -t tmpfs tmpfs dev
	for node in null zero full random urandom tty; do
		touch "dev/$node"
		mount --bind "/dev/$node" "dev/$node"
	done
	ln -s pts/ptmx dev/ptmx
	ip link set lo up
	mkdir -p old
	pivot_root . old
	umount -l /old
	exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --system' sh "$1"
"""


class Chroot:
    def __init__(self, root):
        """Makes it, which takes half a minute."""
        self.root = pathlib.Path(root)
        done = tools.run("debootstrap", "--variant=minbase", "bookworm",
                         self.root, timeout=300)
        assert done.returncode == 0, done.stdout[-2000:]
        self.root.chmod(0o755)

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def run(self, script, network=False):
        """Each call has namespaces of its own: it sees its processes and its
        loopback only, and all of them end with it."""
        inside = "mount -t proc proc /proc && set -eu\n" + script
        done = tools.run(
            "unshare", "--mount", "--pid", "--fork", "--kill-child",
            *([] if network else ["--net"]), "sh", "-c",
            f'{"" if network else "ip link set lo up; "}'
            'exec chroot "$1" sh -c "$0"', inside, self.root,
            timeout=240, env=ENVIRONMENT)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def install(self, *packages):
        self.run("apt-get update && apt-get install -y "
                 f"--no-install-recommends {' '.join(packages)}", network=True)


class Booted:
    """The same under a systemd of its own, in namespaces."""

    def __init__(self, chroot, name):
        mounts = [line.split() for line in
                  pathlib.Path("/proc/mounts").read_text("utf-8").splitlines()]
        tops = [words[1] for words in mounts if words[2] == "cgroup2"]
        if not tops:
            pytest.skip("there is no cgroup2 to boot with")
        self.group = pathlib.Path(tops[0]) / name
        self.chroot = chroot
        self.process = None

    def __enter__(self):
        try:
            self.group.mkdir()
        except OSError as e:
            pytest.skip(f"no control group can be made: {e}")
        self.process = subprocess.Popen(
            ["sh", "-c", BOOT, "sh", str(self.chroot.root), str(self.group)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        tools.wait_until(lambda: self._state() in ("running", "degraded"), 60,
                         "systemd has booted")
        return self

    def __exit__(self, *_):
        tools.end_session(self.process)

        def removed():
            for folder in sorted(self.group.rglob("*/"), reverse=True):
                folder.rmdir()
            self.group.rmdir()
            return True

        def tried():
            try:
                return removed()
            except OSError:
                return False  # the last processes are about to end
        tools.wait_until(tried, 10, "the control group is empty")

    def _inside(self, script):
        """None while there is no systemd to be with."""
        pid = self.process.pid
        children = pathlib.Path(
            f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert self.process.poll() is None
        return children and tools.run(
            "nsenter", "-t", children[0], *"-m -p -n -u -i -C -r -w".split(),
            "sh", "-c", script, timeout=120, env=ENVIRONMENT)

    def _state(self):
        done = self._inside("systemctl is-system-running")
        return done and done.stdout.strip()

    def run(self, script):
        done = self._inside("set -eu\n" + script)
        assert done.returncode == 0, done.stdout
        return done.stdout
