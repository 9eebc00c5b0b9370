"""What follows from a declared table: its Spark types, DDL, docs and JSON Schema.

`python -m schemas.derive` writes the generated files (sql/ddl, sql/TABLES.md, the instruction's JSON Schema); a test
fails when they are stale.
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from schemas.contract import BOOL, DATE, DOUBLE, INT, LONG, STRING, TIMESTAMP, Table
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
    lines.append(f"COMMENT {_quoted(table.doc)}")
    listed = ", ".join(f"'{name}' = '{value}'" for name, value in table.settings.items())
    lines.append(f"TBLPROPERTIES ({listed});")
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
        if t.checks or t.rules:
            parts.append("\n| rule | what holds | when broken |\n|---|---|---|")
            parts += [
                f"| {c.name} | `{c.predicate}` | {'the write fails' if c.severity == 'stop' else 'reported'} |"
                for c in t.checks
            ]
            parts += [
                f"| {r.name} | {r.doc} | {'the night stops' if r.severity == 'stop' else 'reported'} |"
                for r in t.rules
            ]
    return "\n".join(parts) + "\n"


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
