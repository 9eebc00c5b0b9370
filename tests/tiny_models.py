"""Tiny, randomly initialised models in the real on-disk format: same classes, same files, a few kilobytes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def save_tiny_inpaint_pipeline(folder: Path, seed: int = 0) -> None:
    """Saves a Stable Diffusion inpainting pipeline (UNet with 9 input channels) with safetensors weights."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionInpaintPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet = UNet2DConditionModel(
            block_out_channels=(8, 16),
            layers_per_block=1,
            norm_num_groups=4,
            sample_size=8,
            in_channels=9,
            out_channels=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=4,
        )
        vae = _tiny_vae()
        vocabulary = _letters()
        text_encoder = CLIPTextModel(_tiny_clip_text(vocabulary))
    pipeline = StableDiffusionInpaintPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77),
        unet=unet,
        scheduler=DDIMScheduler(
            beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)


def save_tiny_vision_language_model(folder: Path, seed: int = 0) -> None:
    """Saves a LLaVA model (CLIP vision, Llama text) with its processor: a byte-level tokenizer and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    names = ["<pad>", "<s>", "</s>", "<image>", "<|user|>", "<|answer|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*names, *letters])}
    bytewise = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytewise,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=names[3:],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlavaForConditionalGeneration(
            LlavaConfig(
                vision_config=CLIPVisionConfig(
                    hidden_size=16,
                    intermediate_size=24,
                    num_hidden_layers=2,
                    num_attention_heads=2,
                    image_size=32,
                    patch_size=16,
                    projection_dim=16,
                ),
                text_config=LlamaConfig(
                    vocab_size=len(vocabulary),
                    hidden_size=16,
                    intermediate_size=24,
                    num_hidden_layers=1,
                    num_attention_heads=2,
                    num_key_value_heads=2,
                    max_position_embeddings=16384,
                ),
                image_token_index=vocabulary["<image>"],
                image_seq_length=4,
                vision_feature_layer=-1,
            )
        )
    model.save_pretrained(folder)
    LlavaProcessor(
        image_processor=CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, do_center_crop=True
        ),
        tokenizer=tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=(
            "{% for m in messages %}{{ '<|user|>' }}{% for c in m['content'] %}"
            "{% if c['type'] == 'image' %}{{ '<image>' }}{% else %}{{ c['text'] }}{% endif %}"
            "{% endfor %}{% endfor %}{{ '<|answer|>' }}"
        ),
    ).save_pretrained(folder)


def _letters() -> dict[str, int]:
    """A byte-pair vocabulary without merges: each letter alone, and at the end of a word."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789,.-'#"
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return {token: number for number, token in enumerate(tokens)}


def save_tiny_sdxl(folder: Path, seed: int = 0, *, in_channels: int = 4) -> None:
    """Saves an SDXL pipeline: two text encoders, pooled text and sizes as conditions."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    vocabulary = _letters()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = StableDiffusionXLPipeline(
            vae=_tiny_vae(),
            text_encoder=CLIPTextModel(_tiny_clip_text(vocabulary)),
            text_encoder_2=CLIPTextModelWithProjection(_tiny_clip_text(vocabulary)),
            tokenizer=CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77),
            tokenizer_2=CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77),
            unet=_tiny_xl_unet(in_channels),
            scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1),
        )
    pipeline.save_pretrained(folder, safe_serialization=True)


def save_tiny_lcm_unet(folder: Path, seed: int = 0) -> None:
    """Saves an SDXL UNet that takes the guidance scale as an input, as distilled ones do."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _tiny_xl_unet(4, time_cond_proj_dim=16).save_pretrained(folder, safe_serialization=True)


def save_tiny_controlnet(folder: Path, seed: int = 0) -> None:
    """Saves an SDXL ControlNet whose outputs are not zero, as they are before training."""
    import torch
    from diffusers import ControlNetModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ControlNetModel.from_unet(_tiny_xl_unet(4), conditioning_embedding_out_channels=(4, 8, 8, 8))
        for parameter in model.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.2)
        # As initialised, what these layers make of a picture is too little to be seen.
        for parameter in model.controlnet_cond_embedding.parameters():
            torch.nn.init.normal_(parameter, std=0.36)
    model.save_pretrained(folder, safe_serialization=True)


def save_tiny_ip_adapter(folder: Path, seed: int = 0) -> None:
    """Saves an IP-Adapter for the tiny SDXL UNet: projections, and the image encoder beside them."""
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    unet = _tiny_xl_unet(4)
    width = unet.config.cross_attention_dim
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=16,
                intermediate_size=24,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=32,
                patch_size=16,
                projection_dim=16,
            )
        )
        weights = {
            "image_proj.proj.weight": torch.randn(4 * width, 16),
            "image_proj.proj.bias": torch.randn(4 * width),
            "image_proj.norm.weight": torch.ones(width),
            "image_proj.norm.bias": torch.zeros(width),
        }
        for number, name in enumerate(
            name for name in unet.attn_processors if name.endswith("attn2.processor")
        ):
            inner = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
            weights[f"ip_adapter.{2 * number + 1}.to_k_ip.weight"] = torch.randn(inner, width)
            weights[f"ip_adapter.{2 * number + 1}.to_v_ip.weight"] = torch.randn(inner, width)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "ip_adapter.safetensors")
    encoder.save_pretrained(folder / "image_encoder", safe_serialization=True)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(
        folder / "image_encoder"
    )


def _tiny_xl_unet(in_channels: int, **more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=8,
        in_channels=in_channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 16,
        **more,
    )


def _tiny_vae(latent_channels: int = 4, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=2,
        latent_channels=latent_channels,
        sample_size=64,
        **more,
    )


def _tiny_clip_text(vocabulary: dict[str, int]) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        projection_dim=16,
        bos_token_id=vocabulary["<|startoftext|>"],
        eos_token_id=vocabulary["<|endoftext|>"],
        pad_token_id=vocabulary["<|endoftext|>"],
    )


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
            vae=_tiny_vae(
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
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    names += ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = _bytewise_tokenizer(names)
    number = {name: tokenizer.convert_tokens_to_ids(name) for name in names}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        text_encoder = Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(
                text_config={
                    "vocab_size": len(tokenizer),
                    "hidden_size": 16,
                    "intermediate_size": 24,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 2,
                    "num_key_value_heads": 2,
                    "rope_parameters": {
                        "rope_type": "default",
                        "mrope_section": [1, 1, 2],
                        "rope_theta": 10000.0,
                    },
                },
                vision_config={
                    "depth": 1,
                    "hidden_size": 16,
                    "intermediate_size": 16,
                    "num_heads": 2,
                    "out_hidden_size": 16,
                    "patch_size": 14,
                    "fullatt_block_indexes": [0],
                },
                vision_start_token_id=number["<|vision_start|>"],
                vision_end_token_id=number["<|vision_end|>"],
                image_token_id=number["<|image_pad|>"],
                video_token_id=number["<|video_pad|>"],
            )
        )
        pipeline = QwenImageEditPlusPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
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
            processor=Qwen2VLProcessor(
                image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56),
                tokenizer=tokenizer,
                video_processor=Qwen2VLVideoProcessor(),
            ),
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


def _bytewise_tokenizer(special: list[str]) -> Any:
    """Qwen2's tokenizer with bytes as tokens; the first special token pads."""
    from tokenizers import pre_tokenizers
    from transformers import Qwen2Tokenizer

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*special, *letters])}
    return Qwen2Tokenizer(
        vocab=vocabulary,
        merges=[],
        unk_token=None,
        eos_token="<|im_end|>",
        pad_token=special[0],
        additional_special_tokens=special[1:],
    )


def save_all(folder: Path) -> None:
    """Saves what infra/config/gpu_tiny.toml names."""
    import cv2
    import numpy as np

    save_tiny_sdxl(folder / "sdxl")
    save_tiny_lcm_unet(folder / "lcm")
    save_tiny_controlnet(folder / "edges")
    save_tiny_controlnet(folder / "layout", seed=1)
    save_tiny_ip_adapter(folder / "style")
    save_tiny_vision_language_model(folder / "writer")
    stripes = np.tile(np.array([[30, 90, 200], [220, 200, 40]], np.uint8), (64, 32, 1))
    cv2.imwrite(str(folder / "style.jpg"), stripes)


if __name__ == "__main__":
    save_all(Path(sys.argv[1]))
