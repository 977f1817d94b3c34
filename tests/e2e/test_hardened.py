"""The three programs as the compiler left them: what checksec would say."""

import pathlib
import platform
import re

import pytest

import gateway as gateways
import tools

PROGRAMS = {"receiver": gateways.RECEIVER, "sender": gateways.SENDER,
            "dcmspool": gateways.COMMAND}
# Calls that _FORTIFY_SOURCE guards where it knows a size.
GUARDED = {"memcpy", "snprintf", "vsnprintf", "read", "pread", "recv", "poll"}

pytestmark = pytest.mark.skipif(
    gateways.SANITIZED, reason="sanitizers are no hardening")


def read(*words):
    done = tools.run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def properties(program):
    """{property: whether the program has it}."""
    heads = read("readelf", "-hldW", program)
    symbols = set(re.findall(
        r"\bUND (\w+)", read("readelf", "--dyn-syms", "-W", program)))
    code = read("objdump", "-d", "--disassemble=main", program)
    found = {
        "PIE": "Type:" in heads and "DYN" in heads and "Flags: NOW PIE" in heads,
        "full RELRO": "GNU_RELRO" in heads and "BIND_NOW" in heads,
        "no executable stack": bool(re.search(
            r"GNU_STACK.* RW ", heads)),
        "no RPATH": not re.search(r"\((RPATH|RUNPATH)\)", heads),
        "no writable code": not re.search(r"LOAD.* RWE ", heads),
        "stack protector": "__stack_chk_fail" in symbols,
        "fortified": any(f"__{name}_chk" in symbols for name in GUARDED),
    }
    if platform.machine() == "x86_64":
        # Debian 12's crt1.o is not marked, so the program is not either.
        found["CET"] = "endbr64" in code
    return found


def test_all_three(capsys):
    table = {name: properties(path) for name, path in PROGRAMS.items()}
    names = list(table["receiver"])
    with capsys.disabled():
        print()
        for name in names:
            print(f"  {name:20}", *(
                f"{program}: {'yes' if table[program][name] else 'NO'}"
                for program in table), sep="  ")
    lacking = [f"{program}: {name}" for program in table for name in names
               if not table[program][name]]
    assert lacking == []


def test_a_program_without_is_told(tmp_path):
    """The test can fail."""
    source = tmp_path / "bare.c"
    source.write_text("int main(void) { return 0; }\n")
    program = tmp_path / "bare"
    read("gcc", "-no-pie", "-fno-stack-protector", "-fcf-protection=none",
         "-Wl,-z,norelro", "-z", "execstack", "-Wl,-rpath,/tmp", "-o",
         program, source)
    lacking = {name for name, there in properties(program).items() if not there}
    assert lacking >= {"PIE", "full RELRO", "no executable stack", "no RPATH",
                       "stack protector", "fortified"}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_how_it_was_compiled(program):
    """What leaves no trace in a symbol, from the debug information: each of
    our C files."""
    info = read("readelf", "--debug-dump=info", "--dwarf-depth=1", program)
    ours = [line for line in info.splitlines()
            if "DW_AT_producer" in line and " C11 " in line]
    assert ours
    for line in ours:
        assert "-fstack-clash-protection" in line, line
        assert "-fstack-protector-strong" in line, line


# Its code holds an address, which the dynamic linker writes into it.
TEXT_RELOCATION = """
static int target(void) { return 0; }
__asm__(".text\\n.balign 8\\nwhere: .quad target\\n");
__attribute__((destructor)) static void at_exit(void)
{
	int (**where)(void);

	__asm__("leaq where(%%rip),%0" : "=r"(where));
	(void)(*where)();
}
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 assembler")
def test_code_that_was_relocated_is_kept(start_gateway, pacs, tmp_path):
    """A parent gives back its other code when it is ready."""
    (tmp_path / "text.c").write_text(TEXT_RELOCATION)
    library = tmp_path / "text.so"
    done = tools.run("gcc", "-fPIC", "-shared", "-Wl,-z,notext", "-o", library,
                     tmp_path / "text.c")
    assert done.returncode == 0, done.stderr
    assert "TEXTREL" in tools.run("readelf", "-d", library).stdout
    gateway = start_gateway({"pacs": pacs})
    for daemon in gateway.receiver, gateway.sender:
        daemon.stop()
        daemon.env["LD_PRELOAD"] = str(library)
        daemon.start()
        assert str(library) in pathlib.Path(
            f"/proc/{daemon.process.pid}/maps").read_text("ascii")
        daemon.stop()  # and its exit code is 0
