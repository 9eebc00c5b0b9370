"""Every table's contract, held against the real engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from infra.tables import ensure_tables, read_table, table_path
from schemas.contract import INT, LONG, STRING, Check, Column, Table, list_of, struct_of
from schemas.derive import generated_files
from schemas.instruction import INSTRUCTION_JSON_SCHEMA
from schemas.samples import sample_rows
from schemas.tables import TABLES
from schemas.understanding_tables import INSTRUCTIONS

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


def test_constraints_and_key_are_kept_by_the_table(state: Path) -> None:
    for table in TABLES:
        stored = DeltaTable(str(table_path(state, table.name))).metadata().configuration
        assert stored == table.properties
        stops = [check for check in table.checks if check.severity == "stop"]
        assert len(stored) == len(stops) + len(table.settings)


def test_two_rules_of_one_name_are_refused() -> None:
    check = Check("a_is_positive", "a > 0", breaks={"a": 0})
    with pytest.raises(ValueError, match="table t: two rules have one name"):
        Table("t", "One row.", (Column("a", LONG, "A value."),), ("a",), "jobs.x", checks=(check, check))


def _arrow_type(schema: dict[str, Any]) -> pa.DataType:
    """What a value of a JSON Schema is in a table."""
    if "anyOf" in schema:
        return _arrow_type(schema["anyOf"][0])
    if schema["type"] == "array":
        return list_of(_arrow_type(schema["items"]))
    if schema["type"] == "object":
        return struct_of(**{name: _arrow_type(inner) for name, inner in schema["properties"].items()})
    if schema["type"] == "integer":
        return INT
    assert schema["type"] == "string"
    return STRING


def test_the_instruction_that_is_exchanged_is_the_one_that_is_kept() -> None:
    columns = {column.name: column for column in INSTRUCTIONS.columns}
    for name, schema in INSTRUCTION_JSON_SCHEMA["properties"].items():
        assert columns[name].type == _arrow_type(schema), name
        assert columns[name].nullable == ("anyOf" in schema), name
    bounds = {
        name: s["maxLength"] for name, s in INSTRUCTION_JSON_SCHEMA["properties"].items() if "maxLength" in s
    }
    checks = {check.name: check.predicate for check in INSTRUCTIONS.checks}
    assert checks["headline_fits"] == f"length(headline) BETWEEN 1 AND {bounds['headline']}"
    assert checks["alt_text_given"] == f"length(alt_text) BETWEEN 1 AND {bounds['alt_text']}"
