"""A feed's columns become our fields: ready mappings chosen by one word, and expressions that a shop writes itself.

A ready mapping (mappings/NAME.toml) names columns in small letters with underscores, whatever the header's case,
spaces, punctuation or `g:`; a column that the feed lacks is NULL. The feed's own `fields` override the mapping's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType
from pyspark.sql.window import Window

from jobs.feeds import PLACE_COLUMNS, FeedError
from jobs.feeds.read import unresolved
from schemas.feed_config import ProductFeed

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class Inherit:
    """Rows with the same `key` take what they lack from the first of them; `replace` columns they always take."""

    key: str
    fill: tuple[str, ...]
    replace: tuple[str, ...] = ()


@dataclass(frozen=True)
class Children:
    """A row that lists other rows' SKUs is their parent: they take what they lack, and `parent_sku`, from it."""

    sku: str
    listed: str
    fill: tuple[str, ...]


@dataclass(frozen=True)
class ReadyMapping:
    """How the files of one kind of shop are read; see the TOML files."""

    name: str
    about: str
    recognised_by: tuple[str, ...]
    required: tuple[str, ...]
    columns: tuple[str, ...]
    fields: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    spec_headers: str | None = None
    inherit: Inherit | None = None
    children: Children | None = None
    keep: str | None = None


@cache
def ready_mapping(name: str) -> ReadyMapping:
    """The ready mapping of that name."""
    with (Path(__file__).parent / "mappings" / f"{name}.toml").open("rb") as file:
        read: dict[str, Any] = tomllib.load(file)
    kinds: dict[str, Any] = {"inherit": Inherit, "children": Children}
    for part, kind in kinds.items():
        if part in read:
            read[part] = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in read[part].items()})
    for part in ("recognised_by", "required"):
        read[part] = tuple(read[part])
    read["columns"] = tuple(read["columns"].split())
    read["lists"] = {column: tuple(parts) for column, parts in read.get("lists", {}).items()}
    return ReadyMapping(name=name, **read)


def header_key(header: str) -> str:
    """A header as ready mappings know it: `g:sale price` -> sale_price, `Body (HTML)` -> body_html."""
    bare = re.sub(r"^(?:\{[^}]*\}|[A-Za-z]{1,8}:)(?=\w)", "", header.strip().lstrip("\ufeff"))
    return re.sub(r"[^a-z0-9]+", "_", bare.lower()).strip("_")


def renamed(headers: Sequence[str], mapping: ReadyMapping) -> dict[str, str]:
    """Header -> column of the mapping; of two headers with one meaning the first has it, the other keeps its name."""
    names: dict[str, str] = {}
    for header in headers:
        key = header_key(header)
        key = mapping.aliases.get(key, key)
        names[header] = key if key and key not in names.values() else header
    return names


def prepare(rows: DataFrame, feed: ProductFeed) -> DataFrame:
    """The feed's rows as its mapping sees them: columns named, absent ones NULL, variants filled from their parents.

    Raises FeedError when a column without which the mapping makes no sense is not there.
    """
    if feed.mapping is None:
        return rows
    mapping = ready_mapping(feed.mapping)
    own = [name for name in rows.columns if name not in PLACE_COLUMNS]
    names = renamed(own, mapping)
    if missing := [
        name for name in mapping.required if name not in names.values() and not _overridden(name, feed)
    ]:
        raise FeedError(
            "feed_column_missing",
            f"{feed.path}: a {mapping.name} feed has the columns {', '.join(mapping.required)}, and {missing[0]} is "
            f"not there; the file's columns are {', '.join(own)}",
        )
    rows = rows.select(
        *(_one_type(rows, header, name, mapping) for header, name in names.items()),
        *(
            _absent(name, mapping)
            for name in (*mapping.columns, *mapping.lists)
            if name not in names.values()
        ),
        _spec_columns(names, mapping).alias("spec_columns"),
        *(name for name in PLACE_COLUMNS if name in rows.columns),
    )
    for name, expression in mapping.derived.items():
        rows = rows.withColumn(name, F.expr(expression))
    if mapping.inherit:
        rows = _from_first_row(rows, mapping.inherit)
    if mapping.children:
        rows = _from_parents(rows, mapping.children)
    return rows.where(F.col("broken").isNotNull() | F.expr(mapping.keep)) if mapping.keep else rows


def _overridden(column: str, feed: ProductFeed) -> bool:
    """Whether no expression of the mapping that names this column is used."""
    assert feed.mapping is not None
    users = [
        ours for ours, text in ready_mapping(feed.mapping).fields.items() if re.search(rf"\b{column}\b", text)
    ]
    return bool(users) and all(ours in feed.fields for ours in users)


def _absent(name: str, mapping: ReadyMapping) -> Column:
    return F.lit(None).cast("array<string>" if name in mapping.lists else "string").alias(name)


def _one_type(rows: DataFrame, header: str, name: str, mapping: ReadyMapping) -> Column:
    """A column in the type that the mapping's expressions expect, whatever a reader of XML or JSON made of it."""
    column = F.col(f"`{header}`")
    kind = rows.schema[header].dataType
    if name in mapping.lists:
        if not isinstance(kind, ArrayType):
            column, kind = F.when(column.isNotNull(), F.array(column)), ArrayType(kind)
        if isinstance(kind.elementType, StructType):
            by_key = {header_key(part.name): part.name for part in kind.elementType.fields}
            keys = [by_key.get(part) for part in mapping.lists[name]]
            column = F.transform(
                column,
                lambda item: F.concat_ws(
                    ":",
                    *(F.coalesce(item[key].cast("string"), F.lit("")) if key else F.lit("") for key in keys),
                ),
            )
        return column.cast("array<string>").alias(name)
    if name not in mapping.columns:
        return column.alias(name)
    if isinstance(kind, ArrayType):
        column, kind = F.try_element_at(column, F.lit(1)), kind.elementType
    text = F.to_json(column) if isinstance(kind, StructType) else column.cast("string")
    return F.nullif(F.trim(text), F.lit("")).alias(name)


def _spec_columns(names: Mapping[str, str], mapping: ReadyMapping) -> Column:
    """Columns whose header itself names a specification, as a list of (name, value, unit); NULL when all are empty."""
    nothing = F.lit(None).cast("string").alias("unit")
    found = []
    for header in names if mapping.spec_headers else ():
        if match := re.fullmatch(mapping.spec_headers or "", header.strip()):
            value = F.nullif(F.trim(F.col(f"`{header}`").cast("string")), F.lit(""))
            found.append(F.struct(F.lit(match[1].strip()).alias("name"), value.alias("value"), nothing))
    specs = F.array(*found).cast("array<struct<name:string,value:string,unit:string>>")
    return F.when(F.exists(specs, lambda spec: spec["value"].isNotNull()), specs)


def _from_first_row(rows: DataFrame, inherit: Inherit) -> DataFrame:
    first = (
        Window.partitionBy(inherit.key)
        .orderBy("file", "row")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )
    return rows.withColumns(
        {name: F.coalesce(F.col(name), F.first(name).over(first)) for name in inherit.fill}
        | {name: F.first(name).over(first) for name in inherit.replace}
    )


def _from_parents(rows: DataFrame, children: Children) -> DataFrame:
    parents = rows.where(F.expr(children.listed).isNotNull()).select(
        F.explode(F.array_distinct(F.expr(children.listed))).alias("child_sku"),
        F.col(children.sku).alias("parent_sku"),
        *(F.col(name).alias(f"parent_{name}") for name in children.fill),
    )
    # A SKU that two parents list belongs to the first by name, so that no row is doubled.
    one = parents.groupBy("child_sku").agg(
        F.min_by(F.struct(*[name for name in parents.columns if name != "child_sku"]), "parent_sku").alias(
            "of"
        )
    )
    joined = rows.join(one, rows[children.sku] == one["child_sku"], how="left")
    return joined.select(
        *(
            (
                F.coalesce(F.col(name), F.col(f"of.parent_{name}")) if name in children.fill else F.col(name)
            ).alias(name)
            for name in rows.columns
        ),
        F.col("of.parent_sku").alias("parent_sku"),
    )


def made_columns(feed: ProductFeed) -> frozenset[str]:
    """Columns that the ready mapping adds to the feed's own."""
    return frozenset(
        {"spec_columns", "parent_sku", *ready_mapping(feed.mapping).derived} if feed.mapping else ()
    )


def private_columns(feed: ProductFeed, columns: Iterable[str]) -> frozenset[str]:
    """Those of the feed's columns that reviews, their ratings or questions are made from: people's own words."""
    expressions = field_expressions(feed)
    told = " ".join(expressions.get(field, "") for field in ("reviews", "questions", "ratings"))
    words = {word.lower() for word in re.findall(r"\w+", told)}
    return frozenset(column for column in columns if column.lower() in words)


def field_expressions(feed: ProductFeed) -> dict[str, str]:
    """Our field -> Spark SQL expression: the ready mapping's, with the feed's own in their place."""
    ready = ready_mapping(feed.mapping).fields if feed.mapping else {}
    return {**ready, **feed.fields}


def map_fields(rows: DataFrame, feed: ProductFeed) -> tuple[DataFrame, dict[str, str]]:
    """(the rows with a column more for every field that is no plain column, field -> column that holds it).

    Added columns are named `=field`. Raises FeedError that names the field, its expression and the file's columns
    when an expression does not resolve.
    """
    by_name = {name.lower(): name for name in rows.columns}
    where: dict[str, str] = {}
    added: dict[str, Column] = {}
    for ours, expression in field_expressions(feed).items():
        plain = by_name.get(expression.strip().strip("`").lower())
        if plain is None and ours not in feed.fields and re.fullmatch(r"\w+", expression):
            continue  # a ready mapping's column that this feed does not have
        where[ours] = plain or f"={ours}"
        if plain is None:
            added[ours] = F.expr(expression).alias(f"={ours}")
    if condition := unresolved(rows, list(added.values())):
        ours = next((ours for ours, column in added.items() if unresolved(rows, [column])), "")
        available = ", ".join(name for name in rows.columns if name not in PLACE_COLUMNS)
        raise FeedError(
            "feed_column_missing",
            f"{feed.path}: field {ours} = {field_expressions(feed)[ours]!r} does not resolve ({condition}); "
            f"the columns are {available}",
        )
    return rows.select("*", *added.values()), where
