"""Why a product has fewer faces than its merchant asked for, from what every stage said of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.drops.release_rows import Row
from schemas.config import Merchant, Placement

# What to tell a merchant where the stage left no sentence of its own.
SENTENCES = {
    "no_picture": "The feed names no picture that exists. Add one and it is used the next night.",
    "not_opened": "The picture was not looked at tonight; it is tried again the next night.",
    "no_audience": "No user group could be found for this product.",
    "fewer_audiences": "Fewer user groups fit this product than were asked for.",
    "no_instruction": "No presentation could be written for a user group.",
    "needs_cut_out": "This format shows the product alone on white: it could not be cut out of its picture, which does "
    "not show it whole on a clean white ground.",
    "not_planned": "The picture was not planned tonight.",
    "not_drawn": "The picture was planned but not drawn tonight; it is tried again the next night.",
    "not_scored": "The picture was drawn but not checked tonight; it is tried again the next night.",
    "recalled": "The picture was withdrawn.",
    "not_published": "The picture passed its checks but is not in this release.",
}

PICTURES = {
    "low_quality": "The product cannot be cut out cleanly; photograph it sharply before a plain ground that differs.",
    "ground_in_cutout": "The ground cannot be told from the product; photograph it before one of another colour.",
    "outline_torn": "The product cannot be cut out cleanly; photograph it before a plain ground that differs from it.",
    "cutout_disputed": "The product cannot be cut out cleanly; photograph it in soft light, without a dark shadow.",
    "shadow_merges": "The product's dark side cannot be told from its shadow; photograph it in soft light.",
    "background_textured": "The ground of the picture is not plain; photograph the product before a plain one.",
    "background_not_uniform": "The ground of the picture is not plain; photograph the product before a plain one.",
    "person_or_hand": "A person or a hand is in the picture; photograph the product alone.",
    "touches_border": "The picture cuts the product off; leave space on all its sides.",
    "several_objects": "The picture shows several objects; photograph one alone.",
    "blank_image": "No product stands out from the ground of the picture; send another one.",
    "too_small_in_frame": "The product is too small in its picture; photograph it from nearer.",
    "photo_too_small": "The picture is too small to be shown whole.",
    "photo_too_long": "The picture is too long and narrow to be shown whole.",
    "photo_blurred": "The picture is not sharp enough to be shown whole.",
    "photo_flat": "The picture is too pale to be shown whole.",
    "photo_too_dark": "The picture is too dark to be shown whole.",
    "photo_burnt_out": "The picture is too bright to be shown whole.",
    "image_empty": "The picture's file is empty; send it again.",
    "image_truncated": "The picture's file is cut off; send it again.",
    "image_unreadable": "The picture's file is damaged; send it again.",
    "image_format": "The picture's file is of no known kind; send a JPEG, PNG, WebP or GIF.",
    "image_too_small": "The picture has too few pixels; send a larger one.",
    "image_too_large": "The picture has too many pixels; send a smaller one.",
    "image_changed": "The picture changed while the catalog was read; it is looked at again the next night.",
    "baked_text": "Advertising is printed into your picture; send one without it.",
}
"""What to tell a merchant of a picture of theirs that was refused, or of which nothing good can be made."""


@dataclass(frozen=True)
class Shortfall:
    """One reason why one product lacks `missing` of its wanted faces."""

    sku: str
    title: str
    faces: int
    wanted: int
    missing: int
    stage: str
    reason: str
    explanation: str


@dataclass(frozen=True)
class Said:
    """What the stages said of one merchant's products tonight."""

    views: Mapping[str, Row]
    """Image hash -> what was seen in it."""
    personas: Sequence[Row]
    instructions: Sequence[Row]
    work_units: Sequence[Row]
    verdicts: Mapping[str, Row]
    """Asset id -> its verdict."""
    rejects: Sequence[Row]
    recalled: Collection[tuple[str, ...]] = ()
    """(sku, segment_id, locale, placement) of what was withdrawn."""


def in_words(codes: Iterable[str]) -> str:
    """Reason codes as words: `text_contrast, overflow` -> `text contrast, overflow`."""
    return ", ".join(code.replace("_", " ") for code in codes)


Placements = Mapping[str, Placement]
"""The configured placements by name."""


def placements_of(merchant: Merchant, placements: Placements, rank: int) -> list[str]:
    """The placements that the persona of a rank (1 is the first) gets pictures for."""
    return [name for name in merchant.placements if rank == 1 or not placements[name].one_a_product]


def wanted_faces(merchant: Merchant, placements: Placements) -> int:
    """Pictures that a product of this merchant should get."""
    ranks = range(1, merchant.top_k + 1)
    return len(merchant.locales) * sum(len(placements_of(merchant, placements, rank)) for rank in ranks)


def shortfalls(
    merchant: Merchant, placements: Placements, products: Iterable[Row], assets: Iterable[Row], said: Said
) -> Iterator[Shortfall]:
    """One or more reasons for every product with fewer faces than wanted, in the products' order."""
    wanted = wanted_faces(merchant, placements)
    published: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for asset in assets:
        published[asset["sku"]].add((asset["segment_id"], asset["locale"], asset["placement"]))
    rejected: dict[str, list[Row]] = defaultdict(list)
    for reject in said.rejects:
        rejected[reject["sku"]].append(reject)
    segments = _segments_by_sku(said.personas)
    written = {(row["sku"], row["segment_id"], row["locale"]) for row in said.instructions}
    units: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for unit in said.work_units:
        units[(unit["sku"], unit["segment_id"], unit["locale"], unit["placement"])].append(unit)

    for product in products:
        sku = product["sku"]
        have = published.get(sku, set())
        if len(have) >= wanted:
            continue
        found = _of_product(product, said.views, segments.get(sku, []), rejected.get(sku, []))
        if found is not None:
            stage, reason, explanation = found
            yield Shortfall(
                sku, product["title"], len(have), wanted, wanted - len(have), stage, reason, explanation
            )
            continue
        counts: Counter[tuple[str, str, str]] = Counter()
        lacking = merchant.top_k - len(segments[sku])
        if lacking > 0:
            per_segment = len(merchant.locales) * len(placements_of(merchant, placements, rank=2))
            counts[("ray_tasks.infer_personas", "fewer_audiences", SENTENCES["fewer_audiences"])] = (
                lacking * per_segment
            )
        view = said.views[product["image_sha256"]]
        nothing_on_white = view["treatment"] == "framed" and view["white_uri"] is None
        for rank, segment_id in enumerate(segments[sku], start=1):
            for locale in merchant.locales:
                for placement in placements_of(merchant, placements, rank):
                    if (segment_id, locale, placement) not in have:
                        if nothing_on_white and placements[placement].one_a_product:
                            counts[("jobs.plan_work_units", "needs_cut_out", SENTENCES["needs_cut_out"])] += 1
                            continue
                        if (sku, segment_id, locale, placement) in said.recalled:
                            counts[("jobs.releases", "recalled", SENTENCES["recalled"])] += 1
                            continue
                        face_units = units.get((sku, segment_id, locale, placement), [])
                        is_written = (sku, segment_id, locale) in written
                        told = rejected.get(sku, [])
                        counts[_of_face(segment_id, locale, face_units, is_written, said.verdicts, told)] += 1
        for (stage, reason, explanation), missing in sorted(counts.items()):
            yield Shortfall(sku, product["title"], len(have), wanted, missing, stage, reason, explanation)


def _segments_by_sku(personas: Sequence[Row]) -> dict[str, list[str]]:
    segments: dict[str, list[str]] = defaultdict(list)
    for row in sorted(personas, key=lambda row: row["rank"]):
        segments[row["sku"]].append(row["segment_id"])
    return segments


def _from_reject(rejects: Sequence[Row], *stages: str) -> tuple[str, str, str] | None:
    for reject in rejects:
        if reject["stage"] in stages:
            return reject["stage"], reject["reason"], reject["detail"]
    return None


def _of_product(
    product: Row, views: Mapping[str, Row], segments: Sequence[str], rejects: Sequence[Row]
) -> tuple[str, str, str] | None:
    """What kept the whole product from having faces: stage, reason, sentence; None when nothing did."""
    if product["image_sha256"] is None:
        # Ingest notes several things of a product; what it says of the picture is the reason.
        by_picture = sorted(rejects, key=lambda reject: not reject["reason"].startswith("image_"))
        told = _from_reject(by_picture, "jobs.ingest_catalog")
        return told or ("jobs.ingest_catalog", "no_picture", SENTENCES["no_picture"])
    view = views.get(product["image_sha256"])
    if view is None:
        told = _from_reject(rejects, "ray_tasks.build_product_views")
        return told or ("ray_tasks.build_product_views", "not_opened", SENTENCES["not_opened"])
    if view["verdict"] == "refused":
        return "ray_tasks.build_product_views", view["reason"], _of_picture(view)
    if not segments:
        told = _from_reject(rejects, "ray_tasks.infer_personas")
        return told or ("ray_tasks.infer_personas", "no_audience", SENTENCES["no_audience"])
    return None


def _of_picture(view: Row) -> str:
    advice = " ".join(PICTURES[code] for code in view["reasons"] or [view["reason"]] if code in PICTURES)
    if not advice:
        return view["detail"] or f"The picture was refused: {in_words([view['reason']])}."
    return f"{advice[:-1]} ({view['detail'].rstrip('.')})." if view["detail"] else advice


def _of_face(
    segment_id: str,
    locale: str,
    units: Sequence[Row],
    is_written: bool,
    verdicts: Mapping[str, Row],
    rejects: Sequence[Row],
) -> tuple[str, str, str]:
    """What kept one face out: stage, reason, sentence."""
    if not is_written:
        of_face = [reject for reject in rejects if reject["key"].endswith(f"/{segment_id}/{locale}")]
        told = _from_reject(of_face or rejects, "ray_tasks.write_instructions")
        return told or ("ray_tasks.write_instructions", "no_instruction", SENTENCES["no_instruction"])
    if not units:
        return "jobs.plan_work_units", "not_planned", SENTENCES["not_planned"]
    scored = [verdicts[unit["asset_id"]] for unit in units if unit["asset_id"] in verdicts]
    if any(score["verdict"] == "accepted" for score in scored):
        return "jobs.publish_release", "not_published", SENTENCES["not_published"]
    if scored:
        codes = sorted({code for score in scored for code in score["reasons"]})
        attempts = "attempt was" if len(scored) == 1 else f"{len(scored)} attempts were"
        sentence = f"{'The' if len(scored) == 1 else 'All'} {attempts} rejected: {in_words(codes)}."
        sentence = " ".join([sentence, *(PICTURES[code] for code in codes if code in PICTURES)])
        return "ray_tasks.score_candidates", "+".join(codes) or "rejected", sentence
    keys = {unit["asset_id"] for unit in units}
    of_units = [reject for reject in rejects if reject["key"] in keys]
    told = _from_reject(of_units, "ray_tasks.make_candidates", "ray_tasks.score_candidates")
    return told or ("ray_tasks.make_candidates", "not_drawn", SENTENCES["not_drawn"])
