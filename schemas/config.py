"""What a night's configuration file (TOML) may say. Unknown keys are errors."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.feed_config import (
    ProductFeed,
    SegmentSource,
)
from schemas.model_config import CutOut, Judge, OnDevice, Personas, Scene, Weights, Writer, WriterModel
from schemas.strict import Identifier, Locale, Strict


class Paths(Strict):
    """Where input lies. `data_root` may hold `{state}`; the environment variable DATA_ROOT overrides it."""

    data_root: str
    sample_shop: bool = False
    """Make the sample shop at data_root before the night."""


class Store(Strict):
    """Where objects (cut-outs, pictures) are kept: STATE/store or an S3 bucket."""

    kind: Literal["local", "s3"] = "local"
    bucket: str | None = None
    prefix: str = ""
    endpoint_url: str | None = None

    @model_validator(mode="after")
    def _bucket_for_s3(self) -> Self:
        if self.kind == "s3" and not self.bucket:
            raise ValueError("store.kind is s3: set store.bucket")
        return self


class Engines(Strict):
    """How much of the machine the engines take."""

    cores: int = Field(default=2, ge=1)
    spark_memory: str = "2g"
    quick_start: bool = True
    """Whether Spark starts fast rather than runs fast: right up to some 100,000 products, wrong above."""
    spark_conf: dict[str, str] = Field(default_factory=dict)
    """Settings passed on to Spark as they are."""
    ray_object_store_mb: int = Field(default=256, ge=80)
    batch_size: int = Field(default=4, ge=1)
    """Rows a Ray actor takes at a time, and all that a kill takes of an actor's work: few where a row takes a second,
    many where a card makes them together."""


class Ingest(Strict):
    """How much bad input a night takes before a merchant's last products stay instead."""

    max_reject_share: float = Field(default=0.25, ge=0, le=1)
    """Above this share of rejected rows in one feed that feed is set aside."""
    max_shrink_share: float = Field(default=0.5, ge=0, le=1)
    """A feed that lost more than this share of the merchant's last products is set aside: usually a broken export."""
    keep_products_nights: int = Field(default=3, ge=0)
    """For so many nights after its last good feed a merchant whose feed is set aside keeps its products."""
    min_segment_size: int = Field(default=50, ge=1)


class Quality(Strict):
    """How often a rejected or failed picture is tried again, and thresholds that differ from the defaults."""

    max_attempts: int = Field(default=3, ge=1, le=10)
    """Pictures drawn for one slot until one is accepted."""
    max_failures: int = Field(default=3, ge=1)
    """A picture whose drawing ended in an error so often waits for `python -m jobs.retry_rejects`."""
    max_failed_share: float = Field(default=0.1, ge=0, le=1)
    """The error budget: above this share of failed pictures the stage stops."""
    thresholds: dict[str, float] = Field(default_factory=dict)
    brand_colors: dict[Identifier, tuple[Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")], ...]] = Field(
        default_factory=dict
    )
    """Merchant -> its colours, with which the surroundings must not clash; left out, the product's own are taken."""
    image_text: OnDevice | None = None
    """An image-text model (CLIP, SigLIP): how like its setting a picture is, and how like another persona's."""
    judge: Judge | None = None


class Budget(Strict):
    """What a night may cost, and prices. What a cap cuts off stays planned for the next night."""

    max_units: int | None = Field(default=None, ge=0)
    max_seconds: float | None = Field(default=None, ge=0)
    """Estimated core-seconds and GPU-seconds of drawing and scoring."""
    max_money: float | None = Field(default=None, ge=0)
    """Estimated, in `currency`; needs prices."""
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    core_second_price: float = Field(default=0.0, ge=0)
    gpu_second_price: float = Field(default=0.0, ge=0)
    gb_month_price: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _prices_for_money(self) -> Self:
        if self.max_money is not None and not (self.core_second_price or self.gpu_second_price):
            raise ValueError("budget.max_money is set: set budget.core_second_price or gpu_second_price too")
        return self


class Placement(Strict):
    """A canvas that pictures are made for."""

    width_px: int = Field(ge=256, le=4096)
    height_px: int = Field(ge=256, le=4096)
    look: Literal["text", "plain", "white"] = "text"
    """text: the copy on the scene. plain: the scene without a word. white: the product alone on pure white, filling at
    least 85 % of the frame; one a product, not one a persona, and only of products that could be cut out."""
    channel: Literal["shop", "marketplace", "social", "main_image"] = "shop"
    """Who shows it: marketplaces and social networks forbid words that a shop's own pages may use; the main image of
    Google Merchant Center and Amazon must not carry any text."""

    @model_validator(mode="after")
    def _no_text_on_main_images(self) -> Self:
        if self.channel == "main_image" and self.look == "text":
            raise ValueError(
                'channel main_image forbids text: set look = "white" (Amazon) or "plain" (Google)'
            )
        return self

    @property
    def one_a_product(self) -> bool:
        """Whether all personas would get the same picture, so that only the first has it made."""
        return self.look == "white"


READING_SHARE = 1.25
"""Height of what is laid out on a tall canvas over its width: on stories the rest lies under the app's own buttons."""


class Channel(Strict):
    """A channel that a drop holds files for."""

    locale: Locale | None = None
    """Language of its pictures; the merchant's first one when left out."""
    base_url: str | None = Field(default=None, pattern=r"^https?://\S+/$")
    """The address under which the merchant serves the unpacked drop; Google and Meta fetch pictures from there."""


class ShownPrice(Strict):
    """Shows the price in pictures with text. It is then part of a picture: another price draws it anew.

    A former price stands beside it, struck through, only where our own record of the 30 nights before the reduction
    holds it as the lowest (Directive 98/6/EC, article 6a).
    """

    legal: dict[Locale, Annotated[str, Field(min_length=1, max_length=80)]] = Field(default_factory=dict)
    """The small line under it by locale, such as "incl. VAT, plus shipping"."""


class Merchant(Strict):
    """One shop: its feed, how many faces each product gets, in which languages and sizes."""

    id: Identifier
    name: str
    tier: int = Field(default=1, ge=1, le=9)
    """Where the budget cuts, merchants of tier 1 are served before those of tier 2, and so on."""
    top_k: int = Field(default=3, ge=1, le=100)
    locales: tuple[Locale, ...] = ("en",)
    placements: tuple[Identifier, ...] = ("square",)
    segment_sources: tuple[Identifier, ...]
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    channels: dict[Literal["google_merchant", "amazon", "meta", "social"], Channel] = Field(
        default_factory=dict
    )
    """Where the merchant sells: its drop then has files for them under `channels/`, checked by each one's rules."""
    price: ShownPrice | None = None
    """Left out, pictures show no price and outlive its changes."""
    feed: ProductFeed

    @model_validator(mode="after")
    def _channels_are_complete(self) -> Self:
        for name, channel in self.channels.items():
            if name in {"google_merchant", "meta"} and channel.base_url is None:
                raise ValueError(
                    f"channel {name} of merchant {self.id}: base_url is missing: the address, with a slash at its "
                    "end, under which the unpacked drop will be served"
                )
            if channel.locale is not None and channel.locale not in self.locales:
                raise ValueError(f"channel {name} of merchant {self.id}: locale is none of {self.locales}")
        return self


class Config(Strict):
    """One night's configuration."""

    paths: Paths
    store: Store = Store()
    engines: Engines = Engines()
    ingest: Ingest = Ingest()
    quality: Quality = Quality()
    budget: Budget = Budget()
    cutout: CutOut = CutOut()
    scene: Scene = Scene()
    writer: Writer = Writer()
    personas: Personas = Personas()
    placements: dict[Identifier, Placement] = Field(
        default_factory=lambda: {"square": Placement(width_px=1024, height_px=1024)}
    )
    merchants: tuple[Merchant, ...] = Field(min_length=1)
    segment_sources: tuple[SegmentSource, ...] = Field(min_length=1)

    def scene_of(self, merchant: Merchant, placement: str) -> tuple[int, bool]:
        """Height of the scene that a placement is a window of, and whether that scene leaves room for text.

        Placements of one width and look share the scene of the tallest, where its layout fits into their window. One
        without words has no part in a scene with room for them: its product would stand aside for nothing.
        """
        own = self.placements[placement]
        has_text = own.look == "text"
        tallest = max(
            other.height_px
            for other in map(self.placements.__getitem__, merchant.placements)
            if other.width_px == own.width_px and other.look == own.look
        )
        least = min(tallest, READING_SHARE * own.width_px) if has_text else 0.95 * own.width_px
        shares = own.look != "white" and own.height_px >= least
        return tallest if shares else own.height_px, has_text

    def painted_shapes(self) -> dict[tuple[int, int], tuple[int, int]]:
        """(width, height) of every scene that a model paints -> in which it paints it.

        Raises ValueError for a placement that none of `scene.diffusion.shapes` has the form of.
        """
        diffusion = self.scene.diffusion
        if self.scene.backend != "diffusion" or diffusion is None:
            return {}
        scenes = {
            (self.placements[name].width_px, self.scene_of(merchant, name)[0])
            for merchant in self.merchants
            for name in merchant.placements
            if self.placements[name].look != "white"
        }
        return {scene: diffusion.shape_of(*scene) for scene in sorted(scenes)}

    @property
    def asked_model(self) -> WriterModel:
        """The model that is asked whom products are for, where `personas.backend` is model."""
        assert self.writer.model is not None
        return self.writer.model

    def weights(self) -> dict[str, Weights]:
        """Where in the configuration -> weights, of all models that this night loads."""
        found: dict[str, Weights] = {}
        if self.scene.backend == "diffusion" and self.scene.diffusion is not None:
            found["scene.diffusion"] = self.scene.diffusion
            for name in ("unet", "lora", "edges", "layout", "style"):
                if (part := getattr(self.scene.diffusion, name)) is not None:
                    found[f"scene.diffusion.{name}"] = part
        if "model" in (self.writer.backend, self.personas.backend) and self.writer.model is not None:
            found["writer.model"] = self.writer.model
        seeing = {
            "cutout.segmenter": self.cutout.segmenter,
            "cutout.matting": self.cutout.matting,
            "quality.image_text": self.quality.image_text,
            "quality.judge": self.quality.judge,
        }
        return found | {key: weights for key, weights in seeing.items() if weights is not None}

    @model_validator(mode="after")
    def _model_for_personas(self) -> Self:
        if self.personas.backend == "model" and self.writer.model is None:
            raise ValueError(
                "personas.backend is model: add a [writer.model] table with the model that is asked"
            )
        return self

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        for kind, names in (
            ("merchant", [m.id for m in self.merchants]),
            ("segment source", [s.id for s in self.segment_sources]),
        ):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{kind} declared twice: {', '.join(sorted(twice))}")
        known = {merchant.id for merchant in self.merchants} | {"default"}
        for whose in self.scene.diffusion.references if self.scene.diffusion else ():
            if whose.partition("/")[0] not in known:
                raise ValueError(
                    f"scene.diffusion.references.{whose}: merchant {whose.partition('/')[0]} is not declared"
                )
        sources = {source.id for source in self.segment_sources}
        for merchant in self.merchants:
            for name in merchant.segment_sources:
                if name not in sources:
                    raise ValueError(f"merchant {merchant.id}: segment source {name} is not declared")
            for name in merchant.placements:
                if name not in self.placements:
                    raise ValueError(f"merchant {merchant.id}: placement {name} is not declared")
        self.painted_shapes()
        return self
