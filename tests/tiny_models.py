"""Tiny, randomly initialised models in the real on-disk format: same classes, same files, a few kilobytes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.tiny_onnx import save_tiny_segmenter


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
        vae = tiny_vae()
        vocabulary = letters()
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
        # As initialised, every prompt has nearly the same answer.
        for parameter in model.parameters():
            if parameter.ndim == 2:
                torch.nn.init.normal_(parameter, std=0.4)
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


def letters() -> dict[str, int]:
    """A byte-pair vocabulary without merges: each letter alone, and at the end of a word."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789,.-'#"
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return {token: number for number, token in enumerate(tokens)}


def add_safety_checker(folder: Path, *, refuses: bool) -> None:
    """Adds Stable Diffusion's safety checker to a saved pipeline: one that refuses every picture, or none."""
    from diffusers import DiffusionPipeline
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    tiny = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    seen = tiny | {"image_size": 32, "patch_size": 16}
    checker = StableDiffusionSafetyChecker(
        CLIPConfig(text_config=tiny, vision_config=seen, projection_dim=16)
    )
    # A concept is found where the cosine, -1 to 1, is above its weight.
    checker.concept_embeds_weights.data.fill_(-2 if refuses else 2)
    checker.special_care_embeds_weights.data.fill_(2)
    size = {"height": 32, "width": 32}
    pipeline = DiffusionPipeline.from_pretrained(
        folder,
        safety_checker=checker,
        feature_extractor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size),
    )
    pipeline.save_pretrained(folder, safe_serialization=True)


def save_tiny_sdxl(folder: Path, seed: int = 0, *, in_channels: int = 4) -> None:
    """Saves an SDXL pipeline: two text encoders, pooled text and sizes as conditions."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    vocabulary = letters()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = StableDiffusionXLPipeline(
            vae=tiny_vae(),
            text_encoder=CLIPTextModel(_tiny_clip_text(vocabulary)),
            text_encoder_2=CLIPTextModelWithProjection(_tiny_clip_text(vocabulary)),
            tokenizer=CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77),
            tokenizer_2=CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77),
            unet=_tiny_xl_unet(in_channels),
            # As SDXL's own.
            scheduler=EulerDiscreteScheduler(
                beta_start=0.00085,
                beta_end=0.012,
                beta_schedule="scaled_linear",
                steps_offset=1,
                timestep_spacing="leading",
            ),
        )
    pipeline.save_pretrained(folder, safe_serialization=True)


def save_tiny_lcm_unet(folder: Path, seed: int = 0) -> None:
    """Saves an SDXL UNet that takes the guidance scale as an input, as distilled ones do."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _tiny_xl_unet(4, time_cond_proj_dim=16).save_pretrained(folder, safe_serialization=True)


def save_tiny_lora(folder: Path, seed: int = 0) -> None:
    """Saves low-rank changes of the tiny SDXL UNet's attention."""
    import torch
    from diffusers import StableDiffusionXLPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet = _tiny_xl_unet(4)
        names = ["to_q", "to_k", "to_v", "to_out.0"]
        unet.add_adapter(LoraConfig(r=4, lora_alpha=8, target_modules=names, init_lora_weights=False))
        for name, parameter in unet.named_parameters():
            if "lora" in name:
                torch.nn.init.normal_(parameter, std=0.5)
    StableDiffusionXLPipeline.save_lora_weights(folder, unet_lora_layers=get_peft_model_state_dict(unet))


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


def tiny_vae(latent_channels: int = 4, **more: Any) -> Any:
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
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=16,
        **clip_ends(vocabulary),
    )


def clip_ends(vocabulary: dict[str, int]) -> dict[str, Any]:
    return {
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 77,
        "bos_token_id": vocabulary["<|startoftext|>"],
        "eos_token_id": vocabulary["<|endoftext|>"],
        "pad_token_id": vocabulary["<|endoftext|>"],
    }


def save_tiny_clip(folder: Path, seed: int = 0) -> None:
    """Saves a CLIP model with its processor."""
    import torch
    from transformers import (
        CLIPConfig,
        CLIPImageProcessor,
        CLIPModel,
        CLIPProcessor,
        CLIPTokenizer,
        CLIPVisionConfig,
    )

    vocabulary = letters()
    vision = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    text = _tiny_clip_text(vocabulary)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CLIPModel(
            CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=16)
        )
    model.save_pretrained(folder)
    CLIPProcessor(
        image_processor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer=CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77),
    ).save_pretrained(folder)


def save_tiny_matting(folder: Path, seed: int = 0) -> None:
    """Saves a ViTMatte model with its image processor."""
    import torch
    from transformers import (
        VitDetConfig,
        VitMatteConfig,
        VitMatteForImageMatting,
        VitMatteImageProcessor,
    )

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VitMatteForImageMatting(
            VitMatteConfig(
                backbone_config=VitDetConfig(  # type: ignore[call-arg]
                    hidden_size=16,
                    num_hidden_layers=2,
                    num_attention_heads=2,
                    image_size=64,
                    pretrain_image_size=64,
                    patch_size=16,
                    num_channels=4,
                    out_features=["stage2"],
                ),
                hidden_size=16,
                convstream_hidden_sizes=[4, 8, 8],
                fusion_hidden_sizes=[16, 8, 8, 4],
            )
        )
    model.save_pretrained(folder)
    VitMatteImageProcessor(size_divisor=32).save_pretrained(folder)


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
    save_tiny_clip(folder / "image_text")
    save_tiny_matting(folder / "matting")
    save_tiny_segmenter(folder / "segmenter")
    stripes = np.tile(np.array([[30, 90, 200], [220, 200, 40]], np.uint8), (64, 32, 1))
    cv2.imwrite(str(folder / "style.jpg"), stripes)


if __name__ == "__main__":
    save_all(Path(sys.argv[1]))
