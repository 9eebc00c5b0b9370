"""What the saved questions should answer, counted in plain Python; and the views that an analyst on Spark makes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.releases import read_release
from infra.tables import read_table
from jobs import ask

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Row = dict[str, Any]
SLOT = ("merchant_id", "sku", "segment_id", "locale", "placement")


@contextmanager
def spark_views(spark: SparkSession, state: Path) -> Iterator[SparkSession]:
    """The session with the views of the live release, for as long as they are needed."""
    names = ask.spark_views(read_release(state), spark)
    yield spark
    for name in names:
        spark.catalog.dropTempView(name)


def plain(value: Any) -> Any:
    """A value as both engines and Python have it: floats to three places, times to seconds."""
    if isinstance(value, int | float) or type(value).__name__ == "Decimal":
        return None if math.isnan(value) else round(float(value), 3)
    return value.isoformat()[:19] if hasattr(value, "isoformat") else value


class Expected:
    """Answers about a state with one release, by the name of the question; of lineage its chief columns."""

    def __init__(self, state: Path) -> None:
        release = read_release(state)
        night = {"products", "personas", "instructions", "work_units", "segments", "rejects"}
        self._rows = {
            name: [
                row
                for row in release.table(name).to_pylist()
                if name not in night or row["run_date"] == release.row["run_date"]
            ]
            for name in (*night, "assets", "candidates", "scores", "limits", "product_views")
        }
        self._units = [row for row in self._rows["work_units"] if row["status"] != "retired"]
        self._made = {row["asset_id"]: row for row in self._rows["candidates"]}
        self._last: dict[str, Row] = {}
        for row in sorted(self._rows["scores"], key=lambda row: row["scorer_revision"], reverse=True):
            known = self._last.get(row["asset_id"])
            if known is None or row["scored_at"] >= known["scored_at"]:
                self._last[row["asset_id"]] = row
        self._pictured = {(row["merchant_id"], row["sku"]) for row in self._rows["assets"]}
        assert read_table(state, "releases").num_rows == 1

    def of(self, question: str) -> list[Row]:
        """The rows, in their order."""
        answer: Callable[[], list[Row]] = getattr(self, question)
        return answer()

    def coverage(self) -> list[Row]:
        groups = _grouped(self._rows["products"], "merchant_id", "category")
        rows = []
        for (merchant_id, category), products in sorted(groups.items()):
            shown = sum((row["merchant_id"], row["sku"]) in self._pictured for row in products)
            rows.append(
                {
                    "merchant_id": merchant_id, "category": category, "products": len(products),
                    "with_pictures": shown, "percent": round(100 * shown / len(products), 1),
                }
            )  # fmt: skip
        return rows

    def without_pictures(self) -> list[Row]:
        views = {row["image_sha256"]: row["reason"] for row in self._rows["product_views"]}
        rejected = {
            (row["merchant_id"], row["sku"]): row["reason"]
            for row in self._rows["rejects"]
            if row["stage"] == "jobs.ingest_catalog" and row["reason"].startswith("image")
        }
        reached = {
            name: {(row["merchant_id"], row["sku"]) for row in rows}
            for name, rows in (
                ("all_attempts_rejected", self._units),
                ("not_planned", self._rows["instructions"]),
                ("no_instruction", self._rows["personas"]),
            )
        }
        rows = []
        for row in _in_order(self._rows["products"], "merchant_id", "sku"):
            key = row["merchant_id"], row["sku"]
            if key in self._pictured:
                continue
            if row["image_sha256"] is None:
                reason = rejected.get(key, "image_missing")
            else:
                stopped = [name for name, some in reached.items() if key in some]
                reason = stopped[0] if stopped else views.get(row["image_sha256"]) or "no_persona"
            rows.append({name: row[name] for name in ("merchant_id", "sku", "title")} | {"reason": reason})
        return rows

    def changes(self) -> list[Row]:
        counts = Counter(row["merchant_id"] for row in self._rows["assets"])
        return [
            {"merchant_id": merchant_id, "change": "added", "pictures": count}
            for merchant_id, count in sorted(counts.items())
        ]

    def personas_by_category(self) -> list[Row]:
        categories = {(row["merchant_id"], row["sku"]): row["category"] for row in self._rows["products"]}
        names = {row["segment_id"]: row["name"] for row in self._rows["segments"]}
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self._rows["personas"]:
            groups[categories[row["merchant_id"], row["sku"]], names[row["segment_id"]]].append(row)
        return [
            {
                "category": category, "segment": segment, "products": len(rows),
                "ranked_first": sum(row["rank"] == 1 for row in rows),
                "mean_score": _mean(row["score"] for row in rows),
            }
            for (category, segment), rows in sorted(
                groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])
            )
        ]  # fmt: skip

    def yield_by_setting(self) -> list[Row]:
        settings = {
            tuple(row[name] for name in SLOT[:4]): row["scene"]["setting"]
            for row in self._rows["instructions"]
        }
        scored = [unit for unit in self._units if unit["asset_id"] in self._last and unit["look"] != "white"]
        by_setting: dict[str, list[list[Row]]] = defaultdict(list)
        for slot, units in _grouped(scored, *SLOT).items():
            by_setting[settings[slot[:4]]].append(units)
        rows = []
        for setting, slots in sorted(by_setting.items(), key=lambda item: (-len(item[1]), item[0])):
            first = [
                min((u["variant"] for u in units if self._last[u["asset_id"]]["verdict"] == "accepted"), default=None)
                for units in slots
            ]  # fmt: skip
            rows.append(
                {
                    "setting": setting, "slots": len(slots), "usable_at_first_try": first.count(0),
                    "usable_after_retries": len(first) - first.count(0) - first.count(None),
                    "not_usable": first.count(None), "attempts_each": _mean(map(len, slots)),
                }
            )  # fmt: skip
        return rows

    def yield_by_scene_revision(self) -> list[Row]:
        judged = [row for row in self._made.values() if row["asset_id"] in self._last]
        rows = []
        for (backend, revision), made in sorted(_grouped(judged, "scene_backend", "scene_revision").items()):
            last = [self._last[row["asset_id"]] for row in made]
            values: dict[str, list[float]] = defaultdict(list)
            for row in last:
                for item in row["measurements"]:
                    values[item["name"]].append(item["value"])
            accepted = sum(row["verdict"] == "accepted" for row in last)
            told = {
                name: _mean(values[name])
                for name in ("twin_distance", "twin_similarity", "setting_similarity")
            }
            rows.append(
                {
                    "scene_backend": backend, "scene_revision": revision, "pictures": len(made),
                    "percent_accepted": round(100 * accepted / len(made), 1), **told,
                    "scene_s": _mean(row["scene_s"] for row in made),
                }
            )  # fmt: skip
        return rows

    def cost_per_asset(self) -> list[Row]:
        usable = Counter(row["merchant_id"] for row in self._rows["assets"])
        drawn = [
            unit for unit in self._units if unit["asset_id"] in self._made and unit["asset_id"] in self._last
        ]
        rows = []
        for (merchant_id,), units in sorted(_grouped(drawn, "merchant_id").items()):
            made = [self._made[unit["asset_id"]] for unit in units]
            drawing_s = sum(row[name] for row in made for name in ("scene_s", "text_s", "encode_s"))
            scoring_s = sum(self._last[unit["asset_id"]]["score_s"] for unit in units)
            rows.append(
                {
                    "merchant_id": merchant_id, "pictures_drawn": len(units), "pictures_usable": usable[merchant_id],
                    "drawing_s": drawing_s, "scoring_s": scoring_s,
                    "core_s_per_usable_picture": (drawing_s + scoring_s) / usable[merchant_id],
                }
            )  # fmt: skip
        return rows

    def measurement_distribution(self) -> list[Row]:
        values: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
        for row in self._last.values():
            for item in row["measurements"]:
                values[item["name"]].append((item["value"], row["asset_id"], row["verdict"]))
        rows = []
        for name, some in sorted(values.items()):
            some.sort()
            least, more = divmod(len(some), 20)
            for part in range(20):
                own = some[part * least + min(part, more) : (part + 1) * least + min(part + 1, more)]
                if own:
                    rejected = sum(verdict == "rejected" for *_, verdict in own)
                    rows.append(
                        {
                            "name": name, "part": part + 1, "pictures": len(own), "from_value": own[0][0],
                            "to_value": own[-1][0], "percent_rejected": round(100 * rejected / len(own), 1),
                        }
                    )  # fmt: skip
        return rows

    def near_limits(self) -> list[Row]:
        looks = {unit["asset_id"]: unit["look"] for unit in self._units}
        rows = []
        for limit in self._rows["limits"]:
            places: Counter[str] = Counter()
            for score in self._last.values():
                if (score["scorer_revision"], looks.get(score["asset_id"])) == (
                    limit["scorer_revision"],
                    limit["look"],
                ):
                    values = [
                        item["value"]
                        for item in score["measurements"]
                        if item["name"] == limit["measurement"]
                    ]
                    places.update(_place(value, limit["value"], limit["side"]) for value in values)
            if places:
                rows.append(
                    {name: limit[name] for name in ("measurement", "look", "reason", "side")}
                    | {"limit_value": limit["value"], "pictures": places.total()}
                    | {
                        name: places[name]
                        for name in ("far_beyond", "just_beyond", "just_within", "far_within")
                    }
                )
        return _in_order(rows, "measurement", "look", "side")

    def lineage(self) -> list[Row]:
        products = {(row["merchant_id"], row["sku"]): row for row in self._rows["products"]}
        units = {row["asset_id"]: row for row in self._units}
        instructions = {tuple(row[name] for name in SLOT[:4]): row for row in self._rows["instructions"]}
        personas = {tuple(row[name] for name in SLOT[:3]): row for row in self._rows["personas"]}
        rows = []
        for asset in self._rows["assets"]:
            product = products[asset["merchant_id"], asset["sku"]]
            told = instructions[tuple(asset[name] for name in SLOT[:4])]
            rows.append(
                {name: asset[name] for name in (*SLOT, "asset_id", "sha256", "variant")}
                | {
                    name: product[name]
                    for name in ("title", "feed_file", "feed_row", "product_hash", "image_uri")
                }
                | {name: told[name] for name in ("angle", "headline", "instruction_hash")}
                | {"persona_rank": personas[tuple(asset[name] for name in SLOT[:3])]["rank"]}
                | {"planned_because": units[asset["asset_id"]]["reason"], "releases": 1}
                | {"seed": self._made[asset["asset_id"]]["seed"], "verdict": "accepted"}
                | {"drawn_in": self._made[asset["asset_id"]]["run_date"]}
            )
        return _in_order(rows, "merchant_id", "sku", "persona_rank", "locale", "placement")


def _place(value: float, limit: float, side: str) -> str:
    within = value >= limit if side == "min" else value <= limit
    near = limit != 0 and abs(value - limit) <= 0.1 * abs(limit)
    return f"{'just' if near else 'far'}_{'within' if within else 'beyond'}"


def agree(answer: list[Row], expected: list[Row]) -> bool:
    """Whether a question's rows are as expected in the columns that are; numbers as far as the question rounds them."""
    if len(answer) != len(expected):
        return False
    pairs = (
        (row[name], wanted[name]) for row, wanted in zip(answer, expected, strict=True) for name in wanted
    )
    return all(
        math.isclose(plain(found), plain(wanted), rel_tol=1e-3, abs_tol=0.006)
        if isinstance(wanted, float) and found is not None
        else plain(found) == plain(wanted)
        for found, wanted in pairs
    )


def _grouped(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def _in_order(rows: Iterable[Row], *names: str) -> list[Row]:
    return sorted(rows, key=lambda row: tuple(row[name] for name in names))


def _mean(values: Iterable[float]) -> float | None:
    some = list(values)
    return sum(some) / len(some) if some else None
