"""One row for each slot that two releases show differently: added, removed or changed, and why.

A slot is merchant, SKU, segment, locale and placement. The reason is the first influence on the pixels that differs,
in the order in which the pipeline decides them.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

import pyarrow as pa
from deltalake import QueryBuilder

from infra.object_store import ObjectStore
from infra.releases import Release, Row, assets_release_id, recalled
from infra.tables import open_table, read_table, sql_literal
from jobs.report.thumbs import Thumb, make_thumbs

_SLOT = ("merchant_id", "sku", "segment_id", "locale", "placement")
_PAIRS_SHOWN = 60
_THREADS = 4

# Column of `assets` -> the reason of a change, first match wins.
_REASONS = {
    "image_sha256": "changed_picture",
    "product_hash": "changed_facts",
    "cutout_sha256": "new_method_revision",
    "scene_backend": "new_method_revision",
    "scene_revision": "new_method_revision",
    "instruction_hash": "changed_instruction",
    "variant": "other_attempt_accepted",
}


def diff(older: Release, newer: Release) -> list[Row]:
    """merchant_id, sku, segment_id, locale, placement, change, reason, old_uri, new_uri; sorted by slot.

    Reasons of a removal: recalled, product_gone, persona_gone, deferred (the budget), failed (too often) or
    no_accepted_picture; of an addition: new_product, new_persona or accepted_now.
    """
    state = newer.state
    builder = QueryBuilder().register("assets", open_table(state, "assets"))
    builder = builder.register("work_units", open_table(state, "work_units", newer.version("work_units")))
    for name in ("products", "personas"):
        builder = builder.register(name, open_table(state, name, newer.version(name)))
        builder = builder.register(f"old_{name}", open_table(state, name, older.version(name)))
    changed = " ".join(f"WHEN a.{column} <> b.{column} THEN '{why}'" for column, why in _REASONS.items())
    slot = ", ".join(f"coalesce(a.{name}, b.{name}) AS {name}" for name in _SLOT)
    same_slot = " AND ".join(f"a.{name} = b.{name}" for name in _SLOT)
    recalls = recalled(read_table(state, "recalls").to_pylist())
    night, old_night = (sql_literal(release.row["run_date"]) for release in (newer, older))
    sql = f"""
    WITH a AS (SELECT *, ({recalls}) AS recalled FROM assets WHERE release_id = '{assets_release_id(older.row)}'),
         b AS (SELECT * FROM assets WHERE release_id = '{assets_release_id(newer.row)}'),
         now_sold AS (SELECT merchant_id, sku FROM products WHERE run_date = {night}),
         now_wanted AS (SELECT merchant_id, sku, segment_id FROM personas WHERE run_date = {night}),
         now_waits AS (
            SELECT DISTINCT {", ".join(_SLOT)}, status FROM work_units
            WHERE run_date = {night} AND variant = 0 AND status IN ('deferred', 'failed')),
         then_sold AS (SELECT merchant_id, sku FROM old_products WHERE run_date = {old_night}),
         then_wanted AS (SELECT merchant_id, sku, segment_id FROM old_personas WHERE run_date = {old_night}),
         both AS (
            SELECT {slot}, a.uri AS old_uri, b.uri AS new_uri, a.recalled,
                   CASE WHEN a.asset_id IS NULL THEN 'added' WHEN b.asset_id IS NULL THEN 'removed'
                        ELSE 'changed' END AS change,
                   CASE {changed} ELSE 'new_method_revision' END AS why
            FROM a FULL JOIN b ON {same_slot}
            WHERE a.asset_id IS NULL OR b.asset_id IS NULL OR a.sha256 <> b.sha256)
    SELECT {", ".join(f"both.{name}" for name in _SLOT)}, change,
           CASE WHEN change = 'changed' THEN why
                WHEN change = 'removed' THEN CASE
                    WHEN recalled THEN 'recalled'
                    WHEN now_sold.sku IS NULL THEN 'product_gone'
                    WHEN now_wanted.sku IS NULL THEN 'persona_gone'
                    ELSE coalesce(now_waits.status, 'no_accepted_picture') END
                ELSE CASE
                    WHEN then_sold.sku IS NULL THEN 'new_product'
                    WHEN then_wanted.sku IS NULL THEN 'new_persona'
                    ELSE 'accepted_now' END
           END AS reason, old_uri, new_uri
    FROM both
    LEFT JOIN now_sold ON both.merchant_id = now_sold.merchant_id AND both.sku = now_sold.sku
    LEFT JOIN now_wanted ON both.merchant_id = now_wanted.merchant_id AND both.sku = now_wanted.sku
        AND both.segment_id = now_wanted.segment_id
    LEFT JOIN now_waits ON {" AND ".join(f"both.{name} = now_waits.{name}" for name in _SLOT)}
    LEFT JOIN then_sold ON both.merchant_id = then_sold.merchant_id AND both.sku = then_sold.sku
    LEFT JOIN then_wanted ON both.merchant_id = then_wanted.merchant_id AND both.sku = then_wanted.sku
        AND both.segment_id = then_wanted.segment_id
    ORDER BY {", ".join(f"both.{name}" for name in _SLOT)}
    """
    return list(pa.table(builder.execute(sql)).to_pylist())


def summary(rows: Sequence[Row]) -> list[tuple[str, str, str, int]]:
    """(merchant, change, reason, number), sorted."""
    counted = Counter((row["merchant_id"], row["change"], row["reason"]) for row in rows)
    return [(*key, n) for key, n in sorted(counted.items())]


def differences(rows: Sequence[Row]) -> str:
    """Their number in words."""
    return f"{len(rows):,} difference{'' if len(rows) == 1 else 's'}"


def page(older: Release, newer: Release, rows: Sequence[Row], folder: Path, store: ObjectStore) -> str:
    """A page with the counts and, side by side, the first changed pictures of every merchant and reason.

    They are small copies below folder/thumbs, wherever the store is; what was recalled is not shown again.
    """
    shown = list(islice(_first(rows), _PAIRS_SHOWN))
    uris = {row["new_uri"] for row in shown} | {
        row["old_uri"] for row in shown if row["reason"] != "recalled"
    }
    thumbs = {uri: folder / "thumbs" / PurePosixPath(uri).name for uri in uris if uri}
    make_thumbs((Thumb(path, partial(store.get, uri)) for uri, path in thumbs.items()), _THREADS)
    there = {uri: f"thumbs/{path.name}" for uri, path in thumbs.items() if path.exists()}
    cards = "".join(_card(row, there) for row in shown)
    table = "".join(
        f"<tr><td>{html.escape(merchant)}<td>{change}<td>{reason}<td>{n:,}"
        for merchant, change, reason, n in summary(rows)
    )
    names = tuple(html.escape(release.row["release_id"]) for release in (older, newer))
    return f"""<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{names[0]} to {names[1]}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1d2430;
  background: #f6f4ef }}
h1 {{ font-size: 1.4rem }} code {{ font-size: .95em }}
table {{ border-collapse: collapse; margin: 1rem 0 2rem }}
td, th {{ padding: .25rem 1.25rem .25rem 0; text-align: left }}
td:last-child {{ text-align: right; font-variant-numeric: tabular-nums }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); gap: 1rem }}
figure {{ margin: 0; background: #fff; border-radius: .5rem; padding: .75rem; box-shadow: 0 1px 3px #0002 }}
figure div {{ display: grid; grid-template-columns: 1fr 1fr; gap: .5rem }}
img, .none {{ width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: .25rem; background: #eceae4 }}
.none {{ display: grid; place-items: center; color: #777 }}
figcaption {{ font-size: .85rem; margin-top: .5rem; overflow-wrap: anywhere }}
</style>
<h1><code>{names[0]}</code> to <code>{names[1]}</code>: {differences(rows)}</h1>
<table><tr><th>Merchant<th>Change<th>Reason<th>Pictures</tr>{table}</table>
<main>{cards}</main></html>
"""


def _first(rows: Iterable[Row]) -> Iterator[Row]:
    """The first six rows of every merchant, change and reason."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        kind = (row["merchant_id"], row["change"], row["reason"])
        seen[kind] += 1
        if seen[kind] <= 6:
            yield row


def _card(row: Row, there: dict[str, str]) -> str:
    def side(uri: str | None, said: str) -> str:
        if uri in there:
            return f'<img loading="lazy" src="{html.escape(there[uri], quote=True)}" alt="">'
        return f'<span class="none">{said if uri is None else "withdrawn"}</span>'

    slot = html.escape(f"{row['sku']} · {row['segment_id']} · {row['locale']} · {row['placement']}")
    pictures = side(row["old_uri"], "not there") + side(row["new_uri"], "gone")
    said = f"{html.escape(row['merchant_id'])}: {row['change']}, {row['reason']}"
    return f"<figure><div>{pictures}</div><figcaption>{slot}<br>{said}</figcaption></figure>"
