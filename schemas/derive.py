"""What follows from a declared table: Spark schema, DDL, docs and random valid rows.

`python -m schemas.derive` writes the generated files (sql/ddl, sql/TABLES.md, the instruction's JSON Schema); a test
fails when they are stale.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas.contract import BOOL, DATE, DOUBLE, INT, LONG, STRING, TIMESTAMP, Column, Table
from schemas.instruction import INSTRUCTION_JSON_SCHEMA
from schemas.tables import TABLES

_SQL_TYPES = {
    STRING: "STRING",
    INT: "INT",
    LONG: "BIGINT",
    DOUBLE: "DOUBLE",
    BOOL: "BOOLEAN",
    DATE: "DATE",
    TIMESTAMP: "TIMESTAMP",
}


def sql_type(kind: pa.DataType) -> str:
    """A type in Spark SQL's and Delta's words."""
    if pa.types.is_list(kind):
        return f"ARRAY<{sql_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        fields = (kind.field(i) for i in range(kind.num_fields))
        return "STRUCT<" + ", ".join(f"{f.name}: {sql_type(f.type)}" for f in fields) + ">"
    return _SQL_TYPES[kind]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def ddl(table: Table) -> str:
    """Spark SQL that creates the table with comments and CHECK constraints."""
    columns = ",\n".join(
        f"  {c.name} {sql_type(c.type)}{'' if c.nullable else ' NOT NULL'} COMMENT {_quoted(c.doc)}"
        for c in table.columns
    )
    lines = [f"CREATE TABLE IF NOT EXISTS {table.name} (", columns, ")", "USING DELTA"]
    if table.partition_by:
        lines.append(f"PARTITIONED BY ({', '.join(table.partition_by)})")
    lines.append(f"COMMENT {_quoted(table.doc)};")
    for check in table.checks:
        if check.severity == "stop":
            lines.append(f"ALTER TABLE {table.name} ADD CONSTRAINT {check.name} CHECK ({check.predicate});")
    return "\n".join(lines) + "\n"


def docs_page() -> str:
    """All tables as one Markdown page."""
    parts = [
        "# Tables\n",
        "Generated from `schemas/` by `python -m schemas.derive`. Table and key column names are public.\n",
        "| table | one row is | key | partitions | written by |\n|---|---|---|---|---|",
    ]
    for t in TABLES:
        parts.append(
            f"| [{t.name}](#{t.name}) | {t.doc} | {', '.join(t.key)} | {', '.join(t.partition_by) or '-'} "
            f"| {t.written_by} |"
        )
    for t in TABLES:
        parts.append(
            f"\n## {t.name}\n\n{t.doc}\n\n| column | type | may be NULL | meaning |\n|---|---|---|---|"
        )
        parts += [
            f"| {c.name} | `{sql_type(c.type)}` | {'yes' if c.nullable else 'no'} | {c.doc.replace('|', '&#124;')} |"
            for c in t.columns
        ]
        if t.checks:
            parts.append("\n| check | rule | when broken |\n|---|---|---|")
            parts += [
                f"| {c.name} | `{c.predicate}` | {'the write fails' if c.severity == 'stop' else 'reported'} |"
                for c in t.checks
            ]
    return "\n".join(parts) + "\n"


def sample_rows(table: Table, count: int, seed: int = 0) -> pa.Table:
    """Random rows that obey the contract: `count` rows, the same for the same seed, keys unique."""
    draw = random.Random(f"{table.name} {seed}")
    rules = [check.predicate for check in table.checks]
    checked = " ".join(rules)
    rows = [
        {
            c.name: _sample(c, draw, rules, optional=c.nullable and not re.search(rf"\b{c.name}\b", checked))
            for c in table.columns
        }
        for _ in range(count)
    ]
    return pa.Table.from_pylist(rows, schema=table.schema)


def _sample(column: Column, draw: random.Random, rules: list[str], *, optional: bool) -> Any:
    if optional and draw.random() < 0.3:
        return None
    name = re.escape(column.name)
    for rule in rules:
        if choice := re.search(rf"\b{name} IN \(([^)]*)\)", rule):
            return draw.choice(re.findall(r"'([^']*)'", choice[1]))
        if fixed := re.search(rf"length\({name}\) = (\d+)", rule):
            letters = "ABCDEF" if f"upper({column.name})" in rule else "0123456789abcdef"
            return "".join(draw.choice(letters) for _ in range(int(fixed[1])))
        if between := re.search(rf"(?<!\(){name} BETWEEN (\d+) AND (\d+)", rule):
            return draw.uniform(float(between[1]), float(between[2]))
        if re.search(rf"\b{name} = 0\b", rule):
            return 0
    return _value(column.type, draw)


def _value(kind: pa.DataType, draw: random.Random) -> Any:
    if pa.types.is_list(kind):
        return [_value(kind.value_type, draw) for _ in range(draw.randrange(4))]
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _value(kind.field(i).type, draw) for i in range(kind.num_fields)}
    if kind == STRING:
        return (
            draw.choice(["plain", "zwölf", "咖啡", "'quoted'", "a > b", "= 1"]) + f" {draw.getrandbits(48):x}"
        )
    if kind == DATE:
        return dt.date(2026, 1, 1) + dt.timedelta(days=draw.randrange(300))
    if kind == TIMESTAMP:
        return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=draw.getrandbits(44))
    if kind == BOOL:
        return draw.random() < 0.5
    if kind == DOUBLE:
        return draw.uniform(0.001, 1.0)
    return draw.randrange(1, 100_000)


def generated_files() -> dict[str, str]:
    """Path below the repository -> content, of every generated file."""
    files = {f"sql/ddl/{table.name}.sql": ddl(table) for table in TABLES}
    files["sql/TABLES.md"] = docs_page()
    files["schemas/instruction.schema.json"] = json.dumps(INSTRUCTION_JSON_SCHEMA, indent=2) + "\n"
    return files


def main() -> None:
    """Writes the generated files."""
    root = Path(__file__).resolve().parent.parent
    for name, content in generated_files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
