"""The S3 store behind a proxy that spoils requests: what may go away is tried again, what stays is a clear stop."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from infra.object_store import ObjectStore, object_key
from tests.ray_tasks.test_score_candidates import sha
from tests.slow.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.slow.test_s3 import BUILD_TIMEOUT_S, _open, endpoint

__all__ = ["endpoint"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(BUILD_TIMEOUT_S + 100)]


@pytest.fixture
def proxy(endpoint: str) -> Iterator[FaultProxy]:
    with fault_proxy(endpoint) as running:
        yield running


def _store(proxy: FaultProxy, tmp_path: Path) -> ObjectStore:
    return _open(proxy.url, "faults", tmp_path)


@pytest.mark.parametrize(
    "faults",
    [["500", "500"], ["503", "503"], ["reset", "reset"], ["half"], ["slow"], ["503", "reset", "500"]],
    ids="+".join,
)
def test_what_goes_away_is_tried_again(
    endpoint: str, proxy: FaultProxy, tmp_path: Path, faults: list[Fault]
) -> None:
    store, data = _store(proxy, tmp_path), os.urandom(200_000)
    key = object_key("pictures", sha(data), "jpg")
    for act in (lambda: store.put(key, data), lambda: store.get(key), lambda: store.exists(key)):
        before = proxy.requests
        proxy.faults.extend(faults)
        answer = act()
        assert answer in (None, data, True)
        # Half an answer to a HEAD or PUT is a whole one: there is no body.
        assert proxy.requests - before >= 1 + sum(fault in {"500", "503", "reset"} for fault in faults)
        proxy.faults.clear()
    assert _open(endpoint, "faults", tmp_path).get(key) == data


@pytest.mark.parametrize("fault", ["500", "503", "reset"])
def test_a_store_that_never_answers_is_an_error_within_a_minute(
    endpoint: str, proxy: FaultProxy, tmp_path: Path, fault: Fault
) -> None:
    store, began, key = _store(proxy, tmp_path), time.monotonic(), f"pictures/ab/never-{fault}.jpg"
    proxy.always = fault
    with pytest.raises((ClientError, HTTPClientError), match=r"SlowDown|InternalError|onnection"):
        store.put(key, b"x")
    assert time.monotonic() - began < 60
    assert 2 <= proxy.requests <= 10
    proxy.always = None
    assert not _open(endpoint, "faults", tmp_path).exists(key)
    store.put(key, b"x")
    assert store.get(key) == b"x"
