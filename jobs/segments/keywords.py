"""Which words of titles become tags where a catalog has none: kinds of things and motifs, not colours or sizes.

Counting runs on Spark; choosing is plain Python over a bounded list of counted terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

LEAST_ITEMS = 10
"""Items that a term must describe: a word of two or three products says nothing of a kind of product."""
MOST_SHARE = 0.2
"""A word in more of the titles than this is the shop's style, not a kind of thing."""
LEAST_NPMI = 0.35
"""Normalised pointwise mutual information from which on two neighbours are one term (Bouma 2009, eq. 7)."""
MOST_TERMS = 400
_MOST_CANDIDATES = 5000

# Function words; how much, how big, how packed; how made or meant without saying what it is; colours.
_STOP_WORDS = """
and the for with from into your you our all are not but off out per its this that without assorted own keep
set pack pcs piece pieces pair box boxes small medium large mini jumbo giant big tall short long wide extra size tier
one two three four five six eight ten twelve single double triple first round square oval top
design designs style styled asst colour colours color colors new classic traditional feature range type shape images
red blue green pink white black ivory cream yellow orange purple brown grey gray gold golden silver turquoise lilac
amber amethyst aqua bronze beige light dark multicolour multi pastel natural clear mixed
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def title_words(title: Column) -> Column:
    """The words of a title in order, lower case, letters and inner hyphens only; others are empty strings."""
    words = F.split(F.lower(title), r"[^\p{L}\p{N}'&-]+")
    return F.transform(
        words, lambda word: F.regexp_replace(word, r"^[^\p{L}]+|'s?$|[^\p{L}]+$|.*\p{N}.*", "")
    )


def _pairs(words: Column) -> Column:
    following = F.slice(words, 2, F.size(words))
    return F.filter(
        F.zip_with(words, following, lambda a, b: F.when((a != "") & (b != ""), F.concat_ws(" ", a, b))),
        lambda pair: pair.isNotNull(),
    )


def count_terms(titles: DataFrame) -> tuple[int, dict[str, int]]:
    """Number of titles, and in how many of them each word and pair of neighbours occurs (at least LEAST_ITEMS).

    titles: title. At most 5,000 terms, the most frequent first.
    """
    words = titles.where(F.col("title").isNotNull()).select(title_words(F.col("title")).alias("words"))
    terms = words.select(F.explode(F.array_distinct(F.concat("words", _pairs(F.col("words"))))).alias("term"))
    counted = (
        terms.where(F.length("term") > 2)
        .groupBy("term")
        .agg(F.count("*").alias("n"))
        .where(F.col("n") >= LEAST_ITEMS)
        .orderBy(F.desc("n"), "term")
        .limit(_MOST_CANDIDATES)
    )
    return words.count(), {row["term"]: row["n"] for row in counted.collect()}


def choose_terms(items: int, counts: Mapping[str, int]) -> dict[str, str]:
    """Term as it stands in titles -> the tag that it becomes (singular where both forms occur).

    Pairs that belong together ('hot water', 'cake stand') are taken first; a word stays where it also stands alone.
    """

    def usable(word: str) -> bool:
        return len(word) > 2 and word not in STOP_WORDS and counts.get(word, 0) <= MOST_SHARE * items

    tags: dict[str, str] = {}
    alone = {word: n for word, n in counts.items() if " " not in word}
    for term, n in counts.items():
        first, _, second = term.partition(" ")
        if not second or not usable(first) or not usable(second):
            continue
        share = n / items
        expected = (counts.get(first, n) / items) * (counts.get(second, n) / items)
        if share < 1 and log(share / expected) / -log(share) >= LEAST_NPMI:
            tags[term] = _singular(term, counts)
            alone[first] = alone.get(first, 0) - n
            alone[second] = alone.get(second, 0) - n
    tags |= {word: _singular(word, counts) for word, n in alone.items() if n >= LEAST_ITEMS and usable(word)}
    by_frequency = sorted(tags, key=lambda term: (-counts[term], term))[:MOST_TERMS]
    return {term: tags[term] for term in by_frequency}


def _singular(term: str, counts: Mapping[str, int]) -> str:
    return term[:-1] if term.endswith("s") and term[:-1] in counts else term


def tagged_titles(items: DataFrame, tags: Mapping[str, str]) -> DataFrame:
    """One row an item whose title holds a term: merchant_id, sku, tags (distinct, in alphabetical order).

    items: merchant_id, sku, title. tags: see `choose_terms`.
    """
    words = title_words(F.col("title"))
    dictionary = items.sparkSession.createDataFrame(sorted(tags.items()), "term string, tag string")
    return (
        items.select("merchant_id", "sku", F.explode(F.concat(words, _pairs(words))).alias("term"))
        .join(F.broadcast(dictionary), on="term", how="inner")
        .groupBy("merchant_id", "sku")
        .agg(F.array_sort(F.collect_set("tag")).alias("tags"))
    )
