"""Builds the shop's folder: pictures in a process a core, feeds, users, truth, and the manifest last."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from infra.sample_shop import catalog, events
from infra.sample_shop.packshot import compose, encode

LOG = logging.getLogger(__name__)
PROCESSES = min(8, os.cpu_count() or 2)
MANY = 8


def _write_picture(out: str, merchant_id: str, sku: str, size_px: int) -> None:
    cv2.setNumThreads(1)
    product = next(p for p in catalog.products(merchant_id) if p.sku == sku)
    root = Path(out)
    path = root / merchant_id / product.image
    if product.dirty in ("missing_picture", "sku_twice"):
        return
    if product.dirty == "zero_byte_picture":
        path.write_bytes(b"")
        return
    picture, mask = compose(catalog.shot_of(product), int(product.draw.get("size_px", size_px)))
    data = encode(picture, product.suffix)
    path.write_bytes(data[: len(data) // 3] if product.dirty == "broken_picture" else data)
    if not product.dirty:
        done, encoded = cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_COMPRESSION, 3])
        if not done:
            raise RuntimeError(f"could not encode the mask of {merchant_id}/{sku}")
        (root / "truth" / "masks" / merchant_id / f"{sku}.png").write_bytes(np.asarray(encoded).tobytes())


def _wait(futures: list[Future[None]], report: Callable[[int, int], None]) -> None:
    for i, future in enumerate(futures):
        future.result()
        report(i + 1, len(futures))


def build(
    out: Path, size_px: int, limit: int | None, report: Callable[[int, int], None] = lambda _done, _all: None
) -> None:
    """Write everything but the manifest below `out`; `limit` keeps the first so many good products a merchant."""
    chosen = {m: catalog.limited(m, limit) for m in catalog.MERCHANTS}
    for merchant_id in catalog.MERCHANTS:
        (out / merchant_id / "images").mkdir(parents=True, exist_ok=True)
        (out / "truth" / "masks" / merchant_id).mkdir(parents=True, exist_ok=True)
    work = [(str(out), p.merchant_id, p.sku, size_px) for m in catalog.MERCHANTS for p in chosen[m]]
    if len(work) > MANY:
        with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
            futures = [pool.submit(_write_picture, *item) for item in work]
            _write_tables(out, chosen)
            _wait(futures, report)
    else:
        for i, item in enumerate(work):
            _write_picture(*item)
            report(i + 1, len(work))
        _write_tables(out, chosen)
    LOG.info("sample shop: %d pictures below %s", len(work), out)


def _write_tables(out: Path, chosen: dict[str, tuple[catalog.Product, ...]]) -> None:
    catalog.write_everyday(out / "everyday" / "catalog.jsonl", chosen["everyday"])
    catalog.write_roastery(out / "roastery" / "products.csv", chosen["roastery"])
    events.write_users(out)
    text = json.dumps(events.preferences(), indent=1, ensure_ascii=False)
    (out / "truth" / "preferences.json").write_text(text + "\n", encoding="utf-8")
