"""What a configuration may say of feeds and of where segments come from: files, formats, mappings."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from schemas.strict import Identifier, Strict

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


def _text_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(
            f"{name!r} is no text encoding; for example UTF-8, UTF-16, latin-1, windows-1251"
        ) from None
    return name


class DataFile(Strict):
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


class ImagePath(Strict):
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


class SegmentRule(Strict):
    """A segment by a rule: `where` is a Spark SQL predicate over users' columns and behaviour (see the README)."""

    id: Identifier
    name: str
    description: str
    need: str | None = None
    contexts: tuple[str, ...] = ()
    where: SqlExpression


class SegmentSource(Strict):
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
