"""Tables of what is made, how good it is, and what is published."""

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
    list_of,
    struct_of,
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
        VARIANT,
        Column("status", STRING, "exists, to_do, or standby (made only if every lower variant is rejected)."),
        Column("reason", STRING, "Why it is needed, from a closed list."),
        Column("priority", DOUBLE, "Higher is made first."),
        Column("estimated_s", DOUBLE, "Estimated core-seconds."),
        Column("persona_rank", INT, "Rank of the segment for the product."),
        IMAGE,
        CUTOUT,
        Column("cutout_uri", STRING, "Object key of the cut-out."),
        INSTRUCTION_HASH,
        SCENE_BACKEND,
        SCENE_REVISION,
        Column("renderer_revision", STRING, "Revision of composition, typesetting and encoding."),
        Column(
            "identity",
            STRING,
            "The canonical JSON whose SHA-256 is the asset id: every setting that makes it.",
        ),
    ),
    key=("run_date", "asset_id"),
    written_by="jobs.plan_work_units",
    partition_by=("run_date",),
    checks=(
        Check("status_known", "status IN ('exists', 'to_do', 'standby')"),
        Check(
            "reason_known",
            "reason IN ('unchanged', 'new_product', 'changed_picture', 'changed_facts', 'new_persona', "
            "'changed_instruction', 'new_method_revision', 'previously_failed', 'retry')",
        ),
        Check("asset_id_is_hex", "length(asset_id) = 64"),
        Check("variant_not_negative", "variant >= 0"),
    ),
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
        Column("uri", STRING, "Object key of the picture."),
        Column("sha256", STRING, "SHA-256 (hex) of the picture's bytes."),
        Column("bytes", LONG, "Size of the file."),
        Column("width_px", INT, "Width."),
        Column("height_px", INT, "Height."),
        Column("seed", LONG, "Seed of the drawing, derived from the asset id's scene part."),
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
        Column("product_box", BOX, "Where the product stands, pixels, half-open."),
        Column(
            "text_boxes", list_of(TEXT_BOX), "Each text element's place and its lowest contrast ratio (WCAG)."
        ),
        Column("overflow", BOOL, "Whether a text did not fit at the smallest size."),
        Column(
            "changed_core_px", LONG, "Opaque product pixels that differ from the cut-out before encoding."
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
        Check("size_is_positive", "bytes > 0 AND width_px > 0 AND height_px > 0"),
        Check("product_untouched", "changed_core_px = 0"),
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
        Column("verdict", STRING, "accepted or rejected."),
        Column("reasons", list_of(STRING), "Reason codes of a rejection."),
        Column("score_s", DOUBLE, "Core-seconds for measuring."),
        Column("scored_at", TIMESTAMP, "When it was scored."),
    ),
    key=("asset_id", "scorer_revision"),
    written_by="ray_tasks.score_candidates",
    checks=(Check("verdict_known", "verdict IN ('accepted', 'rejected')"),),
)

ASSETS = Table(
    name="assets",
    doc="One asset of a release with its lineage and its fidelity certificate.",
    columns=(
        Column("release_id", STRING, "The release that holds it."),
        ASSET,
        Column("run_date", DATE, "The night of the release."),
        MERCHANT,
        SKU,
        SEGMENT,
        LOCALE,
        PLACEMENT,
        Column("persona_rank", INT, "Rank of the segment for the product."),
        VARIANT,
        Column("uri", STRING, "Object key of the picture."),
        Column("sha256", STRING, "SHA-256 (hex) of the picture's bytes."),
        Column("bytes", LONG, "Size of the file."),
        Column("width_px", INT, "Width."),
        Column("height_px", INT, "Height."),
        Column("headline", STRING, "Headline on the picture."),
        Column("alt_text", STRING, "Text alternative."),
        Column("product_hash", STRING, "Product record it was made from."),
        IMAGE,
        CUTOUT,
        INSTRUCTION_HASH,
        SCENE_BACKEND,
        SCENE_REVISION,
        Column("scorer_revision", STRING, "What admitted it."),
        Column(
            "changed_core_px", LONG, "Fidelity certificate: opaque product pixels changed before encoding."
        ),
        Column(
            "fidelity_mean_abs",
            DOUBLE,
            "Fidelity certificate: mean absolute difference after encoding, 0 to 255.",
        ),
    ),
    key=("release_id", "asset_id"),
    written_by="jobs.publish_release",
    partition_by=("release_id",),
    checks=(
        SHA256_IS_HEX,
        Check("product_untouched", "changed_core_px = 0"),
        Check("fidelity_after_encoding", "fidelity_mean_abs BETWEEN 0 AND 12"),
        Check("alt_text_given", "length(alt_text) > 0"),
        Check("persona_rank_is_positive", "persona_rank >= 1"),
    ),
)

RELEASES = Table(
    name="releases",
    doc="One row a release: the version of every table it pins, counts, revisions, status.",
    columns=(
        Column("release_id", STRING, "<run date>-<content hash>: the same content has the same id."),
        RUN_DATE,
        Column("sequence", LONG, "1, 2, 3, ... in the order of publishing; the highest is live."),
        Column(
            "status",
            STRING,
            "published, or backfilled: a past night that was run again and is live only when asked for.",
        ),
        Column("action", STRING, "What made the row: night, publish, rollback or recall.", nullable=True),
        Column(
            "assets_release_id",
            STRING,
            "Whose rows of `assets` it holds: another release's after a rollback; NULL is its own.",
            nullable=True,
        ),
        Column("previous_release_id", STRING, "What was live before.", nullable=True),
        Column("content_hash", STRING, "Order-independent hash over asset ids and file hashes."),
        Column("asset_count", LONG, "Assets in it."),
        Column("product_count", LONG, "Products with at least one asset."),
        Column(
            "merchants",
            list_of(struct_of(merchant_id=STRING, products=LONG, assets=LONG)),
            "Counts per merchant.",
        ),
        Column(
            "table_versions",
            list_of(struct_of(table=STRING, version=LONG)),
            "Delta version of every table it pins.",
        ),
        Column(
            "revisions", list_of(struct_of(name=STRING, revision=STRING)), "Code, model and method revisions."
        ),
        Column("gate_report", STRING, "Path of the gate's report below STATE."),
        Column("created_at", TIMESTAMP, "When it was published."),
        Column("created_by", STRING, "The stage or command."),
        Column("comment", STRING, "Why, in words."),
    ),
    key=("release_id",),
    written_by="jobs.publish_release",
    checks=(
        Check("status_known", "status IN ('published', 'backfilled')"),
        Check("counts_not_negative", "asset_count >= 0 AND product_count >= 0"),
        Check("sequence_is_positive", "sequence >= 1"),
    ),
)

RECALLS = Table(
    name="recalls",
    doc="One recall: what must not be shown, nor made again, from its release on.",
    columns=(
        Column("recall_id", STRING, "recall-<moment>-<kind>."),
        Column("kind", STRING, "image, model, segment, sku or asset."),
        Column("value", STRING, "image_sha256, scene_revision, segment_id, merchant_id/sku or asset_id."),
        Column(
            "release_id",
            STRING,
            "The first release without it; NULL when none that was live held it.",
            nullable=True,
        ),
        Column("assets", LONG, "Assets that left the live release with it."),
        Column("created_at", TIMESTAMP, "When."),
        Column("created_by", STRING, "Who."),
        Column("comment", STRING, "Why, in words."),
    ),
    key=("recall_id",),
    written_by="jobs.releases",
    checks=(Check("kind_known", "kind IN ('image', 'model', 'segment', 'sku', 'asset')"),),
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
    ),
    key=("run_date", "stage", "key", "reason"),
    written_by="all stages, each its own partition",
    partition_by=("run_date", "stage", "shard"),
    checks=(
        Check("reason_given", "length(reason) > 0"),
        Check("record_is_cut", "record IS NULL OR length(record) <= 2000"),
    ),
)
