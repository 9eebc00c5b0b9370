"""A merchant's drop on the disk: a folder and the same as a zip, seen whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path

# The zip format's first day: a file's own time would change the bytes from run to run.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def content_digest(parts: Iterable[bytes]) -> str:
    """Hex SHA-256 over byte strings with their lengths."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def is_current(folder: Path, zip_path: Path, digest: str) -> bool:
    """Whether the drop of this content lies there complete; names and sizes are looked at, not bytes."""
    try:
        with zipfile.ZipFile(zip_path) as archive:
            if archive.comment != digest.encode():
                return False
            return all((folder / i.filename).stat().st_size == i.file_size for i in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return False


def start_folder(folder: Path) -> Path:
    """An empty side folder; what an interrupted run left in it is removed."""
    side = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(side, ignore_errors=True)
    side.mkdir(parents=True)
    return side


def finish(
    side: Path, folder: Path, zip_path: Path, digest: str, changed: tuple[Path, Collection[str]] | None = None
) -> None:
    """Zips the side folder, then puts folder and zip in their places; the zip comes last and marks the drop done.

    `changed`: where a second zip goes, and the files that it holds.
    """
    if changed:
        changed_zip, names = changed
        side_changed = changed_zip.with_name(f".{changed_zip.name}.partial")
        _write_zip(side, side_changed, digest, names)
        side_changed.replace(changed_zip)
    side_zip = zip_path.with_name(f".{zip_path.name}.partial")
    _write_zip(side, side_zip, digest)
    zip_path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    side.rename(folder)
    side_zip.replace(zip_path)


def _write_zip(folder: Path, path: Path, digest: str, only: Collection[str] | None = None) -> None:
    """The folder, or `only` these files of it, as a zip: sorted, stored (JPEGs do not shrink), no times.

    Its bytes are the same on every run.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            name = file.relative_to(folder).as_posix()
            if only is not None and name not in only:
                continue
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        archive.comment = digest.encode()
