"""A folder that holds the sample shop: `python -m infra.sample_shop --out DIR [--size-px 1000] [--limit N]`.

Run again, it does nothing while the folder's manifest names this generator and these settings, and no file is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
from pathlib import Path

MANIFEST = "manifest.json"
HERE = Path(__file__).parent
LOG = logging.getLogger(__name__)


def revision(size_px: int, limit: int | None) -> str:
    """Hash of this package's sources and of the settings."""
    digest = hashlib.sha256(f"{size_px},{limit}".encode())
    for path in sorted(HERE.iterdir()):
        if path.suffix in (".py", ".sksl", ".toml"):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def file_sums(out: Path) -> dict[str, str]:
    """Relative path -> sha256 of every file below `out` but the manifest."""
    paths = sorted(p for p in out.rglob("*") if p.is_file() and p.name != MANIFEST)
    return {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def is_current(out: Path, wanted: str) -> bool:
    """Whether `out` holds this revision and no file is missing.

    The contents are not compared: who changes a price in a feed to see what a night does, keeps the change.
    """
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return manifest.get("revision") == wanted and all((out / name).is_file() for name in manifest["files"])


def _clear(out: Path) -> None:
    """Remove what an earlier run wrote, and nothing else: a folder of someone else's files is refused."""
    ours = (
        "everyday",
        "roastery",
        "truth",
        "segments.csv",
        "members.csv",
        "events.parquet",
        MANIFEST,
        f"{MANIFEST}.tmp",
    )
    strange = sorted(p.name for p in out.iterdir() if p.name not in ours)
    if strange:
        raise SystemExit(
            f"--out {out}: holds files that are not the sample shop's ({strange[0]}); choose an empty folder"
        )
    for path in sorted(out.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def main(arguments: list[str] | None = None) -> int:
    """Make the shop unless it is there; 0 on success."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.sample_shop", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to fill")
    parser.add_argument(
        "--size-px", type=int, default=1000, help="width and height of the pictures (default 1000)"
    )
    parser.add_argument("--limit", type=int, help="only the first N good products of each merchant")
    args = parser.parse_args(arguments)
    if not 64 <= args.size_px <= 4000:
        parser.error(f"--size-px {args.size_px}: choose 64..4000")
    if args.limit is not None and args.limit < 1:
        parser.error(f"--limit {args.limit}: choose 1 or more")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    wanted = revision(args.size_px, args.limit)
    if is_current(args.out, wanted):
        LOG.info("sample shop in %s is current (%s)", args.out, wanted)
        return 0
    # Imported here: the check above must stay quick, and these load skia, opencv and pyarrow.
    from infra.sample_shop.build import build

    args.out.mkdir(parents=True, exist_ok=True)
    _clear(args.out)
    build(args.out, args.size_px, args.limit, _progress)
    manifest = {
        "revision": wanted,
        "size_px": args.size_px,
        "limit": args.limit,
        "files": file_sums(args.out),
    }
    partial = args.out / f"{MANIFEST}.tmp"
    partial.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    partial.replace(args.out / MANIFEST)
    return 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rsample shop: {done}/{total} pictures" + ("\n" if done == total else ""))
        sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
