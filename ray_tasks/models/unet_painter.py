"""Inpainting by a UNet: Stable Diffusion and SDXL, with ControlNets, a style picture, and few-step samplers.

The mask goes into the model's own channels (a UNet with 9 inputs: Rombach et al. 2022, "High-Resolution Image Synthesis
with Latent Diffusion Models", section 4.5), or the kept part is put back after every step (4 inputs: Lugmayr et al.
2022, "RePaint", equation 8). ControlNets: Zhang et al. 2023. Style: Ye et al. 2023, "IP-Adapter". Few steps: Luo et al.
2023, "Latent Consistency Models".
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ray_tasks.engine.content_cache import ContentCache, Tensors, content_key
from ray_tasks.engine.generate import noise
from ray_tasks.engine.to_card import to_card
from ray_tasks.engine.unit import Pixels, Unit
from ray_tasks.models.loading import load, load_part, load_pipeline, tuned
from ray_tasks.models.scene_prompts import SHARED_PROMPT, PromptFitter
from schemas.model_config import Diffusion, LoRA


class UnetPainter:
    """A `Painter` around a Stable Diffusion or SDXL pipeline."""

    step_px = 8
    """The autoencoder halves each side three times."""

    def __init__(self, config: Diffusion, negative_prompt: str, name: str) -> None:
        from diffusers import (
            ControlNetModel,
            DDIMScheduler,
            EulerAncestralDiscreteScheduler,
            EulerDiscreteScheduler,
            LCMScheduler,
            UNet2DConditionModel,
        )

        if config.references and config.style is None:
            raise ValueError(
                "scene.diffusion.references: a UNet borrows a style through an image adapter only; add "
                "[scene.diffusion.style], or remove the references"
            )
        self.name = name
        self._negative_prompt = negative_prompt
        self.device = torch.device(config.device)
        self._config = config
        parts = {}
        if config.unet is not None:
            parts["unet"] = load_part(
                config.unet, "scene.diffusion.unet", UNet2DConditionModel, config.device
            )
        self._pipeline = load_pipeline(config, **parts)
        if config.lora is not None:
            self._load_lora(config.lora)
        self._unet = self._pipeline.unet
        self._vae = self._pipeline.vae
        self._controls = [
            (
                field,
                control.scale,
                load_part(control, f"scene.diffusion.{field}", ControlNetModel, config.device),
            )
            for field in ("edges", "layout")
            if (control := getattr(config, field)) is not None
        ]
        for field, _, control in self._controls:
            if control.config.cross_attention_dim != self._unet.config.cross_attention_dim:
                raise ValueError(
                    f"scene.diffusion.{field}: a ControlNet of another family than {config.model}: it reads texts of "
                    f"{control.config.cross_attention_dim} numbers a token, the UNet of "
                    f"{self._unet.config.cross_attention_dim}"
                )
        if config.style is not None:
            self._load_style(config)
        if config.sampler == "lcm":
            self._pipeline.scheduler = LCMScheduler.from_config(self._pipeline.scheduler.config)
        self._is_xl = getattr(self._pipeline, "text_encoder_2", None) is not None
        self._guidance_width = self._unet.config.time_cond_proj_dim
        # A UNet that takes the guidance as an input was distilled from guided pairs and needs none.
        self._is_guided = config.guidance_scale > 1 and not self._guidance_width
        if config.shared_steps and not isinstance(
            self._pipeline.scheduler,
            LCMScheduler | EulerDiscreteScheduler | EulerAncestralDiscreteScheduler | DDIMScheduler,
        ):
            raise ValueError(
                f"scene.diffusion.shared_steps: {type(self._pipeline.scheduler).__name__} looks back at earlier steps; "
                'take sampler = "lcm", or a model that comes with an Euler or DDIM scheduler'
            )
        step = inspect.signature(self._pipeline.scheduler.step).parameters
        self._step_takes_generator = "generator" in step
        tokenizer = self._pipeline.tokenizer
        self.prompts = PromptFitter(tokenizer, tokenizer.model_max_length, latin_only=True)
        denoisers = [self._unet, *(model for *_, model in self._controls)]
        for model in denoisers:
            model.to(memory_format=torch.channels_last)
        tuned(denoisers, self._vae, config)

    def _load_lora(self, lora: LoRA) -> None:
        load(
            lora,
            "scene.diffusion.lora",
            lora.weight_name,
            self._pipeline.load_lora_weights,
            weight_name=lora.weight_name,
        )
        self._pipeline.fuse_lora(lora_scale=lora.scale)
        self._pipeline.unload_lora_weights()

    def _load_style(self, config: Diffusion) -> None:
        from transformers import CLIPVisionModelWithProjection

        style = config.style
        assert style is not None
        # load_ip_adapter takes the encoder too, but from the repository's newest commit.
        encoder = load(
            style,
            "scene.diffusion.style",
            f"{style.encoder_folder}/config.json",
            CLIPVisionModelWithProjection.from_pretrained,
            subfolder=style.encoder_folder,
            dtype=self._pipeline.dtype,
            use_safetensors=True,
        )
        self._pipeline.register_modules(image_encoder=encoder)
        load(
            style,
            "scene.diffusion.style",
            f"{style.subfolder or '.'}/{style.weight_name}",
            self._pipeline.load_ip_adapter,
            subfolder=style.subfolder,
            weight_name=style.weight_name,
            image_encoder_folder=None,
        )
        self._pipeline.set_ip_adapter_scale(style.scale)
        self._pipeline.to(config.device)

    def condition(self, units: Sequence[Unit], cache: ContentCache) -> list[dict[str, Any]]:
        """See Painter. Text: (tokens, d) and, for SDXL, (pooled,); kept: (4, h/8, w/8) latents of the product."""
        prompts = [self.prompts.fit(unit.prompt) for unit in units]
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
            {
                "text": text,
                "negative": texts[-1],
                "kept": latents,
                "mask": mask,
                "controls": [self._upload(getattr(unit, field)) / 255.0 for field, _, _ in self._controls],
            }
            for unit, text, (latents, mask) in zip(units, texts, kept, strict=False)
        ]
        if self._config.style is not None:
            for condition, unit in zip(conditions, units, strict=True):
                condition["style"] = self._style(unit.reference, cache)
        if self._config.shared_steps:
            self._share(units, conditions, cache)
        return conditions

    def _share(
        self, units: Sequence[Unit], conditions: Sequence[dict[str, Any]], cache: ContentCache
    ) -> None:
        """Adds early: the noise and the latents after the first steps, of the product and its layout alone.

        So they are the same whichever of a product's scenes stand in a batch, and are computed once for all of them.
        """
        shown = [[getattr(unit, field) for field, _, _ in self._controls] for unit in units]
        keys = [
            content_key("early", unit.image, unit.mask, *maps)
            for unit, maps in zip(units, shown, strict=True)
        ]
        prompt = self.prompts.fit(SHARED_PROMPT)

        def compute(places: list[int]) -> list[Tensors]:
            (text,) = cache.many([content_key("text", prompt)], lambda _: self._texts([prompt]))
            chosen = [conditions[place] | {"text": text} for place in places]
            for condition in chosen:
                if "style" in condition:
                    condition["style"] = self._style(None, cache)
            seeds = [int.from_bytes(keys[place][:8]) >> 1 for place in places]
            start = self._noise(chosen[0]["kept"], seeds)
            early = self._steps(chosen, seeds, start, None, 0, self._config.shared_steps)
            return list(zip(start, early, strict=True))

        for condition, tensors in zip(conditions, cache.many(keys, compute), strict=True):
            condition["early"] = tensors

    def denoise(self, conditions: Sequence[dict[str, Any]], seeds: Sequence[int]) -> torch.Tensor:
        """See Painter. (n, 4, h/8, w/8)."""
        if self._config.shared_steps:
            start, early = (
                torch.stack(list(one))
                for one in zip(*(condition["early"] for condition in conditions), strict=True)
            )
            return self._steps(conditions, seeds, start, early, self._config.shared_steps, self._config.steps)
        start = self._noise(conditions[0]["kept"], seeds)
        return self._steps(conditions, seeds, start, None, 0, self._config.steps)

    def _noise(self, like: torch.Tensor, seeds: Sequence[int]) -> torch.Tensor:
        """(n, *like) noise of the seeds."""
        return to_card(noise(tuple(like.shape), seeds), self.device).to(like.dtype)

    def _steps(
        self,
        conditions: Sequence[dict[str, Any]],
        seeds: Sequence[int],
        start: torch.Tensor,
        latents: torch.Tensor | None,
        first: int,
        last: int,
    ) -> torch.Tensor:
        """Steps first to last from the latents, or from the noise `start` that the kept part has at every level.

        All that the card needs is sent ahead, and the scheduler counts on the CPU: nothing in the loop waits.
        """
        scheduler = self._pipeline.scheduler
        scheduler.set_timesteps(self._config.steps, device="cpu")
        times = to_card(scheduler.timesteps, self.device)
        levels = _levels(scheduler)
        kept = torch.stack([condition["kept"] for condition in conditions])
        mask = torch.stack([condition["mask"] for condition in conditions])
        generators = [torch.Generator("cpu").manual_seed(_second(seed)) for seed in seeds]
        is_lcm = self._config.sampler == "lcm"
        added = [self._drawn(kept[0], generators) for _ in range(first, min(last, len(levels) - 1)) if is_lcm]
        more = {"generator": generators} if self._step_takes_generator and not is_lcm else {}
        inputs = self._inputs(conditions, kept)
        latents = start * scheduler.init_noise_sigma if latents is None else latents
        has_mask_channels = self._unet.config.in_channels == 9
        for number, step in enumerate(scheduler.timesteps[first:last], first):
            doubled = torch.cat([latents, latents]) if self._is_guided else latents
            scaled = scheduler.scale_model_input(doubled, step)
            residuals = self._residuals(scaled, times[number], inputs)
            if has_mask_channels:
                scaled = torch.cat([scaled, self._twice(mask), self._twice(kept)], dim=1)
            predicted = self._unet(
                scaled,
                times[number],
                encoder_hidden_states=inputs["text"],
                timestep_cond=inputs["guidance"],
                added_cond_kwargs=inputs["added"],
                return_dict=False,
                **residuals,
            )[0]
            if self._is_guided:
                without, with_text = predicted.chunk(2)
                predicted = without + self._config.guidance_scale * (with_text - without)
            signal, share = levels[number]
            stepped = scheduler.step(predicted, step, latents, return_dict=False, **more)
            latents = stepped[0]
            if is_lcm and share:
                # What the scheduler does itself, but with noise that it would wait for.
                latents = signal * stepped[1] + share * added[number - first]
            if not has_mask_channels:
                latents = (1 - mask) * (signal * kept + share * start) + mask * latents
        return torch.as_tensor(latents)

    def _drawn(self, like: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
        """(n, *like) noise, the next of each generator."""
        drawn = torch.stack([torch.randn(tuple(like.shape), generator=one) for one in generators])
        return to_card(drawn, self.device).to(like.dtype)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """See Painter."""
        shift = getattr(self._vae.config, "shift_factor", None) or 0.0
        decoded = self._vae.decode(latents / self._vae.config.scaling_factor + shift, return_dict=False)[0]
        return torch.as_tensor(decoded / 2 + 0.5)

    def refused(self, pictures: torch.Tensor) -> list[bool]:
        """See Painter."""
        if getattr(self._pipeline, "safety_checker", None) is None:
            return [False] * len(pictures)
        # The checker blackens what it refuses in place, so it gets a copy.
        _, refused = self._pipeline.run_safety_checker(pictures * 2 - 1, self.device, pictures.dtype)
        return [bool(one) for one in refused]

    def _texts(self, prompts: list[str]) -> list[Tensors]:
        if not self._is_xl:
            found = self._pipeline.encode_prompt(
                prompt=prompts, device=self.device, num_images_per_prompt=1, do_classifier_free_guidance=False
            )
            return [(text,) for text in found[0]]
        # As the pipeline does it, but for its copies of the tokens, for which it would wait in every batch.
        read = []
        for number in ("", "_2"):
            tokenizer, encoder = (
                getattr(self._pipeline, f"{name}{number}") for name in ("tokenizer", "text_encoder")
            )
            most = tokenizer.model_max_length
            tokens = tokenizer(
                prompts, padding="max_length", max_length=most, truncation=True, return_tensors="pt"
            )
            read.append(encoder(to_card(tokens.input_ids, self.device), output_hidden_states=True))
        text = torch.cat([one.hidden_states[-2] for one in read], dim=-1)
        return list(zip(text, read[1].text_embeds, strict=True))

    def _kept(self, units: list[Unit]) -> list[Tensors]:
        pixels = to_card(np.stack([unit.image for unit in units]), self.device)
        masks = to_card(np.stack([unit.mask for unit in units]), self.device)[:, None] > 127
        pictures = (pixels.permute(0, 3, 1, 2).to(self._vae.dtype) / 127.5 - 1).masked_fill(masks, 0)
        if self.device.type == "cuda":
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        latents = torch.cat([self._vae.encode(part).latent_dist.mode() for part in pictures.split(4)])
        latents = latents * self._vae.config.scaling_factor
        small = functional.interpolate(masks.to(latents.dtype), size=latents.shape[-2:])
        return list(zip(latents, small, strict=True))

    def _upload(self, picture: Pixels) -> torch.Tensor:
        return to_card(picture, self.device).permute(2, 0, 1).to(self._unet.dtype)

    def _style(self, reference: Pixels | None, cache: ContentCache) -> Tensors:
        """(embedding of the picture, embedding of no picture); without a reference both are of no picture."""
        from diffusers.models.embeddings import ImageProjection
        from PIL import Image

        projection = self._unet.encoder_hid_proj.image_projection_layers[0]
        shown = reference if reference is not None else np.zeros((32, 32, 3), np.uint8)

        def encode(_: list[int]) -> list[Tensors]:
            picture, nothing = self._pipeline.encode_image(
                Image.fromarray(shown), self.device, 1, not isinstance(projection, ImageProjection)
            )
            return [(picture[0], nothing[0])]

        picture, nothing = cache.many([content_key("style", shown)], encode)[0]
        return (picture if reference is not None else nothing, nothing)

    def _inputs(self, conditions: Sequence[dict[str, Any]], kept: torch.Tensor) -> dict[str, Any]:
        """What stays the same over all steps, guided pairs stacked as (without text, with text)."""

        def pairs(place: int) -> torch.Tensor:
            with_text = torch.stack([condition["text"][place] for condition in conditions])
            if not self._is_guided:
                return with_text
            return torch.cat(
                [torch.stack([condition["negative"][place] for condition in conditions]), with_text]
            )

        added: dict[str, Any] = {}
        if self._is_xl:
            height, width = (side * self.step_px for side in kept.shape[-2:])
            sizes = to_card(torch.tensor([height, width, 0, 0, height, width]), self.device).to(kept.dtype)
            added = {"text_embeds": pairs(1), "time_ids": self._twice(sizes.expand(len(kept), -1))}
        controls = dict(added)
        if self._config.style is not None:
            styles = torch.stack([condition["style"][0] for condition in conditions])
            without = torch.stack([condition["style"][1] for condition in conditions])
            added["image_embeds"] = [(torch.cat([without, styles]) if self._is_guided else styles)[:, None]]
        guidance = None
        if self._guidance_width:
            guidance = _sinusoid(self._config.guidance_scale - 1, self._guidance_width)
            guidance = to_card(guidance, self.device).to(kept.dtype).expand(len(kept), -1)
        maps = [
            self._twice(torch.stack([condition["controls"][i] for condition in conditions]))
            for i in range(len(self._controls))
        ]
        return {"text": pairs(0), "added": added, "guidance": guidance, "maps": maps, "controls": controls}

    def _residuals(self, scaled: torch.Tensor, step: torch.Tensor, inputs: dict[str, Any]) -> dict[str, Any]:
        """What the ControlNets add to the UNet's blocks, summed."""
        down: list[torch.Tensor] = []
        middle: Any = None
        for (_, scale, model), picture in zip(self._controls, inputs["maps"], strict=True):
            more, more_middle = model(
                scaled,
                step,
                encoder_hidden_states=inputs["text"],
                controlnet_cond=picture,
                conditioning_scale=scale,
                added_cond_kwargs=inputs["controls"],
                return_dict=False,
            )
            down = [one + other for one, other in zip(down, more, strict=True)] if down else list(more)
            middle = more_middle if middle is None else middle + more_middle
        if middle is None:
            return {}
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    def _twice(self, tensor: torch.Tensor) -> torch.Tensor:
        return torch.cat([tensor, tensor]) if self._is_guided else tensor


def _levels(scheduler: Any) -> list[tuple[float, float]]:
    """After each step, how much of a picture and how much of noise is in latents at that level."""
    one, none = torch.ones(1), torch.zeros(1)
    levels = [
        (float(scheduler.add_noise(one, none, step[None])), float(scheduler.add_noise(none, one, step[None])))
        for step in scheduler.timesteps[1:]
    ]
    return [*levels, (1.0, 0.0)]


def _second(seed: int) -> int:
    """The seed of the noise that samplers add between steps: another stream than that of the first noise."""
    return (seed * 6364136223846793005 + 1442695040888963407) % 2**63


def _sinusoid(guidance: float, width: int) -> torch.Tensor:
    """(1, width): the embedding of a guidance scale (Meng et al. 2023, "On Distillation of Guided Diffusion")."""
    half = width // 2
    rates = torch.exp(-torch.log(torch.tensor(10000.0)) * torch.arange(half) / (half - 1))
    angles = guidance * 1000.0 * rates
    return torch.cat([angles.sin(), angles.cos()])[None]
