"""Models of diffusers from a local folder or from the hub at a pinned commit, with errors that name the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.model_config import Diffusion, Weights

if TYPE_CHECKING:
    import torch


def dtype_of(device: str) -> torch.dtype:
    """bfloat16 on cards, which has float32's range: SDXL's autoencoder overflows in float16. float32 on the CPU."""
    import torch

    return torch.bfloat16 if device == "cuda" else torch.float32


def quiet_libraries() -> None:
    """Keeps the libraries' bars and warnings from between printed lines; downloads still show how far they are."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    for library in (diffusers_logging, transformers_logging):
        library.disable_progress_bar()
        library.set_verbosity_error()


def check_device(config: Diffusion) -> None:
    """Raises ValueError where a GPU is asked for and none is usable."""
    import torch

    if config.device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f'scene.diffusion: model {config.model}: device is "cuda" and this machine has no usable GPU '
            f'({cuda_fault() or "no driver"}); run on one that has, set scene.diffusion.device = "cpu" (slow), or '
            'scene.backend = "components"'
        )


def cuda_fault() -> str | None:
    """Why CUDA cannot be used here, with a remedy; None where it can."""
    import torch

    try:
        torch.cuda.init()
        torch.zeros(1, device="cuda")
    except (RuntimeError, AssertionError) as error:
        said = str(error)
        if "too old" in said:
            return f"driver too old: torch is built for CUDA {torch.version.cuda}; update the NVIDIA driver. {said}"
        if torch.version.cuda is None:
            return "this torch is built without CUDA; install the build for your CUDA version"
        return said.splitlines()[0]
    return None


def load(weights: Weights, key: str, marker: str, opened: Callable[..., Any], **more: Any) -> Any:
    """`opened(model, **source, **more)`, the source checked first.

    key: where in the configuration the weights are named. marker: the file that a local folder must have.
    Raises ValueError or OSError that name model, revision and remedy.
    """
    what = f"{key}: model {weights.model}, revision {weights.revision or 'none'}"
    folder = Path(weights.model)
    is_folder = folder.is_dir()
    if (folder.is_absolute() or weights.model.startswith(".") or is_folder) and not (
        folder / marker
    ).is_file():
        raise OSError(
            f"{what}: no folder with a model ({marker}) is there; save one with save_pretrained, or give a hub id "
            "and a revision"
        )
    if not is_folder and weights.revision is None:
        raise ValueError(
            f"{what}: a model of the hub needs a pinned revision (a commit), so that the same night makes the same "
            f"pictures: open the model's page, read its licence, and set {key}.revision to the commit you read; or "
            "give a local folder"
        )
    try:
        return opened(
            weights.model,
            revision=None if is_folder else weights.revision,
            local_files_only=is_folder or weights.local_files_only,
            **more,
        )
    except (OSError, ValueError) as error:
        raise OSError(f"{what} cannot be loaded: {error} -- {remedy(error)}") from error


def remedy(error: BaseException) -> str:
    """What to do about weights that the hub or the disk does not give."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(one, GatedRepoError) for one in chain):
        return "no access: accept the model's terms on its page with the account of this machine's HF_TOKEN"
    if any(isinstance(one, RepositoryNotFoundError) for one in chain):
        return "the hub knows no such model, or the account whose token this machine uses may not see it"
    if any(isinstance(one, RevisionNotFoundError) for one in chain):
        return "wrong revision: the model has no such commit; copy it from the model's page"
    return (
        "fetch it once where there is a network (local_files_only = false), or give a local folder with safetensors "
        "weights"
    )


def pipeline_class(config: Diffusion) -> str:
    """The name of the pipeline's class, as its model_index.json has it."""
    from diffusers import DiffusionPipeline

    folder = Path(config.model)
    if (folder / "model_index.json").is_file():
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    else:
        index = load(config, "scene.diffusion", "model_index.json", DiffusionPipeline.load_config)
    return str(index["_class_name"])


def load_pipeline(config: Diffusion, **parts: Any) -> Any:
    """The pipeline on its device, without progress bars; `parts` replace its own."""
    from diffusers import DiffusionPipeline

    pipeline = load(
        config,
        "scene.diffusion",
        "model_index.json",
        DiffusionPipeline.from_pretrained,
        dtype=dtype_of(config.device),
        # Pickled weights can run code.
        use_safetensors=True,
        **parts,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(config.device)


def load_part(weights: Weights, key: str, kind: type[Any], device: str) -> Any:
    """One model (a UNet, a ControlNet) on its device. Raises ValueError where the weights are those of another."""
    part = load(
        weights, key, "config.json", kind.from_pretrained, dtype=dtype_of(device), use_safetensors=True
    )
    if any(parameter.is_meta for parameter in part.parameters()):
        raise ValueError(
            f"{key}: {weights.model} lacks weights of a {kind.__name__}: it is another kind of model, or half of one"
        )
    return part.to(device)


_REGIONS = frozenset(
    {
        "BasicTransformerBlock",
        "ResnetBlock2D",
        "ZImageTransformerBlock",
        "ZImageControlTransformerBlock",
        "QwenImageTransformerBlock",
    }
)
"""Classes of blocks that are compiled. A residual block among them: channels last, eager normalisation on a card copies
to channels first and back, in the UNet, its ControlNets and most of all the autoencoder."""


def tuned(models: Sequence[torch.nn.Module], vae: Any, config: Diffusion) -> None:
    """Makes denoisers with their ControlNets, and an autoencoder, fast: in place."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    if vae is not None:
        vae.to(memory_format=torch.channels_last)
    if config.compile:
        # A block is compiled anew for widths, canvases and a batch of one; where the limit (8) is reached, a whole
        # graph raises instead of running uncompiled.
        torch._dynamo.config.recompile_limit = 128
        for model in (*models, *([] if vae is None else [vae])):
            for block in model.modules():
                if type(block).__name__ in _REGIONS:
                    block.compile(fullgraph=True)
