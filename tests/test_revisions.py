"""No change of what makes or judges a picture slips by without a decision about its revision.

A revision is part of an asset's identity: raised too rarely, old pictures stay; raised too often, everything is drawn
again. So it is raised by hand, and this test asks for the decision whenever the code behind it changed. Comments and
docstrings do not count. After deciding: `python -m tests.test_revisions`.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import pytest

from schemas import revisions
from schemas.model_config import Diffusion, Scene

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "tests" / "revisions.json"
PICTURES = ROOT / "ray_tasks" / "pictures"
VIEW_MODULES = {
    "open_image",
    "cutout",
    "doubt",
    "foot",
    "holes",
    "flaws",
    "colours",
    "cues",
    "ground",
    "mask",
    "objects",
    "matte",
    "walk",
    "white_ground",
    "photo",
    "admit",
    "people",
    "ocr",
}
SCORE_MODULES = {"measure", "measure_text", "measure_ground", "glyphs", "decide", "ocr", "flaws"}


def _modules(name: str) -> list[Path]:
    every = sorted(path for path in PICTURES.glob("*.py") if path.stem != "__init__")
    if name == "VIEWS":
        return [path for path in every if path.stem in VIEW_MODULES]
    if name == "SCORER":
        return [path for path in every if path.stem in SCORE_MODULES]
    return [path for path in every if path.stem not in VIEW_MODULES | SCORE_MODULES]


def _source_hash(name: str) -> str:
    digest = hashlib.sha256()
    for path in _modules(name):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [  # type: ignore[attr-defined]
                    item
                    for item in body
                    if not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
                ]
        digest.update(f"{path.stem}\n{ast.dump(tree)}\n".encode())
    return digest.hexdigest()[:16]


def _current() -> dict[str, list[str]]:
    layouts = "".join(f" {name}-{revision}" for name, revision in sorted(revisions.LAYOUT_REVISIONS.items()))
    pairs = {
        "VIEWS": revisions.VIEWS,
        "RENDERER": f"{revisions.COMPONENT_SCENE} {revisions.RENDERER}{layouts}",
    }
    pairs["SCORER"] = revisions.SCORER
    return {name: [revision, _source_hash(name)] for name, revision in pairs.items()}


def test_other_weights_in_a_folder_are_another_revision(tmp_path: Path) -> None:
    (tmp_path / "unet.safetensors").write_bytes(b"a" * 100)
    scene = Scene(backend="diffusion", diffusion=Diffusion(model=str(tmp_path)))
    first = revisions.scene_revision(scene)
    assert revisions.scene_revision(scene) == first
    (tmp_path / "unet.safetensors").write_bytes(b"a" * 99 + b"b")
    assert revisions.scene_revision(scene) != first


@pytest.mark.parametrize("name", ["VIEWS", "RENDERER", "SCORER"])
def test_a_changed_method_asks_for_a_decision(name: str) -> None:
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))[name]
    assert recorded == _current()[name], (
        f"the code behind schemas.revisions.{name} changed: raise the revision if results differ, "
        "then run `python -m tests.test_revisions`"
    )


if __name__ == "__main__":
    RECORD.write_text(json.dumps(_current(), indent=1) + "\n", encoding="utf-8")
