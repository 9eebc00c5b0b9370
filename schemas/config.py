"""What a night's configuration file (TOML) may say. Unknown keys are errors."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
OPTIONAL_FIELDS = {
    "description": "text or HTML",
    "brand": "text",
    "currency": "ISO 4217 code or symbol; the merchant's when left out",
    "sale_price": "as price; kept when it is below the price and its dates hold tonight",
    "sale_dates": "`first/last`, ISO 8601",
    "availability": "a word for in_stock, out_of_stock, preorder or backorder, or a number of pieces",
    "condition": "a word for new, refurbished or used",
    "gtin": "GTIN-8, -12, -13 or -14 with its check digit",
    "parent_sku": "what the variants of one product share",
    "language": "BCP 47 tag; detected when left out",
    "size": "text with a quantity, such as `6 x 330 ml`",
    "tags": "array of text, or text with , ; or | between",
    "specs": "array of (name, value, unit)",
    "ratings": "array of numbers from 1 to 5",
    "rating_mean": "number from 1 to 5, where the feed has no single ratings",
    "rating_count": "number of ratings behind rating_mean",
    "reviews": "array of text; only what at least three say is kept",
    "questions": "array of text; only what at least three ask is kept",
    "image": "path below image_root, or an address that image_paths maps there",
}
"""Fields of a product feed beside sku, title, category and price, and what their values may be."""
SqlExpression = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Paths(_Strict):
    """Where input lies. `data_root` may hold `{state}`; the environment variable DATA_ROOT overrides it."""

    data_root: str
    sample_shop: bool = False
    """Make the sample shop at data_root before the night."""


class Store(_Strict):
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


class Engines(_Strict):
    """How much of the machine the engines take."""

    cores: int = Field(default=2, ge=1)
    spark_memory: str = "2g"
    quick_start: bool = True
    """Whether Spark starts fast rather than runs fast: right up to some 100,000 products, wrong above."""
    spark_conf: dict[str, str] = Field(default_factory=dict)
    """Settings passed on to Spark as they are."""
    ray_object_store_mb: int = Field(default=256, ge=80)
    batch_size: int = Field(default=16, ge=1)
    """Rows a Ray actor takes at a time; smaller spreads better, larger costs less scheduling."""


class Ingest(_Strict):
    """How much bad input a night takes before a merchant's last products stay instead."""

    max_reject_share: float = Field(default=0.25, ge=0, le=1)
    """Above this share of rejected rows in one feed that feed is set aside."""
    max_shrink_share: float = Field(default=0.5, ge=0, le=1)
    """A feed that lost more than this share of the merchant's last products is set aside: usually a broken export."""
    keep_products_nights: int = Field(default=3, ge=0)
    """For so many nights after its last good feed a merchant whose feed is set aside keeps its products."""
    min_segment_size: int = Field(default=50, ge=1)


class Quality(_Strict):
    """How often a rejected or failed picture is tried again, and thresholds that differ from the defaults."""

    max_attempts: int = Field(default=3, ge=1, le=10)
    """Pictures drawn for one slot until one is accepted."""
    max_failures: int = Field(default=3, ge=1)
    """A picture whose drawing ended in an error so often waits for `python -m jobs.retry_rejects`."""
    max_failed_share: float = Field(default=0.1, ge=0, le=1)
    """The error budget: above this share of failed pictures the stage stops."""
    thresholds: dict[str, float] = Field(default_factory=dict)


class Budget(_Strict):
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


class Weights(_Strict):
    """A model by hub id and pinned revision, or by local folder."""

    model: str
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")] | None = None
    """A commit of the hub: a branch or a tag may change overnight."""
    local_files_only: bool = False
    licence: str | None = None
    """The licence that was read and accepted, as the model's card names it; the preflight compares."""


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


class Spending(_Strict):
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


class Diffusion(Weights):
    """A diffusers pipeline: a UNet that inpaints (Stable Diffusion, SDXL), Z-Image, or an editor (Qwen-Image-Edit)."""

    device: Literal["cpu", "cuda"] = "cuda"
    steps: int = Field(default=20, ge=1)
    guidance_scale: float = Field(default=6.0, ge=0)
    size_px: int = Field(default=1024, ge=32)
    unet: Weights | None = None
    """A distilled UNet in place of the model's own."""
    sampler: Literal["own", "lcm"] = "own"
    edges: Control | None = None
    """ControlNet that reads the product's outlines."""
    layout: Control | None = None
    """ControlNet that reads a depth map in which the areas of text and sticker are flat and far."""
    style: Style | None = None
    references: dict[str, str] = Field(default_factory=dict)
    """Merchant -> path of a picture whose style its scenes borrow; `default` stands for every other merchant."""
    batch: int | None = Field(default=None, ge=1)
    """Pictures at once; left out, a sweep finds what the card does best."""
    most_at_once: int = Field(default=32, ge=1)
    """Where the sweep ends at the latest."""
    compile: bool = False
    """Compile the model's repeated blocks (cuda only): minutes at first, then from the cache below STATE."""
    spending: Spending = Spending()


class Scene(_Strict):
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
    max_new_tokens: int = Field(default=1600, ge=64)
    """A bound for what goes wrong: a model that means something ends long before it."""
    picture_px: int = Field(default=448, ge=32)
    """Longer side of the cut-out that the model is shown."""


class Writer(_Strict):
    """What writes the copy. A model's text that breaks a rule is repaired once, then the rules write it."""

    backend: Literal["rules", "model"] = "rules"
    model: WriterModel | None = None

    @model_validator(mode="after")
    def _model_for_backend(self) -> Self:
        if self.backend == "model" and self.model is None:
            raise ValueError("writer.backend is model: add a [writer.model] table with the model")
        return self


class Placement(_Strict):
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


def _text_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(
            f"{name!r} is no text encoding; for example UTF-8, UTF-16, latin-1, windows-1251"
        ) from None
    return name


class DataFile(_Strict):
    """Files of one form. Each may be gzipped, which is seen by its first bytes."""

    path: str = Field(min_length=1)
    """Below data_root; one file, a directory or a glob."""
    format: Literal["csv", "tsv", "json", "jsonl", "parquet", "xml"]
    """json: one array, or objects one behind the other. xml: RSS, Atom, or a root whose children are the records."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=4)
    """Of csv and tsv; a comma or a tab when left out."""
    quote: str = Field(default='"', max_length=1)
    """Empty: quotes have no meaning."""
    encoding: Annotated[str, AfterValidator(_text_encoding)] | None = None
    """Left out: a byte order mark's, an XML declaration's, or UTF-8."""
    header: bool = True
    columns: tuple[str, ...] = ()
    """Names the columns of a file without a header."""

    @model_validator(mode="after")
    def _settings_for_format(self) -> Self:
        delimited = {"delimiter", "quote", "header", "columns"} & self.model_fields_set
        if delimited and self.format not in {"csv", "tsv"}:
            raise ValueError(f"file {self.path}: {', '.join(sorted(delimited))} belong to csv and tsv only")
        if self.header == bool(self.columns):
            raise ValueError(f"file {self.path}: name `columns` if, and only if, header = false")
        return self


class JoinedFile(DataFile):
    """Files whose rows belong to the feed's rows by a key."""

    on: str
    """The feed's column that holds the key."""
    key: str
    """The same in these files."""
    many: bool = False
    """One row of the feed may have many of these: their column is an array."""


class File(DataFile):
    """A file of a feed and how its columns map: our field -> Spark SQL expression over the file's columns."""

    join: dict[Identifier, JoinedFile] = Field(default_factory=dict)
    """Name -> files joined by key; their columns are then `name.column` in `fields`."""
    fields: dict[str, SqlExpression]


class ImagePath(_Strict):
    """Pictures whose name begins with `prefix` (an address, say) lie under `path` in the image root."""

    prefix: str = Field(min_length=1)
    path: str = ""


class ProductFeed(File):
    """A catalog: a ready mapping by one word, or `fields` with at least sku, title, category and price; or both."""

    mapping: Literal["google_merchant", "shopify", "magento2", "plain"] | None = None
    """Ready mapping; `fields` then overrides its fields one by one. Columns are named like_this in expressions."""
    fields: dict[str, SqlExpression] = Field(default_factory=dict)
    image_root: str = ""
    """Folder below data_root that image paths are relative to; a path that leaves it is rejected."""
    image_paths: tuple[ImagePath, ...] = ()
    decimal_mark: Literal[".", ","] | None = None
    """Decides what `1,299` means; left out, the rules of jobs.catalog.money do."""
    category_separator: str | None = Field(default=None, min_length=1)
    """Between the levels of a category; `>` when left out."""
    accept_shrink: dt.date | None = None
    """The night in which a feed that shrank is meant, and taken as it is."""

    @model_validator(mode="before")
    @classmethod
    def _format_of_mapping(cls, given: Any) -> Any:
        usual = {"google_merchant": "xml", "shopify": "csv", "magento2": "csv"}
        if isinstance(given, dict) and "format" not in given and given.get("mapping") in usual:
            return {**given, "format": usual[given["mapping"]]}
        return given

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        required = {"sku", "title", "category", "price"}
        known = required | set(OPTIONAL_FIELDS)
        if not self.mapping and (missing := required - self.fields.keys()):
            raise ValueError(
                f"feed {self.path}: map these fields too: {', '.join(sorted(missing))}; or choose a ready mapping"
            )
        if unknown := self.fields.keys() - known:
            raise ValueError(f"feed {self.path}: unknown fields {sorted(unknown)}; known are {sorted(known)}")
        return self


class Channel(_Strict):
    """A channel that a drop holds files for."""

    locale: Locale | None = None
    """Language of its pictures; the merchant's first one when left out."""
    base_url: str | None = Field(default=None, pattern=r"^https?://\S+/$")
    """The address under which the merchant serves the unpacked drop; Google and Meta fetch pictures from there."""


class ShownPrice(_Strict):
    """Shows the price in pictures with text. It is then part of a picture: another price draws it anew.

    A former price stands beside it, struck through, only where our own record of the 30 nights before the reduction
    holds it as the lowest (Directive 98/6/EC, article 6a).
    """

    legal: dict[Locale, Annotated[str, Field(min_length=1, max_length=80)]] = Field(default_factory=dict)
    """The small line under it by locale, such as "incl. VAT, plus shipping"."""


class Merchant(_Strict):
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
    channels: dict[Literal["google_merchant", "amazon", "meta"], Channel] = Field(default_factory=dict)
    """Where the merchant sells: its drop then has files for them under `channels/`, checked by each one's rules."""
    price: ShownPrice | None = None
    """Left out, pictures show no price and outlive its changes."""
    feed: ProductFeed

    @model_validator(mode="after")
    def _channels_are_complete(self) -> Self:
        for name, channel in self.channels.items():
            if name != "amazon" and channel.base_url is None:
                raise ValueError(
                    f"channel {name} of merchant {self.id}: base_url is missing: the address, with a slash at its "
                    "end, under which the unpacked drop will be served"
                )
            if channel.locale is not None and channel.locale not in self.locales:
                raise ValueError(f"channel {name} of merchant {self.id}: locale is none of {self.locales}")
        return self


class SegmentRule(_Strict):
    """A segment by a rule: `where` is a Spark SQL predicate over users' columns and behaviour (see the README)."""

    id: Identifier
    name: str
    description: str
    need: str | None = None
    contexts: tuple[str, ...] = ()
    where: SqlExpression


class SegmentSource(_Strict):
    """Where segments come from.

    `table`: a ready segment table with its members.
    `rules`: predicates over the columns of `users` and over behaviour derived from `events`.
    `clusters`: users with like behaviour, found in `events`.
    Every kind takes `events`, from which affinities are counted, and `items`, which describes what events refer to
    where no merchant's catalog does.
    """

    id: Identifier
    kind: Literal["table", "rules", "clusters"]
    segments: File | None = None
    members: File | None = None
    users: File | None = None
    rules: tuple[SegmentRule, ...] = ()
    clusters: int | tuple[int, int] = (4, 10)
    """How many clusters, or as few and as many as may come out; the mean silhouette chooses."""
    events: File | None = None
    event_weights: dict[str, float] = Field(default_factory=lambda: {"view": 1.0, "cart": 3.0, "order": 6.0})
    window_days: int = Field(default=90, ge=1)
    window_end: dt.date | None = None
    """Last day of behaviour that counts; the night itself when left out. For exports that end earlier."""
    timezone: str = "UTC"
    """Where users are, as an IANA name: instants are moved there before hours and days are told."""
    items: File | None = None

    @model_validator(mode="after")
    def _parts_for_kind(self) -> Self:
        needed = {"table": ("segments", "members"), "rules": ("rules",), "clusters": ("events",)}[self.kind]
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"segment source {self.id} of kind {self.kind}: add {', '.join(missing)}")
        if self.kind == "rules" and self.users is None and self.events is None:
            raise ValueError(f"segment source {self.id}: rules need users, events or both")
        if not 2 <= self.cluster_range[0] <= self.cluster_range[1] <= 100:
            raise ValueError(
                f"segment source {self.id}: clusters = {self.clusters}; set 2 to 100, low before high"
            )
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(
                f"segment source {self.id}: timezone = {self.timezone!r} is no IANA name, such as Europe/Berlin"
            ) from None
        return self

    @property
    def cluster_range(self) -> tuple[int, int]:
        """Fewest and most clusters."""
        return (self.clusters, self.clusters) if isinstance(self.clusters, int) else self.clusters


class Config(_Strict):
    """One night's configuration."""

    paths: Paths
    store: Store = Store()
    engines: Engines = Engines()
    ingest: Ingest = Ingest()
    quality: Quality = Quality()
    budget: Budget = Budget()
    scene: Scene = Scene()
    writer: Writer = Writer()
    placements: dict[Identifier, Placement] = Field(
        default_factory=lambda: {"square": Placement(width_px=1024, height_px=1024)}
    )
    merchants: tuple[Merchant, ...] = Field(min_length=1)
    segment_sources: tuple[SegmentSource, ...] = Field(min_length=1)

    def scene_of(self, merchant: Merchant, placement: str) -> tuple[int, bool]:
        """Height of the scene that a placement is a window of, and whether that scene leaves room for text.

        Placements of one width share the scene of the tallest, where its layout fits into their window.
        """
        own = self.placements[placement]
        family = [
            other
            for other in map(self.placements.__getitem__, merchant.placements)
            if other.width_px == own.width_px and other.look != "white"
        ]
        if own.look == "white" or not family:
            return own.height_px, False
        tallest = max(other.height_px for other in family)
        least = min(tallest, READING_SHARE * own.width_px) if own.look == "text" else 0.95 * own.width_px
        if own.height_px < least:
            return own.height_px, own.look == "text"
        reading = min(tallest, READING_SHARE * own.width_px)
        return tallest, any(other.look == "text" and other.height_px >= reading for other in family)

    def weights(self) -> dict[str, Weights]:
        """Where in the configuration -> weights, of all models that this night loads."""
        found: dict[str, Weights] = {}
        if self.scene.backend == "diffusion" and self.scene.diffusion is not None:
            found["scene.diffusion"] = self.scene.diffusion
            for name in ("unet", "edges", "layout", "style"):
                if (part := getattr(self.scene.diffusion, name)) is not None:
                    found[f"scene.diffusion.{name}"] = part
        if self.writer.backend == "model" and self.writer.model is not None:
            found["writer.model"] = self.writer.model
        return found

    @model_validator(mode="after")
    def _names_resolve(self) -> Self:
        for kind, names in (
            ("merchant", [m.id for m in self.merchants]),
            ("segment source", [s.id for s in self.segment_sources]),
        ):
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{kind} declared twice: {', '.join(sorted(twice))}")
        sources = {source.id for source in self.segment_sources}
        for merchant in self.merchants:
            for name in merchant.segment_sources:
                if name not in sources:
                    raise ValueError(f"merchant {merchant.id}: segment source {name} is not declared")
            for name in merchant.placements:
                if name not in self.placements:
                    raise ValueError(f"merchant {merchant.id}: placement {name} is not declared")
        return self
