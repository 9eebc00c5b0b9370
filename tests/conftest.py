"""Shared by all tests: one Spark session a run, and no state outside a temporary folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.pop("HUNDREDFACES_NIGHT_ID", None)

# pyspark takes a main module without a file, such as a pytest-xdist worker's, for its own doctests, and exits.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from infra.spark import spark_session
    from schemas.config import Engines

    # A sort of 30,000 rows spills, as one of millions does.
    spills = {"spark.shuffle.spill.numElementsForceSpillThreshold": "30000"}
    # A folder with a space: options and paths must survive one.
    session = spark_session(
        Engines(cores=2, spark_memory="1g", spark_conf=spills), tmp_path_factory.mktemp("a state")
    )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def real_shops() -> Path:
    """The folder of the real shops' data; it lies beside the repository and is not part of it."""
    if not DATA.is_dir():
        pytest.skip("the real shops' data is not beside the repository")
    return DATA
