"""Tiny, randomly initialised diffusion transformers in the real on-disk format: Z-Image and Qwen-Image-Edit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.tiny_models import tiny_vae

_TINY_TEXT = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
_TINY_VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_heads": 2,
    "out_hidden_size": 16,
    "patch_size": 14,
}


def save_tiny_z_image(folder: Path, seed: int = 0) -> None:
    """Saves a Z-Image pipeline: a Qwen3 text encoder with a chat template, and a transformer."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = _bytewise_tokenizer(["<pad>", "<|im_start|>", "<|im_end|>"])
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }} {{ m['content'] }}<|im_end|>{% endfor %}"
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = ZImagePipeline(
            vae=tiny_vae(
                16, scaling_factor=0.36, shift_factor=0.12, use_quant_conv=False, use_post_quant_conv=False
            ),
            text_encoder=Qwen3Model(
                Qwen3Config(
                    vocab_size=len(tokenizer),
                    hidden_size=16,
                    intermediate_size=24,
                    num_hidden_layers=2,
                    num_attention_heads=2,
                    num_key_value_heads=2,
                    head_dim=8,
                    max_position_embeddings=1024,
                )
            ),
            tokenizer=tokenizer,
            transformer=ZImageTransformer2DModel(
                dim=32,
                n_layers=2,
                n_refiner_layers=1,
                n_heads=2,
                n_kv_heads=2,
                cap_feat_dim=16,
                axes_dims=[4, 6, 6],
                axes_lens=[1024, 64, 64],
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        )
        for token in (pipeline.transformer.x_pad_token, pipeline.transformer.cap_pad_token):
            torch.nn.init.normal_(token)
    pipeline.save_pretrained(folder, safe_serialization=True)


def save_tiny_z_image_control(folder: Path, seed: int = 0) -> None:
    """Saves Z-Image's inpaint ControlNet: layout, mask and kept part in, residuals of the blocks out."""
    import torch
    from diffusers import ZImageControlNetModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ZImageControlNetModel(
            control_layers_places=[0, 1],
            control_refiner_layers_places=[0],
            control_in_dim=33,
            add_control_noise_refiner="control_noise_refiner",
            dim=32,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
        )
        for parameter in model.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder, safe_serialization=True)


def save_tiny_edit_pipeline(folder: Path, seed: int = 0) -> None:
    """Saves a Qwen-Image-Edit pipeline of several pictures: Qwen2.5-VL encoder, video autoencoder, transformer."""
    import torch
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImageEditPlusPipeline,
        QwenImageTransformer2DModel,
    )

    tokenizer, text_encoder, processor = _tiny_qwen_vl(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = QwenImageEditPlusPipeline(
            # As Qwen-Image-Edit's own.
            scheduler=FlowMatchEulerDiscreteScheduler(
                use_dynamic_shifting=True,
                base_shift=0.5,
                max_shift=0.9,
                max_image_seq_len=8192,
                shift_terminal=0.02,
            ),
            vae=AutoencoderKLQwenImage(
                base_dim=8,
                z_dim=4,
                dim_mult=[1, 1, 1, 1],
                num_res_blocks=1,
                temperal_downsample=[False, True, True],
                latents_mean=[0.0] * 4,
                latents_std=[1.0] * 4,
            ),
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            processor=processor,
            transformer=QwenImageTransformer2DModel(
                in_channels=16,
                out_channels=4,
                num_layers=2,
                attention_head_dim=16,
                num_attention_heads=2,
                joint_attention_dim=16,
                axes_dims_rope=(4, 6, 6),
            ),
        )
        # As initialised, these layers hardly look at the pictures shown.
        for name, parameter in pipeline.transformer.named_parameters():
            if ".attn." in name and parameter.ndim == 2:
                torch.nn.init.normal_(parameter, std=0.5)
    pipeline.save_pretrained(folder, safe_serialization=True)


def _bytewise_tokenizer(special: list[str], words: int = 0) -> Any:
    """Qwen2's tokenizer with bytes as tokens, and so many made-up words; the first special token pads."""
    from tokenizers import pre_tokenizers
    from transformers import Qwen2Tokenizer

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*special, *letters, *_made_up(words)])}
    return Qwen2Tokenizer(
        vocab=vocabulary,
        merges=[],
        unk_token=None,
        eos_token="<|im_end|>",
        pad_token=special[0],
        additional_special_tokens=special[1:],
    )


def _made_up(words: int) -> list[str]:
    """Words of three syllables, half of them with the mark of a space before."""
    syllables = [a + b for a in "bcdfghjklmnpqrstvwxyz" for b in "aeiou"]
    many = len(syllables)
    numbers = random.Random(0).sample(range(many**3), -(-words // 2))
    plain = [syllables[n % many] + syllables[n // many % many] + syllables[n // many**2] for n in numbers]
    return [before + word for word in plain for before in ("", "Ġ")][:words]


def save_qwen_writer(
    folder: Path,
    shape: dict[str, dict[str, Any]] | None = None,
    most_px: int = 56 * 56,
    dtype: Any = None,
    words: int = 0,
) -> None:
    """Saves a Qwen2.5-VL model that writes: positions in three dimensions, pictures of any size.

    shape: `text` and `vision`, settings other than the tiny ones. dtype: of the weights; float32 when left out. words:
    tokens beside those of single bytes, which random weights write and nothing is read as.
    """
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype or before)
    try:
        _, model, processor = _tiny_qwen_vl(0, shape or {}, most_px, words)
    finally:
        torch.set_default_dtype(before)
    _save_with_chat_template(model, processor, folder)


def save_qwen3_writer(folder: Path) -> None:
    """Saves a Qwen3-VL model: features of several layers of its eye are added to the first layers that read text."""
    import torch
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    tokenizer, vision_tokens = _qwen_vl_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Qwen3VLForConditionalGeneration(
            Qwen3VLConfig(
                text_config={
                    **_TINY_TEXT,
                    "vocab_size": len(tokenizer),
                    "head_dim": 8,
                    "rope_parameters": {
                        "rope_type": "default",
                        "mrope_section": [2, 1, 1],
                        "mrope_interleaved": True,
                        "rope_theta": 10000.0,
                    },
                },
                vision_config={
                    "depth": 2,
                    **_TINY_VISION,
                    "num_position_embeddings": 16,
                    "deepstack_visual_indexes": [0, 1],
                },
                **vision_tokens,
            )
        )
        _spread(model)
    processor = Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(),
    )
    _save_with_chat_template(model, processor, folder)


def _save_with_chat_template(model: Any, processor: Any, folder: Path) -> None:
    processor.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for c in m['content'] %}"
        "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}"
        "{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _spread(model: Any) -> None:
    """As initialised, every prompt has nearly the same answer."""
    import torch

    for parameter in model.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.4)


def _qwen_vl_tokenizer(words: int = 0) -> tuple[Any, dict[str, int]]:
    """The tokenizer, and the settings of a model that are numbers of its tokens."""
    vision = {
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
    }
    tokenizer = _bytewise_tokenizer(["<|endoftext|>", "<|im_start|>", "<|im_end|>", *vision.values()])
    return tokenizer, {name: tokenizer.convert_tokens_to_ids(token) for name, token in vision.items()}


def _tiny_qwen_vl(
    seed: int, shape: dict[str, dict[str, Any]] | None = None, most_px: int = 56 * 56, words: int = 0
) -> tuple[Any, Any, Any]:
    """Tokenizer, model and processor of Qwen2.5-VL."""
    import torch
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer, vision_tokens = _qwen_vl_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(
                text_config={
                    **_TINY_TEXT,
                    "vocab_size": len(tokenizer),
                    "rope_parameters": {
                        "rope_type": "default",
                        "mrope_section": [1, 1, 2],
                        "rope_theta": 10000.0,
                    },
                }
                | (shape or {}).get("text", {}),
                vision_config={
                    "depth": 1,
                    **_TINY_VISION,
                    "fullatt_block_indexes": [0],
                }
                | (shape or {}).get("vision", {}),
                **vision_tokens,
            )
        )
        _spread(model)
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=most_px),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
    )
    return tokenizer, model, processor
