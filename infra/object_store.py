"""The object store: a local folder or an S3 bucket behind the same few calls.

Names are content-addressed and immutable, with a two-character hash prefix so that no S3 partition runs hot.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from schemas.config import Store

_READS = 4
"""How often an object is asked for whose answer breaks off: the client tries requests again, not half-read bodies."""
_THREADS = 8
_TYPES = {"jpg": "image/jpeg", "png": "image/png", "json": "application/json"}


class ObjectStore(Protocol):
    """Bytes under immutable keys."""

    def put(self, key: str, data: bytes) -> None:
        """Stores bytes; storing the same key again is harmless (same name, same content)."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes of a key. Raises FileNotFoundError when there are none."""
        ...

    def exists(self, key: str) -> bool:
        """Whether the key is stored."""
        ...

    def delete(self, key: str) -> None:
        """Removes a key; one that is not stored is no error."""
        ...

    def get_tagged(self, key: str) -> tuple[bytes, str] | None:
        """The bytes of a key that changes, and the tag of this version of it; None when it is not stored."""
        ...

    def put_if(self, key: str, data: bytes, tag: str | None) -> bool:
        """Stores bytes where the key still has that version (None: is not stored yet), and says whether it had."""
        ...


def object_key(kind: str, digest: str, suffix: str) -> str:
    """`<kind>/<first two of digest>/<digest>.<suffix>`, for instance `pictures/a1/a1b2....jpg`."""
    return f"{kind}/{digest[:2]}/{digest}.{suffix}"


def each(act: Callable[[str], object], keys: Sequence[str]) -> None:
    """Calls the store for every key, a few at a time; an error ends it with few calls more."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for some in batched(keys, 4 * _THREADS):
            for _ in pool.map(act, some):
                pass


def batched(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The items in parts of at most `size`."""
    return (items[at : at + size] for at in range(0, len(items), size))


def _type(key: str) -> str:
    return _TYPES.get(key.rsplit(".", 1)[-1], "application/octet-stream")


def open_store(store: Store, state: Path) -> ObjectStore:
    """The store that the configuration names; the local one lies in STATE/store."""
    if store.kind == "local":
        return LocalStore(state / "store")
    assert store.bucket is not None
    return S3Store(store.bucket, store.prefix, store.endpoint_url)


class LocalStore:
    """Objects as files below a folder, each written to a side name and renamed: seen whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """The file of a key. Raises ValueError for a key that leaves the store."""
        if key.startswith("/") or ".." in key.split("/"):
            raise ValueError(f"object key {key!r} leaves the store")
        return self.root / key

    def put(self, key: str, data: bytes) -> None:
        """See ObjectStore."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        side = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            side.write_bytes(data)
            side.replace(path)
        except OSError:
            side.unlink(missing_ok=True)  # on a full disk the half of a picture takes the place of a log
            raise

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        return self.path(key).read_bytes()

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        return self.path(key).is_file()

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        self.path(key).unlink(missing_ok=True)

    def get_tagged(self, key: str) -> tuple[bytes, str] | None:
        """See ObjectStore."""
        if not self.exists(key):
            return None
        data = self.get(key)
        return data, hashlib.sha256(data).hexdigest()

    def put_if(self, key: str, data: bytes, tag: str | None) -> bool:
        """See ObjectStore."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go of with the file, however the process ends
            found = self.get_tagged(key)
            if (found[1] if found else None) != tag:
                return False
            self.put(key, data)
            return True


class S3Store:
    """Objects in an S3 bucket; credentials come from boto3's usual chain, never from our configuration."""

    def __init__(self, bucket: str, prefix: str = "", endpoint_url: str | None = None) -> None:
        import boto3
        from botocore.config import Config as ClientConfig

        self.bucket = bucket
        self.prefix = prefix.strip("/")
        retries = ClientConfig(
            retries={"mode": "adaptive", "max_attempts": 6}, connect_timeout=5, read_timeout=60
        )
        self._client = boto3.client("s3", endpoint_url=endpoint_url, config=retries)

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def put(self, key: str, data: bytes) -> None:
        """See ObjectStore."""
        from boto3.s3.transfer import TransferConfig

        # In parts from 8 MB on, each with its checksum; a failed part is sent again, not the whole.
        self._client.upload_fileobj(
            io.BytesIO(data),
            self.bucket,
            self._name(key),
            ExtraArgs={
                "ContentType": _type(key),
                "CacheControl": "public, max-age=31536000, immutable",
                "ChecksumAlgorithm": "SHA256",
            },
            Config=TransferConfig(use_threads=False),
        )

    def get(self, key: str) -> bytes:
        """See ObjectStore."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        for attempt in range(_READS):
            try:
                return bytes(self._client.get_object(Bucket=self.bucket, Key=self._name(key))["Body"].read())
            except self._client.exceptions.NoSuchKey:
                raise FileNotFoundError(f"s3://{self.bucket}/{self._name(key)} does not exist") from None
            except (HTTPClientError, IncompleteReadError):
                if attempt == _READS - 1:
                    raise
                time.sleep(random.uniform(0, 2**attempt))
        raise AssertionError("unreachable")

    def exists(self, key: str) -> bool:
        """See ObjectStore."""
        from botocore.exceptions import ClientError

        try:
            self._client.head_object(Bucket=self.bucket, Key=self._name(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
                return False
            raise
        return True

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        self._client.delete_object(Bucket=self.bucket, Key=self._name(key))

    def get_tagged(self, key: str) -> tuple[bytes, str] | None:
        """See ObjectStore."""
        try:
            found = self._client.get_object(Bucket=self.bucket, Key=self._name(key))
        except self._client.exceptions.NoSuchKey:
            return None
        return bytes(found["Body"].read()), found["ETag"]

    def put_if(self, key: str, data: bytes, tag: str | None) -> bool:
        """See ObjectStore."""
        from botocore.exceptions import ClientError

        try:
            self._client.put_object(
                Bucket=self.bucket,
                Key=self._name(key),
                Body=data,
                ContentType=_type(key),
                CacheControl="no-cache",
                ChecksumAlgorithm="SHA256",
                **({"IfMatch": tag} if tag else {"IfNoneMatch": "*"}),
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {404, 409, 412}:
                return False
            raise
        return True
