"""Reads a night's configuration file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.config import Config


class ConfigError(ValueError):
    """The configuration file cannot be used; the message says which key and what to do."""


def load_config(path: Path) -> Config:
    """The checked configuration of a TOML file.

    `extends = "other.toml"` at its top takes everything from a file beside it: tables are merged key by key, anything
    else is replaced. Raises ConfigError for a missing file, bad TOML, an unknown key or a value that does not fit.
    """
    try:
        return Config.model_validate(_read(path, ()))
    except ValidationError as error:
        problems = [_problem(dict(item)) for item in error.errors()]
        raise ConfigError(f"configuration {path}: " + "; ".join(problems)) from None


def _read(path: Path, extended_by: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in extended_by:
        raise ConfigError(f"configuration {path} extends itself")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"configuration {path} does not exist; see infra/config/ for examples") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"configuration {path} is not TOML: {error}") from None
    base = raw.pop("extends", None)
    if base is None:
        return raw
    return _merged(_read(path.parent / str(base), (*extended_by, path.resolve())), raw)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        merged[key] = (
            _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
        )
    return merged


def _problem(item: dict[str, object]) -> str:
    location = item["loc"]
    where = ".".join(str(part) for part in location) if isinstance(location, tuple) else ""
    if item["type"] == "extra_forbidden":
        return f"unknown key {where}: remove it or correct its spelling"
    return f"{where}: {item['msg']}" if where else str(item["msg"])


def data_root(config: Config, state: Path) -> Path:
    """The folder that feeds are read from: DATA_ROOT if set, else paths.data_root with {state} filled in."""
    return Path(os.environ.get("DATA_ROOT") or config.paths.data_root.format(state=state)).resolve()
