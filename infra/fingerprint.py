"""What a stage's result depends on, as one hash: code, configuration, options, input tables and input files."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

from infra.settings import data_root, load_config
from infra.tables import table_version

_ROOT = Path(__file__).resolve().parent.parent
_CODE = ("infra", "jobs", "ray_tasks", "schemas")
_SUFFIXES = frozenset({".py", ".toml", ".sksl", ".html", ".css", ".js"})


@cache
def code_revision(folders: Sequence[str] = _CODE) -> str:
    """First 12 hex digits of the SHA-256 over sources, phrase banks, shaders and page parts; needs no git.

    Nights' configurations are not code: a stage's fingerprint holds the one it runs with.
    """
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix not in _SUFFIXES or path.parent == _ROOT / "infra" / "config":
                continue
            digest.update(str(path.relative_to(_ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def versions(state: Path, tables: Iterable[str]) -> dict[str, int]:
    """Delta version of each table; -1 for one that does not exist."""
    return {name: table_version(state, name) for name in tables}


def stage_fingerprint(module: ModuleType, args: argparse.Namespace, state: Path) -> str:
    """Hex SHA-256 of everything that a stage's result depends on.

    `module` declares INPUTS (tables) and may declare `input_files(config, data_root)`, whose names, sizes and
    modification times are taken instead of their bytes.
    """
    config = load_config(args.config)
    parts = [
        module.__name__,
        code_revision(),
        config.model_dump_json(),
        str(data_root(config, state)),
        f"{args.run_date} {args.merchants} {args.limit} {args.shard}",
        repr(versions(state, module.INPUTS)),
    ]
    if hasattr(module, "input_files"):
        for path in sorted(module.input_files(config, data_root(config, state))):
            stat = path.stat()
            parts.append(f"{path} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
