"""Rewrites a table's rows under its changed contract, in one commit; earlier versions stay readable as they were.

    python -m infra.rebuild_table products --state var --set "brand=coalesce(brand, 'unbranded')"

A column that is not named is kept and cast, a new one is NULL, one that is no longer declared goes. Nothing is written
when the rows would then break the contract.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import QueryBuilder, write_deltalake

from infra.table_contract import ContractError, ensure_table, release_from_contract
from infra.tables import WRITER_PROPERTIES, open_table, table_path
from schemas.contract import Table
from schemas.expectations import expectations
from schemas.tables import BY_NAME, TABLES


def rebuild_table(state: Path, table: Table, values: Mapping[str, str]) -> int:
    """Rewrites all rows; `values` is SQL over the old columns by new column. Returns the number of rows.

    Raises ContractError when a value is given for no column, or the new rows would break a rule.
    """
    if unknown := values.keys() - set(table.column_names):
        raise ContractError(
            f"table {table.name} has no column {sorted(unknown)}; it has {table.column_names}"
        )
    old = open_table(state, table.name)
    there = {field.name for field in old.schema().fields}
    columns = ", ".join(
        f"{values.get(name) or (name if name in there else 'NULL')} AS {name}" for name in table.column_names
    )
    rows = f"(SELECT {columns} FROM old)"
    builder = QueryBuilder().register("old", old)

    def count(sql: str) -> int:
        return int(pa.table(builder.execute(f"SELECT count(*) AS n FROM ({sql}) AS found"))["n"][0].as_py())

    for item in expectations(table):
        if (
            item.severity == "stop"
            and not item.other_rows
            and (broken := count(item.query_over({"rows": rows})))
        ):
            raise ContractError(
                f"table {table.name}: {broken} rows would break {item.name} ({item.doc}); nothing was changed. "
                f'Say what their columns become: --set "COLUMN=SQL"'
            )
    number = count(f"SELECT 1 FROM {rows} AS rows_now")

    path = table_path(state, table.name)
    # By way of a file: the SQL engine cannot run inside the writer, which is the same engine.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        file = Path(folder) / "rows.parquet"
        with pq.ParquetWriter(file, table.schema) as writer:
            for batch in pa.RecordBatchReader.from_stream(
                builder.execute(f"SELECT * FROM {rows} AS rows_now")
            ):
                writer.write_table(pa.Table.from_batches([batch]).cast(table.schema))
        release_from_contract(path)
        write_deltalake(
            str(path),
            pa.RecordBatchReader.from_batches(table.schema, pq.ParquetFile(file).iter_batches()),
            mode="overwrite",
            writer_properties=WRITER_PROPERTIES,
            schema_mode="overwrite",
            partition_by=list(table.partition_by) or None,
        )
    ensure_table(path, table)
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Rebuilds one table and says how many rows it has; 0 when that went well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", choices=[table.name for table in TABLES])
    parser.add_argument("--state", type=Path, required=True, help="folder of tables, store, reports")
    parser.add_argument(
        "--set", action="append", default=[], metavar="COLUMN=SQL", help="what a column becomes; repeatable"
    )
    args = parser.parse_args(argv)
    values = {name.strip(): sql for name, _, sql in (item.partition("=") for item in args.set)}
    try:
        number = rebuild_table(args.state.resolve(), BY_NAME[args.table], values)
    except (ContractError, FileNotFoundError) as error:
        sys.exit(f"not rebuilt: {error}")
    sys.stdout.write(f"table {args.table}: {number} rows rewritten under the contract of schemas/\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
