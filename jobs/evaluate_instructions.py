"""How good the instructions of a night are, by writer and locale: one row of the printed table each.

Everything is computed from `instructions`, `products` and `rejects` alone, without the writers' own code: what judges
the copy must not be what wrote it. Several states can be compared, for instance one night by rules and one by a model.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from jsonschema import Draft202012Validator

from infra.settings import night_date
from infra.tables import read_night
from schemas.instruction import INSTRUCTION_JSON_SCHEMA

Row = Mapping[str, Any]
WRITING_STAGE = "ray_tasks.write_instructions"
RUN_LENGTH = 10
"""Products in a row that one reader sees."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W_]+")
_OPENING_WORDS, _CLOSING_WORDS = 3, 2
_OPENING_CHARS, _CLOSING_CHARS = 4, 3
_UNSPACED = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Measures:
    """What the records of one writer in one locale are worth; shares are 0 to 1.

    `schema_valid` of the records; `semantically_valid` of the records and those set aside for a reason; `cited` of the
    claims and of the texts that need one, those traced to the record; `faithful` of the records, those whose every
    number is in the values that the record cites or in the title. `overlap` and `worst_overlap` are Jaccard
    similarities of the word pairs (character pairs in Chinese) of two personas of a product: the mean pair, and the
    mean of each product's worst pair. `distinct_headlines` of all headlines; `most_repeated` counts the commonest.
    `run_overlap` is the mean similarity of the headlines of two among ten products in a row of one persona;
    `same_opening` and `same_closing` of the headlines behind the first of such ten, those that begin or end as an
    earlier one does (three words and two; four characters and three in Chinese).
    """

    records: int
    schema_valid: float
    semantically_valid: float
    cited: float
    faithful: float
    overlap: float
    worst_overlap: float
    distinct_headlines: float
    most_repeated: int
    run_overlap: float
    same_opening: float
    same_closing: float


def ngrams(text: str) -> set[str]:
    """Words and pairs of words that follow each other, in lower case; characters where words are not spaced."""
    units = [
        unit
        for word in _WORD.findall(text.lower())
        for unit in (list(word) if _UNSPACED.search(word) else [word])
    ]
    return {*units, *(f"{a} {b}" for a, b in itertools.pairwise(units))}


def ends(headline: str) -> tuple[str, str]:
    """How a headline begins and how it ends: what makes ten of them sound stamped."""
    if _UNSPACED.search(headline):
        text = re.sub(r"\s", "", headline)
        return text[:_OPENING_CHARS], text[-_CLOSING_CHARS:]
    words = _WORD.findall(headline.lower())
    return " ".join(words[:_OPENING_WORDS]), " ".join(words[-_CLOSING_WORDS:])


def _repeated(runs: Iterable[Sequence[Row]], end: int) -> float:
    """Share of the headlines behind the first of a run whose opening (0) or closing (1) an earlier one has."""
    found = [
        texts[at] in texts[:at]
        for run in runs
        for texts in [[ends(row["headline"])[end] for row in run]]
        for at in range(1, len(texts))
    ]
    return fmean(found) if found else 0.0


def similarity(first: set[str], second: set[str]) -> float:
    """Jaccard similarity, 0 to 1."""
    both = first | second
    return len(first & second) / len(both) if both else 0.0


def copy_of(row: Row) -> list[str]:
    """What stands on the picture, but the button."""
    return [text for text in (row["headline"], *row["selling_points"], row["sticker"]) if text]


def _numbers(text: str) -> set[str]:
    return {number.replace(",", ".").lstrip("0") or "0" for number in _NUMBER.findall(text)}


def _holds(claim: Row, product: Row) -> bool:
    """Whether the product's record holds what a claim cites."""
    name, value = claim["source_field"], claim["source_value"]
    if name.startswith("facts."):
        values = {
            " ".join(part for part in (fact["value"].strip(), fact["unit"]) if part)
            for fact in product["facts"] or []
            if f"facts.{fact['name']}" == name
        }
        return value in values
    if name == "rating":
        return bool(value == f"{product['rating_mean']} ({product['rating_count']})")
    return value in str(product.get(name) or "")


def citations(row: Row, product: Row) -> tuple[int, int]:
    """Claims traced to the record, and all claims and texts that need one (a number, the title or the brand)."""
    claims = row["claims"] or []
    claimed = {claim["text"] for claim in claims}
    names = [name.lower() for name in (product["title"], product["brand"]) if name]
    uncited = [
        text
        for text in copy_of(row)
        if text not in claimed and (_numbers(text) or any(name in text.lower() for name in names))
    ]
    return sum(_holds(claim, product) for claim in claims), len(claims) + len(uncited)


def is_faithful(row: Row, product: Row) -> bool:
    """Whether every number of the copy is in a value that its claims cite; of the alternative text, in the title."""
    cited: dict[str, set[str]] = defaultdict(set)
    for claim in row["claims"] or []:
        value = claim["source_value"]
        cited[claim["text"]] |= _numbers(value)
        if re.fullmatch(r"\d{4,} (?:ml|g)", value):
            cited[claim["text"]].add(f"{int(value.split(' ')[0]) / 1000:g}")  # said in litres or kilograms
        if claim["source_field"] == "rating":
            # "4.6 of 5": the mean is rounded to a decimal, and the scale ends at five.
            cited[claim["text"]] |= _numbers(f"{product['rating_mean']:.1f} 5")
    told = all(_numbers(text) <= cited[text] for text in copy_of(row))
    return told and _numbers(row["alt_text"]) <= _numbers(product["title"])


def _pairs(rows: Iterable[Row], text: str | None = None) -> list[float]:
    sets = [ngrams(row[text] if text else "\n".join(copy_of(row))) for row in rows]
    return [similarity(a, b) for a, b in itertools.combinations(sets, 2)]


def _record(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in INSTRUCTION_JSON_SCHEMA["properties"]}


def measure(rows: Sequence[Row], products: Mapping[tuple[str, str], Row], set_aside: int) -> Measures:
    """The measures of the records of one writer in one locale; `set_aside` is how many more failed a rule."""
    schema = Draft202012Validator(INSTRUCTION_JSON_SCHEMA)
    of_product: dict[tuple[str, str], list[Row]] = defaultdict(list)
    of_persona: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["merchant_id"], row["sku"], row["segment_id"])):
        of_product[row["merchant_id"], row["sku"]].append(row)
        of_persona[row["merchant_id"], row["segment_id"]].append(row)
    sources = [products[row["merchant_id"], row["sku"]] for row in rows]
    cited = [citations(row, product) for row, product in zip(rows, sources, strict=True)]
    pairs = [found for group in of_product.values() if (found := _pairs(group))]
    runs = [
        group[start : start + RUN_LENGTH]
        for group in of_persona.values()
        for start in range(0, len(group), RUN_LENGTH)
    ]
    alike = [fmean(found) for run in runs if (found := _pairs(run, "headline"))]
    headlines = Counter((row["merchant_id"], row["headline"]) for row in rows)
    needed = sum(total for _, total in cited)
    return Measures(
        records=len(rows),
        schema_valid=fmean(schema.is_valid(_record(row)) for row in rows),
        semantically_valid=len(rows) / (len(rows) + set_aside),
        cited=sum(held for held, _ in cited) / needed if needed else 1.0,
        faithful=fmean(is_faithful(row, product) for row, product in zip(rows, sources, strict=True)),
        overlap=fmean(itertools.chain.from_iterable(pairs)) if pairs else 0.0,
        worst_overlap=fmean(max(found) for found in pairs) if pairs else 0.0,
        distinct_headlines=len({row["headline"] for row in rows}) / len(rows),
        most_repeated=headlines.most_common(1)[0][1],
        run_overlap=fmean(alike) if alike else 0.0,
        same_opening=_repeated(runs, 0),
        same_closing=_repeated(runs, 1),
    )


def evaluate(state: Path, run_date: dt.date) -> dict[tuple[str, str], Measures]:
    """(writer, locale) -> measures of a night."""
    rows = read_night(state, "instructions", run_date).to_pylist()
    products = {
        (row["merchant_id"], row["sku"]): row for row in read_night(state, "products", run_date).to_pylist()
    }
    rejects = [
        row["key"].rsplit("/", 1)[-1]
        for row in read_night(state, "rejects", run_date, columns=["run_date", "stage", "key"]).to_pylist()
        if row["stage"] == WRITING_STAGE
    ]
    by_writer: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_writer[row["writer"], row["locale"]].append(row)
    # A model's refused attempts are in its rows; what is in rejects is the rule writer's.
    return {
        (writer, locale): measure(group, products, rejects.count(locale) if writer == "rules" else 0)
        for (writer, locale), group in sorted(by_writer.items())
    }


def attempts(state: Path, run_date: dt.date) -> Counter[str]:
    """What a model's attempts came to: first attempt used, repaired, or left to the rules, and each reason's count."""
    found: Counter[str] = Counter()
    for row in read_night(state, "instructions", run_date).to_pylist():
        refused = row["refused_attempts"] or []
        if row["writer"] != "rules":
            found["repaired" if refused else "first attempt used"] += 1
        elif refused:
            found["left to the rules"] += 1
        found.update(f"refused: {reason}" for codes in refused for reason in codes.split(","))
    return found


_HEADINGS = (
    "writer",
    "locale",
    "records",
    "schema-valid",
    "semantically valid",
    "cited",
    "faithful",
    "overlap of two personas",
    "worst pair",
    "distinct headlines",
    "commonest",
    "ten in a row",
    "same opening",
    "same closing",
)


def as_markdown(results: Mapping[tuple[str, str], Measures]) -> str:
    """The measures as a Markdown table."""
    lines = ["| " + " | ".join(_HEADINGS) + " |", "|---|---|" + "---:|" * (len(_HEADINGS) - 2)]
    for (writer, locale), m in results.items():
        shares = (m.schema_valid, m.semantically_valid, m.cited, m.faithful)
        cells = [writer, locale, str(m.records), *(f"{100 * share:.1f} %" for share in shares)]
        cells += [f"{m.overlap:.3f}", f"{m.worst_overlap:.3f}", f"{100 * m.distinct_headlines:.1f} %"]
        cells += [str(m.most_repeated), f"{m.run_overlap:.3f}"]
        cells += [f"{100 * share:.1f} %" for share in (m.same_opening, m.same_closing)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table of each state and writes it to STATE/reports/<run date>/instructions.md."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--run-date", type=night_date, required=True, help="the night, YYYY-MM-DD")
    parser.add_argument(
        "--state", type=Path, action="append", help="folder of a night's tables; may be repeated"
    )
    args = parser.parse_args(argv)
    for state in args.state or [Path("var")]:
        results = evaluate(state, args.run_date)
        if not results:
            sys.stderr.write(
                f"{state}: no instructions of {args.run_date}; run ray_tasks.write_instructions first\n"
            )
            return 1
        text = as_markdown(results)
        if tried := attempts(state, args.run_date):
            text += "\n\nA model's attempts: " + ", ".join(f"{name} {n}" for name, n in tried.most_common())
        path = state / "reports" / args.run_date.isoformat() / "instructions.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
        sys.stdout.write(f"{state}, {args.run_date}\n\n{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
