"""The time limit, markers and fixtures of the end-to-end tests; where modules
are."""

import importlib.util
import pathlib

import scene  # noqa: F401, it says where modules are

_path = pathlib.Path(__file__).resolve().parent.parent / "e2e" / "conftest.py"
_spec = importlib.util.spec_from_file_location("e2e_conftest", _path)
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)

pytest_configure, time_limit = _e2e.pytest_configure, _e2e.time_limit
destination, pacs = _e2e.destination, _e2e.pacs
make_gateway = _e2e.make_gateway
