"""Revisions of everything that makes or judges a picture. They are part of an asset's identity.

Raise one when its output changes; a test holds the sources' fingerprint against `SOURCES`, so no change slips by.
"""

from __future__ import annotations

from schemas.config import Quality, Scene
from schemas.instruction import content_hash

VIEWS = "classical-1"
"""Opening, cut-out and colours."""
COMPONENT_SCENE = "components-1"
"""Component-based drawing of scenes."""
RENDERER = "render-1"
"""Composition, layout, typesetting and encoding."""
SCORER = "measure-1"
"""Measurements and the default thresholds."""


def scene_revision(scene: Scene) -> str:
    """The pinned revision of the scene backend: code for components; weights and sampling settings for diffusion."""
    if scene.backend == "components":
        return COMPONENT_SCENE
    assert scene.diffusion is not None
    settings = scene.diffusion.model_dump(exclude={"device", "local_files_only"})
    return f"{scene.diffusion.model}@{scene.diffusion.revision or 'local'}+{content_hash(settings)[:8]}"


def scorer_revision(quality: Quality) -> str:
    """Revision of measurements and thresholds: other thresholds decide anew, without drawing anything."""
    return f"{SCORER}+{content_hash(quality.thresholds)[:8]}"
