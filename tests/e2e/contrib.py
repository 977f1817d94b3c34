"""Where contrib/ has what, and how its tools are run."""

import os
import re
import shutil

import pytest

import tools

FOLDER = tools.TREE / "contrib"
UNITS = {side: FOLDER / f"systemd/dcmspool-{side}.service"
         for side in ("receiver", "sender")}
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def need(*programs, root=False):
    """Skips, in sight, where one is missing; install-deps.sh has them all."""
    for program in programs:
        if shutil.which(program, path=PATH) is None:
            pytest.skip(f"there is no {program}")
    if root and os.geteuid() != 0:
        pytest.skip("it takes root")


def run(*command, **more):
    return tools.run(*command, env={**os.environ, "PATH": PATH}, **more)


def settings(text):
    """A unit's or a drop-in's lines: {name: [value, ...]}."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def unit(side):
    return settings(UNITS[side].read_text("utf-8"))


def user():
    (line,) = (line for line in (FOLDER / "sysusers.d/dcmspool.conf")
               .read_text("utf-8").splitlines() if line.startswith("u"))
    return line.split()[1]


def logrotate():
    """The file as it is, but for the user, who need not be there."""
    text = (FOLDER / "logrotate/dcmspool").read_text("utf-8")
    assert f"\tsu {user()} {user()}\n" in text
    return text.replace(f"su {user()} {user()}", "su root root")


def ledger():
    """Where it is, as it is delivered."""
    text = (tools.TREE / "etc/dcmspool.conf").read_text("utf-8")
    return re.search(r'^\tLedger = "(.*)";', text, re.M).group(1)


def spool():
    """StorageLocation, as it is delivered."""
    text = (tools.TREE / "etc/dcmspool.conf").read_text("utf-8")
    return re.search(r'^StorageLocation = "(.*)";', text, re.M).group(1)
