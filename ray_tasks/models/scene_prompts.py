"""The words that a model is told about a scene: fixed phrases of a closed vocabulary."""

from __future__ import annotations

import logging
import unicodedata
from typing import Any

import numpy as np

from ray_tasks.pictures.colours import colour_name, product_palette
from ray_tasks.pictures.palette import oklab_from_srgb, parse_hex
from ray_tasks.pictures.scene import SceneSpec

_LOG = logging.getLogger(__name__)

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
    "paint_steps": "on a round base beside painted steps in a studio",
    "paper_flatlay": "on coloured paper seen from above",
    "wood_flatlay": "on wooden planks seen from above",
    "picnic_blanket": "on a gingham picnic blanket seen from above",
    "silk_drape": "on draped silk seen from above",
    "living_room": "on a rug in a living room, blurred sofa behind",
    "bathroom_shelf": "on a bathroom shelf, blurred tiles and towel behind",
    "window_sill": "on a window sill, blurred plants and window behind",
    "kids_room": "on a rug in a children's room, blurred toys behind",
    "wardrobe_rail": "hanging on a clothes rail before a wall",
    "hallway_pegs": "hanging on a peg before a panelled hallway wall",
    "renovation_room": "on a dust sheet before a half-painted wall, blurred ladder behind",
    "potting_bench": "on a potting bench, blurred greenhouse behind",
    "market_stall": "on a wooden market stall, blurred crates of fruit behind",
    "deck_terrace": "on a wooden terrace at dusk, blurred string lights behind",
    "winter_snow": "on snow, blurred snowy firs behind",
    "neon_setup": "on a desk lit by pink and blue neon, blurred screen behind",
    "christmas_tree": "on a wooden floor, blurred Christmas tree and presents behind",
    "lunar_new_year": "on red lacquer, blurred red lanterns and plum blossom behind",
    "diwali_lamps": "on a festive cloth, blurred oil lamps and marigold garlands behind",
    "ramadan_lanterns": "on tiles, blurred brass lanterns and a crescent moon behind",
    "birthday_party": "on a table, blurred balloons and presents behind",
    "bench_flatlay": "on a worn wooden workbench seen from above, wood shavings at the side",
    "pegboard": "hanging on a perforated tool board",
    "dust_sheet_flatlay": "on a dust sheet with drops of paint seen from above",
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
SHARED_PROMPT = "product photo, soft light, shallow depth of field"
"""What all scenes of a product have in common: the prompt of the steps that they share."""
_MOST_PROPS = 2
_BRIGHTNESS = ((0.45, "dark"), (0.75, "mid-toned"), (1.01, "bright"))
"""Mean OKLab lightness below which a picture is called so."""
_CONTRAST = ((0.10, "soft, low-contrast"), (0.22, "balanced"), (1.01, "hard, high-contrast"))
"""Standard deviation of it, likewise."""


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


def style_words(picture: np.ndarray) -> str:
    """The light and the colours of a (h, w, 3) uint8 picture in words, for a model that is shown no pictures.

    Only what is measured: brightness, contrast and up to four colours that cover most of it.
    """
    step = max(1, min(picture.shape[:2]) // 64)
    lightness = oklab_from_srgb(picture[::step, ::step] / 255.0)[..., 0]
    brightness = next(word for below, word in _BRIGHTNESS if lightness.mean() < below)
    contrast = next(word for below, word in _CONTRAST if lightness.std() < below)
    opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
    found = product_palette(np.concatenate([picture, opaque], axis=2))
    colours = list(dict.fromkeys(colour.name for colour in found))[:4]
    return f"in the light and colours of a {brightness} photograph, {contrast}, {' and '.join(colours)}"


class PromptFitter:
    """Cuts prompts to what a text encoder reads: whole phrases from the end."""

    def __init__(self, tokenizer: Any, most_tokens: int, *, latin_only: bool) -> None:
        self._tokenizer = tokenizer
        self._most = most_tokens
        self._latin_only = latin_only
        self._known: dict[str, str] = {}

    def fit(self, prompt: str) -> str:
        """The longest beginning of the prompt that fits.

        Raises ValueError when not even the first phrase does, or for letters that the encoder cannot read.
        """
        if prompt not in self._known:
            self._known[prompt] = self._fit(prompt)
        return self._known[prompt]

    def left_out(self, prompt: str) -> list[str]:
        """The phrases that `fit` cuts off; it raises what `fit` raises."""
        rest = prompt[len(self.fit(prompt)) :].removeprefix(", ")
        return rest.split(", ") if rest else []

    def _fit(self, prompt: str) -> str:
        if self._latin_only and (foreign := sorted({letter for letter in prompt if not _is_latin(letter)})):
            raise ValueError(
                f"prompt_script: the text encoder reads Latin letters only, and the prompt has "
                f"{''.join(foreign[:8])!r}; write prompts in English, or choose a model whose encoder reads them "
                "(Z-Image, Qwen-Image-Edit)"
            )
        phrases = prompt.split(", ")
        for kept in range(len(phrases), 0, -1):
            shorter = ", ".join(phrases[:kept])
            if len(self._tokenizer(shorter).input_ids) <= self._most:
                if kept < len(phrases):
                    _LOG.warning("prompt cut to %d tokens; left out: %s", self._most, phrases[kept:])
                return shorter
        raise ValueError(
            f"prompt_too_long: the text encoder reads {self._most} tokens, less than {phrases[0]!r}"
        )


def _is_latin(letter: str) -> bool:
    return not letter.isalpha() or unicodedata.name(letter, "").startswith("LATIN")
