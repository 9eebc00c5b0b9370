"""The rooms' import rules: who may use whom, and what parsing a DAG must not load."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("dags", "infra", "jobs", "ray_tasks", "schemas")
MAY_USE = {
    "schemas": {"schemas"},
    "infra": {"infra", "schemas"},
    "jobs": {"jobs", "infra", "schemas"},
    "ray_tasks": {"ray_tasks", "infra", "schemas"},
    "dags": set[str](),
}


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_keep_their_import_rules(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        ours = _imported(path) & {*ROOMS, "tests"}
        assert ours <= MAY_USE[room], f"{path.relative_to(ROOT)} imports {sorted(ours - MAY_USE[room])}"


def test_modules_do_not_shadow_the_standard_library() -> None:
    import sys

    for room in ("jobs", "ray_tasks"):
        for path in (ROOT / room).glob("*.py"):
            assert path.stem == "__init__" or path.stem not in sys.stdlib_module_names
