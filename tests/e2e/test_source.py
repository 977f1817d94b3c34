"""What holds of the sources as such: who may include and call what."""

import re
import subprocess

import pytest
import tools

FOLDERS = ["spool", "receiver", "sender"]
# Calls that name a file, and where they may be, beside fs*.c: the kernel's own
# files are none of the spool's.
FILE_CALLS = ["access", "chmod", "chown", "creat", "faccessat", "fchmodat",
              "fchownat", "fopen", "fstatat", "link", "linkat", "lstat",
              "mkdir", "mkdirat", "mkstemp", "open", "openat", "opendir",
              "readlink", "readlinkat", "remove", "rename", "renameat",
              "renameat2", "rmdir", "stat", "statvfs", "symlink", "symlinkat",
              "truncate", "unlink", "unlinkat", "utimensat"]
FILE_CALLERS = {"spool/process.c": {"open"},  # /dev/null
                "spool/clock.c": {"open"},    # the boot's ID
                "spool/cmd_report.c": {"readlink"}}  # /proc/self/exe
# What else has one place.
CALLERS = {"spool/watch.c": ["inotify_init1", "inotify_add_watch",
                             "inotify_rm_watch"],
           "spool/clock.c": ["clock_gettime", "gettimeofday", "time"]}


def sources(*endings):
    return sorted(path for folder in FOLDERS
                  for path in (tools.TREE / folder).iterdir()
                  if path.name.endswith(endings))


def name_of(path):
    return str(path.relative_to(tools.TREE))


def code(path):
    """Without comments and strings."""
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', '""', path.read_text(),
                  flags=re.S)


def calls(path, names):
    """Those that it calls, and that are no member or function of its own."""
    return {name for name in
            re.findall(r"(?<![\w.>:])(\w+)\(", code(path)) if name in names}


def test_only_few_files_include_dcmtk():
    found = {name_of(path) for path in sources(".c", ".h", ".cc")
             if re.search(r'#\s*include\s*[<"]dcmtk/', path.read_text())}
    assert "spool/assoc_dcmtk.cc" in found
    assert [name for name in found if not name.endswith("_dcmtk.cc")] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_daemons_know_nothing_of_each_other(folder):
    allowed = {folder, "spool"}
    for path in sources(".c", ".h", ".cc"):
        if path.parent.name != folder:
            continue
        for included in re.findall(r'#include "(.*?)"', path.read_text()):
            target = (path.parent / included).resolve()
            assert target.is_file(), f"{name_of(path)}: {included}"
            assert target.parent.name in allowed, name_of(path)


def test_each_kind_of_call_has_one_place():
    for path in sources(".c", ".cc"):
        name = name_of(path)
        for place, names in CALLERS.items():
            if name != place:
                assert calls(path, names) == set(), name
        if re.fullmatch(r"spool/fs\w*\.c", name) is None:
            assert calls(path, FILE_CALLS) == FILE_CALLERS.get(name, set()), \
                name


def test_each_header_stands_alone():
    """Those *_dcmtk.h that C cannot read are private to *_dcmtk.cc."""
    for path in sources(".h"):
        cplusplus = (path.name.endswith("_dcmtk.h") and
                     "#ifdef __cplusplus" not in path.read_text())
        command = ["g++", "-std=c++17"] if cplusplus else ["gcc", "-std=c11"]
        subprocess.run(
            [*command, "-D_GNU_SOURCE", "-fsyntax-only", "-x",
             "c++" if cplusplus else "c", str(path)],
            check=True, timeout=60)
