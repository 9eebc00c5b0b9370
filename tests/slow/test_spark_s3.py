"""Delta tables on S3 from both sides: Spark through s3a with the jars that the README names, and delta-rs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from tests.slow.test_s3 import BUCKET, BUILD_TIMEOUT_S, ROOT, endpoint

__all__ = ["endpoint"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(BUILD_TIMEOUT_S + 900)]

JARS = "org.apache.hadoop:hadoop-aws:3.5.0"
"""Of the Hadoop that pyspark brings; it names the AWS SDK's bundle that fits (2.35.4), some 600 MB."""
TABLE = "warehouse/scores"
CREDENTIALS = "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider"
# A process of its own: jars come with a JVM's start, and the test run has one already.
WORK = f"""
import sys
from pathlib import Path
from infra.spark import spark_session
from schemas.config import Engines

endpoint, state, ivy = sys.argv[1:]
conf = {{
    "spark.jars.packages": "{JARS}",
    "spark.jars.ivy": ivy,
    "spark.hadoop.fs.s3a.endpoint": endpoint,
    "spark.hadoop.fs.s3a.path.style.access": "true",
    "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
    "spark.hadoop.fs.s3a.aws.credentials.provider": "{CREDENTIALS}",
}}
spark = spark_session(Engines(spark_conf=conf), Path(state))
table = "s3a://{BUCKET}/{TABLE}"
if sys.stdin.readline().strip() == "write":
    rows = spark.createDataFrame([("a", 1), ("b", 2)], "asset_id string, value long")
    rows.write.format("delta").save(table)
    print("written", flush=True)
sys.stdin.readline()
seen = spark.read.format("delta").load(table).orderBy("asset_id").collect()
print("seen", [(row.asset_id, row.value) for row in seen], flush=True)
spark.read.format("delta").load(table).where("value > 1").write.format("delta").mode("overwrite").option(
    "replaceWhere", "value > 1").save(table)
spark.sql(f"DELETE FROM delta.`{{table}}` WHERE asset_id = 'a'")
print("deleted", flush=True)
"""


def _options(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
        "aws_conditional_put": "etag",
    }  # fmt: skip


def test_of_two_who_publish_at_once_one_has_to_look_again(endpoint: str) -> None:
    """What `infra.releases.add_release` stands on: the log's next version is put only where there is none."""
    url, options = f"s3://{BUCKET}/warehouse/releases", _options(endpoint)
    write_deltalake(url, pa.table({"sequence": [1], "release_id": ["first"]}), storage_options=options)
    both = [DeltaTable(url, storage_options=options) for _ in range(2)]
    for table, name in zip(both, ("mine", "theirs"), strict=True):
        row = pa.table({"sequence": [2], "release_id": [name]})
        if name == "mine":
            write_deltalake(table, row, mode="overwrite", predicate="sequence = 2")
        else:
            with pytest.raises(CommitFailedError):
                write_deltalake(table, row, mode="overwrite", predicate="sequence = 2")
    rows = pa.table(DeltaTable(url, storage_options=options).scan()).to_pylist()
    assert sorted(row["release_id"] for row in rows) == ["first", "mine"]


def test_spark_and_delta_rs_share_a_table_on_s3(endpoint: str, tmp_path: Path) -> None:
    options = _options(endpoint)
    url = f"s3://{BUCKET}/{TABLE}"
    ivy = Path(sys.prefix) / "cache" / "ivy"
    log = (tmp_path / "spark.log").open("w+", encoding="utf-8")
    spark = subprocess.Popen(
        [sys.executable, "-c", WORK, endpoint, str(tmp_path), str(ivy)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
    )  # fmt: skip

    def read() -> list[tuple[str, int]]:
        rows = pa.table(DeltaTable(url, storage_options=options).scan()).to_pylist()
        return sorted((row["asset_id"], row["value"]) for row in rows)

    def tell(word: str) -> str:
        assert spark.stdin is not None
        assert spark.stdout is not None
        spark.stdin.write(word + "\n")
        spark.stdin.flush()
        answer = spark.stdout.readline().strip()
        log.seek(0)
        assert answer, "\n".join(line for line in log.read().splitlines() if "\tat " not in line)[-3000:]
        return answer

    try:
        assert tell("write") == "written"
        assert DeltaTable(url, storage_options=options).version() == 0
        assert read() == [("a", 1), ("b", 2)]
        write_deltalake(
            url, pa.table({"asset_id": ["c"], "value": [3]}), mode="append", storage_options=options
        )
        assert tell("read") == "seen [('a', 1), ('b', 2), ('c', 3)]"
        assert spark.stdout is not None
        assert spark.stdout.readline().strip() == "deleted"
        assert read() == [("b", 2), ("c", 3)]
        # One log, one version after the other, whoever wrote it: write, append, replace, delete.
        assert DeltaTable(url, storage_options=options).version() == 3
    finally:
        spark.kill()
        spark.wait()
        log.close()
