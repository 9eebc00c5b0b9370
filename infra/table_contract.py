"""Makes a Delta table as its contract says, and brings an existing one up to a changed contract where that is safe.

Safe: a new column that may be NULL (old rows read NULL), a column that need no longer be set, other words in comments,
and checks that the rows which are there obey. It is one commit of metadata; no row is rewritten. Everything else is
refused with the command that rebuilds the table (`infra.rebuild_table`).
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, Schema

from infra.settings import ConfigError
from schemas.contract import KEY_PROPERTY, RETENTION, STATS_PROPERTY, Table

Fields = dict[str, dict[str, Any]]

_CONSTRAINT = "delta.constraints."
_ATTEMPTS = 5


class ContractError(ConfigError):
    """A table that exists does not fit its contract; the message says where, what changed and what to do."""


def ensure_table(path: Path, table: Table) -> None:
    """Creates the table with its CHECK constraints, or brings it up to its contract.

    Raises ContractError for a change that the rows which are there do not allow.
    """
    if not DeltaTable.is_deltatable(str(path)):
        _commit(path, 0, [_commit_info("CREATE TABLE"), _PROTOCOL, {"metaData": _metadata(table)}])
    for _ in range(_ATTEMPTS):
        if _is_up_to_date(path, table):
            return
    raise ContractError(
        f"table {table.name}: others kept writing to it while its contract changed; try again"
    )


def _is_up_to_date(path: Path, table: Table) -> bool:
    """Whether nothing was to be done; otherwise a commit was tried, which another writer may have forestalled."""
    delta = DeltaTable(str(path))
    stored = delta.metadata()
    fields = _fields(delta.schema())
    wanted = _fields(Schema.from_arrow(table.schema))
    ours = {name: value for name, value in stored.configuration.items() if _is_ours(name)}
    if (
        list(fields.items()) == list(wanted.items())
        and ours == table.properties
        and stored.partition_columns == list(table.partition_by)
        and stored.description == table.doc
    ):
        return True
    if breaking := list(breaking_changes(fields, wanted, stored, table)):
        raise ContractError(_refusal(table, breaking))
    if broken := broken_by_rows(delta, table, ours, new=wanted.keys() - fields.keys()):
        raise ContractError(_refusal(table, broken))
    metadata = _metadata(table) | {"id": stored.id, "createdTime": stored.created_time}
    metadata["configuration"] = _theirs(stored) | table.properties
    _commit(path, delta.version() + 1, [_commit_info("SET TBLPROPERTIES"), {"metaData": metadata}])
    return False


def release_from_contract(path: Path) -> None:
    """Takes the checks and the key off a table, so that rows of another contract can replace its own."""
    delta = DeltaTable(str(path))
    stored = delta.metadata()
    metadata = {
        "id": stored.id,
        "name": stored.name,
        "description": stored.description,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": delta.schema().to_json(),
        "partitionColumns": stored.partition_columns,
        "configuration": _theirs(stored),
        "createdTime": stored.created_time,
    }
    _commit(path, delta.version() + 1, [_commit_info("UNSET TBLPROPERTIES"), {"metaData": metadata}])


def _is_ours(name: str) -> bool:
    return name in {KEY_PROPERTY, STATS_PROPERTY, *RETENTION} or name.startswith(_CONSTRAINT)


def _theirs(stored: Any) -> dict[str, Any]:
    """Properties that others set on the table."""
    return {name: value for name, value in stored.configuration.items() if not _is_ours(name)}


def breaking_changes(old: Fields, new: Fields, stored: Any, table: Table) -> Iterator[str]:
    """What rows that were written under the old contract do not allow, in words."""
    for name, field in old.items():
        if name not in new:
            yield f"column {name} is no longer declared"
        elif not _holds(field["type"], new[name]["type"]):
            yield f"column {name} was {_word(field['type'])} and is now {_word(new[name]['type'])}"
        elif field["nullable"] and not new[name]["nullable"]:
            yield f"column {name} could be NULL and now must be set"
    for name in new.keys() - old.keys():
        if not new[name]["nullable"]:
            yield f"column {name} is new and must be set; old rows have no value (declare it nullable=True)"
    if stored.partition_columns != list(table.partition_by):
        yield f"it was partitioned by {stored.partition_columns} and is now by {list(table.partition_by)}"
    key = stored.configuration.get(KEY_PROPERTY, ",".join(table.key))
    if key != ",".join(table.key):
        yield f"its key was ({key}) and is now ({','.join(table.key)})"


def _holds(old: Any, new: Any) -> bool:
    """Whether values of the old type are values of the new one: the same, or a record that gained nullable fields."""
    if isinstance(old, str) or isinstance(new, str) or old["type"] != new["type"]:
        return bool(old == new)
    if old["type"] == "array":
        return _holds(old["elementType"], new["elementType"])
    before, after = ({field["name"]: field for field in kind["fields"]} for kind in (old, new))
    gained = [after[name] for name in after.keys() - before.keys()]
    return (
        before.keys() <= after.keys()
        and all(_holds(before[name]["type"], after[name]["type"]) for name in before)
        and all(field["nullable"] for field in gained)
    )


def broken_by_rows(
    delta: DeltaTable,
    table: Table,
    ours: Mapping[str, Any] = MappingProxyType({}),
    new: Set[str] = frozenset(),
) -> list[str]:
    """The checks that rows which are there break, of those that are new or other than `ours`, the stored ones.

    `new` are columns that the table has not got yet.
    """
    asked = [
        check
        for check in table.checks
        if check.severity == "stop" and ours.get(_CONSTRAINT + check.name) != check.predicate
    ]
    if not asked:
        return []
    counts = ", ".join(
        f"sum(CASE WHEN ({check.predicate}) IS NOT TRUE THEN 1 ELSE 0 END) AS broken_{i}"
        for i, check in enumerate(asked)
    )
    nulls = "".join(f", NULL AS {name}" for name in sorted(new))
    query = f"SELECT {counts} FROM (SELECT *{nulls} FROM old) AS rows_now"
    (row,) = pa.table(QueryBuilder().register("old", delta).execute(query)).to_pylist()
    return [
        f"{row[f'broken_{i}']} rows break its check {check.name} ({check.predicate})"
        for i, check in enumerate(asked)
        if row[f"broken_{i}"]
    ]


def _refusal(table: Table, changes: list[str]) -> str:
    return (
        f"table {table.name} holds rows of another contract: {'; '.join(changes)}. Take the change in schemas/ back, "
        f'or say what old rows become: python -m infra.rebuild_table {table.name} --state STATE --set "COLUMN=SQL"'
    )


_PROTOCOL = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 3}}


def _metadata(table: Table) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "name": table.name,
        "description": table.doc,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": Schema.from_arrow(table.schema).to_json(),
        "partitionColumns": list(table.partition_by),
        "configuration": table.properties,
        "createdTime": int(time.time() * 1000),
    }


def _commit_info(operation: str) -> dict[str, Any]:
    info = {"timestamp": int(time.time() * 1000), "operation": operation, "operationParameters": {}}
    return {"commitInfo": info}


def _commit(path: Path, version: int, actions: list[dict[str, Any]]) -> None:
    """Writes a commit by hand (Delta protocol, "Table features" and "Column invariants").

    delta-rs 1.6 enforces CHECK constraints that call functions, such as length(), but cannot create them. Of two
    writers of one version one wins, whole: a hard link is the local file system's put-if-absent.
    """
    log = path / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=log, prefix=".new-", suffix=".json", delete=False) as side:
        side.write("\n".join(json.dumps(action) for action in actions))
    try:
        os.link(side.name, log / f"{version:020}.json")
    except FileExistsError:
        pass
    finally:
        Path(side.name).unlink()


def _fields(schema: Schema) -> Fields:
    return {field["name"]: field for field in json.loads(schema.to_json())["fields"]}


def _word(kind: Any) -> str:
    return kind if isinstance(kind, str) else json.dumps(kind.get("fields") or kind["elementType"])
