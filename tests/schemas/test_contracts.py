"""Every table's contract, held against the real engines."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from infra.tables import ensure_tables, read_table, table_path
from schemas.contract import LONG, Check, Column, Table
from schemas.derive import generated_files, sample_rows
from schemas.tables import BY_NAME, TABLES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(generated_files()))
def test_generated_files_are_fresh(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == generated_files()[name], (
        "run: python -m schemas.derive"
    )


def test_no_stale_ddl() -> None:
    assert {f"sql/ddl/{p.name}" for p in (ROOT / "sql/ddl").iterdir()} == {
        n for n in generated_files() if "ddl" in n
    }


@pytest.mark.parametrize(
    "kind", [pa.uint8(), pa.timestamp("ns"), pa.list_(pa.float32(), 3), pa.map_(pa.string(), LONG)]
)
def test_types_that_an_engine_changes_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(TypeError, match="is changed by one of the engines"):
        Column("x", kind, "A value.")


def test_a_key_must_be_a_column() -> None:
    with pytest.raises(ValueError, match="key or partition column b is not declared"):
        Table("t", "One row.", (Column("a", LONG, "A value."),), key=("b",), written_by="jobs.x")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_samples_obey_every_check(table: Table) -> None:
    rows = sample_rows(table, 50, seed=1)
    keys = rows.select(list(table.key)).to_pylist()
    assert len({tuple(key.values()) for key in keys}) == 50
    for check in table.checks:
        if check.severity == "stop":
            broken = duckdb.sql(f"SELECT count(*) FROM rows WHERE ({check.predicate}) IS NOT TRUE").fetchall()
            assert broken == [(0,)], check.name


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contracts")
    ensure_tables(folder)
    ensure_tables(folder)
    return folder


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_arrow_survives_delta_rs(state: Path, table: Table) -> None:
    rows = sample_rows(table, 20, seed=2)
    write_deltalake(str(table_path(state, table.name)), rows, mode="append")
    back = read_table(state, table.name)
    order = [(name, "ascending") for name in table.key]
    assert back.schema.equals(rows.schema)
    assert back.select(table.column_names).sort_by(order).to_pylist() == rows.sort_by(order).to_pylist()


def _broken_value(check: Check) -> tuple[str, object] | None:
    """A column and a value that break a simple check."""
    if found := re.fullmatch(r"(\w+) (?:>=?|BETWEEN) \S+.*", check.predicate):
        return found[1], -5000
    if found := re.fullmatch(r"(\w+) IN \(.*\)", check.predicate):
        return found[1], "nonsense"
    if found := re.match(r"length\((\w+)\)", check.predicate):
        return found[1], ""
    return None


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_delta_refuses_rows_that_break_a_check(state: Path, table: Table) -> None:
    tried = 0
    for check in table.checks:
        target = _broken_value(check) if check.severity == "stop" else None
        if target is None:
            continue
        column, value = target
        rows = sample_rows(table, 1, seed=3).to_pylist()
        rows[0][column] = value
        with pytest.raises(Exception, match=r"(?i)check|constraint|validation"):
            write_deltalake(
                str(table_path(state, table.name)),
                pa.Table.from_pylist(rows, schema=table.schema),
                mode="append",
            )
        tried += 1
    stops = [check for check in table.checks if check.severity == "stop"]
    assert tried > 0 or not stops, f"no check of {table.name} could be broken: extend _broken_value"


def test_constraints_are_kept_by_the_table(state: Path) -> None:
    configuration = DeltaTable(str(table_path(state, "products"))).metadata().configuration
    stops = {f"delta.constraints.{c.name}" for c in BY_NAME["products"].checks if c.severity == "stop"}
    assert stops == set(configuration)
