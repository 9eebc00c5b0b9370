"""Writes the classes that Spark and Delta load in a night to `.venv/spark.jsa`, which later sessions map into memory.

    python -m infra.class_archive

A Java machine otherwise finds, parses and verifies some 20,000 classes anew each time it starts. An archive belongs to
one Java and these very jars: with others it is left aside, and a session starts as slowly as without.
Source: JEP 350, Dynamic CDS Archives.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra.spark import CLASS_ARCHIVE, spark_session
from schemas.config import Engines

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def write_class_archive(archive: Path = CLASS_ARCHIVE) -> None:
    """Replaces the archive, in half a minute. Raises RuntimeError when Java did not end well, and keeps the old one."""
    new = archive.with_suffix(".new")
    conf = {"spark.driver.extraJavaOptions": f'"-XX:ArchiveClassesAtExit={new}" -Xlog:disable'}
    with tempfile.TemporaryDirectory() as folder:
        spark = spark_session(Engines(spark_conf=conf), Path(folder), class_archive=None)
        load_classes(spark, Path(folder))
        gateway = spark.sparkContext._gateway
        assert gateway is not None
        spark.stop()
        # Java writes the archive as it ends, which it does with its input; at exit PySpark would kill it.
        gateway.shutdown()
        gateway.proc.stdin.close()
        code = gateway.proc.wait()
    if code or not new.exists():
        new.unlink(missing_ok=True)
        raise RuntimeError(f"Java ended with code {code} and wrote no archive of classes to {new}")
    new.rename(archive)  # whole or not at all: a torn one ends Java


def load_classes(spark: SparkSession, folder: Path) -> None:
    """Does a little of all that the stages do: what is not done here is loaded from its jar later, no more."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    path = str(folder / "table")
    rows = spark.range(100).select(
        (F.col("id") % 7).cast("string").alias("merchant_id"),
        F.lit("2026-01-01").cast("date").alias("run_date"),
        F.struct(F.col("id").alias("value"), F.rand(1).alias("weight")).alias("fact"),
        F.array(F.lit("a"), F.lit("b")).alias("tags"),
    )
    rows.write.format("delta").partitionBy("merchant_id").save(path)
    spark.sql(f"ALTER TABLE delta.`{path}` ADD CONSTRAINT a_date CHECK (run_date IS NOT NULL)")
    rows.write.format("delta").mode("overwrite").option("replaceWhere", "run_date = '2026-01-01'").save(path)
    table = spark.read.format("delta").load(path).cache()
    tags = table.select("merchant_id", "fact.*", F.explode("tags").alias("tag"))
    counts = tags.groupBy("merchant_id", "tag").agg(
        F.count("*").alias("rows"), F.collect_set("value").alias("values"), F.max("weight").alias("most")
    )
    first = F.row_number().over(Window.partitionBy("merchant_id").orderBy(F.desc("most")))
    joined = tags.join(counts, ["merchant_id", "tag"], "left").withColumn("rank", first).where("rank < 3")
    joined.unionByName(joined).dropDuplicates(["merchant_id", "tag"]).orderBy("merchant_id").toPandas()
    joined.mapInArrow(lambda batches: batches, joined.schema).write.parquet(f"{path}.parquet")
    counts.createOrReplaceTempView("counts")
    spark.sql("SELECT merchant_id, sum(rows) FROM counts GROUP BY 1 HAVING sum(rows) > 1").collect()


if __name__ == "__main__":
    write_class_archive()
