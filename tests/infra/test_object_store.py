"""The local object store; the S3 one is in tests/slow/test_s3.py, against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.object_store import LocalStore, object_key, open_store
from schemas.config import Store


def test_objects_come_back_whole(tmp_path: Path) -> None:
    store = open_store(Store(), tmp_path)
    key = object_key("pictures", "ab12", "jpg")
    assert key == "pictures/ab/ab12.jpg"
    assert not store.exists(key)
    store.put(key, b"one")
    store.put(key, b"one")
    assert store.exists(key)
    assert store.get(key) == b"one"
    assert [path.name for path in (tmp_path / "store").rglob("*") if path.is_file()] == ["ab12.jpg"]


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LocalStore(tmp_path).get("pictures/ab/none.jpg")


@pytest.mark.parametrize("key", ["/etc/passwd", "../x", "a/../../x"])
def test_keys_never_leave_the_store(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="leaves the store"):
        LocalStore(tmp_path).put(key, b"")


def test_s3_needs_a_bucket() -> None:
    with pytest.raises(ValueError, match=r"set store\.bucket"):
        Store(kind="s3")
