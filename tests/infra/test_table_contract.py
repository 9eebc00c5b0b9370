"""A table that exists follows its contract where its rows allow it; where not, it says what to do, and that works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from infra import rebuild_table as rebuild
from infra.table_contract import ContractError, ensure_table
from schemas.columns import FACT
from schemas.contract import DOUBLE, LONG, STRING, Check, Column, Table, list_of, one_of, struct_of
from schemas.samples import sample_rows
from schemas.tables import BY_NAME

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OLD = BY_NAME["products"]
Change = Callable[[Table], Table]


def _with(column: Column, place: int = 4) -> Change:
    return lambda t: replace(t, columns=(*t.columns[:place], column, *t.columns[place:]))


def _instead(name: str, **changes: Any) -> Change:
    return lambda t: replace(
        t, columns=tuple(replace(c, **changes) if c.name == name else c for c in t.columns)
    )


def _without(name: str) -> Change:
    return lambda t: replace(t, columns=tuple(c for c in t.columns if c.name != name))


def _check(*checks: Check) -> Change:
    return lambda t: replace(
        t, checks=(*(c for c in t.checks if c.name not in {x.name for x in checks}), *checks)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table of the old contract with five rows."""
    folder = tmp_path / "warehouse" / "products"
    ensure_table(folder, OLD)
    write_deltalake(str(folder), sample_rows(OLD, 5), mode="append")
    return folder


def _read(path: Path) -> list[dict[str, Any]]:
    rows = pa.table(DeltaTable(str(path)).scan())
    return sorted(rows.to_pylist(), key=lambda row: row["sku"])


SIZE = Column("size_text", STRING, "Size as printed.", nullable=True, sample=one_of("L", None))
GROWN = struct_of(**{FACT.field(i).name: FACT.field(i).type for i in range(FACT.num_fields)}, basis=STRING)


def test_a_safe_change_is_one_commit_and_both_engines_write_on(spark: SparkSession, path: Path) -> None:
    new = _with(SIZE)(OLD)
    new = _instead("facts", type=list_of(GROWN))(new)
    new = _instead("category", nullable=True, doc="In other words.")(new)
    new = _check(
        Check("size_is_short", "size_text IS NULL OR length(size_text) < 9"),
        Check("price_is_positive", "price_minor > 0 AND price_minor < 1000000000"),
    )(new)
    new = replace(new, doc="One product.", checks=tuple(c for c in new.checks if c.name != "rating_in_range"))
    before = _read(path)
    ensure_table(path, new)
    ensure_table(path, new)
    delta = DeltaTable(str(path))
    assert delta.version() == 2
    assert delta.metadata().configuration == new.properties
    assert delta.metadata().description == "One product."
    assert pa.schema(delta.schema().to_arrow()).names == new.column_names
    comments = {field.name: field.metadata.get("comment") for field in delta.schema().fields}
    assert comments["category"] == "In other words."

    after = _read(path)
    assert [row["size_text"] for row in after] == [None] * 5
    assert [row["sku"] for row in after] == [row["sku"] for row in before]
    assert {fact["basis"] for row in after for fact in row["facts"]} == {None}

    write_deltalake(str(path), sample_rows(new, 4, seed=1), mode="append")
    by_spark = spark.read.format("delta").load(str(path))
    assert by_spark.where("size_text IS NULL").count() >= 5
    assert by_spark.selectExpr("explode(facts) AS fact").where("fact.basis IS NULL").count() > 0
    kept = {row["sku"] for row in after[:2]}
    gone = [row["sku"] for row in _read(path) if row["sku"] not in kept]
    words = ", ".join("'" + sku.replace("'", "\\'") + "'" for sku in gone)
    rows = sample_rows(new, 3, seed=2).set_column(2, "sku", pa.array(gone[:3]))
    spark.createDataFrame(rows).select(new.column_names).write.format("delta").mode("overwrite").option(
        "replaceWhere", f"sku IN ({words})"
    ).save(str(path))
    assert {row["sku"] for row in _read(path)} == kept | set(gone[:3])
    with pytest.raises(Exception, match="3 rows failed validation check"):
        write_deltalake(
            str(path), rows.set_column(4, "size_text", pa.array(["much too long"] * 3)), mode="append"
        )


def test_properties_of_others_stay(path: Path) -> None:
    DeltaTable(str(path)).alter.set_table_properties({"delta.checkpointInterval": "20"})
    ensure_table(path, replace(OLD, doc="Other words."))
    kept = DeltaTable(str(path)).metadata().configuration
    assert kept == OLD.properties | {"delta.checkpointInterval": "20"}


BREAKING: dict[str, tuple[Change, str]] = {
    "dropped": (_without("brand"), "column brand is no longer declared"),
    "type": (_instead("rating_count", type=DOUBLE), "column rating_count was long and is now double"),
    "nested": (
        _instead("facts", type=list_of(struct_of(name=STRING, value=DOUBLE))),
        "column facts was",
    ),
    "required": (_instead("brand", nullable=False), "column brand could be NULL and now must be set"),
    "new": (
        _with(Column("weight_g", LONG, "Weight.")),
        "column weight_g is new and must be set; old rows have no value (declare it nullable=True)",
    ),
    "partition": (
        lambda t: replace(t, partition_by=("merchant_id",)),
        "it was partitioned by ['run_date'] and is now by ['merchant_id']",
    ),
    "key": (
        lambda t: replace(t, key=("run_date", "sku")),
        "its key was (run_date,merchant_id,sku) and is now (run_date,sku)",
    ),
    "check": (
        _check(Check("title_has_sane_length", "length(title) BETWEEN 1 AND 5")),
        "5 rows break its check title_has_sane_length (length(title) BETWEEN 1 AND 5)",
    ),
}


@pytest.mark.parametrize("kind", BREAKING)
def test_a_breaking_change_is_refused_and_says_how(path: Path, kind: str) -> None:
    change, message = BREAKING[kind]
    with pytest.raises(ContractError) as refused:
        ensure_table(path, change(OLD))
    text = str(refused.value)
    assert text.startswith("table products ")
    assert message in text
    assert "python -m infra.rebuild_table products --state STATE" in text
    assert DeltaTable(str(path)).version() == 1


def test_a_table_made_before_keys_were_kept_takes_the_key(path: Path) -> None:
    first = path / "_delta_log" / f"{0:020}.json"
    first.write_text(first.read_text().replace('"hundredfaces.key": "run_date,merchant_id,sku", ', ""))
    ensure_table(path, OLD)
    assert DeltaTable(str(path)).metadata().configuration == OLD.properties


def test_the_command_of_the_message_rebuilds_the_table(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = _without("brand")(_with(Column("weight_g", LONG, "Weight."))(OLD))
    new = _instead("rating_count", type=DOUBLE)(_instead("category", nullable=True)(new))
    new = replace(new, partition_by=("merchant_id",))
    new = _check(Check("title_has_sane_length", "length(title) BETWEEN 1 AND 5"))(new)
    monkeypatch.setitem(BY_NAME, "products", new)
    state = path.parents[1]
    argv = ["products", f"--state={state}", "--set", "weight_g=CAST(100 AS BIGINT)"]
    with pytest.raises(SystemExit, match="5 rows would break title_has_sane_length") as refused:
        rebuild.main(argv)
    assert "nothing was changed" in str(refused.value)
    with pytest.raises(SystemExit, match="has no column"):
        rebuild.main(["products", f"--state={state}", "--set", "colour='red'"])
    assert DeltaTable(str(path)).version() == 1

    before = _read(path)
    assert rebuild.main([*argv, "--set", "title=substr(title, 1, 5)"]) == 0
    assert "5 rows" in capsys.readouterr().out
    after = _read(path)
    assert [row["weight_g"] for row in after] == [100] * 5
    assert [row["rating_count"] for row in after] == [float(row["rating_count"]) for row in before]
    assert [row["title"] for row in after] == [row["title"][:5] for row in before]
    assert "brand" not in after[0]
    ensure_table(path, new)
    assert DeltaTable(str(path)).metadata().partition_columns == ["merchant_id"]
    assert DeltaTable(str(path)).metadata().configuration == new.properties
    assert "brand" in pa.schema(DeltaTable(str(path), version=1).schema().to_arrow()).names
