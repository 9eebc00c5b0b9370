"""The archive of Spark's classes: sessions map the one that set-up wrote, and do without where it is not for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from infra.spark import CLASS_ARCHIVE


def test_a_session_maps_the_archive_that_set_up_wrote(spark: SparkSession) -> None:
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    pid = jvm.java.lang.ProcessHandle.current().pid()
    assert str(CLASS_ARCHIVE.resolve()) in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")


def test_a_java_that_cannot_write_it_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    archive = tmp_path / "no_such_folder" / "spark.jsa"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, pathlib, infra.class_archive as c\n"
            "c.load_classes = lambda spark, folder: None\n"
            "c.write_class_archive(pathlib.Path(sys.argv[1]))",
            str(archive),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "wrote no archive of classes" in done.stderr.splitlines()[-1]
    assert not archive.parent.exists()


def test_a_session_starts_with_an_archive_that_java_leaves_aside_and_answers_cleanly(tmp_path: Path) -> None:
    foreign = tmp_path / "spark.jsa"
    foreign.write_bytes(b"of another Java")
    program = (
        "import sys, pathlib\n"
        "from infra.spark import spark_session\n"
        "from schemas.config import Engines\n"
        "archive = pathlib.Path(sys.argv[1])\n"
        "print(spark_session(Engines(), archive.parent, archive).range(3).count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(foreign)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr
