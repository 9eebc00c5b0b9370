"""What tonight wants, against what exists, what last night planned, what failed too often and what was recalled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.window import Window

from schemas.attempts import layout_of
from schemas.config import Budget
from schemas.instruction import LAYOUTS
from schemas.revisions import RENDERER, renderer_revision
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    import datetime as dt

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.window import WindowSpec

SLOT = ["merchant_id", "sku", "segment_id", "locale", "placement"]
_METHODS = ("scene_backend", "scene_revision", "renderer_revision")
_OLD = ("asset_id", "status", "reason", "image_sha256", "product_hash", "cutout_sha256", *_METHODS)
_FRESH = {
    "new_product": 3, "changed_facts": 3, "changed_picture": 3, "new_persona": 2, "changed_instruction": 2,
}  # fmt: skip
"""Urgency by reason, others 1: first what a shop shows nothing or something wrong for."""
_COLUMNS = [name for name in BY_NAME["work_units"].column_names if name != "run_date"]

_PRICE = ("currency", "price_minor", "sale_price_minor", "was_price_minor")
_OFFER = (
    "CASE WHEN legal IS NOT NULL AND scene_text THEN to_json(named_struct('currency', currency, 'legal', legal, "
    "'price_minor', coalesce(sale_price_minor, price_minor), 'was_price_minor', was_price_minor)) END"
)
_PLACED = "CASE WHEN look = 'white' THEN coalesce(white_{name}, cutout_{name}) ELSE cutout_{name} END"
"""What a picture shows the product by: on white, a whole photograph without its ground."""
_LEAST_REDUCTION = 0.95
"""Share of the former price that a price must not exceed to be called reduced."""


def former_prices(history: DataFrame, run_date: dt.date) -> DataFrame:
    """merchant_id, sku, was_price_minor: what a reduced price may be compared with.

    It is the lowest price of the 30 nights before the present price began (Directive 98/6/EC, article 6a), from our own
    record; a product without such a record has none. history: `products` of tonight and the 60 nights before it.
    """
    key = ["merchant_id", "sku", "currency"]
    own = history.select(*key, "run_date", F.coalesce("sale_price_minor", "price_minor").alias("now"))
    tonight = own.where(F.col("run_date") == F.lit(run_date)).select(*key, F.col("now").alias("price"))
    rows = own.join(tonight, on=key, how="inner")
    began = F.max(F.when(F.col("now") != F.col("price"), F.col("run_date"))).over(Window.partitionBy(*key))
    before = rows.withColumn("last_other", began).where(
        (F.col("run_date") <= F.col("last_other")) & (F.col("run_date") > F.date_sub("last_other", 30))
    )
    return (
        before.groupBy(*key, "price")
        .agg(F.min("now").alias("was_price_minor"))
        .where(F.col("price") <= _LEAST_REDUCTION * F.col("was_price_minor"))
        .select("merchant_id", "sku", "was_price_minor")
    )


def build_wanted(
    instructions: DataFrame,
    products: DataFrame,
    views: DataFrame,
    personas: DataFrame,
    placements: DataFrame,
    *,
    scene_backend: str,
    scene_revision: str,
    max_attempts: int,
) -> DataFrame:
    """One row an asset wanted, with its identity and id, not yet compared with what exists.

    products: with was_price_minor (see `former_prices`). placements: merchant_id, placement, width_px, height_px, look,
    scene_height_px, scene_text, legal (NULL: no price is shown), tier, estimated_s, estimated_gpu_s.
    Only products with an accepted view are wanted; a white picture only of a product that was cut out or
    photographed on white, and only for its first persona.
    """
    accepted = views.where(F.col("verdict") == "accepted").select(
        "image_sha256", "cutout_sha256", "cutout_uri", "treatment", "white_sha256", "white_uri"
    )
    locales = F.collect_set("instruction_hash").over(Window.partitionBy("merchant_id", "sku", "segment_id"))
    shown = products.select("merchant_id", "sku", "image_sha256", "product_hash", *_PRICE)
    rows = (
        shown.join(accepted, on="image_sha256", how="inner")
        .join(instructions, on=["merchant_id", "sku"], how="inner")
        .withColumn("siblings_hash", F.sha2(F.array_join(F.array_sort(locales), ","), 256))
        .join(
            personas.select("merchant_id", "sku", "segment_id", F.col("rank").alias("persona_rank")),
            on=["merchant_id", "sku", "segment_id"],
            how="inner",
        )
        .join(F.broadcast(placements), on="merchant_id", how="inner")
        .where("look <> 'white' OR (persona_rank = 1 AND (treatment = 'cutout' OR white_uri IS NOT NULL))")
        .withColumns({f"cutout_{name}": F.expr(_PLACED.format(name=name)) for name in ("sha256", "uri")})
        .withColumn("variant", F.explode(F.sequence(F.lit(0), F.lit(max_attempts - 1))))
        # A picture on white has nothing that another attempt would change.
        .where("variant = 0 OR look <> 'white'")
        .withColumns(
            {
                "offer": F.expr(_OFFER),
                "scene_backend": F.lit(scene_backend),
                "scene_revision": F.lit(scene_revision),
                "renderer_revision": _renderer_revision(max_attempts),
            }
        )
    )
    # The slot is part of the identity although it draws nothing: an asset belongs to one merchant, product and
    # segment, so a recall of one never takes another's.
    influences = [
        *SLOT, "cutout_sha256", "height_px", "instruction_hash", "look", "offer", "renderer_revision", "scene_backend",
        "scene_height_px", "scene_revision", "scene_text", "siblings_hash", "variant", "width_px",
    ]  # fmt: skip
    identity = F.to_json(F.struct(*sorted(influences)))
    return rows.withColumn("identity", identity).withColumn("asset_id", F.sha2("identity", 256))


def _renderer_revision(max_attempts: int) -> Column:
    """With the revision of the layout that an attempt asks for, of no other; a white picture has none."""
    revision = F.lit(RENDERER)
    for layout in LAYOUTS:
        for variant in range(max_attempts):
            own = renderer_revision(layout_of(layout, variant))
            if own != RENDERER:
                asked = (
                    (F.col("layout") == layout) & (F.col("variant") == variant) & (F.col("look") != "white")
                )
                revision = F.when(asked, own).otherwise(revision)
    return revision


def compare(
    wanted: DataFrame,
    made: DataFrame,
    before: DataFrame,
    given_up: DataFrame,
    sold: DataFrame,
    *,
    recalled: str,
) -> DataFrame:
    """Rows of `work_units` (without run_date): what is wanted, and what was wanted last night, is made, and is not any
    more, each with its status and the reason.

    made: SLOT and asset_id of candidates; judged: whether tonight's thresholds have judged it (NULL: none ever did);
    accepted: whether they accept it.
    before: last night's plan. given_up: asset_id of units that failed too often. sold: tonight's (merchant_id, sku); of
    a merchant without any nothing is retired. recalled: SQL predicate.

    All of them are laid on one heap, moved once and sorted once, instead of joined one by one; so the rows of each
    written file are in the order of their products.
    """
    old = before.select(*SLOT, "asset_id", F.struct(*_COLUMNS).alias("last"))
    heap = (
        wanted.join(F.broadcast(given_up.withColumn("given_up", F.lit(True))), on="asset_id", how="left")
        .withColumn("wanted", F.lit(True))
        .unionByName(old, allowMissingColumns=True)
        .unionByName(
            made.select(*SLOT, "asset_id", "judged", "accepted", F.lit(True).alias("made")),
            allowMissingColumns=True,
        )
        .unionByName(sold.withColumn("sold", F.lit(True)), allowMissingColumns=True)
        # Left to itself, Spark moves the heap anew for each of the windows below.
        .repartition(*SLOT[:2])
    )
    # From the longest key to the shortest: the order of the first serves all.
    asset, slot, persona, product = (
        Window.partitionBy(*names) for names in ([*SLOT, "asset_id"], SLOT, SLOT[:3], SLOT[:2])
    )
    had = F.col("last").isNotNull()
    stays = F.col("wanted") & ~F.expr(recalled)
    heap = (
        heap.withColumn("made", _any(F.col("made"), asset))
        .withColumn("judged", F.max("judged").over(asset))
        .withColumn("accepted", _any(F.col("accepted"), asset))
        .withColumn("wanted_still", _any(F.col("wanted"), asset))
        .withColumn(
            "old",
            F.max(F.when(F.col("last.variant") == 0, F.struct(*(f"last.{name}" for name in _OLD)))).over(
                slot
            ),
        )
        .withColumn(
            "settled",
            _any(stays & F.col("accepted"), slot)
            & ~_any(stays & F.col("made") & ~F.coalesce("judged", F.lit(False)), slot),
        )
        .withColumn("persona_known", _any(had, persona))
        .withColumn("sku_known", _any(had, product))
        .withColumn("sold", _any(F.col("sold"), product))
    )
    reason = (
        F.when(F.expr(recalled), "recalled")
        .when(F.col("made") & ~F.col("judged"), "threshold_changed")
        .when(F.col("made"), "unchanged")
        .when(F.col("given_up"), "previously_failed")
        .when(F.col("variant") > 0, "retry")
        .when(~F.col("sku_known"), "new_product")
        .when(~F.col("persona_known"), "new_persona")
        .when((F.col("old.asset_id") == F.col("asset_id")) & (F.col("old.status") == "deferred"), F.col("old.reason"))
        .when(F.col("old.asset_id") == F.col("asset_id"), "previously_failed")
        .when(_changed("image_sha256"), "changed_picture")
        .when(_changed("product_hash"), "changed_facts")
        .when(_changed("cutout_sha256", *_METHODS), "new_method_revision")
        .otherwise("changed_instruction")
    )  # fmt: skip
    heap = heap.withColumn("reason", F.when(F.col("wanted"), reason))
    # The reason of what takes its place is also that of what goes.
    successors = F.max(F.when(F.col("wanted") & (F.col("variant") == 0), F.col("reason"))).over(slot)
    gone = (
        F.when(~F.col("sold"), "product_gone")
        .when(F.col("successors_reason").isNull(), "persona_gone")
        .otherwise(F.col("successors_reason"))
    )
    rows = heap.withColumn("successors_reason", successors)
    nothing = {"priority": F.lit(0.0), "estimated_s": F.lit(0.0), "estimated_gpu_s": F.lit(0.0)}
    retired = {"status": F.lit("retired"), "reason": gone, "settled": F.lit(None), **nothing}
    return (
        rows.where(F.col("wanted") | (had & F.col("made") & ~F.col("wanted_still")))
        .join(
            F.broadcast(sold.select("merchant_id", F.lit(True).alias("sells")).distinct()),
            on="merchant_id",
            how="left",
        )
        .where("wanted OR sells")
        .withColumns({"status": _status(), "priority": _priority()})
        # Column by column: a struct that is taken apart again would be made anew for each of its fields.
        .select(
            *(
                F.when(F.col("wanted"), F.col(name))
                .otherwise(retired.get(name, F.col(f"last.{name}")))
                .alias(name)
                for name in _COLUMNS
            )
        )
    )


def _any(holds: Column, over: WindowSpec) -> Column:
    return F.coalesce(F.max(holds).over(over), F.lit(False))


def _status() -> Column:
    return (
        F.when(F.col("reason") == "recalled", "retired")
        .when(F.col("made"), "exists")
        .when(F.col("given_up"), "failed")
        .when(F.col("variant") > 0, "standby")
        .otherwise("to_do")
    )


def _priority() -> Column:
    urgency = F.lit(1)
    for name, value in _FRESH.items():
        urgency = F.when(F.col("reason") == name, value).otherwise(urgency)
    # One number for three: tiers lie 100 apart, ranks at most 10, and urgency decides between equals.
    return -100.0 * F.col("tier") + 10.0 / (F.col("persona_rank") + F.col("variant")) + 0.001 * urgency


def _changed(*names: str) -> Column:
    # A night from before the column was kept says nothing about it.
    differs = F.lit(False)
    for name in names:
        differs = differs | F.coalesce(F.col(name) != F.col(f"old.{name}"), F.lit(False))
    return differs


def cap(units: DataFrame, budget: Budget) -> DataFrame:
    """The same rows; what goes beyond the budget's caps, lowest priority first, is deferred with its stand-ins."""
    if budget.max_units is None and budget.max_seconds is None and budget.max_money is None:
        return units
    units = units.cache()  # asked twice, and it costs more than memory
    order = [F.col("priority").desc(), *map(F.col, SLOT)]
    up_to_here = Window.orderBy(*order).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    money = (
        F.col("estimated_s") * budget.core_second_price + F.col("estimated_gpu_s") * budget.gpu_second_price
    )
    seconds = F.col("estimated_s") + F.col("estimated_gpu_s")
    beyond = F.lit(False)
    for limit, cost in (
        (budget.max_units, F.lit(1)),
        (budget.max_seconds, seconds),
        (budget.max_money, money),
    ):
        if limit is not None:
            beyond = beyond | (F.sum(cost).over(up_to_here) > limit)
    deferred = (
        units.where("status = 'to_do'")
        .select(*SLOT, "priority", "estimated_s", "estimated_gpu_s", beyond.alias("beyond"))
        .where("beyond")
        .select(*SLOT, "beyond")
    )
    return (
        units.join(deferred, on=SLOT, how="left")
        .withColumn(
            "status",
            F.when(F.col("beyond") & F.col("status").isin("to_do", "standby"), "deferred").otherwise(
                F.col("status")
            ),
        )
        .select(*_COLUMNS)
    )
