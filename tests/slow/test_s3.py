"""The S3 object store, and the classes that draw and score on it, against a real S3 server on loopback (versitygw)."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa
import pytest

from infra.live_pointer import KEY
from infra.object_store import LocalStore, ObjectStore, S3Store, object_key, open_store
from infra.settings import load_config
from infra.tables import rows_to_table
from ray_tasks.due import SCENE_JOBS
from ray_tasks.make_candidates import DrawPictures
from ray_tasks.score_candidates import ScoreCandidates, planned_candidates
from schemas.config import Config, Store
from tests.infra.test_live_pointer import race_for_the_pointer
from tests.ray_tasks.pictures.product_shapes import bottle
from tests.ray_tasks.test_score_candidates import job, sha, unit

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "infra/config/local.toml"
NIGHT = dt.date(2026, 11, 21)
BUCKET = "pictures-of-the-night"
SERVER = "github.com/versity/versitygw/cmd/versitygw"
SERVER_VERSION = "v1.8.0"
BUILD_TIMEOUT_S = 900
START_TIMEOUT_S = 20

pytestmark = [pytest.mark.slow, pytest.mark.timeout(BUILD_TIMEOUT_S + 100)]


def _server_binary() -> Path:
    """The S3 server: from PATH, from Go's own folder, or built once into the environment's cache."""
    cache = Path(sys.prefix) / "cache" / f"versitygw-{SERVER_VERSION}"
    go_folder = os.environ.get("GOBIN") or Path(os.environ.get("GOPATH") or Path.home() / "go") / "bin"
    for folder in (None, go_folder, cache):
        if found := shutil.which("versitygw", path=str(folder) if folder else None):
            return Path(found)
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"no S3 server to test against: put versitygw on PATH, or Go, which builds {SERVER}")
    built = subprocess.run(
        [go, "install", f"{SERVER}@{SERVER_VERSION}"],
        env={**os.environ, "GOBIN": str(cache)},
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
    )
    assert built.returncode == 0, f"go install {SERVER}@{SERVER_VERSION} failed:\n{built.stderr}"
    return cache / "versitygw"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_it_listens(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            said = log.read_text(encoding="utf-8", errors="replace")
            assert server.poll() is None, f"the S3 server ended at once:\n{said}"
            assert time.monotonic() < deadline, f"the S3 server does not listen on port {port}:\n{said}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running S3 server with an empty bucket; its credentials lie in the environment."""
    binary, root, port = _server_binary(), tmp_path_factory.mktemp("s3"), _free_port()
    (root / "objects").mkdir()
    (root / "metadata").mkdir()
    log = root / "server.log"
    keys = {"AWS_ACCESS_KEY_ID": "night", "AWS_SECRET_ACCESS_KEY": "only-for-this-test"}
    command: list[str | Path] = [binary, "--quiet", "--port", f"127.0.0.1:{port}", "posix"]
    # Metadata in files: not every file system that tests run on has extended attributes.
    command += ["--sidecar", root / "metadata", root / "objects"]
    env = {
        **os.environ,
        "ROOT_ACCESS_KEY": keys["AWS_ACCESS_KEY_ID"],
        "ROOT_SECRET_KEY": keys["AWS_SECRET_ACCESS_KEY"],
    }
    with pytest.MonkeyPatch.context() as patch, log.open("wb") as out:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        settings = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
        for name, value in (keys | settings).items():
            patch.setenv(name, value)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)
        server = subprocess.Popen(command, env=env, stdout=out, stderr=out)
        try:
            _wait_until_it_listens(server, port, log)
            url = f"http://127.0.0.1:{port}"
            _client(url).create_bucket(Bucket=BUCKET)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=20)


def _client(url: str) -> Any:
    import boto3

    return boto3.client("s3", endpoint_url=url)


def _open(url: str, prefix: str, state: Path) -> ObjectStore:
    return open_store(Store(kind="s3", bucket=BUCKET, prefix=prefix, endpoint_url=url), state)


def _names(url: str, prefix: str) -> list[str]:
    listed = _client(url).list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return sorted(item["Key"] for item in listed.get("Contents", []))


def test_objects_come_back_whole(endpoint: str, tmp_path: Path) -> None:
    store = _open(endpoint, "", tmp_path)
    assert isinstance(store, S3Store)
    data = os.urandom(3 * 2**20)
    key = object_key("pictures", sha(data), "jpg")
    assert not store.exists(key)
    store.put(key, data)
    store.put(key, data)
    assert store.exists(key)
    assert store.get(key) == data
    assert _names(endpoint, key) == [key]
    assert not list(tmp_path.iterdir()), "nothing of it lies on the local disk"


def test_objects_tell_readers_what_they_are_and_how_long_to_keep_them(endpoint: str, tmp_path: Path) -> None:
    store = _open(endpoint, "", tmp_path)
    kinds = {"jpg": "image/jpeg", "png": "image/png", "bin": "application/octet-stream"}
    for suffix, kind in kinds.items():
        key = object_key("kinds", sha(suffix), suffix)
        store.put(key, b"x")
        head = _client(endpoint).head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
        assert head["ContentType"] == kind
        assert head["CacheControl"] == "public, max-age=31536000, immutable"
        assert head["ChecksumSHA256"]


def test_a_large_object_goes_in_parts(endpoint: str, tmp_path: Path) -> None:
    store, data = _open(endpoint, "", tmp_path), os.urandom(20 * 2**20)
    key = object_key("drops", sha(data), "zip")
    store.put(key, data)
    assert store.get(key) == data
    head = _client(endpoint).head_object(Bucket=BUCKET, Key=key, PartNumber=1)
    assert head["PartsCount"] == 3


def test_what_is_not_there_is_an_error(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"s3://{BUCKET}/shop/pictures/ab/none.jpg"):
        _open(endpoint, "shop", tmp_path).get("pictures/ab/none.jpg")


def test_a_prefix_keeps_stores_of_one_bucket_apart(endpoint: str, tmp_path: Path) -> None:
    one, two = _open(endpoint, "/nights/one/", tmp_path), _open(endpoint, "nights/two", tmp_path)
    one.put("pictures/ab/x.jpg", b"one")
    assert not two.exists("pictures/ab/x.jpg")
    two.put("pictures/ab/x.jpg", b"two")
    assert (one.get("pictures/ab/x.jpg"), two.get("pictures/ab/x.jpg")) == (b"one", b"two")
    assert _names(endpoint, "nights/") == ["nights/one/pictures/ab/x.jpg", "nights/two/pictures/ab/x.jpg"]


def test_of_those_who_name_the_live_release_at_once_one_wins_and_an_older_one_never(
    endpoint: str, tmp_path: Path
) -> None:
    store = _open(endpoint, "pointer", tmp_path)
    race_for_the_pointer(store, tmp_path)
    head = _client(endpoint).head_object(Bucket=BUCKET, Key=f"pointer/{KEY}")
    assert (head["ContentType"], head["CacheControl"]) == ("application/json", "no-cache")


def test_refused_is_not_missing(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from botocore.exceptions import ClientError

    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it has read the credentials already
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    store = _open(endpoint, "", tmp_path)
    with pytest.raises(ClientError, match=r"403|SignatureDoesNotMatch"):
        store.exists("pictures/ab/x.jpg")
    with pytest.raises(ClientError, match=r"403|SignatureDoesNotMatch"):
        store.put("pictures/ab/x.jpg", b"")


def _draw_and_score(config: Config, state: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A candidate and its score, drawn from a cut-out in the configured store."""
    png = cv2.imencode(".png", cv2.cvtColor(bottle(420), cv2.COLOR_RGBA2BGRA))[1].tobytes()
    cutout_uri = object_key("cutouts", sha(png), "png")
    open_store(config.store, state).put(cutout_uri, png)
    work = job("A-1", "Dry feet", cutout_uri)
    (made,) = DrawPictures(config, state)(pa.Table.from_pylist([work], schema=SCENE_JOBS)).to_pylist()
    assert made.pop("failure") is None
    planned = planned_candidates([unit(made, cutout_uri)], rows_to_table("candidates", [made]))
    (score,) = ScoreCandidates(config, state, NIGHT)(planned).to_pylist()
    return made, score


def _values(score: dict[str, Any]) -> dict[str, float]:
    return {item["name"]: item["value"] for item in score["measurements"]}


def test_pictures_are_drawn_and_scored_on_s3_as_on_the_local_disk(endpoint: str, tmp_path: Path) -> None:
    config = load_config(CONFIG)
    on_disk = config.model_copy(update={"store": Store()})
    bucket = Store(kind="s3", bucket=BUCKET, prefix="drawn", endpoint_url=endpoint)
    made, score = _draw_and_score(config.model_copy(update={"store": bucket}), tmp_path / "s3")
    local, local_score = _draw_and_score(on_disk, tmp_path / "local")
    assert made["sha256"] == local["sha256"]
    assert (score["failure"], score["verdict"]) == (None, "accepted")
    assert _values(score) == pytest.approx(_values(local_score), rel=1e-6)
    assert open_store(bucket, tmp_path).get(made["uri"]) == LocalStore(tmp_path / "local/store").get(
        local["uri"]
    )
    assert len(_names(endpoint, "drawn/")) == 2
    assert not (tmp_path / "s3").exists()
