from __future__ import annotations

import numpy as np
import pytest

from ray_tasks.models.scene_prompts import NEGATIVE_PROMPT, SHARED_PROMPT, PromptFitter, style_words


class Words:
    """A tokenizer that counts words."""

    def __call__(self, text: str) -> Words:
        self.input_ids = text.replace(",", "").split()
        return self


@pytest.mark.parametrize(
    "prompt", ["product photo на столе", "product photo 桌子上", "product photo على الطاولة"]
)
def test_letters_that_an_encoder_cannot_read_are_refused_with_a_remedy(prompt: str) -> None:
    with pytest.raises(ValueError, match=r"prompt_script: .*Latin letters only.*Z-Image, Qwen-Image-Edit"):
        PromptFitter(Words(), 77, latin_only=True).fit(prompt)
    assert PromptFitter(Words(), 77, latin_only=False).fit(prompt) == prompt


def test_a_prompt_is_cut_by_whole_phrases_and_one_that_cannot_be_is_refused() -> None:
    fitter = PromptFitter(Words(), 5, latin_only=True)
    prompt = "product photo on oak, soft light, crème tones, 2 citrus slices"
    assert fitter.fit(prompt) == "product photo on oak"
    assert fitter.left_out(prompt) == ["soft light", "crème tones", "2 citrus slices"]
    assert fitter.left_out("product photo") == []
    with pytest.raises(
        ValueError, match="prompt_too_long: the text encoder reads 5 tokens, less than 'a b c"
    ):
        fitter.fit("a b c d e f, soft light")


def test_our_own_prompts_can_be_read_by_every_encoder() -> None:
    for prompt in (NEGATIVE_PROMPT, SHARED_PROMPT):
        assert PromptFitter(Words(), 77, latin_only=True).fit(prompt) == prompt


def test_a_references_light_and_colours_are_told_in_words() -> None:
    night, beach = np.zeros((90, 120, 3), np.uint8), np.full((90, 120, 3), (242, 230, 207), np.uint8)
    night[:], night[:20] = (29, 42, 82), (31, 127, 134)
    beach[60:] = (125, 185, 227)
    assert style_words(night) == "in the light and colours of a dark photograph, balanced, navy and teal"
    told = style_words(beach)
    assert told == "in the light and colours of a bright photograph, soft, low-contrast, cream and sky blue"
    board = np.indices((90, 120)).sum(axis=0)[..., None] % 2 * np.full(3, 255, np.uint8)
    assert "mid-toned photograph, hard, high-contrast, " in style_words(board.astype(np.uint8))
