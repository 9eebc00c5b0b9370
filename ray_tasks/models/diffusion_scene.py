"""Scenes by a diffusion model that paints around the product: text-guided inpainting by a diffusers pipeline.

The mask leaves the product (a pixel inside its edge) to the picture and gives everything else to the model; whatever
the model does to the product is undone when its own pixels are pasted over the scene. Method: Rombach et al. 2022,
"High-Resolution Image Synthesis with Latent Diffusion Models", section 4.5.
"""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ray_tasks.pictures.colours import colour_name
from ray_tasks.pictures.geometry import Box, Canvas
from ray_tasks.pictures.light import contact_shade, footprint
from ray_tasks.pictures.palette import harmonise, parse_hex, product_color
from ray_tasks.pictures.scene import PlacedProduct, SceneSpec
from schemas.config import Diffusion, Scene
from schemas.revisions import scene_revision

# The words that the model gets: one fixed phrase a word of the closed vocabulary, so that nothing of a feed or a
# headline enters a prompt. Short: CLIP's text encoder reads 77 tokens (Radford et al. 2021, section 2.4), no more.
SETTING_PHRASES = {
    "studio_sweep": "on a seamless studio paper sweep",
    "color_block": "on a plain table before two-coloured paper backdrops",
    "wood_table": "on an oak table, blurred room behind",
    "marble_counter": "on a white marble counter",
    "stone_plinth": "on a round stone plinth",
    "linen_fabric": "on crumpled linen cloth seen from above",
    "kitchen_counter": "on a kitchen counter, blurred kitchen behind",
    "office_desk": "on an office desk, blurred office behind",
    "study_night": "on a desk with books at night",
    "gym_floor": "on a gym's rubber floor, blurred weights behind",
    "forest_trail": "on a forest trail, blurred trees behind",
    "mountain_camp": "on a rock at a mountain camp, blurred peaks behind",
    "beach_sand": "on beach sand, blurred sea behind",
    "city_night": "on a wet street at night, city lights in bokeh behind",
    "workshop_bench": "on a wooden workbench, blurred tools behind",
    "garden_lawn": "on a garden lawn, blurred hedge behind",
    "vanity_shelf": "on a bathroom shelf before pale tiles",
    "cafe_table": "on a small cafe table, blurred cafe behind",
}
LIGHT_PHRASES = {
    "studio_soft": "soft studio light",
    "window_left": "window light from the left",
    "window_right": "window light from the right",
    "golden_hour": "golden hour sun",
    "cool_morning": "cool morning light",
    "night_lamp": "warm lamp light at night",
}
SEASON_PHRASES = {
    "all": "",
    "spring": "spring",
    "summer": "summer",
    "autumn": "autumn",
    "winter": "winter, snow",
}
MOOD_PHRASES = {
    "calm": "calm",
    "fresh": "fresh",
    "energetic": "energetic",
    "cosy": "cosy",
    "premium": "elegant",
    "playful": "playful",
}
PROP_PHRASES = {
    "none": "",
    "coffee_beans": "a few coffee beans",
    "leaves": "a few leaves",
    "citrus": "orange slices",
    "books": "books",
    "laptop_edge": "edge of a laptop",
    "dumbbell": "dumbbell",
    "towel": "folded towel",
    "lantern": "lantern",
    "pine_cones": "pine cones",
    "pebbles": "pebbles",
    "shells": "sea shells",
    "plant": "potted plant",
    "tools": "hand tools",
    "confetti": "confetti",
}
NEGATIVE_PROMPT = (
    "text, letters, logo, watermark, people, hands, second product, extra objects on the product, frame, collage, "
    "distorted, low quality, oversaturated"
)
_MOST_PROPS = 2

_STEP_PX = 8
"""Autoencoders of latent diffusion models halve each side three times."""
_CONTACT_SHADE = 0.65
"""Weight of the drawn contact shadow: models tend to leave a pasted product floating."""
_CALM = 0.5
"""How much of the text's ground is blurred away: a model does not know that words will stand there."""


class DiffusionScene:
    """A `SceneBackend` around any inpainting pipeline that diffusers finds in the model's folder."""

    name = "diffusion"

    def __init__(self, config: Diffusion) -> None:
        self.revision = scene_revision(Scene(backend="diffusion", diffusion=config))
        self._config = config
        self._pipeline = _load(config)
        self._accepts = set(inspect.signature(self._pipeline.__call__).parameters)

    def draw(self, spec: SceneSpec, product: PlacedProduct, text_area: Box | None, seed: int) -> np.ndarray:
        """(H, W, 3) uint8 sRGB scene with a contact shadow; the same arguments give the same bytes on one machine.

        seed: 0 to 2^63 - 1. Raises ValueError when the model's own safety checker refuses the picture.
        """
        import torch
        from PIL import Image

        height, width = product.rgba.shape[:2]
        size = model_size(Canvas(width, height), self._config.size_px)
        image, mask = inpainting_input(spec, product, size)
        wanted = {
            "prompt": scene_prompt(spec, has_text=text_area is not None),
            "negative_prompt": NEGATIVE_PROMPT,
            "image": Image.fromarray(image),
            "mask_image": Image.fromarray(mask),
            "width": size[0],
            "height": size[1],
            "strength": 1.0,
            "num_inference_steps": self._config.steps,
            "guidance_scale": self._config.guidance_scale,
            # On the CPU for every device: the same noise whatever draws it.
            "generator": torch.Generator("cpu").manual_seed(seed),
            "output_type": "np",
        }
        # Distilled and flow models know no negative prompt, some no strength.
        with torch.inference_mode():
            output = self._pipeline(**{name: wanted[name] for name in wanted if name in self._accepts})
        if any(getattr(output, "nsfw_content_detected", None) or ()):
            raise ValueError(
                f"{self._config.model}: the model's safety checker refused the scene {spec.setting}"
            )
        painted = np.asarray(output.images[0], dtype=np.float32)
        if not np.isfinite(painted).all():
            raise ValueError(
                f'{self._config.model}: the model returned NaN; set scene.diffusion.device = "cpu"'
            )
        scene = np.clip(np.rint(painted * 255.0), 0, 255).astype(np.uint8)
        if size != (width, height):
            method = cv2.INTER_AREA if size[0] > width else cv2.INTER_CUBIC
            scene = cv2.resize(scene, (width, height), interpolation=method)
        scene = _with_contact_shadow(scene, product)
        return _calmed(scene, text_area) if text_area is not None else scene


def _load(config: Diffusion) -> Any:
    """The pipeline on its device. Raises ValueError or OSError that name model, revision and remedy."""
    folder = Path(config.model)
    what = f"scene.diffusion: model {config.model}, revision {config.revision or 'none'}"
    if folder.is_absolute() or config.model.startswith("."):
        if not (folder / "model_index.json").is_file():
            raise OSError(
                f"{what}: no folder with a diffusers pipeline (model_index.json) is there; "
                "save one with save_pretrained, or give a hub id and a revision"
            )
    elif not folder.is_dir() and config.revision is None:
        raise ValueError(
            f"{what}: a model of the hub needs a pinned revision (a commit), so that the same night makes the same "
            "pictures; set scene.diffusion.revision, or give a local folder"
        )
    import torch
    from diffusers import AutoPipelineForInpainting

    if config.device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f'{what}: device is "cuda" and this machine has no usable GPU; run on one that has, '
            'set scene.diffusion.device = "cpu" (slow), or scene.backend = "components"'
        )
    is_folder = folder.is_dir()
    try:
        pipeline = AutoPipelineForInpainting.from_pretrained(
            config.model,
            revision=None if is_folder else config.revision,
            local_files_only=is_folder or config.local_files_only,
            dtype=torch.float16 if config.device == "cuda" else torch.float32,
            # Pickled weights can run code.
            use_safetensors=True,
        )
    except (OSError, ValueError) as error:
        raise OSError(
            f"{what} cannot be loaded: {error} -- fetch it once where there is a network (local_files_only = false), "
            "or give a local folder of an inpainting pipeline with safetensors weights"
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(config.device)


def scene_prompt(spec: SceneSpec, *, has_text: bool) -> str:
    """The prompt of a scene, most important first; `has_text` asks for free space beside the product."""
    colors = []
    for code in spec.palette[:2]:
        red, green, blue = (round(part * 255) for part in parse_hex(code))
        colors.append(colour_name((red, green, blue)))
    parts = [
        f"product photo {SETTING_PHRASES[spec.setting]}",
        LIGHT_PHRASES[spec.light],
        "empty copy space" if has_text else "",
        *[PROP_PHRASES[prop] for prop in spec.props[:_MOST_PROPS]],
        SEASON_PHRASES[spec.season],
        f"{MOOD_PHRASES[spec.mood]} mood",
        f"{' and '.join(dict.fromkeys(colors))} tones",
        "shallow depth of field",
    ]
    return ", ".join(part for part in parts if part)


def model_size(canvas: Canvas, size_px: int) -> tuple[int, int]:
    """Width and height that the model draws: the canvas's shape, about size_px squared in area, multiples of 8."""
    scale = size_px / math.sqrt(canvas.width_px * canvas.height_px)
    width, height = (
        max(_STEP_PX, round(side * scale / _STEP_PX) * _STEP_PX)
        for side in (canvas.width_px, canvas.height_px)
    )
    return width, height


def inpainting_input(
    spec: SceneSpec, product: PlacedProduct, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """(h, w, 3) uint8 product on a ground in the scene's tone, and (h, w) uint8 mask, 255 where the model paints."""
    tones = harmonise(spec.palette, spec.mood, product_color(product.rgba))
    ground = np.rint(np.array(tones.wall, np.float32) * 255.0)
    alpha = product.rgba[..., 3:].astype(np.float32) / 255.0
    flat = product.rgba[..., :3] * alpha + ground * (1 - alpha)
    image = cv2.resize(np.clip(np.rint(flat), 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(product.rgba[..., 3], size, interpolation=cv2.INTER_AREA)
    kept = cv2.erode((inside > 250).view(np.uint8), np.ones((3, 3), np.uint8))
    return image, np.where(kept > 0, 0, 255).astype(np.uint8)


def _with_contact_shadow(scene: np.ndarray, product: PlacedProduct) -> np.ndarray:
    height, width = scene.shape[:2]
    foot = footprint(product.rgba[..., 3], product.box)
    shade = contact_shade(foot, (width, height), min(width, height) / 1024.0)
    return np.asarray(np.rint(scene * (1 - _CONTACT_SHADE * shade[..., None])), dtype=np.uint8)


def _calmed(scene: np.ndarray, area: Box) -> np.ndarray:
    """The scene with less detail behind the text, fading in from the area's surroundings."""
    height, width = scene.shape[:2]
    unit = min(width, height) / 1024.0
    soft = cv2.GaussianBlur(scene, (0, 0), max(1.0, 22 * unit))
    area_mask = np.zeros((height, width), np.float32)
    area_mask[area.top : area.bottom, area.left : area.right] = _CALM
    weight = cv2.GaussianBlur(area_mask, (0, 0), max(1.0, 30 * unit), borderType=cv2.BORDER_REPLICATE)
    return cv2.blendLinear(soft, scene, weight, 1 - weight)
