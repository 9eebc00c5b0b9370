"""A small night made up for tests: a STATE with every table, real JPEG objects, stage records and a configuration.

It is built through `infra.tables` as the real stages do, so constraints hold. Products differ in what happened to them:
the last ones of each merchant have no picture, a refused picture, a rejected persona, and a hostile name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.object_store import LocalStore, object_key
from infra.releases import pinned_versions
from infra.stage import write_record
from infra.tables import append_rows, ensure_tables, night_predicate, replace_rows, rows_to_table
from ray_tasks.limits import keep_limits
from ray_tasks.pictures.decide import Thresholds
from schemas.config import Quality
from schemas.instruction import content_hash
from schemas.revisions import VIEWS, scorer_revision
from tests.jobs.sample_pictures import draw_good

RUN_DATE = dt.date(2026, 11, 21)
JUDGED = {"judge_answered": 1.0, "judge_floating": 1.0, "judged_floating": 0.834, "judge_unsafe": 1.0,
          "judged_unsafe": 0.0, "judge_wrong_count": 0.0, "judged_wrong_count": 0.0}  # fmt: skip
"""What a judge says: a yes with a record, one without, and a no."""
NOW = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)
SEGMENTS = (
    ("fitness", "Fitness regulars", "#4f7d78"),
    ("office", "Office workers", "#5a7394"),
    ("exam_students", "Students before exams", "#7a6d93"),
    ("low_sugar", "Low-sugar households", "#a4655f"),
    ("outdoors", "Weekend hikers", "#74825a"),
)
GOODS = (
    ("Black coffee, 500 g", "Groceries > Coffee", "Roast & Co", "#3b2418"),
    ("Trail bottle, 750 ml", "Outdoor > Hydration", "Nordvik", "#2f6f62"),
    ("Stoneware mug, set of 2", "Kitchen > Tableware", None, "#c98f5a"),
    ("Desk lamp with dimmer", "Home > Lighting", "Lumen", "#c2a13a"),
    ("Lavender hand cream, 75 ml", "Beauty > Hands", "Aura", "#8d7bb8"),
    ("Merino socks, three pairs", "Clothing > Socks", "Nordvik", "#6b7280"),
)
HOSTILE = (
    ("../../../etc/passwd", "</script><script>document.title='pwned'</script>"),
    ("=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.invalid","click")\u2028& <b>bold</b>'),
    ("Ünïcode/産品 " + "x" * 200, "Tasse „Grün“ für den Garten, extra groß — " + "sehr lang " * 12),
)


@dataclass(frozen=True)
class SampleNight:
    """Where the made-up night lies."""

    state: Path
    config: Path
    run_date: dt.date
    release_id: str
    merchants: tuple[str, ...]

    def argv(self, *more: str) -> list[str]:
        """Arguments of a stage's main()."""
        state, config = f"--state={self.state}", f"--config={self.config}"
        return [f"--run-date={self.run_date}", state, config, *more]


def _sha(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def config_text(merchants: Sequence[str], data_root: Path, top_k: int, locales: Sequence[str]) -> str:
    """The TOML of a night over merchants that all have the same form."""
    shops = "".join(
        f"""
[[merchants]]
id = "{merchant}"
name = "{merchant.replace("_", " ").title()}"
top_k = {top_k}
locales = {json.dumps(list(locales))}
segment_sources = ["declared"]
currency = "EUR"
feed = {{ path = "{merchant}.csv", format = "csv", fields = {{ sku = "a", title = "b", category = "c", price = "d" }} }}
"""
        for merchant in merchants
    )
    return f"""
[paths]
data_root = "{data_root}"
{shops}
[[segment_sources]]
id = "declared"
kind = "table"
segments = {{ path = "segments.csv", format = "csv", fields = {{ id = "id" }} }}
members = {{ path = "members.csv", format = "csv", fields = {{ id = "id" }} }}
"""


def make_sample_night(
    root: Path,
    *,
    merchants: Sequence[str] = ("north_shop", "south_shop"),
    products: int = 6,
    top_k: int = 3,
    locales: Sequence[str] = ("en", "de"),
    size_px: int = 256,
    published: bool = True,
    run_date: dt.date = RUN_DATE,
) -> SampleNight:
    """Makes the night below `root`; `products` per merchant besides three hostile ones and three that fall short."""
    state, data = root / "state", root / "data"
    data.mkdir(parents=True, exist_ok=True)
    config = root / "night.toml"
    config.write_text(config_text(merchants, data, top_k, locales), encoding="utf-8")
    ensure_tables(state)
    rows: dict[str, list[dict[str, Any]]] = {
        name: []
        for name in (
            "products", "segments", "product_views", "personas", "instructions",
            "work_units", "candidates", "scores", "assets", "rejects",
        )
    }  # fmt: skip
    content = _sha(repr((run_date, tuple(merchants), products, top_k, tuple(locales))))
    release_id = f"{run_date}-{content[:12]}"
    for segment_id, name, _ in SEGMENTS:
        rows["segments"].append(_segment(segment_id, name, run_date))
    for number, merchant in enumerate(merchants):
        _Shop(rows, state, data, merchant, number, run_date, top_k, tuple(locales), size_px, release_id).make(
            products
        )
    partition = night_predicate(run_date)
    for name in ("products", "segments", "personas", "instructions", "work_units"):
        replace_rows(state, name, rows_to_table(name, rows[name]), partition)
    for name in ("product_views", "candidates", "scores"):
        append_rows(state, name, rows_to_table(name, rows[name]))
    keep_limits(state, scorer_revision(Quality()), Thresholds())
    for stage in sorted({reject["stage"] for reject in rows["rejects"]}):
        of_stage = [reject for reject in rows["rejects"] if reject["stage"] == stage]
        replace_rows(
            state, "rejects", rows_to_table("rejects", of_stage), night_predicate(run_date, stage=stage)
        )
    if published:
        replace_rows(state, "assets", rows_to_table("assets", rows["assets"]), f"release_id = '{release_id}'")
        append_rows(
            state, "releases", rows_to_table("releases", [_release(state, release_id, run_date, rows)])
        )
    write_stage_records(state, run_date, failed=None if published else "jobs.gate_release")
    return SampleNight(state, config, run_date, release_id, tuple(merchants))


@dataclass
class _Shop:
    rows: dict[str, list[dict[str, Any]]]
    state: Path
    data: Path
    merchant: str
    number: int
    run_date: dt.date
    top_k: int
    locales: tuple[str, ...]
    size_px: int
    release_id: str

    def make(self, products: int) -> None:
        for i in range(products):
            title, category, brand, hue = GOODS[i % len(GOODS)]
            named = title if i < len(GOODS) else f"{title}, no. {i}"
            self._product(f"{self.merchant[0].upper()}-{1000 + i}", named, category, brand, hue, i)
        for i, (sku, title) in enumerate(HOSTILE):
            self._product(sku, title, "Odd > Names", None, "#5b6472", products + i)
        self._product(f"{self.merchant}-bare", "Gift card", "Gifts", None, "#777777", 90, picture=None)
        self._product(
            f"{self.merchant}-blurred", "Glass carafe", "Kitchen", None, "#9db4c0", 91, refused=True
        )
        self._product(f"{self.merchant}-faint", "White plate", "Kitchen", None, "#e9e5dc", 92, rejected=True)
        self._reject("jobs.ingest_catalog", f"{self.merchant}.csv line 7", "price_missing", None)

    def _product(
        self, sku: str, title: str, category: str, brand: str | None, hue: str, seed: int,
        picture: str | None = "yes", refused: bool = False, rejected: bool = False,
    ) -> None:  # fmt: skip
        image = draw_good(hue, seed, max(200, self.size_px // 2)) if picture else None
        image_sha = _sha(image) if image else None
        path = self.data / self.merchant / "images" / f"{_sha(sku)[:12]}.jpg"
        if image:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image)
        self.rows["products"].append(
            {
                "run_date": self.run_date, "merchant_id": self.merchant, "sku": sku, "title": title,
                "description": f"{title}. Made to last.", "category": category, "brand": brand,
                "price_minor": 1299 + 250 * seed, "currency": "EUR", "tags": ["gift"],
                "facts": [{"name": "material", "value": "steel", "unit": "", "source_field": "specs"}],
                "rating_mean": 4.4, "rating_count": 31,
                "image_uri": str(path) if image else None,
                "image_sha256": image_sha, "product_hash": _sha(sku + title),
                "feed_file": f"{self.merchant}.csv", "feed_row": seed + 2,
            }
        )  # fmt: skip
        if image is None or image_sha is None:
            self._reject("jobs.ingest_catalog", f"{self.merchant}/{sku}", "image_missing", sku)
            return
        if image_sha not in {view["image_sha256"] for view in self.rows["product_views"]}:
            self.rows["product_views"].append(self._view(image_sha, image, refused))
        if refused:
            return
        for rank in range(1, self.top_k + 1):
            segment = SEGMENTS[(seed + self.number + rank - 1) % len(SEGMENTS)]
            self._persona(sku, title, hue, image_sha, segment, rank, seed, rejected and rank == 1)

    def _persona(
        self, sku: str, title: str, hue: str, image_sha: str, segment: tuple[str, str, str],
        rank: int, seed: int, rejected: bool,
    ) -> None:  # fmt: skip
        key = {"run_date": self.run_date, "merchant_id": self.merchant, "sku": sku, "segment_id": segment[0]}
        self.rows["personas"].append(
            key
            | {
                "rank": rank, "score": 2.5 - rank * 0.4, "affinity_score": 1.4 - rank * 0.2,
                "text_score": 0.8, "price_score": 0.1, "season_score": 0.0, "model_score": 0.0625,
                "method_revision": "test-1",
                "evidence": [
                    f"{segment[1]} buy this category {2.4 - rank * 0.3:.1f} times as often as others",
                    "412 orders in 90 days",
                ],
            }
        )  # fmt: skip
        for locale in self.locales:
            headline = f"{title[:18]} for you" if locale == "en" else f"{title[:18]} für dich"
            instruction = {
                "placements": ["square"], "angle": "function", "need": f"what {segment[1].lower()} look for",
                "scene": {
                    "setting": "studio_sweep", "light": "studio_soft", "season": "all", "mood": "calm",
                    "palette": [segment[2], "#f4efe6"], "props": ["none"],
                },
                "surface": "paper", "layout": "headline_top", "headline": headline,
                "selling_points": ["Steel inside", "Easy to clean"],
                "sticker": None, "call_to_action": None, "alt_text": f"{title[:80]} on a plain {segment[2]} backdrop",
                "avoid": ["people"], "locale": locale,
                "claims": [
                    {"element": "selling_point", "text": "Steel inside", "source_field": "specs", "source_value": "x"}
                ],
            }  # fmt: skip
            digest = content_hash({**instruction, "sku": sku})
            self.rows["instructions"].append(
                {
                    **key,
                    **instruction,
                    "instruction_hash": digest,
                    "writer": "rules",
                    "writer_revision": "test-1",
                    "refused_attempts": [],
                }
            )
            for variant in range(3 if rejected else 1):
                self._asset(
                    key, locale, variant, digest, hue, image_sha, segment, rank, seed, headline, rejected
                )

    def _asset(
        self, key: dict[str, Any], locale: str, variant: int, digest: str, hue: str, image_sha: str,
        segment: tuple[str, str, str], rank: int, seed: int, headline: str, rejected: bool,
    ) -> None:  # fmt: skip
        picture = draw_good(hue, seed, self.size_px, backdrop=segment[2], headline=headline)
        sha = _sha(picture)
        uri = object_key("pictures", sha, "jpg")
        LocalStore(self.state / "store").put(uri, picture)
        asset_id = _sha(f"{key}{locale}{variant}")
        shared = {
            **key, "asset_id": asset_id, "locale": locale, "placement": "square", "variant": variant,
            "image_sha256": image_sha, "cutout_sha256": image_sha, "instruction_hash": digest,
            "scene_backend": "components", "scene_revision": "test-1", "persona_rank": rank,
            "width_px": self.size_px, "height_px": self.size_px, "uri": uri, "sha256": sha, "bytes": len(picture),
            "look": "text", "scene_height_px": self.size_px, "scene_text": True, "offer": None,
            "reason": "retry" if variant else "new_product", "status": "to_do", "priority": 10.0 - rank,
            "estimated_s": 0.3, "cutout_uri": object_key("cutouts", image_sha, "png"), "renderer_revision": "test-1",
            "seed": 7, "identity": "{}", "product_box": {"left": 1, "top": 1, "right": 9, "bottom": 9},
            "text_boxes": [{"element": "headline", "left": 1, "top": 1, "right": 9, "bottom": 5, "contrast": 7.1}],
            "overflow": False, "changed_core_px": 0, "scene_s": 0.2, "text_s": 0.03, "encode_s": 0.02, "made_at": NOW,
            "scorer_revision": scorer_revision(Quality()), "verdict": "rejected" if rejected else "accepted",
            "reasons": ["text_contrast", "product_too_faint"] if rejected else [], "score_s": 0.1, "scored_at": NOW,
            "measurements": [
                {"name": "text_contrast", "value": 2.1 if rejected else 7.1},
                {"name": "fidelity_mean_abs", "value": 1.25},
                {"name": "product_share", "value": 0.3187},
                *({"name": name, "value": value} for name, value in JUDGED.items()),
            ],
            "release_id": self.release_id, "headline": headline, "fidelity_mean_abs": 1.25,
            "alt_text": f"{headline} on a plain backdrop", "product_hash": _sha(key["sku"]),
        }  # fmt: skip
        for table in ("work_units", "candidates", "scores"):
            self.rows[table].append(shared)
        if not rejected:
            self.rows["assets"].append(shared)

    def _view(self, image_sha: str, image: bytes, refused: bool) -> dict[str, Any]:
        return {
            "image_sha256": image_sha, "method_revision": VIEWS, "image_bytes": len(image),
            "width_px": 200, "height_px": 200, "background_kind": "white", "cutout_width_px": 90,
            "cutout_uri": None if refused else object_key("cutouts", image_sha, "png"),
            "cutout_sha256": None if refused else image_sha, "cutout_height_px": 150, "mask_quality": 0.93,
            "product_share": 0.3, "palette": [{"hex": "#3b2418", "share": 0.7, "name": "brown"}], "tags": ["brown"],
            "verdict": "refused" if refused else "accepted", "reason": "edges_unclear" if refused else None,
            "detail": "The product's edge cannot be told from the background; take the picture on a plain one."
            if refused else None, "made_at": NOW,
        }  # fmt: skip

    def _reject(self, stage: str, key: str, reason: str, sku: str | None) -> None:
        self.rows["rejects"].append(
            {
                "run_date": self.run_date, "stage": stage, "shard": 0, "key": key, "reason": reason, "sku": sku,
                "severity": "note" if reason.startswith("image_") else "row",
                "merchant_id": self.merchant, "detail": f"{key}: {reason.replace('_', ' ')}; add it to the feed",
                "record": f'{{"owner": "{self.merchant}-secret"}}',
            }
        )  # fmt: skip


def _segment(segment_id: str, name: str, run_date: dt.date) -> dict[str, Any]:
    return {
        "run_date": run_date, "segment_id": segment_id, "source": "declared", "name": name,
        "description": f"{name}: people who know what they want.", "need": "something that works",
        "interests": ["coffee"], "contexts": ["morning"], "size": 400, "population_share": 0.2,
    }  # fmt: skip


def _release(
    state: Path, release_id: str, run_date: dt.date, rows: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    revisions = {"code": "test", "views": VIEWS, "scorer": scorer_revision(Quality())}
    assets = rows["assets"]
    products = {(asset["merchant_id"], asset["sku"]) for asset in assets}
    merchants = [
        {"merchant_id": name, "assets": sum(asset["merchant_id"] == name for asset in assets),
         "products": sum(product[0] == name for product in products)}
        for name in sorted({merchant for merchant, _ in products})
    ]  # fmt: skip
    return {
        "release_id": release_id, "run_date": run_date, "sequence": 1, "status": "published",
        "previous_release_id": None, "content_hash": _sha(release_id), "asset_count": len(assets),
        "product_count": len(products), "merchants": merchants, "table_versions": pinned_versions(state),
        "revisions": [{"name": name, "revision": revision} for name, revision in revisions.items()],
        "gate_report": f"reports/{run_date}/gate.json",
        "created_at": NOW, "created_by": "jobs.publish_release", "comment": "test",
    }  # fmt: skip


STAGES = (
    ("jobs.ingest_catalog", 14.2, 1450),
    ("jobs.build_segments", 6.1, 1490),
    ("ray_tasks.build_product_views", 22.8, 980),
    ("ray_tasks.infer_personas", 5.3, 1120),
    ("ray_tasks.write_instructions", 2.4, 900),
    ("jobs.plan_work_units", 9.7, 1400),
    ("ray_tasks.make_candidates", 61.5, 1310),
    ("ray_tasks.score_candidates", 31.0, 1250),
    ("jobs.gate_release", 8.8, 1520),
    ("jobs.publish_release", 3.2, 1530),
    ("jobs.build_drops", 2.0, 310),
)


def write_stage_records(
    state: Path, run_date: dt.date, *, failed: str | None = None, night_id: str | None = None
) -> None:
    """The records that the stages' shell leaves, up to and including the one that failed."""
    folder = state / "reports" / run_date.isoformat()
    at = NOW
    for stage, wall_s, peak_mb in STAGES:
        runs = [
            {"started_at": at.isoformat(), "wall_s": wall_s, "rows_in": 24, "rows_out": 20, "set_aside": 4}
        ]
        record: dict[str, Any] = {
            "stage": stage, "status": "done", "night_id": night_id, "started_at": at.isoformat(),
            "log": str(folder / "logs" / f"{stage}.log"), "shard": "0/1", "wall_s": wall_s,
            "peak_rss_mb": peak_mb, "rows_in": 24, "rows_out": 20, "set_aside": 4, "runs": runs,
            "funnel": {"north_shop": {"rows_in": 24, "rows_out": 20, "set_aside": {"edges_unclear": 4}}},
        }  # fmt: skip
        if stage == failed:
            record |= {"status": "failed", "error": "2 expectations failed; <b>see</b> the gate's pages"}
        write_record(folder / "stages" / f"{stage}.json", record)
        at += dt.timedelta(seconds=wall_s + 4)
        if stage == failed:
            return
