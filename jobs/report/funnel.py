"""The way from feed rows to published faces, one step after the other, with what each set aside and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jobs.drops.release_rows import Row
from jobs.drops.shortfalls import placements_of
from jobs.report.merchant_rows import MerchantRows


@dataclass
class Step:
    """One step: how many went in and came out, the reasons of those that did not, and notes on those that did."""

    name: str
    unit: str
    rows_in: int
    rows_out: int
    reasons: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        lost = self.rows_in - self.rows_out
        # A reason is counted once for what it set aside; the rest of the difference is said to have none.
        if (unexplained := lost - self.reasons.total()) > 0:
            self.reasons["no_reason_recorded"] += unexplained

    @property
    def set_aside(self) -> int:
        """What went in and did not come out."""
        return max(0, self.rows_in - self.rows_out)


@dataclass
class Yield:
    """How good the first attempts were: attempts scored, accepted, and of these the first ones."""

    first: int = 0
    first_accepted: int = 0
    attempts: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, other: Yield) -> None:
        """Adds another merchant's numbers."""
        self.first += other.first
        self.first_accepted += other.first_accepted
        self.attempts += other.attempts
        self.rejected.update(other.rejected)


def merchant_funnel(rows: MerchantRows) -> list[Step]:
    """The steps of one merchant, computed from the tables."""
    merchant = rows.merchant
    ingest = [reject for reject in rows.rejects if reject["stage"] == "jobs.ingest_catalog"]
    # A repeated row is a note, because its product is there once; as a row it is gone.
    feed_rejects = Counter(
        r["reason"] for r in ingest if r["severity"] == "row" or r["reason"] == "sku_repeated"
    )
    usable, picture_reasons = _usable(
        rows, {r["sku"]: r["reason"] for r in ingest if r["reason"].startswith("image_")}
    )
    audiences = {persona["sku"] for persona in rows.personas}
    by_stage: dict[str, Counter[str]] = defaultdict(Counter)
    for reject in rows.rejects:
        by_stage[reject["stage"]][reject["reason"]] += 1
    faces = _faces(rows.work_units)
    drawn = {face: units for face, units in faces.items() if _any(units, rows.candidates)}
    accepted = {
        face
        for face, units in drawn.items()
        if any(rows.scores.get(unit["asset_id"], {}).get("verdict") == "accepted" for unit in units)
    }
    tonight = {unit["asset_id"] for unit in rows.work_units}
    kept = sum(asset["asset_id"] not in tonight for asset in rows.assets)
    ranks = {(persona["sku"], persona["segment_id"]): persona["rank"] for persona in rows.personas}
    wanted = sum(
        len(placements_of(merchant, rows.placements, ranks[row["sku"], row["segment_id"]]))
        for row in rows.instructions
    )
    # A white picture is wanted by the channel and never planned of a photograph that is shown whole, if not on white.
    without_cut_out = sum(short.missing for short in rows.short if short.reason == "needs_cut_out")
    unplanned = _capped(Counter(needs_cut_out=without_cut_out), wanted - len(faces))
    return [
        Step("Feed rows read", "rows", len(rows.products) + feed_rejects.total(), len(rows.products), feed_rejects),
        Step("Picture usable", "products", len(rows.products), len(usable), picture_reasons),
        Step(
            "Audiences found",
            "products",
            len(usable),
            len(usable & audiences),
            _capped(by_stage["ray_tasks.infer_personas"], len(usable - audiences)),
        ),
        Step(
            "Instructions written",
            "instructions",
            len(rows.personas) * len(merchant.locales),
            len(rows.instructions),
            _capped(
                by_stage["ray_tasks.write_instructions"],
                len(rows.personas) * len(merchant.locales) - len(rows.instructions),
            ),
        ),
        Step("Faces planned", "faces", wanted, len(faces), unplanned, _plan_notes(rows.work_units)),
        Step(
            "Faces drawn",
            "faces",
            len(faces),
            len(drawn),
            _capped(by_stage["ray_tasks.make_candidates"], len(faces) - len(drawn)),
        ),
        Step("Faces accepted", "faces", len(drawn), len(accepted), _refusals(rows, drawn, accepted)),
        Step(
            "Faces published",
            "faces",
            len(accepted) + kept,
            len(rows.assets),
            +Counter(not_published=len(accepted) + kept - len(rows.assets)),
            +Counter(kept_from_the_last_release=kept),
        ),
    ]  # fmt: skip


def first_yield(rows: MerchantRows) -> Yield:
    """Accepted share of the first attempts, and the reasons of all rejected attempts."""
    result = Yield()
    for unit in rows.work_units:
        score = rows.scores.get(unit["asset_id"])
        if score is None:
            continue
        result.attempts += 1
        result.rejected.update(score["reasons"])
        if unit["variant"] == 0:
            result.first += 1
            result.first_accepted += score["verdict"] == "accepted"
    return result


def total_funnel(funnels: Iterable[Sequence[Step]]) -> list[Step]:
    """The steps of all merchants together."""
    return [
        Step(
            steps[0].name,
            steps[0].unit,
            sum(step.rows_in for step in steps),
            sum(step.rows_out for step in steps),
            sum((step.reasons for step in steps), Counter()),
            sum((step.notes for step in steps), Counter()),
        )
        for steps in zip(*funnels, strict=True)
    ]


def _usable(rows: MerchantRows, ingest_reasons: dict[str, str]) -> tuple[set[str], Counter[str]]:
    usable: set[str] = set()
    reasons: Counter[str] = Counter()
    for product in rows.products:
        view = rows.views.get(product["image_sha256"])
        if product["image_sha256"] is None:
            reasons[ingest_reasons.get(product["sku"], "no_picture")] += 1
        elif view is None:
            reasons["not_opened"] += 1
        elif view["verdict"] == "refused":
            reasons[view["reason"]] += 1
        else:
            usable.add(product["sku"])
    return usable, reasons


def _faces(units: Sequence[Row]) -> dict[tuple[str, ...], list[Row]]:
    faces: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for unit in units:
        faces[unit["sku"], unit["segment_id"], unit["locale"], unit["placement"]].append(unit)
    return faces


def _any(units: Sequence[Row], made: object) -> bool:
    return any(unit["asset_id"] in made for unit in units)  # type: ignore[operator]


def _plan_notes(units: Sequence[Row]) -> Counter[str]:
    return Counter(
        f"{unit['status']}: {unit['reason']}" for unit in units if unit["status"] in {"exists", "to_do"}
    )


def _refusals(
    rows: MerchantRows, drawn: dict[tuple[str, ...], list[Row]], accepted: set[tuple[str, ...]]
) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for face, units in drawn.items():
        if face not in accepted:
            scored = [rows.scores[u["asset_id"]] for u in units if u["asset_id"] in rows.scores]
            reasons[scored[-1]["reasons"][0] if scored and scored[-1]["reasons"] else "not_scored"] += 1
    return reasons


def _capped(reasons: Counter[str], most: int) -> Counter[str]:
    """The commonest reasons, together not more than what was lost (a stage may give several for one thing)."""
    kept: Counter[str] = Counter()
    for reason, count in reasons.most_common():
        if take := min(count, most - kept.total()):
            kept[reason] = max(0, take)
    return +kept
