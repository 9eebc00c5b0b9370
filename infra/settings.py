"""Reads a night's configuration file."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.config import Config
from schemas.strict import Strict


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
        problems = [_problem(dict(item)) for item in _innermost(error)]
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


def _innermost(error: ValidationError) -> list[Any]:
    """The errors without those of a table which only say that something inside it is wrong."""
    items = error.errors()
    inside = {item["loc"][:depth] for item in items for depth in range(len(item["loc"]))}
    return [item for item in items if item["loc"] not in inside]


def _problem(item: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = {name for table in Strict.__subclasses__() for name in table.model_fields}
        near = get_close_matches(str(item["loc"][-1]), known, 1)
        return f"unknown key {where}: " + (
            f"did you mean {near[0]}?" if near else "remove it or correct its spelling"
        )
    return f"{where}: {item['msg']}" if where else str(item["msg"])


def data_root(config: Config, state: Path) -> Path:
    """The folder that feeds are read from: DATA_ROOT if set, else paths.data_root with {state} filled in."""
    return Path(os.environ.get("DATA_ROOT") or config.paths.data_root.format(state=state)).resolve()


def night_date(text: str) -> dt.date:
    """The date of a `--run-date` option; raises ArgumentTypeError with the form that is wanted."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date: write YYYY-MM-DD") from None
