"""Random weights in the shapes of SDXL, for measuring time."""

from __future__ import annotations

from pathlib import Path

from tests.tiny_models import clip_ends, letters


def save_sdxl_sized(folder: Path, device: str) -> None:
    """Saves random bfloat16 weights in SDXL's own shapes (Podell et al. 2023, table 1): 7 GB, for measuring time."""
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    vocabulary = letters()
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            torch.manual_seed(0)
            unet = UNet2DConditionModel(
                sample_size=128,
                block_out_channels=(320, 640, 1280),
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                transformer_layers_per_block=(1, 2, 10),
                attention_head_dim=(5, 10, 20),
                cross_attention_dim=2048,
                use_linear_projection=True,
                addition_embed_type="text_time",
                addition_time_embed_dim=256,
                projection_class_embeddings_input_dim=2816,
            )
            vae = AutoencoderKL(
                block_out_channels=(128, 256, 512, 512),
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                layers_per_block=2,
                latent_channels=4,
                sample_size=1024,
                scaling_factor=0.13025,
                force_upcast=False,
            )
            wide = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32}
            text = [
                CLIPTextConfig(**(clip_ends(vocabulary) | shape))
                for shape in (
                    {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
                    | {"num_hidden_layers": 12, "projection_dim": 768},
                    wide | {"num_attention_heads": 20, "projection_dim": 1280, "hidden_act": "gelu"},
                )
            ]
            encoders = CLIPTextModel(text[0]), CLIPTextModelWithProjection(text[1])
    finally:
        torch.set_default_dtype(before)
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)
    StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=encoders[0],
        text_encoder_2=encoders[1],
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=unet,
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1),
    ).save_pretrained(folder, safe_serialization=True)
