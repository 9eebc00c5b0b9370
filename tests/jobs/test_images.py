"""Pictures are found below their root and nowhere else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from jobs.images import local_name, locate_image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    (root / "inner").mkdir(parents=True)
    (root / "mug.jpg").write_bytes(b"a picture")
    (root / "empty.jpg").write_bytes(b"")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "loop.jpg").symlink_to(root / "loop.jpg")
    (root / "inside.jpg").symlink_to(root / "mug.jpg")
    os.mkfifo(root / "pipe.jpg")
    with (root / "huge.jpg").open("wb") as file:
        file.truncate(50_000_001)
    return root


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (None, "image_not_named"),
        ("", "image_not_named"),
        ("../secret.jpg", "image_path_leaves_root"),
        ("..\\secret.jpg", "image_path_leaves_root"),
        ("inner/../../secret.jpg", "image_path_leaves_root"),
        ("/etc/passwd", "image_path_leaves_root"),
        ("/dev/zero", "image_path_leaves_root"),
        ("link.jpg", "image_path_leaves_root"),
        ("http://192.168.0.1/x.jpg", "image_remote"),
        ("file:///etc/passwd", "image_remote"),
        ("data:image/png;base64,AAAA", "image_remote"),
        ("//host/share/x.jpg", "image_remote"),
        ("mug.jpg\0.png", "image_path_invalid"),
        ("x" * 1001, "image_path_invalid"),
        ("gone.jpg", "image_missing"),
        ("loop.jpg", "image_missing"),
        ("y" * 300, "image_missing"),
        ("inner", "image_not_a_file"),
        ("pipe.jpg", "image_not_a_file"),
        ("empty.jpg", "image_empty"),
        ("huge.jpg", "image_too_large"),
    ],
)
def test_what_is_no_picture(root: Path, image: str | None, reason: str) -> None:
    found = locate_image(root, image)
    assert (found.image_uri, found.image_sha256, found.image_reason) == (None, None, reason)


def test_what_is_one(root: Path) -> None:
    for name in ("mug.jpg", "inner/../mug.jpg", "inside.jpg"):
        assert locate_image(root, name).image_sha256 == hashlib.sha256(b"a picture").hexdigest()


def test_addresses_become_paths() -> None:
    rules = [("https://cdn.example/p/", "pictures/")]
    assert local_name("https://cdn.example/p/a%20b.jpg?v=17#x", rules) == "pictures/a b.jpg"
    assert local_name("https://cdn.example/p//etc/passwd", rules) == "pictures/etc/passwd"
    assert local_name("https://elsewhere.example/a.jpg", rules) == "https://elsewhere.example/a.jpg"
    assert local_name("https://cdn.example/p/a.jpg", [("https://cdn.example/p/", "")]) == "a.jpg"
