"""A batch of mapped feed rows in, the same rows in our fields, types and conventions out, with what was wrong.

Values that repeat (prices, categories, brands, terms) are judged once a distinct value; long text goes through
Arrow's compiled functions; only facts and languages are found row by row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.catalog import facts, reviews, values
from jobs.catalog.findings import NOTE, Findings, note_lists, raw_records
from jobs.catalog.given import Given, Rules, each_distinct
from jobs.catalog.language import declared_language, detect_languages
from jobs.catalog.prices import price_columns
from jobs.catalog.taxonomy import OTHER, taxonomy_node
from jobs.catalog.text import matching, odd_rows, plain_items, plain_text
from schemas.columns import FACT

TITLE_MAX_CHARS = 500
DESCRIPTION_MAX_CHARS = 5000
CATEGORY_MAX_CHARS = 500
UNCATEGORISED = "Uncategorised"
MAX_TAGS = 50

SCHEMA = pa.schema(
    [
        ("merchant_id", pa.string()),
        ("file", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("record", pa.string()),
        ("notes", pa.list_(NOTE)),
        ("sku", pa.string()),
        ("parent_sku", pa.string()),
        ("title", pa.string()),
        ("description", pa.string()),
        ("category", pa.string()),
        ("taxonomy", pa.string()),
        ("brand", pa.string()),
        ("price_minor", pa.int64()),
        ("sale_price_minor", pa.int64()),
        ("currency", pa.string()),
        ("availability", pa.string()),
        ("condition", pa.string()),
        ("gtin", pa.string()),
        ("language", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("facts", pa.list_(pa.field("element", FACT))),
        ("rating_mean", pa.float64()),
        ("rating_count", pa.int64()),
        ("image", pa.string()),
    ]
)

_SEPARATOR = re.compile(r"\s*[>›»]+\s*")
_SCRIPT = r"(?i)<\s*(?:script|iframe|object|embed)\b|javascript:|\bon(?:error|load|click|mouseover)\s*="
_HIDDEN = r"[\x00-\x08\x0E-\x1F\x{202A}-\x{202E}\x{2066}-\x{2069}\x{200B}\x{2060}\x{E0000}-\x{E007F}]"
_FORMULA = r"^\s*(?:[=@]|[+\-]\s*(?:[A-Za-z(@=]|\d+[+\-*/]))"
_INSTRUCTION = (
    r"(?i)\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:previous|prior|above|earlier|all|your)\b.{0,40}"
    r"\b(?:instruction|prompt|rule|message|context|guideline)s?\b"
    r"|\bsystem prompt\b|\byou are (?:now|an? (?:ai|assistant|language model))\b"
    r"|\[/?INST\]|<\|\w+\|>|\b(?:ignoriere|vergiss)\b.{0,40}\b(?:anweisung|regel)|\bignore[zs]?\b.{0,40}\binstructions\b"
)


def normalise(batch: pa.RecordBatch, rules: Rules) -> pa.RecordBatch:
    """The rows of a batch (mapped columns, with row, file, broken and record) as rows of SCHEMA."""
    given = Given(batch, rules)
    found = Findings(batch.num_rows)
    if "broken" in batch.schema.names:
        found.reject(batch.column("broken").cast(pa.string()))
    out: dict[str, pa.Array] = {}
    _texts(given, found, out)
    price_columns(given, found, out)
    _terms(given, found, out)
    _lists(given, found, out)
    out |= {
        "merchant_id": pa.repeat(pa.scalar(rules.merchant_id), batch.num_rows),
        "file": batch.column("file").cast(pa.string()),
        "row": batch.column("row").cast(pa.int64()),
        "reason": pa.array(found.reasons, pa.string()),
        "detail": pa.array(found.details, pa.string()),
        "record": raw_records(batch, found, rules.made, rules.private),
        "notes": note_lists(found),
    }
    return pa.RecordBatch.from_arrays([out[name] for name in SCHEMA.names], schema=SCHEMA)


def normaliser(rules: Rules) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A `mapInArrow` function from mapped rows to rows of SCHEMA."""

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (normalise(batch, rules) for batch in batches)

    return run


def _texts(given: Given, found: Findings, out: dict[str, pa.Array]) -> None:
    raw_sku, raw_title, raw_description = given.text("sku"), given.text("title"), given.text("description")
    found.reject(values.sku_reasons(raw_sku), raw_sku)
    out["sku"] = plain_text(raw_sku, values.SKU_MAX_CHARS)
    out["title"] = plain_text(raw_title, TITLE_MAX_CHARS)
    found.reject(_code(out["title"].is_null(), "title_missing"))
    silent = pc.invert(pc.match_substring_regex(out["title"], r"[\p{L}\p{N}]"))
    found.reject(_code(silent, "title_says_nothing"), out["title"])
    out["description"] = plain_text(raw_description, DESCRIPTION_MAX_CHARS)
    out["brand"] = _plain_distinct(given.text("brand"), 200)
    out["parent_sku"] = plain_text(given.text("parent_sku"), values.SKU_MAX_CHARS)
    out["image"] = pc.utf8_trim_whitespace(given.text("image"))

    found.note(_cut(out["title"], TITLE_MAX_CHARS), "title_cut")
    found.note(_cut(out["description"], DESCRIPTION_MAX_CHARS), "description_cut")
    for raw in (raw_title, raw_description):
        found.note(pc.match_substring_regex(raw, _SCRIPT), "script_removed")
    for raw in (raw_title, raw_description, given.text("brand")):
        found.note(matching(raw, _HIDDEN, among=odd_rows(raw)), "hidden_characters_removed")
    for text in (out["sku"], out["title"], out["description"], out["brand"]):
        found.note(pc.match_substring_regex(text, _FORMULA), "text_like_formula", text)
    for text in (out["title"], out["description"]):
        found.note(pc.match_substring_regex(text, _INSTRUCTION), "text_like_instruction", text)

    raw_category = given.text("category")
    own = given.rules.category_separator
    separator = re.compile(rf"\s*{re.escape(own)}\s*") if own else _SEPARATOR
    plain = _plain_distinct(raw_category, CATEGORY_MAX_CHARS)
    paths = each_distinct(plain, lambda path: _path(path, separator), pa.string())
    if given.has("category"):
        found.note(paths.is_null(), "category_missing")
    out["category"] = pc.fill_null(paths, UNCATEGORISED)
    node = each_distinct(out["category"], taxonomy_node, pa.string())
    unknown = pc.equal(node, OTHER)
    if pc.any(unknown).as_py():
        by_title = each_distinct(out["title"].filter(unknown), taxonomy_node, pa.string())
        node = pc.replace_with_mask(node, unknown, pc.fill_null(by_title, OTHER))
    out["taxonomy"] = node


def _plain_distinct(column: pa.Array, max_chars: int) -> pa.Array:
    """`plain_text` of a column whose values repeat."""
    coded = column.dictionary_encode()
    return plain_text(coded.dictionary, max_chars).take(coded.indices)


def _path(text: str, separator: re.Pattern[str]) -> str | None:
    levels = [level for level in separator.split(text) if level]
    return " > ".join(level.replace(" > ", " ") for level in levels) or None


def _code(where: pa.Array, code: str) -> pa.Array:
    return pc.if_else(pc.fill_null(where, False), code, pa.scalar(None, pa.string()))


def _cut(text: pa.Array, max_chars: int) -> pa.Array:
    return pc.and_(pc.ends_with(text, "…"), pc.greater(pc.utf8_length(text), max_chars - 50))


def _terms(given: Given, found: Findings, out: dict[str, pa.Array]) -> None:
    for field, function, code in (
        ("availability", values.availability, "availability_unknown"),
        ("condition", values.condition, "condition_unknown"),
        ("gtin", None, "gtin_invalid"),
    ):
        raw = given.text(field)
        out[field] = each_distinct(raw, function, pa.string()) if function else values.gtins(raw)
        stated = pc.greater(pc.binary_length(pc.utf8_trim_whitespace(raw)), 0)
        found.note(pc.and_(stated, out[field].is_null()), code, raw)
    language = each_distinct(given.text("language"), declared_language, pa.string())
    guess = language.is_null()
    if pc.any(guess).as_py():
        said = pc.binary_join_element_wise(
            pc.fill_null(out["title"], ""),
            pc.utf8_slice_codeunits(pc.fill_null(out["description"], ""), 0, 400),
            ". ",
        ).filter(guess)
        language = pc.replace_with_mask(language, guess, detect_languages(said))
    out["language"] = language


def _lists(given: Given, found: Findings, out: dict[str, pa.Array]) -> None:
    tags = given.items("tags")
    if tags is None:
        tags = pc.split_pattern_regex(given.text("tags"), r"[,;|]")
    out["tags"] = _tags(tags)
    ratings = given.items("ratings")
    if ratings is not None:
        rows = ratings.cast(pa.list_(pa.string())).to_pylist()
        pairs = [reviews.mean_rating([_number(text) for text in row or ()]) for row in rows]
        mean, count = (
            pa.array([m for m, _ in pairs], pa.float64()),
            pa.array([n for _, n in pairs], pa.int64()),
        )
        stated = pc.fill_null(pc.list_value_length(ratings), 0)
        found.note(pc.less(count, stated), "rating_off_scale")
    else:
        mean = each_distinct(given.text("rating_mean"), _rating, pa.float64())
        count = pc.fill_null(each_distinct(given.text("rating_count"), _count, pa.int64()), 0)
        found.note(pc.and_(pc.is_valid(given.text("rating_mean")), mean.is_null()), "rating_off_scale")
    out["rating_mean"], out["rating_count"] = mean, count

    specs = given.items("specs")
    stated = {"size": plain_text(given.text("size"), 100), "title": out["title"]}
    lists, rows = facts.lists_of_facts(None if specs is None else _specs(specs), stated)
    for field, name in (("reviews", "reviewers mention"), ("questions", "shoppers ask about")):
        texts = given.items(field)
        if texts is not None:
            phrases = map(reviews.recurring_phrases, plain_items(texts).to_pylist())
            lists = [
                [*lists[i], *(facts.Fact(name, phrase, "", None, field) for phrase, _ in often)]
                for i, often in zip(rows.tolist(), phrases, strict=True)
            ]
            rows = np.arange(len(lists))
    out["facts"] = facts.facts_column(lists).take(pa.array(rows))


def _number(text: str | None) -> float | None:
    number = facts.read_number(text) if text else None
    return float(number) if number is not None else None


def _rating(text: str) -> float | None:
    number = facts.read_number(text)
    return round(float(number), 2) if number is not None and 1 <= number <= 5 else None


def _count(text: str) -> int | None:
    number = facts.read_number(text)
    return int(number) if number is not None and number >= 0 else None


def _tags(column: pa.Array) -> pa.Array:
    """The tags of each row in small letters, sorted, each once."""
    plain = plain_items(column)
    rows, tags = pc.list_parent_indices(plain), plain.flatten()
    rows, tags = rows.filter(tags.is_valid()).to_numpy(), tags.drop_null()
    # Arrow's small letters are not Python's for a few letters beyond ASCII, such as a final sigma.
    odd = odd_rows(tags)
    lower = pa.array([tag.lower() for tag in tags.filter(odd).to_pylist()], pa.string())
    tags = pc.utf8_slice_codeunits(pc.replace_with_mask(pc.ascii_lower(tags), odd, lower), 0, 100)
    coded = tags.dictionary_encode()
    words = coded.dictionary.take(order := pc.array_sort_indices(coded.dictionary))
    rank = np.argsort(order.to_numpy())[coded.indices.to_numpy()]
    once = np.unique(rows * max(1, len(words)) + rank)
    rows, rank = np.divmod(once, max(1, len(words)))
    few = np.arange(len(rows)) - np.searchsorted(rows, rows) < MAX_TAGS
    offsets = np.searchsorted(rows[few], np.arange(len(column) + 1))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), words.take(pa.array(rank[few])))


def _specs(column: pa.Array) -> list[Any]:
    """The specifications of each row as dictionaries of plain text; their fields are taken by name."""
    flat = column.flatten()
    plain = {
        name: plain_text(flat.field(name)).to_pylist()
        if flat.type.get_field_index(name) >= 0
        else [None] * len(flat)
        for name in ("name", "value", "unit")
    }
    items = [
        {"name": n, "value": v, "unit": u}
        for n, v, u in zip(plain["name"], plain["value"], plain["unit"], strict=True)
    ]
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_pylist()
    rows, start = [], 0
    for length in lengths:
        rows.append(items[start : start + length])
        start += length
    return rows
