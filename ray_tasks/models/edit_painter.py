"""Scenes by an edit model: it is shown the product on a plain ground, and told what to put around it.

Qwen-Image-Edit (2509 and later): Wu et al. 2025, "Qwen-Image Technical Report". The picture shown has the product at
its place, and flat panels where text and sticker will stand; a second picture lends its style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from ray_tasks.engine.content_cache import ContentCache, Tensors, content_key
from ray_tasks.engine.generate import noise
from ray_tasks.engine.to_card import to_card
from ray_tasks.engine.unit import Pixels, Unit
from ray_tasks.models.flow import PACKED_PX, start_steps
from ray_tasks.models.loading import load_pipeline, tuned
from ray_tasks.models.painters import refuse
from ray_tasks.models.scene_prompts import PromptFitter
from schemas.model_config import Diffusion

_ORDER = (
    "Keep the product in picture 1 exactly as it is, at its place and size. Replace the grey around it by a "
    "photographic scene: {}. Where picture 1 has a plain dark panel, leave calm empty background."
)
_STYLE = " Take light, colours and style from picture 2."
MAX_TOKENS = 512
READ_PX = 384
"""Side of the square whose area the pictures have that the text encoder reads."""


class EditPainter:
    """A `Painter` around a Qwen-Image-Edit pipeline of several pictures; guided where guidance_scale is above 1."""

    step_px = 2 * PACKED_PX
    """A packed latent, and diffusers rounds pictures to 32."""

    def __init__(self, config: Diffusion, negative_prompt: str, name: str) -> None:
        refuse(
            config, "Qwen-Image-Edit", "shared_steps", "unet", "lora", "style", "sampler", "edges", "layout"
        )
        self.name = name
        self.device = torch.device(config.device)
        self._negative_prompt = negative_prompt
        self._config = config
        self._pipeline = load_pipeline(config)
        self._vae = self._pipeline.vae
        self._model = self._pipeline.transformer
        shape = (1, -1, 1, 1, 1)
        dtype = self._vae.dtype
        self._mean = torch.tensor(self._vae.config.latents_mean, device=self.device, dtype=dtype).view(shape)
        self._std = torch.tensor(self._vae.config.latents_std, device=self.device, dtype=dtype).view(shape)
        self._is_guided = config.guidance_scale > 1
        self.prompts = PromptFitter(self._pipeline.tokenizer, MAX_TOKENS, latin_only=False)
        tuned([self._model], None, config)

    def condition(self, units: Sequence[Unit], cache: ContentCache) -> list[dict[str, Any]]:
        """See Painter. Text: (tokens, d), read together with the pictures; shown: (patches, 64) of all pictures."""
        conditions: list[dict[str, Any]] = []
        for unit in units:
            pictures = self._pictures(unit)
            shown = cache.many(
                [content_key("shown", picture) for picture in pictures],
                lambda places, pictures=pictures: [self._patches(pictures[i]) for i in places],  # type: ignore[misc]
            )
            order = _ORDER.format(self.prompts.fit(unit.prompt)) + (_STYLE if len(pictures) > 1 else "")
            told = [order, self._negative_prompt] if self._is_guided else [order]
            texts = cache.many(
                [content_key("text", text, *pictures) for text in told],
                lambda places, told=told, pictures=pictures: [  # type: ignore[misc]
                    self._text(told[i], pictures) for i in places
                ],
            )
            conditions.append(
                {
                    "text": texts[0][0],
                    "negative": texts[-1][0],
                    "shown": torch.cat([patches for (patches,) in shown]),
                    "pictures": len(pictures),
                    "size": unit.shape,
                }
            )
        return conditions

    def denoise(self, conditions: Sequence[dict[str, Any]], seeds: Sequence[int]) -> torch.Tensor:
        """See Painter. (n, 16, 1, h/8, w/8)."""
        scheduler = self._pipeline.scheduler
        height, width = (side // 8 for side in conditions[0]["size"])
        channels = self._model.config.in_channels // 4
        start = to_card(noise((1, channels, height, width), seeds), self.device).to(self._model.dtype)
        latents = _packed(start[:, 0])
        shown = torch.stack([condition["shown"] for condition in conditions])
        grid = (1, height // 2, width // 2)
        shapes = [[grid] * (1 + condition["pictures"]) for condition in conditions]
        sides = [_padded([condition["text"] for condition in conditions])]
        if self._is_guided:
            sides.append(_padded([condition["negative"] for condition in conditions]))
        steps = start_steps(scheduler, self._config.steps, latents.shape[1])
        times = to_card(steps / 1000, self.device).to(latents.dtype)
        for number, step in enumerate(steps):
            time = times[number].expand(len(latents))
            found = [
                self._model(
                    hidden_states=torch.cat([latents, shown], dim=1),
                    timestep=time,
                    encoder_hidden_states=text,
                    encoder_hidden_states_mask=mask,
                    img_shapes=shapes,
                    return_dict=False,
                )[0][:, : latents.shape[1]]
                for text, mask in sides
            ]
            predicted = found[0]
            if self._is_guided:
                predicted = found[1] + self._config.guidance_scale * (found[0] - found[1])
                # As long as without guidance, or colours burn out.
                predicted *= found[0].norm(dim=-1, keepdim=True) / predicted.norm(dim=-1, keepdim=True)
            latents = scheduler.step(predicted, step, latents, return_dict=False)[0].to(latents.dtype)
        return _unpacked(latents, height, width)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """See Painter."""
        scaled = latents.to(self._vae.dtype) * self._std + self._mean
        return torch.as_tensor(self._vae.decode(scaled, return_dict=False)[0][:, :, 0] / 2 + 0.5)

    def refused(self, pictures: torch.Tensor) -> list[bool]:
        """See Painter: these models have no safety checker."""
        return [False] * len(pictures)

    def _pictures(self, unit: Unit) -> list[Pixels]:
        """The product over its layout; and, where any scene borrows a style, the reference or a plain grey."""
        shown = np.where(unit.mask[..., None] == 0, unit.image, unit.layout)
        if not self._config.references and unit.reference is None:
            return [shown]
        height, width = unit.shape
        reference = np.full((8, 8, 3), 128, np.uint8) if unit.reference is None else unit.reference
        # Of the same size as the picture, so that units with and without one run together.
        style = np.array(Image.fromarray(reference).resize((width, height), Image.Resampling.LANCZOS))
        return [shown, style]

    def _text(self, order: str, pictures: list[Pixels]) -> Tensors:
        shown = [_for_reading(picture) for picture in pictures]
        text, _ = self._pipeline.encode_prompt(image=shown, prompt=order, device=self.device)
        return (text[0],)

    def _patches(self, picture: Pixels) -> Tensors:
        pixels = to_card(picture, self.device).permute(2, 0, 1).to(self._vae.dtype) / 127.5 - 1
        latents = self._vae.encode(pixels[None, :, None]).latent_dist.mode()
        return (_packed(((latents - self._mean) / self._std)[:, :, 0])[0],)


def _for_reading(picture: Pixels) -> Image.Image:
    """The picture with the area that the text encoder reads, sides multiples of 32."""
    scale = (READ_PX**2 / (picture.shape[0] * picture.shape[1])) ** 0.5
    size = tuple(max(32, round(side * scale / 32) * 32) for side in (picture.shape[1], picture.shape[0]))
    return Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)


def _packed(latents: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) -> (n, h/2 * w/2, 4c)."""
    count, channels, height, width = latents.shape
    patches = latents.reshape(count, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(count, (height // 2) * (width // 2), channels * 4)


def _unpacked(patches: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """(n, h/2 * w/2, 4c) -> (n, c, 1, h, w)."""
    count, _, channels = patches.shape
    latents = patches.reshape(count, height // 2, width // 2, channels // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return latents.reshape(count, channels // 4, 1, height, width)


def _padded(texts: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """(n, longest, d), and (n, longest) 1 where there is text, or None where nothing is padded."""
    longest = max(len(text) for text in texts)
    filled = torch.nn.utils.rnn.pad_sequence(list(texts), batch_first=True)
    if all(len(text) == longest for text in texts):
        return filled, None
    lengths = to_card(torch.tensor([len(text) for text in texts]), filled.device)
    return filled, (torch.arange(longest, device=filled.device) < lengths[:, None]).long()
