"""Which files a feed has, and what is refused before anything is read."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from jobs.feeds.files import BAD, feed_paths, open_text, source_paths
from jobs.feeds.reasons import REASONS, FeedError
from schemas.feed_config import DataFile, File
from tests.jobs.feeds.texts import first, read, values


def _file(path: str, **settings: object) -> File:
    return File(path=path, format="csv", fields={}, **settings)  # type: ignore[arg-type]


def test_a_path_is_a_file_a_glob_or_a_folder(tmp_path: Path) -> None:
    for name in ("a/1.csv", "a/2.csv", "a/_SUCCESS", "a/.1.csv.crc", "b/1.csv", "c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n1\n")
    (tmp_path / "a" / "folder").mkdir()

    def names(path: str) -> list[str]:
        return [found.relative_to(tmp_path).as_posix() for found in feed_paths(_file(path), tmp_path)]

    assert names("c.csv") == ["c.csv"]
    assert names("a") == names("a/") == ["a/1.csv", "a/2.csv"]
    assert names("*/1.csv") == ["a/1.csv", "b/1.csv"]
    assert names("[ab]") == ["a/1.csv", "a/2.csv", "b/1.csv"]
    assert (
        names("gone.csv") == names("../" + tmp_path.name + "/c.csv") == names(str(tmp_path / "c.csv")) == []
    )
    joined = {"brands": {"path": "b", "format": "csv", "on": "x", "key": "x"}}
    assert len(feed_paths(_file("a", join=joined), tmp_path)) == 3


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("gone.csv", "feed_missing"),
        ("../secret.csv", "feed_path_leaves_root"),
        ("a/../../secret.csv", "feed_path_leaves_root"),
        ("/etc/passwd", "feed_path_leaves_root"),
        ("link.csv", "feed_path_leaves_root"),
        ("linked/secret.csv", "feed_path_leaves_root"),
    ],
)
def test_nothing_outside_the_root_is_read(tmp_path: Path, path: str, reason: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.csv").write_text("x\n1\n")
    (root / "link.csv").symlink_to(tmp_path / "secret.csv")
    (root / "linked").symlink_to(tmp_path)
    with pytest.raises(FeedError) as error:
        source_paths(_file(path), root)
    assert error.value.reason == reason


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("feed.csv", "sku\n1\n")
    return out.getvalue()


def _tar_gz() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("feed.csv"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "format", "reason"),
    [
        (b"", "csv", "feed_empty"),
        (b"\xef\xbb\xbf", "csv", "feed_empty"),
        (b" \r\n ", "jsonl", "feed_empty"),
        (gzip.compress(b""), "csv", "feed_empty"),
        (_zip(), "csv", "feed_archive"),
        (gzip.compress(_zip()), "csv", "feed_archive"),
        (gzip.compress(gzip.compress(b"sku\n1\n")), "csv", "feed_archive"),
        (_tar_gz(), "csv", "feed_archive"),
        (b"BZh91AY", "csv", "feed_archive"),
        (b"PAR1....", "csv", "feed_format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 20, "csv", "feed_format"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "csv", "feed_format"),
        (b"<html><body>404</body></html>", "xml", "feed_format"),
        (b"<?xml version='1.0'?><rss/>", "jsonl", "feed_format"),
        (b'[{"sku": 1}]', "csv", "feed_format"),
        (b'[\n{"sku": 1}]', "jsonl", "feed_format"),
        (b"sku,title\n1,Mug\n", "json", "feed_format"),
        (b"sku,title\n1,Mug\n", "xml", "feed_format"),
        (
            gzip.compress(b"sku\n" + b"".join(b"%d\n" % n for n in range(9_999)))[:-400],
            "csv",
            "feed_truncated",
        ),
        (gzip.compress(b"sku\n1\n")[:-8] + b"\0" * 8, "csv", "feed_gzip_broken"),
        (b"\x1f\x8b\x08\x00rubbish" + bytes(range(100)), "csv", "feed_gzip_broken"),
        (b"<?xml version='1.0' encoding='klingon'?><rss/>", "xml", "feed_encoding"),
    ],
    ids=range(22),
)
def test_what_is_no_feed(tmp_path: Path, content: bytes, format: str, reason: str) -> None:
    with pytest.raises(FeedError) as error:
        first(tmp_path, content, format)
        while True:
            raise FeedError(read(tmp_path, content, format)[-1][2] or "read", "")
    assert error.value.reason == reason
    assert error.value.reason in REASONS


@pytest.mark.parametrize("one", [b"0", b"a,b\n", b'{"a": 1}\n'])
def test_a_gzip_bomb_stops_early(tmp_path: Path, one: bytes) -> None:
    bomb = gzip.compress(b"sku,title\n" + one * (16_000_000 // len(one)), 9)
    assert len(bomb) < 100_000
    assert read(tmp_path, bomb)[-1][2] == "feed_bomb"


TEXT = "sku,title\n1,Tür\n2,Кружка\n3,漢\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), None),
        (TEXT.encode("utf-8-sig"), None),
        (TEXT.encode("utf-16"), None),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "latin-1"),
        (TEXT.encode("utf-32"), None),
        (TEXT.encode("utf-16-le"), None),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("gb18030"), "gb18030"),
        (TEXT.encode("utf-7"), "utf-7"),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("gzipped", [False, True])
def test_encodings(tmp_path: Path, content: bytes, encoding: str | None, gzipped: bool) -> None:
    content = gzip.compress(content) if gzipped else content
    assert values(read(tmp_path, content, encoding=encoding)) == [["1", "Tür"], ["2", "Кружка"], ["3", "漢"]]


def test_one_byte_encodings(tmp_path: Path) -> None:
    for encoding, word in (
        ("latin-1", "Tür"),
        ("windows-1252", "5 €"),
        ("windows-1251", "Кружка"),
        ("cp437", "Tür"),
    ):
        assert values(read(tmp_path, f"a\n{word}\n".encode(encoding), encoding=encoding)) == [[word]]
    with pytest.raises(FeedError) as error:
        first(tmp_path, TEXT.encode(), encoding="windows-1251")
    assert error.value.reason == "feed_encoding"
    with pytest.raises(ValueError, match="no text encoding"):
        DataFile(path="f", format="csv", encoding="rot13")


def test_bytes_that_do_not_fit_are_marked(tmp_path: Path) -> None:
    for content, encoding in (
        (b"a\nT\xfcr\n", None),
        (b"a\n\x00\xd8\x41\x00", "utf-16-le"),
        (b"a\n\x98\n", "cp1251"),
    ):
        (tmp_path / "f").write_bytes(content)
        with open_text(tmp_path / "f", DataFile(path="f", format="csv", encoding=encoding)) as text:
            assert BAD in text.read()


def test_settings_that_have_no_meaning_are_refused() -> None:
    for settings in ({"format": "json", "delimiter": ";"}, {"format": "csv", "header": False}):
        with pytest.raises(ValueError, match="file f"):
            DataFile.model_validate({"path": "f", **settings})
