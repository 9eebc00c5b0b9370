"""The configuration of infra/config/gpu_tiny.toml with its models saved in a folder of a test."""

from __future__ import annotations

from pathlib import Path

from tests.tiny_models import save_all

CONFIGS = Path(__file__).resolve().parents[1] / "infra" / "config"


def save_tiny_night(folder: Path) -> Path:
    """Saves the models and the configuration that names them; the configuration's path."""
    save_all(folder / "models")
    text = (CONFIGS / "gpu_tiny.toml").read_text(encoding="utf-8")
    text = text.replace("var/tiny_models", str(folder / "models"))
    path = folder / "gpu_tiny.toml"
    path.write_text(text.replace('"local.toml"', f'"{CONFIGS / "local.toml"}"'), encoding="utf-8")
    return path
