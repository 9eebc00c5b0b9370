"""Inpainting by Z-Image, a few-step diffusion transformer, alone or with its inpaint ControlNet.

Alone, the kept part is put back after every step; with the ControlNet (2.0 and later) the model sees the kept part, the
mask and the layout, and nothing is put back: each as diffusers' own two pipelines do it. Z-Image Team 2025, "Z-Image".
Its weights have no input for a reference picture (those of Z-Image-Omni, which would, are not published), so the prompt
tells what was measured of its light and colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ray_tasks.engine.content_cache import ContentCache, Tensors, content_key
from ray_tasks.engine.generate import noise
from ray_tasks.engine.to_card import to_card
from ray_tasks.engine.unit import Pixels, Unit
from ray_tasks.models.flow import PACKED_PX, start_steps
from ray_tasks.models.loading import load_part, load_pipeline, tuned
from ray_tasks.models.painters import refuse
from ray_tasks.models.scene_prompts import PromptFitter, style_words
from schemas.model_config import Diffusion

MAX_TOKENS = 512
_OWN_TOKENS = 16 + 64
"""Of the chat template, and of the words on a reference."""


class ZImagePainter:
    """A `Painter` around a Z-Image pipeline. Guidance 0 is none, as distilled weights want it."""

    step_px = PACKED_PX

    def __init__(self, config: Diffusion, negative_prompt: str, name: str) -> None:
        from diffusers import ZImageControlNetModel

        refuse(config, "Z-Image", "shared_steps", "unet", "lora", "style", "sampler", "edges")
        self.name = name
        self.device = torch.device(config.device)
        self._negative_prompt = negative_prompt
        self._config = config
        self._pipeline = load_pipeline(config)
        self._vae = self._pipeline.vae
        self._model = self._pipeline.transformer
        self._control: Any = None
        if config.layout is not None:
            control = load_part(config.layout, "scene.diffusion.layout", ZImageControlNetModel, config.device)
            if control.config.control_in_dim == self._model.in_channels:
                raise ValueError(
                    f"scene.diffusion.layout: {config.layout.model} knows no mask; take version 2.0 or later of "
                    "Z-Image's ControlNet"
                )
            self._control = ZImageControlNetModel.from_transformer(control, self._model)
        self._is_guided = config.guidance_scale > 0
        self.prompts = PromptFitter(self._pipeline.tokenizer, MAX_TOKENS - _OWN_TOKENS, latin_only=False)
        self._styles: dict[bytes, str] = {}
        tuned([self._model, *filter(None, [self._control])], self._vae, config)

    def condition(self, units: Sequence[Unit], cache: ContentCache) -> list[dict[str, Any]]:
        """See Painter. Text: (tokens, d) without padding; kept: (16, h/8, w/8) latents of the product."""
        prompts = [self.prompts.fit(unit.prompt) + self._style(unit.reference) for unit in units]
        prompts += [self.prompts.fit(self._negative_prompt)] if self._is_guided else []
        texts = cache.many(
            [content_key("text", prompt) for prompt in prompts],
            lambda places: self._texts([prompts[i] for i in places]),
        )
        kept = cache.many(
            [content_key("kept", unit.image, unit.mask) for unit in units],
            lambda places: self._kept([units[i] for i in places]),
        )
        conditions: list[dict[str, Any]] = [
            {"text": text[0], "negative": texts[-1][0], "kept": latents, "mask": mask}
            for unit, text, (latents, mask) in zip(units, texts, kept, strict=False)
        ]
        if self._control is not None:
            maps = cache.many(
                [content_key("layout", unit.layout) for unit in units],
                lambda places: self._encoded(torch.stack([self._pixels(units[i].layout) for i in places])),
            )
            for condition, (layout,) in zip(conditions, maps, strict=True):
                # What is kept is 1 here, and 0 in the mask of the other models.
                control = torch.cat([layout, 1 - condition["mask"], condition["kept"]])
                condition["control"] = control[:, None]
        return conditions

    def denoise(self, conditions: Sequence[dict[str, Any]], seeds: Sequence[int]) -> torch.Tensor:
        """See Painter. (n, 16, h/8, w/8) float32."""
        scheduler = self._pipeline.scheduler
        kept = torch.stack([condition["kept"] for condition in conditions]).float()
        mask = torch.stack([condition["mask"] for condition in conditions]).float()
        steps = start_steps(scheduler, self._config.steps, kept.shape[-2] * kept.shape[-1] // 4)
        start = to_card(noise(tuple(kept.shape[1:]), seeds), self.device)
        times = to_card((1000 - steps) / 1000, self.device)
        # After each step; sent ahead and counted on the CPU, so that nothing in the loop waits.
        levels = scheduler.sigmas[1:].tolist()
        latents = start
        texts = [condition["text"] for condition in conditions]
        if self._is_guided:
            texts = texts + [condition["negative"] for condition in conditions]
        for number, step in enumerate(steps):
            doubled = torch.cat([latents, latents]) if self._is_guided else latents
            shown = list(doubled.to(self._model.dtype)[:, :, None].unbind())
            time = times[number].expand(len(shown))
            more = {}
            if self._control is not None:
                control = torch.stack([condition["control"] for condition in conditions])
                control = torch.cat([control, control]) if self._is_guided else control
                assert self._config.layout is not None
                more["controlnet_block_samples"] = self._control(
                    shown, time, texts, control, conditioning_scale=self._config.layout.scale
                )
            found = self._model(shown, time, texts, return_dict=False, **more)[0]
            predicted = torch.stack(found).float()[:, :, 0]
            if self._is_guided:
                with_text, without = predicted.chunk(2)
                predicted = with_text + self._config.guidance_scale * (with_text - without)
            latents = scheduler.step(-predicted, step, latents, return_dict=False)[0]
            if self._control is None:
                at_level = levels[number] * start + (1 - levels[number]) * kept
                latents = (1 - mask) * at_level + mask * latents
        return torch.as_tensor(latents)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """See Painter."""
        settings = self._vae.config
        scaled = latents.to(self._vae.dtype) / settings.scaling_factor + settings.shift_factor
        return torch.as_tensor(self._vae.decode(scaled, return_dict=False)[0] / 2 + 0.5)

    def refused(self, pictures: torch.Tensor) -> list[bool]:
        """See Painter: these models have no safety checker."""
        return [False] * len(pictures)

    def _style(self, reference: Pixels | None) -> str:
        """The end of a prompt that tells what a reference looks like."""
        if reference is None:
            return ""
        key = content_key("style", reference)
        if key not in self._styles:
            self._styles[key] = f", {style_words(reference)}"
        return self._styles[key]

    def _texts(self, prompts: list[str]) -> list[Tensors]:
        found, _ = self._pipeline.encode_prompt(
            prompts, device=self.device, do_classifier_free_guidance=False, max_sequence_length=MAX_TOKENS
        )
        return [(text,) for text in found]

    def _kept(self, units: list[Unit]) -> list[Tensors]:
        masks = to_card(np.stack([unit.mask for unit in units]), self.device)[:, None] > 127
        pictures = torch.stack([self._pixels(unit.image) for unit in units]).masked_fill(masks, 0)
        latents = self._encoded(pictures)
        small = functional.interpolate(masks.to(self._vae.dtype), size=latents[0][0].shape[-2:])
        return [(kept, mask) for (kept,), mask in zip(latents, small, strict=True)]

    def _pixels(self, picture: Any) -> torch.Tensor:
        return to_card(picture, self.device).permute(2, 0, 1).to(self._vae.dtype) / 127.5 - 1

    def _encoded(self, pictures: torch.Tensor) -> list[Tensors]:
        settings = self._vae.config
        latents = torch.cat([self._vae.encode(part).latent_dist.mode() for part in pictures.split(4)])
        return [(one,) for one in (latents - settings.shift_factor) * settings.scaling_factor]
