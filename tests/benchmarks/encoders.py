"""Encoders of one set of pictures side by side: time, size and error at like quality.

python -m tests.benchmarks.encoders --state var [--pictures 24] [--rounds 5]
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import skia
from PIL import Image

from ray_tasks.pictures.encode import encode_jpeg


def _opencv(rgb: np.ndarray) -> bytes:
    return encode_jpeg(rgb, alt_text="A mug on a table")


def _pillow(rgb: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=88, subsampling=0)
    return out.getvalue()


def _skia(rgb: np.ndarray) -> bytes:
    image = skia.Image.fromarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA), colorType=skia.kRGBA_8888_ColorType)
    return bytes(image.encodeToData(skia.EncodedImageFormat.kJPEG, 88))


def _webp(rgb: np.ndarray) -> bytes:
    done, data = cv2.imencode(".webp", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 88])
    assert done
    return bytes(data)


ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "OpenCV JPEG 4:4:4, with XMP (what we use)": _opencv,
    "Pillow JPEG 4:4:4": _pillow,
    "Skia JPEG 4:2:0": _skia,
    "OpenCV WebP": _webp,
}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="a state folder with a finished night")
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    files = sorted((args.state / "store" / "pictures").rglob("*.jpg"))[: args.pictures]
    # Scaled, so that no encoder meets the very blocks that the files were encoded in.
    pictures = [
        cv2.resize(cv2.imread(str(path)), (1000, 1000), interpolation=cv2.INTER_AREA)[..., ::-1]
        for path in files
    ]
    pictures = [np.ascontiguousarray(rgb) for rgb in pictures]
    times: dict[str, list[float]] = {name: [] for name in ENCODERS}
    for _ in range(args.rounds):
        for name, encode in ENCODERS.items():
            started = time.process_time()
            for rgb in pictures:
                encode(rgb)
            times[name].append((time.process_time() - started) / len(pictures) * 1000)
    print("| encoder | ms a picture, median (least to most) | KB | PSNR dB |\n|---|---|---|---|")
    for name, encode in ENCODERS.items():
        data = [encode(rgb) for rgb in pictures]
        back = [cv2.cvtColor(cv2.imdecode(np.frombuffer(d, np.uint8), 1), cv2.COLOR_BGR2RGB) for d in data]
        psnr = statistics.fmean(cv2.PSNR(a, b) for a, b in zip(pictures, back, strict=True))
        spread = f"{statistics.median(times[name]):.1f} ({min(times[name]):.1f} to {max(times[name]):.1f})"
        print(f"| {name} | {spread} | {statistics.fmean(map(len, data)) / 1000:.0f} | {psnr:.1f} |")


if __name__ == "__main__":
    main()
