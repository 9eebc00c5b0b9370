"""A night that is planned and not drawn: work units, instructions and cut-outs, and nothing made of them yet."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2

from infra.object_store import LocalStore
from infra.tables import open_table, read_table
from tests.jobs.sample_night import SampleNight, make_sample_night
from tests.ray_tasks.pictures.product_shapes import bottle


def make_undrawn_night(folder: Path, *, products: int = 2) -> SampleNight:
    """One merchant, one persona and locale a product, 256 x 256 pixels."""
    night = make_sample_night(
        folder, products=products, merchants=("shop",), locales=("en",), top_k=1, size_px=256, published=False
    )
    png = cv2.imencode(".png", cv2.cvtColor(bottle(120), cv2.COLOR_RGBA2BGRA))[1].tobytes()
    for uri in set(read_table(night.state, "work_units", columns=["cutout_uri"])["cutout_uri"].to_pylist()):
        LocalStore(night.state / "store").put(uri, png)
    shutil.rmtree(night.state / "store" / "pictures")
    for name in ("candidates", "scores"):
        open_table(night.state, name).delete()
    return night
