"""The programs as they were built: what makes an overflow hard to use."""

import platform
import re

import pytest

import contrib
import gateway as gateways
import tools

PROGRAMS = [gateways.RECEIVER, gateways.SENDER, gateways.COMMAND]

pytestmark = [
    pytest.mark.skipif(gateways.SANITIZED, reason="not what is installed"),
    pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)]


def read(program, *options):
    contrib.need("readelf")
    done = tools.run("readelf", "-W", *options, program)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_position_independent(program):
    header, dynamic = read(program, "-h"), read(program, "-d")
    assert re.search(r"Type:\s+DYN", header)
    assert re.search(r"FLAGS_1.*\bPIE\b", dynamic)


def test_full_relro(program):
    assert "GNU_RELRO" in read(program, "-l")
    assert re.search(r"FLAGS_1.*\bNOW\b", read(program, "-d"))


def test_nothing_is_writable_and_executable(program):
    headers = read(program, "-l")
    stack = re.search(r"GNU_STACK\s+(?:0x\w+\s+){5}(\S+)\s", headers)
    assert stack and stack[1] == "RW", headers
    loads = re.findall(r"LOAD\s+(?:0x\w+\s+){5}(.{3})\s", headers)
    assert loads and "RWE" not in loads


def test_stack_protector(program):
    assert "__stack_chk_fail" in read(program, "--dyn-syms")


def test_fortified(program):
    """gcc calls the checked function where it knows the size of what is
    written."""
    calls = set(re.findall(r"\b(__\w+_chk)\b", read(program, "--dyn-syms")))
    assert len(calls) >= 3, calls


def test_control_flow(program):
    """Where indirect branches may go. The program as a whole is marked only
    where the start files of the C library are, which Debian 12's are not."""
    if platform.machine() != "x86_64":
        pytest.skip("CET is of x86")
    code = tools.run("objdump", "-d", "--no-show-raw-insn",
                     "--disassemble=main", program).stdout
    body = code[code.index("<main>:"):].splitlines()
    assert "endbr64" in body[1], body[:3]


def test_stack_clash(program):
    """What each of our object files was compiled with."""
    switches = tools.run("readelf", "--debug-dump=info", "--dwarf-depth=1",
                         program).stdout
    ours = [line for line in switches.splitlines()
            if "DW_AT_producer" in line and " C11 " in line]
    assert ours
    for line in ours:
        for switch in ("-fstack-clash-protection", "-fstack-protector-strong",
                       "-fPIE"):
            assert switch in line, line


def test_looks_for_libraries_where_the_system_does(program):
    assert not re.search(r"R(UN)?PATH", read(program, "-d"))
    assert "TEXTREL" not in read(program, "-d")
