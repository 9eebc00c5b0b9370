"""Columns, nested types and checks that several tables share."""

from __future__ import annotations

from schemas.contract import DATE, DOUBLE, INT, STRING, Check, Column, hex_digits, list_of, struct_of

FACT = struct_of(name=STRING, value=STRING, unit=STRING, number=DOUBLE, source_field=STRING)
COLOUR = struct_of(hex=STRING, share=DOUBLE, name=STRING)
SCENE = struct_of(
    setting=STRING,
    light=STRING,
    season=STRING,
    mood=STRING,
    palette=list_of(STRING),
    props=list_of(STRING),
    size_cm=INT,
)
CLAIM = struct_of(element=STRING, text=STRING, source_field=STRING, source_value=STRING)
BOX = struct_of(left=INT, top=INT, right=INT, bottom=INT)
TEXT_BOX = struct_of(
    element=STRING,
    left=INT,
    top=INT,
    right=INT,
    bottom=INT,
    contrast=DOUBLE,
    text=STRING,
    letters=BOX,
    lines=INT,
)
MEASUREMENT = struct_of(name=STRING, value=DOUBLE)

RUN_DATE = Column("run_date", DATE, "The night, as its logical date (UTC).")
MERCHANT = Column("merchant_id", STRING, "The merchant, as named in the configuration.")
SKU = Column("sku", STRING, "The merchant's own stock-keeping unit.")
SEGMENT = Column("segment_id", STRING, "The user segment.")
LOCALE = Column("locale", STRING, "Language of the copy, BCP 47.")
ASSET = Column(
    "asset_id",
    STRING,
    "SHA-256 (hex) over everything that influences the asset's pixels; never dates or scores.",
    sample=hex_digits(64),
)
PLACEMENT = Column(
    "placement", STRING, "Where the picture is shown; its canvas comes from the configuration."
)
VARIANT = Column("variant", INT, "0 for the first attempt; each retry after a rejection adds one.")
INSTRUCTION_HASH = Column(
    "instruction_hash",
    STRING,
    "SHA-256 (hex) over the parts of the instruction that reach the file.",
    sample=hex_digits(64),
)
IMAGE = Column("image_sha256", STRING, "SHA-256 (hex) of the source image's bytes.", sample=hex_digits(64))
CUTOUT = Column("cutout_sha256", STRING, "SHA-256 (hex) of the cut-out's file.", sample=hex_digits(64))
SCENE_BACKEND = Column("scene_backend", STRING, "What draws the scene: components or a diffusion pipeline.")
SCENE_REVISION = Column("scene_revision", STRING, "Pinned revision of the scene backend (code or weights).")
SHA256_IS_HEX = Check("sha256_is_hex", "length(sha256) = 64", breaks={"sha256": "0" * 63})
