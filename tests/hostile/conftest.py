"""The time limit and markers of the end-to-end tests; where modules are."""

import importlib.util
import pathlib
import sys

_tests = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_tests), str(_tests / "e2e")]
_spec = importlib.util.spec_from_file_location(
    "e2e_conftest", _tests / "e2e" / "conftest.py")
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)

pytest_configure, time_limit = _e2e.pytest_configure, _e2e.time_limit
