from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import ConfigError, load_config

CONFIGS = Path(__file__).resolve().parents[2] / "infra" / "config"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_configuration_that_comes_with_the_project_can_be_read(path: Path) -> None:
    assert load_config(path).merchants


def test_a_file_that_extends_another_says_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(f'extends = "{CONFIGS / "local.toml"}"\n[engines]\ncores = 7\n')
    (tmp_path / "mine.toml").write_text('extends = "ours.toml"\n[quality]\nmax_attempts = 1\n')
    local, mine = load_config(CONFIGS / "local.toml"), load_config(tmp_path / "mine.toml")
    assert mine.engines.cores == 7 and mine.quality.max_attempts == 1
    assert mine.engines.spark_conf == local.engines.spark_conf and mine.merchants == local.merchants


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('extends = "nowhere.toml"', "nowhere.toml does not exist"),
        ('extends = "mine.toml"', "extends itself"),
        ("[scene.diffusion]\nmodell = 1", r"unknown key scene.diffusion.modell: did you mean model\?"),
        ("[scene]\nxylophone = 1", "unknown key scene.xylophone: remove it or correct its spelling$"),
        ("[[merchants]]\nid = 'a'\ntopk = 1", r"^(?!.*Tuple).*merchants.0.topk: did you mean top_k\?"),
        ('[scene.diffusion]\nmodel = "a/b"\nrevision = "main"', "scene.diffusion.revision"),
    ],
)
def test_what_cannot_be_extended_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text if "extends" in text else f'extends = "{CONFIGS / "local.toml"}"\n{text}')
    with pytest.raises(ConfigError, match=told):
        load_config(path)
