"""One row of `product_views` for every new source image: cut-out or whole photograph, colours, tags, verdict.

An image is opened once for ever under its content hash; tonight's products whose image was refused go to `rejects`.
What failed for a reason that may go away has no row, only its rejects: it is tried again when the stage runs again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from infra.object_store import object_key, open_store
from infra.ray_session import map_rows
from infra.stage import Stage, StageError, stage_run
from infra.tables import Appended, missing_keys, read_night, read_table
from ray_tasks.failures import error_budget, refusal
from schemas.config import Config
from schemas.revisions import views_revision
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from ray_tasks.pictures.cutout import CutOutMethod
    from ray_tasks.pictures.geometry import Box
    from schemas.model_config import CutOut

STAGE = "ray_tasks.build_product_views"
INPUTS = ("products",)
OUTPUTS = ("product_views",)

IMAGES = pa.schema([("image_sha256", pa.string()), ("image_uri", pa.string())])
VIEWS_SCHEMA = BY_NAME["product_views"].schema
BATCH_ROWS = 2
"""Half a core-second an image: what a crash may cost beside what waits for a commit."""
PROCESSES_A_CARD = 4
"""That share one where a network is on it."""
FAILED = "view_failed"
"""Reason of an image whose row could not be made: a disk that is full, a store that refuses, a file that is away."""
NOT_KEPT = frozenset({FAILED, "image_changed"})
"""Reasons that say nothing of the image itself."""
LEAST_READING = 0.8
"""Score from which on a line that was read counts as text; below it textures are read as letters."""
MOST_LINES = 40
BOX_SIDES = ("left", "top", "right", "bottom")


def share_of_card(cutout: CutOut) -> float:
    """What a process takes of a card: its networks are small, and the rest of its work is a core's."""
    on_card = any(one is not None and one.device == "cuda" for one in (cutout.segmenter, cutout.matting))
    return 1 / PROCESSES_A_CARD if on_card else 0


def open_method(cutout: CutOut, cores: int) -> CutOutMethod:
    """What cuts products out, with its networks loaded; cores: of the machine, one card's or all processes'."""
    from ray_tasks.pictures.cutout import ClassicalCutOut

    method: CutOutMethod = ClassicalCutOut()
    if cutout.segmenter is not None:
        from ray_tasks.models.segmenting import SegmentingCutOut

        threads = max(1, cores // PROCESSES_A_CARD) if share_of_card(cutout) else 1
        method = SegmentingCutOut(cutout.segmenter, threads)
    if cutout.matting is not None:
        from ray_tasks.models.matting import MattingCutOut

        method = MattingCutOut(cutout.matting, cutout.matting.device, method)
    return method


class CutOutImages:
    """Opens, cuts out and describes images: (IMAGES rows) -> (product_views rows)."""

    def __init__(self, config: Config, state: Path) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._store = open_store(config.store, state)
        self._revision = views_revision(config.cutout)
        self._method = open_method(config.cutout, config.engines.cores)
        self._objects = config.cutout.objects

    def __call__(self, batch: pa.Table) -> pa.Table:
        """One row an image, whatever happens to it."""
        return pa.Table.from_pylist([self.view(**row) for row in batch.to_pylist()], schema=VIEWS_SCHEMA)

    def view(self, image_sha256: str, image_uri: str) -> dict[str, Any]:
        """The row of one image."""
        from ray_tasks.pictures.open_image import ImageRejected, open_image

        row: dict[str, Any] = dict.fromkeys(VIEWS_SCHEMA.names)
        row |= {
            "image_sha256": image_sha256,
            "method_revision": self._revision,
            "image_bytes": 0,
            "width_px": 0,
            "height_px": 0,
            "palette": [],
            "tags": [],
            "reasons": [],
            "photo": [],
            "verdict": "refused",
            "made_at": dt.datetime.now(dt.UTC),
        }
        try:
            data = Path(image_uri).read_bytes()
            row["image_bytes"] = len(data)
            if hashlib.sha256(data).hexdigest() != image_sha256:
                return row | {
                    "reason": "image_changed",
                    "reasons": ["image_changed"],
                    "detail": "the file changed since the catalog was read",
                }
            return row | self._describe(open_image(data))
        except ImageRejected as error:
            return row | {"reason": error.reason, "reasons": [error.reason], "detail": str(error)}
        except Exception as error:
            told = f"{type(error).__name__}: {error}"[:500]
            return row | {"reason": FAILED, "reasons": [FAILED], "detail": told}

    def _describe(self, image: Any) -> dict[str, Any]:
        from ray_tasks.pictures.admit import ON_WHITE_AFTER, admit
        from ray_tasks.pictures.colours import product_palette
        from ray_tasks.pictures.compose import alpha_bounds
        from ray_tasks.pictures.cues import form_cues, lettering_cues
        from ray_tasks.pictures.objects import with_objects
        from ray_tasks.pictures.ocr import read_text
        from ray_tasks.pictures.people import skin_share
        from ray_tasks.pictures.photo import measure_photo, shape_words, surface_words, whole_photo

        cut = with_objects(self._method.cut(image.rgb, image.alpha), self._objects)
        read = [line for line in read_text(image.rgb) if line[2] >= LEAST_READING][:MOST_LINES]
        lines = [(cleaned, place) for text, place, _ in read if (cleaned := plain_line(text))]
        people = skin_share(image.rgb) > 0
        found = cut.reason is None
        measured = measure_photo(image.rgb, cut.alpha > 127 if found else None)
        admission = admit(cut.reason, cut.detail, measured)
        bounds = alpha_bounds(cut.alpha) if found else None
        row: dict[str, Any] = {
            "width_px": image.rgb.shape[1],
            "height_px": image.rgb.shape[0],
            "background_kind": cut.background_kind,
            "mask_quality": float(cut.quality),
            "product_share": float((cut.alpha > 127).mean()),
            "product_box": {side: getattr(bounds, side) for side in BOX_SIDES} if bounds else None,
            "text_found": [text for text, _ in lines],
            "people_present": people,
            "photo": [{"name": name, "value": value} for name, value in measured.items()],
            "verdict": "accepted" if admission.treatment else "refused",
            "treatment": admission.treatment,
            "reason": admission.reasons[0] if admission.reasons else None,
            "reasons": list(admission.reasons),
            "detail": admission.detail,
        }
        if admission.treatment is None:
            return row
        rgba = cut.rgba if found else whole_photo(image.rgb)
        if cut.reason in ON_WHITE_AFTER:
            row |= self._on_white(rgba, [place for _, place in lines], image.rgb.shape[1], row["photo"])
        palette = product_palette(rgba)
        form = rgba[..., 3]
        words = [*shape_words(form), *surface_words(rgba), *form_cues(form)] if found else []
        uri, digest = self._stored(rgba)
        return row | {
            "cutout_uri": uri,
            "cutout_sha256": digest,
            "cutout_width_px": rgba.shape[1],
            "cutout_height_px": rgba.shape[0],
            "palette": [
                {"hex": colour.hex, "share": colour.share, "name": colour.name} for colour in palette
            ],
            "tags": [
                *dict.fromkeys(colour.name for colour in palette),
                *words,
                f"{cut.background_kind} background",
                *(["lettering"] if row["text_found"] else []),
                *lettering_cues(row["text_found"]),
                *(["people"] if people else []),
            ],
        }

    def _on_white(self, photo: Any, texts: Sequence[Box], width_px: int, measured: Any) -> dict[str, Any]:
        """What a photograph, (h, w, 4) uint8, measures as a main image beside `measured`, and where it is one.

        texts: boxes of what was read in the source, which is `width_px` wide.
        """
        from ray_tasks.pictures.admit import stands_on_white
        from ray_tasks.pictures.geometry import Box
        from ray_tasks.pictures.white_ground import lift

        scale = photo.shape[1] / width_px
        places = [(text.left, text.top, text.right, text.bottom) for text in texts]
        lifted = lift(photo[..., :3], [Box(*(round(scale * side) for side in place)) for place in places])
        if lifted is None:
            return {}
        told = [{"name": name, "value": value} for name, value in lifted.measured.items()]
        uri, digest = self._stored(lifted.rgba) if stands_on_white(lifted.measured) else (None, None)
        return {"photo": [*measured, *told], "white_uri": uri, "white_sha256": digest}

    def _stored(self, rgba: Any) -> tuple[str, str]:
        """Writes what is to be placed, (h, w, 4) uint8, as a PNG; its key and SHA-256."""
        import cv2

        done, png = cv2.imencode(
            ".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, 1]
        )
        if not done:
            raise ValueError("the PNG encoder refused the cut-out")
        data = png.tobytes()
        digest = hashlib.sha256(data).hexdigest()
        uri = object_key("cutouts", digest, "png")
        self._store.put(uri, data)
        return uri, digest


def plain_line(text: str) -> str:
    """A line read in a picture, in one spelling (NFKC), without control characters, at most 200 characters.

    Empty below two letters or digits: edges and knobs are read as single ones.
    """
    folded = unicodedata.normalize("NFKC", text)
    line = "".join(char for char in folded if unicodedata.category(char)[0] != "C").strip()[:200]
    return line if sum(char.isalnum() for char in line) > 1 else ""


def view_rejects(
    products: Iterable[dict[str, Any]], refused: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Reject rows of tonight's products whose image was refused, tonight or in any night before."""
    return [
        {
            "key": f"{product['merchant_id']}/{product['sku']}",
            "reason": refused[product["image_sha256"]]["reason"],
            "merchant_id": product["merchant_id"],
            "sku": product["sku"],
            "detail": refused[product["image_sha256"]]["detail"] or "",
        }
        for product in products
        if product["image_sha256"] in refused
    ]


def main(argv: Sequence[str] | None = None) -> list[Path]:
    """Runs the stage."""
    with stage_run(STAGE, __doc__, argv) as stage:
        products = read_night(
            stage.state,
            "products",
            stage.run_date,
            merchants=stage.selected,
            columns=["merchant_id", "sku", "image_uri", "image_sha256"],
        )
        rows = stage.limited(products.to_pylist())
        pictured = [row for row in rows if row["image_sha256"]]
        images = {row["image_sha256"]: row["image_uri"] for row in pictured}
        wanted = pa.Table.from_pylist(
            [{"image_sha256": digest, "image_uri": uri} for digest, uri in sorted(images.items())],
            schema=IMAGES,
        )
        known = read_table(
            stage.state,
            "product_views",
            columns=["image_sha256"],
            filters=[("method_revision", "=", views_revision(stage.config.cutout))],
        )
        new = missing_keys(wanted, known, "image_sha256")
        stage.log.info("%d images, %d of them new", wanted.num_rows, new.num_rows)
        bar = stage.progress(total=new.num_rows, unit="image")
        arguments = {"config": stage.config, "state": stage.state}
        made = map_rows(
            new,
            CutOutImages,
            arguments,
            stage.config.engines,
            batch_rows=BATCH_ROWS,
            num_gpus=share_of_card(stage.config.cutout),
        )
        budget = error_budget(new.num_rows, stage.config.quality.max_failed_share)
        none_yet = not known.num_rows
        not_kept: list[dict[str, Any]] = []
        failures: list[str] = []
        with Appended(stage.state, "product_views") as table:
            for views in made:
                bar.update(views.num_rows)
                some = views.to_pylist()
                none_yet = none_yet and all(view["verdict"] == "refused" for view in some)
                table.add(view for view in some if view["reason"] not in NOT_KEPT)
                not_kept += [view for view in some if view["reason"] in NOT_KEPT]
                failures = [view["detail"] for view in not_kept if view["reason"] == FAILED]
                if len(failures) > budget:
                    break
        bar.close()
        stage.to_try_again = len(not_kept)
        _report(stage, rows, pictured, not_kept)
        # A shop of which no picture came out has not just some bad ones.
        if len(failures) > budget or (failures and none_yet):
            raise StageError(refusal(failures, new.num_rows))
    return []


def _report(
    stage: Stage,
    rows: list[dict[str, Any]],
    pictured: list[dict[str, Any]],
    not_kept: list[dict[str, Any]],
) -> None:
    views = read_table(
        stage.state,
        "product_views",
        columns=["image_sha256", "reason", "detail"],
        filters=[("method_revision", "=", views_revision(stage.config.cutout)), ("verdict", "=", "refused")],
    )
    refused = [*views.to_pylist(), *not_kept]
    rejects = view_rejects(pictured, {view["image_sha256"]: view for view in refused})
    stage.write_rejects(rejects)
    for merchant in stage.merchants:
        mine = [row for row in rejects if row["merchant_id"] == merchant.id]
        count = sum(row["merchant_id"] == merchant.id for row in rows)
        without = count - sum(row["merchant_id"] == merchant.id for row in pictured)
        stage.count(merchant.id, rows_in=count, rows_out=count - without - len(mine))
        for reason in [row["reason"] for row in mine] + ["no_image"] * without:
            stage.count(merchant.id, **{reason: 1})


if __name__ == "__main__":
    main()
