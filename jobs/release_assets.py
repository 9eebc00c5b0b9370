"""What a release will hold: the best accepted picture of every slot, and what is kept from the live release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from schemas.instruction import content_hash
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SLOT = ["merchant_id", "sku", "segment_id", "locale", "placement"]


def build_assets(
    units: DataFrame,
    candidates: DataFrame,
    scores: DataFrame,
    instructions: DataFrame,
    products: DataFrame,
    *,
    scorer_revision: str,
) -> DataFrame:
    """One row a slot that has an accepted picture: columns of `assets` without release_id and run_date.

    Of several accepted variants of a slot the lowest is taken, so a retry never replaces a picture that was good.
    """
    accepted = scores.where(
        (F.col("scorer_revision") == scorer_revision) & (F.col("verdict") == "accepted")
    ).select("asset_id", "scorer_revision", "measurements")
    fidelity = F.element_at(F.filter("measurements", lambda m: m["name"] == "fidelity_mean_abs"), 1)["value"]
    lowest = F.row_number().over(Window.partitionBy(*_SLOT).orderBy("variant", "asset_id"))
    made = candidates.select(
        "asset_id", "uri", "sha256", "bytes", "width_px", "height_px", "image_sha256", "cutout_sha256",
        "instruction_hash", "scene_backend", "scene_revision", "changed_core_px",
        F.col("alt_text").alias("alt_in_file"),
    )  # fmt: skip
    return (
        units.select("asset_id", *_SLOT, "variant", "persona_rank")
        .join(made, on="asset_id", how="inner")
        .join(accepted, on="asset_id", how="inner")
        .withColumn("choice", lowest)
        .where(F.col("choice") == 1)
        .join(
            instructions.select("merchant_id", "sku", "segment_id", "locale", "headline", "alt_text"),
            on=["merchant_id", "sku", "segment_id", "locale"],
            how="inner",
        )
        .join(products.select("merchant_id", "sku", "product_hash"), on=["merchant_id", "sku"], how="inner")
        .withColumn("fidelity_mean_abs", fidelity)
        .withColumn("alt_text", F.coalesce("alt_in_file", "alt_text"))
        .select([name for name in BY_NAME["assets"].column_names if name not in {"release_id", "run_date"}])
    )


def kept_assets(live_assets: DataFrame, merchants_tonight: list[str], merchants: list[str]) -> DataFrame:
    """Live assets of merchants that are configured but had no catalog tonight: they keep their last pictures."""
    absent = [name for name in merchants if name not in merchants_tonight]
    return live_assets.where(F.col("merchant_id").isin(absent)).drop("release_id", "run_date")


def waiting_assets(
    live_assets: DataFrame, units: DataFrame, history: DataFrame, assets: DataFrame
) -> DataFrame:
    """Live assets that stay until their successors, which tonight's budget defers, are made.

    They do so while they say nothing wrong: record, picture and shown price of the product are what they were, and so
    are look and size of the placement. units: tonight's plan. history: all nights' plans. assets: what tonight has.
    """
    deferred = units.where("status = 'deferred' AND variant = 0").select(
        *_SLOT, "image_sha256", "product_hash", "width_px", "height_px", "offer", "look",
        F.col("persona_rank").alias("rank_tonight"),
    )  # fmt: skip
    # Both are part of an asset's identity: the same in every plan that names it.
    shown = history.select(
        "asset_id", F.col("offer").alias("offer_shown"), F.col("look").alias("look_shown")
    ).distinct()
    return (
        live_assets.join(
            deferred, on=[*_SLOT, "image_sha256", "product_hash", "width_px", "height_px"], how="inner"
        )
        .join(shown, on="asset_id", how="inner")
        .where("offer <=> offer_shown AND look <=> look_shown")
        .join(assets, on=_SLOT, how="left_anti")
        .withColumn("persona_rank", F.col("rank_tonight"))
        .select(assets.columns)
    )


def assets_hash(assets: DataFrame) -> str:
    """Hex SHA-256 over the set of (asset id, file hash), whatever the order of rows; one pass, constant memory."""
    row = assets.agg(
        F.count("*"),
        F.bit_xor(F.xxhash64("asset_id", "sha256")),
        F.sum((F.xxhash64("sha256", "asset_id") % (1 << 40)).cast("decimal(38,0)")),
    ).first()
    assert row is not None
    return content_hash([str(value) for value in row])


def merchant_counts(assets: DataFrame) -> list[dict[str, Any]]:
    """One record a merchant: merchant_id, products, assets."""
    rows = assets.groupBy("merchant_id").agg(
        F.count_distinct("sku").alias("products"), F.count("*").alias("assets")
    )
    return [row.asDict() for row in rows.orderBy("merchant_id").collect()]
