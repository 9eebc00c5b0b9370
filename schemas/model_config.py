"""What a configuration may say of models: weights, what paints scenes and what writes copy."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.strict import Strict


class Weights(Strict):
    """A model by hub id and pinned revision, or by local folder."""

    model: str
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")] | None = None
    """A commit of the hub: a branch or a tag may change overnight."""
    local_files_only: bool = False
    licence: str | None = None
    """The licence that was read and accepted, as the model's card names it; the preflight compares."""


class OnDevice(Weights):
    """A model that looks at pictures, and where it runs."""

    device: Literal["cpu", "cuda"] = "cuda"


class Segmenter(Weights):
    """A network as an ONNX file that takes a square picture and gives a logit a pixel (BiRefNet)."""

    file: str = "onnx/model.onnx"
    """Its place in the folder or repository."""
    device: Literal["cpu", "cuda"] = "cpu"
    """On a card with onnxruntime-gpu, which is not among what set-up installs."""
    size_px: int = Field(default=1024, ge=32)


class CutOut(Strict):
    """What cuts products out."""

    objects: Literal["all", "largest", "one"] = "all"
    """Of a picture with several loose objects: all are shown, the largest alone, or the whole photograph."""
    segmenter: Segmenter | None = None
    """What tells product from ground in place of the classical method, on any ground."""
    matting: OnDevice | None = None
    """A network that draws the soft edge (ViTMatte) of what the segmenter or the classical method says is product."""


class Control(Weights):
    """A ControlNet, and how strongly it acts."""

    scale: float = Field(default=0.5, gt=0, le=2)


class Style(Weights):
    """An IP-Adapter: a UNet borrows the style of `references` through it."""

    subfolder: str = ""
    weight_name: str = "ip_adapter.safetensors"
    image_encoder: str = "image_encoder"
    """Folder of the image encoder below `subfolder`, or a path with a slash below the model."""
    scale: float = Field(default=0.5, gt=0, le=1)

    @property
    def encoder_folder(self) -> str:
        """Folder of the image encoder below the model."""
        is_path = "/" in self.image_encoder or not self.subfolder
        return self.image_encoder if is_path else f"{self.subfolder}/{self.image_encoder}"


class LoRA(Weights):
    """Low-rank changes of a UNet's weights, added to them when it is loaded: they cost nothing from then on."""

    weight_name: str = "pytorch_lora_weights.safetensors"
    scale: float = Field(default=1.0, gt=0, le=2)


class Spending(Strict):
    """Where painting stops for a night, all its rounds and cards together; what is done by then is published.

    The night's `budget` plans with estimates; this stops by the clock.
    """

    hours: float | None = Field(default=None, gt=0)
    """Of cards: two cards spend one in half an hour."""
    money: float | None = Field(default=None, gt=0)
    price_per_hour: float | None = Field(default=None, gt=0)
    """Of one card, in the currency of `money`."""

    @model_validator(mode="after")
    def _price_for_money(self) -> Self:
        if self.money is not None and self.price_per_hour is None:
            raise ValueError("money needs price_per_hour, what one card costs an hour")
        return self


Side = Annotated[int, Field(ge=32, multiple_of=8)]
"""Of a painted picture, in pixels."""
_SAME_FORM = math.log(1.05)
"""How far a shape may be from a picture's form: it is painted, with all that the model is shown, as much too wide or
too high, and brought to its form afterwards."""


class Diffusion(Weights):
    """A diffusers pipeline: a UNet that inpaints (Stable Diffusion, SDXL), Z-Image, or an editor (Qwen-Image-Edit)."""

    device: Literal["cpu", "cuda"] = "cuda"
    steps: int = Field(default=20, ge=1)
    guidance_scale: float = Field(default=6.0, ge=0)
    size_px: int = Field(default=1024, ge=32)
    """Side of the square that the model was trained on: what is painted has its area."""
    shapes: tuple[tuple[Side, Side], ...] = ()
    """(width, height) that are painted and no others, so that kernels and batch sizes are known for each; a picture
    takes the one of its form. Left out, each form of picture is a shape of its own."""
    shared_steps: int = Field(default=0, ge=0)
    """First steps that a product's scenes in one layout share, told only what they have in common. It costs variety:
    measure that before you turn it on, by `python -m tests.benchmarks.shared_steps`."""
    unet: Weights | None = None
    """A distilled UNet in place of the model's own."""
    lora: LoRA | None = None
    """Makes few steps enough (LCM-LoRA), or lends a look."""
    sampler: Literal["own", "lcm"] = "own"
    edges: Control | None = None
    """ControlNet that reads the product's outlines."""
    layout: Control | None = None
    """ControlNet that reads a depth map in which the areas of text and sticker are flat and far."""
    style: Style | None = None
    references: dict[str, str] = Field(default_factory=dict)
    """Whose scenes -> path of the picture whose style they borrow: `merchant/segment`, else `merchant`, else `default`.

    A UNet is shown it through `style`, an editor as a second picture; Z-Image, which is shown none, is told its
    brightness, contrast and colours in words. Each instruction carries its own, so a changed picture redraws only the
    scenes that borrow from it."""
    batch: int | None = Field(default=None, ge=1)
    """Pictures at once; left out, a sweep finds what the card does best."""
    most_at_once: int = Field(default=32, ge=1)
    """Where the sweep ends at the latest."""
    compile: bool = False
    """Compile the model's repeated blocks: minutes at first, then from the cache below STATE."""
    spending: Spending = Spending()

    def shape_of(self, width_px: int, height_px: int, step_px: int = 32) -> tuple[int, int]:
        """The (width, height) in which a picture of this size is painted.

        step_px: what sides are multiples of, where no shapes are named. Raises ValueError with a shape to add where
        none of those named has the picture's form.
        """
        scale = self.size_px / math.sqrt(width_px * height_px)
        width, height = (
            max(step_px, round(side * scale / step_px) * step_px) for side in (width_px, height_px)
        )
        if not self.shapes:
            return width, height
        form = math.log(width_px / height_px)
        found = min(self.shapes, key=lambda shape: abs(math.log(shape[0] / shape[1]) - form))
        if abs(math.log(found[0] / found[1]) - form) > _SAME_FORM:
            raise ValueError(
                f"scene.diffusion.shapes: none has the form of {width_px} x {height_px}; add [{width}, {height}]"
            )
        return found

    @model_validator(mode="after")
    def _own_steps(self) -> Self:
        if self.shared_steps >= self.steps:
            raise ValueError(
                f"shared_steps: {self.shared_steps} of {self.steps} steps leave no step for a scene's own words"
            )
        return self


class Scene(Strict):
    """What draws the scene around the product."""

    backend: Literal["components", "diffusion"] = "components"
    diffusion: Diffusion | None = None

    @model_validator(mode="after")
    def _model_for_diffusion(self) -> Self:
        if self.backend == "diffusion" and self.diffusion is None:
            raise ValueError("scene.backend is diffusion: add a [scene.diffusion] table with the model")
        return self


class WriterModel(Weights):
    """A vision-language model."""

    device: Literal["cpu", "cuda"] = "cuda"
    batch_size: int = Field(default=8, ge=1)
    """Questions at once; answered ones give their places to those that wait."""
    max_new_tokens: int = Field(default=1600, ge=64)
    """A bound for what goes wrong: a model that means something ends long before it."""
    picture_px: int = Field(default=448, ge=32)
    """Longer side of the cut-out that the model is shown."""


class Judge(WriterModel):
    """A vision-language model that is asked fixed yes/no questions of each picture."""

    max_new_tokens: int = Field(default=160, ge=64)
    measured: str | None = None
    """Its record, by `python -m tests.benchmarks.judge`: how often each yes was right. Without one no yes counts."""


class Personas(Strict):
    """What says whom a product is for: past behaviour and text, or these and the opinion of `writer.model`."""

    backend: Literal["rules", "model"] = "rules"
    measured: str | None = None
    """The model's record, by `python -m jobs.evaluate_personas --config CONFIG --record FILE`: what its opinion is
    worth beside behaviour. Without one it is asked and written down, and counts nothing."""


class Writer(Strict):
    """What writes the copy. A model's text that breaks a rule is repaired once, then the rules write it."""

    backend: Literal["rules", "model"] = "rules"
    model: WriterModel | None = None

    @model_validator(mode="after")
    def _model_for_backend(self) -> Self:
        if self.backend == "model" and self.model is None:
            raise ValueError("writer.backend is model: add a [writer.model] table with the model")
        return self
