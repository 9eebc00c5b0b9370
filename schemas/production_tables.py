"""Tables of what is to be made, what is made, how good it is, and what failed."""

from __future__ import annotations

from schemas.columns import (
    ASSET,
    BOX,
    CUTOUT,
    IMAGE,
    INSTRUCTION_HASH,
    LOCALE,
    MEASUREMENT,
    MERCHANT,
    PLACEMENT,
    RUN_DATE,
    SCENE_BACKEND,
    SCENE_REVISION,
    SEGMENT,
    SHA256_IS_HEX,
    SKU,
    TEXT_BOX,
    VARIANT,
)
from schemas.contract import (
    BOOL,
    DATE,
    DOUBLE,
    INT,
    LONG,
    STRING,
    TIMESTAMP,
    Check,
    Column,
    Table,
    hex_digits,
    list_of,
    one_of,
    refers_to,
    steady_count,
)

WORK_UNITS = Table(
    name="work_units",
    doc="One asset that the night wants, whether it exists, and why it is needed.",
    columns=(
        RUN_DATE,
        ASSET,
        MERCHANT,
        SKU,
        SEGMENT,
        LOCALE,
        PLACEMENT,
        Column("width_px", INT, "Canvas width."),
        Column("height_px", INT, "Canvas height."),
        Column(
            "look",
            STRING,
            "text, plain (the scene without text) or white (the product alone on white).",
            nullable=True,
            sample=one_of("text", "plain", "white"),
        ),
        Column("scene_height_px", INT, "Height of the scene that the picture is a window of.", nullable=True),
        Column("scene_text", BOOL, "Whether that scene leaves room for text.", nullable=True),
        Column(
            "offer",
            STRING,
            "JSON of the price that the picture shows: currency, legal (by locale), price_minor, was_price_minor; NULL "
            "where it shows none.",
            nullable=True,
        ),
        VARIANT,
        Column(
            "status",
            STRING,
            "exists; to_do; standby (made only if every lower variant is rejected); deferred (beyond the night's "
            "budget, planned again tomorrow); failed (too often, waits for jobs.retry_rejects); retired (was made, and "
            "tonight does not want it).",
            sample=one_of("exists", "to_do", "standby"),
        ),
        Column(
            "reason",
            STRING,
            "Why it is needed or retired, of a closed list.",
            sample=one_of("new_product", "retry"),
        ),
        Column(
            "priority", DOUBLE, "Higher is made first: merchant's tier, then persona's rank, then the reason."
        ),
        Column("estimated_s", DOUBLE, "Estimated core-seconds of drawing and scoring, retries included."),
        Column("estimated_gpu_s", DOUBLE, "Estimated GPU-seconds.", nullable=True),
        Column("persona_rank", INT, "Rank of the segment for the product."),
        IMAGE,
        Column("product_hash", STRING, "The product's record.", nullable=True, sample=hex_digits(64)),
        CUTOUT,
        Column(
            "cutout_uri",
            STRING,
            "Object key of what is placed: the cut-out, the whole photograph, or on white that without its ground.",
        ),
        INSTRUCTION_HASH,
        SCENE_BACKEND,
        SCENE_REVISION,
        Column("renderer_revision", STRING, "Revision of composition, typesetting and encoding."),
        Column(
            "identity",
            STRING,
            "The canonical JSON whose SHA-256 is the asset id: every setting that makes it.",
        ),
        Column(
            "settled",
            BOOL,
            "Whether there was, when this was planned, a picture in this place (product, segment, locale, placement) "
            "that the night's thresholds accept, and none that they had not judged: nothing is left to do there.",
            nullable=True,
        ),
    ),
    key=("run_date", "asset_id"),
    written_by="jobs.plan_work_units",
    partition_by=("run_date",),
    checks=(
        Check(
            "status_known",
            "status IN ('exists', 'to_do', 'standby', 'deferred', 'failed', 'retired')",
            breaks={"status": "done"},
        ),
        Check(
            "reason_known",
            "reason IN ('unchanged', 'new_product', 'changed_picture', 'changed_facts', 'new_persona', "
            "'changed_instruction', 'new_method_revision', 'threshold_changed', 'previously_failed', 'recalled', "
            "'retry', 'product_gone', 'persona_gone')",
            breaks={"reason": "because"},
        ),
        Check("asset_id_is_hex", "length(asset_id) = 64", breaks={"asset_id": "0" * 63}),
        Check("variant_not_negative", "variant >= 0", breaks={"variant": -1}),
    ),
    rules=(
        refers_to(
            "instructions", "merchant_id", "sku", "segment_id", "locale", where="here.status <> 'retired'"
        ),
        steady_count(0.3, per="merchant_id"),
    ),
)

RATES = Table(
    name="rates",
    doc="What one unit of a stage's work took in a finished night, or (1970-01-01) in a benchmark; for estimates.",
    columns=(
        RUN_DATE,
        Column("stage", STRING, "The stage."),
        Column(
            "unit",
            STRING,
            "Of drawing: picture, its backend and canvas in pixels; else what the stage puts out.",
        ),
        Column("units", LONG, "So many were made."),
        Column("core_s", DOUBLE, "Core-seconds a unit; without own measurements the cores' whole time."),
        Column("gpu_s", DOUBLE, "GPU-seconds a unit."),
        Column("bytes", DOUBLE, "Bytes stored a unit."),
        Column("attempts", DOUBLE, "Units made for each one wanted: above 1, retries."),
        Column("wall_s", DOUBLE, "Wall-clock seconds of the stage."),
    ),
    key=("run_date", "stage", "unit"),
    written_by="jobs.plan_work_units",
    partition_by=("run_date",),
    checks=(Check("units_are_positive", "units > 0", breaks={"units": 0}),),
)

CANDIDATES = Table(
    name="candidates",
    doc="One picture made, with all that made it.",
    columns=(
        ASSET,
        Column("run_date", DATE, "The night that made it."),
        MERCHANT,
        SKU,
        SEGMENT,
        LOCALE,
        PLACEMENT,
        VARIANT,
        Column(
            "changes",
            list_of(STRING),
            "What it changes of the first attempt, as the rejection's reason asks: layout, setting; none at first.",
            nullable=True,
        ),
        Column(
            "setting",
            STRING,
            "The scene's setting: the instruction's, or a calmer one on a retry that changes it; NULL on white.",
            nullable=True,
        ),
        Column("uri", STRING, "Object key of the picture."),
        Column("sha256", STRING, "SHA-256 (hex) of the picture's bytes.", sample=hex_digits(64)),
        Column("alt_text", STRING, "Text alternative, as it is in the file.", nullable=True),
        Column("bytes", LONG, "Size of the file."),
        Column("width_px", INT, "Width."),
        Column("height_px", INT, "Height."),
        Column(
            "seed",
            LONG,
            "Seed of the drawing: from the asset id's scene part, or what follows from it for a scene painted again.",
        ),
        Column(
            "identity",
            STRING,
            "The canonical JSON whose SHA-256 is the asset id: every setting that made it.",
        ),
        IMAGE,
        CUTOUT,
        INSTRUCTION_HASH,
        SCENE_BACKEND,
        SCENE_REVISION,
        Column(
            "prompt_left_out",
            list_of(STRING),
            "Phrases at the end of the prompt for which a model's text encoder had no room; NULL where no model drew.",
            nullable=True,
        ),
        Column(
            "size_cm",
            INT,
            "Longest side of the product that the scene was drawn for, by its record or its kind; NULL where unknown.",
            nullable=True,
        ),
        Column(
            "px_per_cm",
            DOUBLE,
            "Scale of the scene where the product stands, pixels to a centimetre; NULL where nothing near tells it.",
            nullable=True,
        ),
        Column("product_box", BOX, "Where the product stands, pixels, half-open."),
        Column(
            "text_boxes",
            list_of(TEXT_BOX),
            "Each text element: place, lowest contrast ratio (WCAG), text, and the box and number of its lines.",
        ),
        Column("overflow", BOOL, "Whether a text did not fit at the smallest size."),
        Column(
            "changed_core_px",
            LONG,
            "Opaque product pixels that differ from the cut-out before encoding.",
            sample=one_of(0),
        ),
        Column("scene_s", DOUBLE, "Core-seconds for scene and composition (shared by a scene's locales)."),
        Column("text_s", DOUBLE, "Core-seconds for typesetting."),
        Column("encode_s", DOUBLE, "Core-seconds for encoding and storing."),
        Column("made_at", TIMESTAMP, "When it was made."),
    ),
    key=("asset_id",),
    written_by="ray_tasks.make_candidates",
    checks=(
        SHA256_IS_HEX,
        Check("size_is_positive", "bytes > 0 AND width_px > 0 AND height_px > 0", breaks={"bytes": 0}),
        Check("product_untouched", "changed_core_px = 0", breaks={"changed_core_px": 1}),
    ),
)

SCORES = Table(
    name="scores",
    doc="One candidate's measurements, then verdict and reasons from thresholds.",
    columns=(
        ASSET,
        Column("scorer_revision", STRING, "Revision of the measurements and of the thresholds."),
        Column("run_date", DATE, "The night that scored it."),
        Column("measurements", list_of(MEASUREMENT), "Name and value of each measurement."),
        Column("verdict", STRING, "accepted or rejected.", sample=one_of("accepted", "rejected")),
        Column("reasons", list_of(STRING), "Reason codes of a rejection."),
        Column("score_s", DOUBLE, "Core-seconds for measuring."),
        Column("scored_at", TIMESTAMP, "When it was scored."),
    ),
    key=("asset_id", "scorer_revision"),
    written_by="ray_tasks.score_candidates",
    checks=(Check("verdict_known", "verdict IN ('accepted', 'rejected')", breaks={"verdict": "refused"}),),
)

LIMITS = Table(
    name="limits",
    doc="The limit that one measurement is held against, for pictures of one look by one scorer.",
    columns=(
        Column(
            "scorer_revision", STRING, "Revision of the measurements and of the thresholds, as in scores."
        ),
        Column(
            "look", STRING, "text, plain or white, as in work_units.", sample=one_of("text", "plain", "white")
        ),
        Column("measurement", STRING, "Name of the measurement."),
        Column(
            "side",
            STRING,
            "min: good pictures have at least the value; max: at most.",
            sample=one_of("min", "max"),
        ),
        Column("value", DOUBLE, "The limit."),
        Column("reason", STRING, "Reason code of what lies beyond it."),
    ),
    key=("scorer_revision", "look", "measurement", "side"),
    written_by="ray_tasks.score_candidates",
    checks=(Check("side_known", "side IN ('min', 'max')", breaks={"side": "left"}),),
)

REJECTS = Table(
    name="rejects",
    doc="One input row, image, segment, unit or candidate that was set aside, and why.",
    columns=(
        RUN_DATE,
        Column("stage", STRING, "The stage that set it aside."),
        Column("shard", INT, "The part of the products that wrote it; 0 for a stage that runs in one part."),
        Column("key", STRING, "What it was: feed and line, merchant/sku, segment, asset id."),
        Column("reason", STRING, "Reason code."),
        Column("merchant_id", STRING, "Whose it is; NULL for segments.", nullable=True),
        Column("sku", STRING, "The product, where known.", nullable=True),
        Column("detail", STRING, "What was wrong, where, and what to do."),
        Column(
            "record",
            STRING,
            "The raw record, cut to 2,000 characters; personal fields never enter it.",
            nullable=True,
        ),
        Column(
            "severity",
            STRING,
            "Of the ingest stage: row (the row is left out), note (the product is kept), feed (the merchant's whole "
            "feed is set aside). NULL elsewhere: what `key` names is left out.",
            nullable=True,
            sample=one_of(None, "row", "note", "feed"),
        ),
        Column(
            "attempts",
            INT,
            "Of a unit that failed: how often it was tried since its last success or `jobs.retry_rejects`.",
            nullable=True,
        ),
    ),
    key=("run_date", "stage", "key", "reason"),
    written_by="all stages, each its own partition",
    partition_by=("run_date", "stage", "shard"),
    checks=(
        Check("reason_given", "length(reason) > 0", breaks={"reason": ""}),
        Check("record_is_cut", "record IS NULL OR length(record) <= 2000", breaks={"record": "x" * 2001}),
        Check(
            "severity_known",
            "severity IS NULL OR severity IN ('row', 'note', 'feed')",
            breaks={"severity": "grave"},
        ),
    ),
)
