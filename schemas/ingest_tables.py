"""Tables of what is sold, and of who buys what."""

from __future__ import annotations

import datetime as dt

from schemas.columns import (
    FACT,
    MERCHANT,
    RUN_DATE,
    SEGMENT,
    SKU,
)
from schemas.contract import (
    DATE,
    DOUBLE,
    INT,
    LONG,
    STRING,
    Check,
    Column,
    Table,
    between,
    hex_digits,
    list_of,
    one_of,
    refers_to,
    steady_count,
)

PRODUCTS = Table(
    name="products",
    doc="One sellable SKU of one merchant as of this night, normalised.",
    columns=(
        RUN_DATE,
        MERCHANT,
        SKU,
        Column("title", STRING, "Name of the product, plain text."),
        Column(
            "description",
            STRING,
            "What the merchant says of it, plain text.",
            nullable=True,
            sample=one_of("Made to last.", "咖啡 · 500 g"),
        ),
        Column("category", STRING, "The merchant's category path, levels joined by ' > '."),
        Column(
            "taxonomy",
            STRING,
            "The category in the one taxonomy of all shops (jobs/catalog/taxonomy.toml); Other when no word is known.",
            nullable=True,
        ),
        Column("brand", STRING, "Brand in the merchant's commonest spelling.", nullable=True),
        Column("price_minor", LONG, "Price in minor units of the currency (cents)."),
        Column(
            "sale_price_minor",
            LONG,
            "Reduced price of tonight in minor units; NULL when there is none.",
            nullable=True,
            sample=one_of(None),
        ),
        Column("currency", STRING, "ISO 4217 code.", sample=one_of("EUR", "USD", "JPY")),
        Column(
            "availability",
            STRING,
            "in_stock, out_of_stock, preorder or backorder.",
            nullable=True,
            sample=one_of(None, "in_stock", "out_of_stock"),
        ),
        Column(
            "condition",
            STRING,
            "new, refurbished or used.",
            nullable=True,
            sample=one_of(None, "new", "used"),
        ),
        Column(
            "gtin",
            STRING,
            "GTIN-8, -12, -13 or -14 whose check digit holds.",
            nullable=True,
            sample=one_of(None, "4006381333931", "96385074"),
        ),
        Column("parent_sku", STRING, "What the variants of one product share.", nullable=True),
        Column(
            "language",
            STRING,
            "Language of the text, ISO 639-1: declared, else detected; NULL when unsure.",
            nullable=True,
        ),
        Column("tags", list_of(STRING), "Free keywords of the merchant, lower case, sorted."),
        Column(
            "facts",
            list_of(FACT),
            "What copy may claim, sorted: name, value and unit to print, the value as a number (NULL for words; "
            "litres as ml, kilograms as g), and the feed field it comes from.",
        ),
        Column(
            "rating_mean", DOUBLE, "Mean rating of the reviews, 1 to 5.", nullable=True, sample=between(1, 5)
        ),
        Column("rating_count", LONG, "Number of reviews."),
        Column(
            "image_uri",
            STRING,
            "Where the source picture lies; NULL when the feed names none that exists.",
            nullable=True,
        ),
        Column(
            "image_sha256",
            STRING,
            "SHA-256 (hex) of the picture's bytes; NULL without a picture.",
            nullable=True,
            sample=hex_digits(64),
        ),
        Column(
            "product_hash",
            STRING,
            "SHA-256 (hex) over the fields that influence a picture; not the price.",
            sample=hex_digits(64),
        ),
        Column(
            "feed_date",
            DATE,
            "The night whose feed the row is from; earlier than run_date while a feed is set aside.",
            nullable=True,
            sample=one_of(None, dt.date(2025, 12, 31)),
        ),
        Column("feed_file", STRING, "The file that the row is from, below data_root.", nullable=True),
        Column(
            "feed_row",
            LONG,
            "The line of that file where the row starts, or its number, from 1.",
            nullable=True,
        ),
    ),
    key=("run_date", "merchant_id", "sku"),
    written_by="jobs.ingest_catalog",
    partition_by=("run_date",),
    checks=(
        Check("price_is_positive", "price_minor > 0", breaks={"price_minor": 0}),
        Check(
            "currency_is_iso_4217",
            "length(currency) = 3 AND currency = upper(currency)",
            breaks={"currency": "eur"},
        ),
        Check(
            "sale_price_is_lower",
            "sale_price_minor IS NULL OR sale_price_minor BETWEEN 1 AND price_minor - 1",
            breaks={"sale_price_minor": 10**15},
        ),
        Check(
            "availability_known",
            "availability IS NULL OR availability IN ('in_stock', 'out_of_stock', 'preorder', 'backorder')",
            breaks={"availability": "auf Lager"},
        ),
        Check(
            "condition_known",
            "condition IS NULL OR condition IN ('new', 'refurbished', 'used')",
            breaks={"condition": "neu"},
        ),
        Check("gtin_has_a_length", "gtin IS NULL OR length(gtin) IN (8, 12, 13, 14)", breaks={"gtin": "123"}),
        Check(
            "feed_is_not_of_tomorrow",
            "feed_date IS NULL OR feed_date <= run_date",
            breaks={"feed_date": dt.date(2999, 1, 1)},
        ),
        Check("title_has_sane_length", "length(title) BETWEEN 1 AND 500", breaks={"title": "x" * 501}),
        Check("product_hash_is_hex", "length(product_hash) = 64", breaks={"product_hash": "0" * 63}),
        Check(
            "rating_in_range",
            "rating_mean IS NULL OR rating_mean BETWEEN 1 AND 5",
            breaks={"rating_mean": 5.01},
        ),
        Check("has_a_picture", "image_sha256 IS NOT NULL", severity="warn", breaks={"image_sha256": None}),
        Check(
            "has_a_description",
            "description IS NOT NULL AND length(description) > 0",
            severity="warn",
            breaks={"description": ""},
        ),
    ),
    rules=(steady_count(0.3, per="merchant_id"),),
)

SEGMENTS = Table(
    name="segments",
    doc="One user segment as of this night: traits, interests, size; never a person.",
    columns=(
        RUN_DATE,
        SEGMENT,
        Column("source", STRING, "The segment source of the configuration that it comes from."),
        Column("name", STRING, "Short name for people."),
        Column("description", STRING, "Who they are and what they look for, in one or two sentences."),
        Column("need", STRING, "What they want from a product, in a few words.", nullable=True),
        Column("interests", list_of(STRING), "Categories and topics, strongest first."),
        Column("contexts", list_of(STRING), "Situations in which they use products."),
        Column("size", LONG, "Distinct users; segments below the configured minimum are set aside."),
        Column("population_share", DOUBLE, "Size over all users of the source, 0 to 1."),
    ),
    key=("run_date", "segment_id"),
    written_by="jobs.build_segments",
    partition_by=("run_date",),
    checks=(
        Check("size_is_positive", "size > 0", breaks={"size": 0}),
        Check(
            "share_in_range",
            "population_share > 0 AND population_share <= 1",
            breaks={"population_share": 1.01},
        ),
    ),
    rules=(steady_count(0.5, per="source"),),
)

SEGMENT_AFFINITY = Table(
    name="segment_affinity",
    doc=(
        "How much more than average a segment engages with a category, brand, price band, tag or product, "
        "at a time of day or in a season."
    ),
    columns=(
        RUN_DATE,
        SEGMENT,
        Column(
            "dimension",
            STRING,
            "category, brand, price_band, tag, product, hour_band or season.",
            sample=one_of("category", "brand", "price_band", "tag", "product", "hour_band", "season"),
        ),
        Column(
            "value",
            STRING,
            "The category (with its parents), brand, price band, tag, product (merchant/sku), hour band or season.",
        ),
        Column(
            "lift", DOUBLE, "Share of the segment's engagement over the population's share, shrunk towards 1."
        ),
        Column("support", DOUBLE, "Weighted engagements of the segment with the value."),
        Column(
            "events",
            LONG,
            "Engagements counted, unweighted: order lines, clicks or declarations.",
            nullable=True,
        ),
        Column(
            "users",
            LONG,
            "Distinct users of the segment who engaged: 0, or 3 and more, so that nobody can be told from a row.",
            nullable=True,
            sample=one_of(None, 0, 3, 57),
        ),
        Column(
            "basis",
            STRING,
            "events (weighted behaviour) or declared (interests that users state).",
            sample=one_of("events", "declared"),
        ),
        Column("window_days", INT, "Days of behaviour counted; 0 when declared."),
    ),
    key=("run_date", "segment_id", "dimension", "value"),
    written_by="jobs.build_segments",
    partition_by=("run_date",),
    checks=(
        Check("lift_is_positive", "lift > 0", breaks={"lift": 0.0}),
        Check("support_not_negative", "support >= 0", breaks={"support": -0.5}),
        Check(
            "dimension_known",
            "dimension IN ('category', 'brand', 'price_band', 'tag', 'product', 'hour_band', 'season')",
            breaks={"dimension": "colour"},
        ),
        Check("basis_known", "basis IN ('events', 'declared')", breaks={"basis": "guess"}),
        Check("users_not_few", "users IS NULL OR users = 0 OR users >= 3", breaks={"users": 2}),
    ),
    rules=(
        refers_to("segments", "segment_id"),
        steady_count(0.5, per="dimension"),
    ),
)
