"""Where a spool lies: a journaled ext4 of its own, or tmpfs."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

MEMORY = pathlib.Path("/dev/shm")


class Skip(Exception):
    """What cannot be measured here, and why."""


def work_folder():
    """Of everything that is not the spool: in memory, where there is room."""
    return tempfile.mkdtemp(prefix="dcmspool-bench.",
                            dir=MEMORY if os.access(MEMORY, os.W_OK) else None)


@contextlib.contextmanager
def tmpfs(work):
    """A folder on tmpfs."""
    if not str(work).startswith(str(MEMORY)):
        raise Skip(f"no tmpfs in {MEMORY}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tmpfs.", dir=work))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def ext4(disk, size=4 << 30, inodes=100000):
    """A folder on a fresh journaled ext4, loop-mounted from a file in disk."""
    if os.geteuid() != 0:
        raise Skip("a loop mount needs root")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dcmspool-bench.", dir=disk))
    image = folder.with_name(f"{folder.name}.img")
    with open(image, "wb") as f:
        f.truncate(size)
    try:
        _run("mkfs.ext4", "-q", "-F", "-N", str(inodes), "-m", "0", "-E",
             "lazy_itable_init=0,lazy_journal_init=0", str(image))
        _run("mount", "-o", "loop", str(image), str(folder))
    except (OSError, subprocess.CalledProcessError) as e:
        image.unlink()
        folder.rmdir()
        raise Skip(f"no loop mount: {e}") from e
    try:
        yield folder
    finally:
        _run("umount", "-l", str(folder))
        image.unlink()
        folder.rmdir()


def _run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)
