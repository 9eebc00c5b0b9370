"""A mapping for a feed that nobody has described yet: by its headers, then by what its columns hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_args

from jobs.catalog.head import Head
from jobs.catalog.mapping import ReadyMapping, header_key, ready_mapping, renamed
from jobs.catalog.money import parse_money
from jobs.catalog.values import availability, condition, gtin
from schemas.feed_config import ProductFeed

_EXACT, _PART = 3.0, 1.5
MIN_SCORE = 2.5
# Field -> headers that mean it, best first. A header that only contains one of them counts half.
HEADERS: dict[str, str] = {
    "sku": "sku id item_id product_id article_number article_no item_number item_no stock_code "
    "stockcode artikelnummer artikelnr artikel_nr art_nr bestellnummer code codigo codice ref "
    "reference referencia артикул арт код 商品コード 商品番号 品番 型番 商品编号 货号 uniq_id asin "
    "part_number style_id product_code",
    "title": "title name product_name product_title item_name display_name product_display_name "
    "bezeichnung titel nom libelle nombre titulo titolo nome название наименование имя 商品名 品名 "
    "商品名称 名称 heading headline description",
    "description": "description desc long_description body text beschreibung descripcion descrizione "
    "описание 商品説明 説明 描述 langtext long_text about details product_description body_html "
    "summary",
    "category": "category categories cat product_type type kategorie warengruppe categorie categoria "
    "категория раздел группа カテゴリ カテゴリー 分類 分类 classification product_category "
    "category_path department rubrik rayon main_category master_category section taxonomy",
    "brand": "brand manufacturer vendor marke hersteller maker brand_name marque marca marchio бренд "
    "производитель ブランド メーカー 品牌",
    "price": "price unit_price unitprice list_price regular_price preis price_eur price_usd "
    "actual_price selling_price retail_price prix precio prezzo цена 価格 販売価格 价格 mrp amount "
    "value",
    "sale_price": "sale_price special_price discounted_price discount_price offer_price promo_price "
    "angebotspreis sale",
    "currency": "currency currency_code waehrung wahrung devise moneda valuta валюта 通貨 iso",
    "availability": "availability in_stock stock_status stock_level stock quantity_in_stock "
    "current_stock qty inventory stocklevel bestand lager lagerbestand verfugbarkeit disponibilite "
    "disponibilidad наличие остаток 在庫 在庫数 库存 available",
    "condition": "condition item_condition zustand etat",
    "gtin": "gtin ean ean13 upc barcode isbn gtin13 штрихкод jan",
    "parent_sku": "parent_sku parent_id item_group_id group_id parent master_id variant_of",
    "language": "language lang locale content_language",
    "image": "image image_path image_link image_url picture img photo bild image_file main_image "
    "picture_url filename imagen immagine фото изображение картинка 画像 图片 src",
    "tags": "tags keywords labels",
    "size": "package_size size volume weight groesse grosse",
    "rating_mean": "rating average_rating avg_rating rating_mean stars",
    "rating_count": "rating_count review_count ratings_count reviews_count num_reviews number_of_reviews",
}
_DEPTH = 4
_PICTURE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif|bmp|tiff?)(?:[?#].*)?$", re.IGNORECASE)


@dataclass
class Proposal:
    """A mapping and why: a ready one by its word, or fields; and what a person should know of it."""

    mapping: str | None
    fields: dict[str, str]
    remarks: list[str] = field(default_factory=list)


def ready_names() -> tuple[str, ...]:
    """The words that choose a ready mapping."""
    annotation = ProductFeed.model_fields["mapping"].annotation
    return tuple(name for part in get_args(annotation) for name in get_args(part))


def recognise(columns: Sequence[str]) -> tuple[str, float] | None:
    """(ready mapping, share of its marks found) that the headers fit best; None when none does."""
    best = max(
        ((name, _fit(columns, ready_mapping(name))) for name in ready_names()), key=lambda pair: pair[1]
    )
    return best if best[1] >= 0.6 else None


def _fit(columns: Sequence[str], mapping: ReadyMapping) -> float:
    found = set(renamed(columns, mapping).values())
    if not found.issuperset(mapping.required):
        return 0.0
    return sum(mark in found for mark in mapping.recognised_by) / len(mapping.recognised_by)


def propose(head: Head) -> Proposal:
    """The mapping that fits the head of a feed best."""
    if known := recognise(head.columns):
        return Proposal(
            known[0], {}, [f"{known[1]:.0%} of the marks of {ready_mapping(known[0]).about} are there"]
        )
    values = {column: _texts(head, column) for column in head.columns}
    candidates = [found for column in head.columns for found in _candidates(column, head)]
    scores = sorted(
        (-_score(ours, key, texts), place, n, expression)
        for place, ours in enumerate(HEADERS)
        for n, (expression, key, texts) in enumerate(candidates)
    )
    fields: dict[str, str] = {}
    for score, place, _, expression in scores:
        ours = list(HEADERS)[place]
        if -score >= MIN_SCORE and ours not in fields and expression not in fields.values():
            fields[ours] = expression
    return Proposal(None, *_completed(fields, head, values))


def _candidates(column: str, head: Head) -> Iterator[tuple[str, str, list[str]]]:
    """(expression, name as HEADERS writes it, texts) of a column, and of what is nested in it."""
    found = [record.get(column) for record in head.records]
    yield from _inside(
        _name(column), _key(column), [value for value in found if value not in (None, "", [], {})], 1
    )


def _inside(expression: str, key: str, values: list[Any], depth: int) -> Iterator[tuple[str, str, list[str]]]:
    if values and all(isinstance(value, list) for value in values):
        if all(isinstance(item, str) for value in values for item in value):
            # The levels of a category, or tags: a list is understood as it is.
            path = re.search("categor|taxonom|class|breadcrumb", key)
            yield (
                f"array_join({expression}, ' > ')" if path else expression,
                key,
                [" > ".join(value) for value in values],
            )
            return
        if re.search("review|rating|question|comment", key):
            return  # what one person said says nothing of the product
        expression, values = f"try_element_at({expression}, 1)", [value[0] for value in values if value]
    if values and depth < _DEPTH and all(isinstance(value, dict) for value in values):
        for name in dict.fromkeys(name for value in values for name in value):
            inner = [value[name] for value in values if value.get(name) not in (None, "", [], {})]
            yield from _inside(f"{expression}.{_name(name)}", f"{key}_{_key(name)}", inner, depth + 1)
        return
    yield expression, key, [str(value) for value in values]


def _name(column: str) -> str:
    return column if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column) else f"`{column}`"


def _key(header: str) -> str:
    """A header in small letters without accents, of any script: `Währung` is wahrung, `longText` long_text."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header)
    decomposed = unicodedata.normalize("NFKD", words.casefold())
    bare = re.sub(
        r"^[a-z]{1,8}:(?=\w)", "", "".join(c for c in decomposed if not unicodedata.combining(c)).strip()
    )
    return re.sub(r"[\W_]+", "_", bare).strip("_")


def _texts(head: Head, column: str) -> list[str]:
    found = (record.get(column) for record in head.records)
    return [str(value) for value in found if value not in (None, "", [], {})]


def _score(ours: str, key: str, values: Sequence[str]) -> float:
    """How well a column of that name would serve as a field; 0 where its values cannot be it."""
    names = _names(ours)
    by_name = 0.0
    if key in names:
        by_name = _EXACT - 0.03 * names.index(key)
    elif parts := [n for n, name in enumerate(names) if name in key.split("_") or _is_within(name, key)]:
        by_name = _PART - 0.03 * parts[0]
    if not values:
        return 0.0
    judge = _CONTENT.get(ours)
    content = judge(values) if judge else 0.5
    # Values that cannot be the field outweigh a name; a name without doubt outweighs middling values.
    return 0.0 if content <= 0 else by_name + 2 * content


@cache
def _names(ours: str) -> list[str]:
    return [_key(name) for name in HEADERS[ours].split()]


def _is_within(name: str, key: str) -> bool:
    """Whether a word of another language's compound: `bezeichnung` in artikelbezeichnung; Chinese has no spaces."""
    return len(name) >= (6 if name.isascii() else 2 if name[0] > "\u3000" else 4) and name in key


def _share(values: Sequence[str], test: Callable[[str], object]) -> float:
    some = values[:300]
    return sum(bool(test(value)) for value in some) / len(some)


def _distinct(values: Sequence[str]) -> float:
    return len(set(values)) / len(values)


def _mean_length(values: Sequence[str]) -> float:
    return sum(map(len, values)) / len(values)


def _is_sku(values: Sequence[str]) -> float:
    return _distinct(values) ** 2 * _share(values, lambda v: len(v) <= 40 and v.count(" ") <= 1)


def _is_title(values: Sequence[str]) -> float:
    words = _share(
        values,
        lambda v: (
            re.search(r"[^\W\d_]{3}|[\u3041-\u9fff]{2}", v) and len(v) <= 200 and not _PICTURE.search(v)
        ),
    )
    return words * min(1.0, 0.4 + _distinct(values)) * (1.0 if _mean_length(values) < 80 else 0.4)


def _is_description(values: Sequence[str]) -> float:
    sentences = _share(values, lambda v: re.search(r"[ \u3001\u3002]", v)) > 0.5
    return min(1.0, _mean_length(values) / 60) if sentences else 0.0


def _is_category(values: Sequence[str]) -> float:
    words = _share(values, lambda v: re.search(r"[^\W\d_]{2}", v) and len(v) <= 120)
    return words * (1.2 - _distinct(values)) if len(values) > 20 else 0.6 * words


def _is_price(values: Sequence[str]) -> float:
    return _share(values, lambda v: parse_money(v, "USD").minor)


_CONTENT: Mapping[str, Callable[[Sequence[str]], float]] = {
    "sku": _is_sku,
    "title": _is_title,
    "description": _is_description,
    "category": _is_category,
    "brand": lambda values: 0.5 * _share(values, lambda v: re.search(r"[^\W\d_]", v)),
    "price": _is_price,
    "sale_price": _is_price,
    "availability": lambda values: _share(values, availability),
    "condition": lambda values: _share(values, condition),
    "gtin": lambda values: _share(values, gtin),
    "image": lambda values: _share(values, _PICTURE.search),
    "rating_mean": lambda values: _share(values, lambda v: re.fullmatch(r"[1-5](\.\d+)?", v)),
    "rating_count": lambda values: _share(values, str.isdigit),
    "currency": lambda values: _share(values, lambda v: len(v.strip()) <= 4),
    "language": lambda values: _share(values, lambda v: re.fullmatch(r"[A-Za-z]{2,3}([-_]\w+)?", v)),
}


def _completed(
    fields: dict[str, str], head: Head, values: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str], list[str]]:
    """The fields with what is still needed, and remarks on what is doubtful."""
    remarks = []
    if "category" in fields and (below := _second_level(fields["category"], head, values)):
        fields["category"] = f"concat_ws(' > ', {fields['category']}, {below})"
    if "category" not in fields:
        fields["category"] = "'Uncategorised'"
        remarks.append("no column looks like a category: a constant stands in its place")
    if head.whole and len(head.records) == 1:
        for name, value in head.records[0].items():
            if isinstance(value, list) and len(value) > 1 and isinstance(value[0], dict):
                remarks.append(
                    f"the file is one record, and {name} in it a list of {len(value)}: export that list alone"
                )
    for ours in ("sku", "title", "price"):
        if ours not in fields:
            remarks.append(f"no column looks like {ours}: put an expression over the columns in its place")
    sku = fields.get("sku", "").strip("`")
    if sku in values and _distinct(values[sku]) < 0.7:
        dates = [c for c in head.columns if re.search(r"date|time|_at$|_ts$", c, re.IGNORECASE)]
        if dates:
            remarks.append(
                f"{sku} repeats and there is {dates[0]}: these look like orders or events, not a catalog; "
                'they belong in a segment source (kind = "events")'
            )
    order = {ours: place for place, ours in enumerate(HEADERS)}
    return dict(sorted(fields.items(), key=lambda item: order[item[0]])), remarks


def _second_level(category: str, head: Head, values: Mapping[str, Sequence[str]]) -> str | None:
    """A column that divides the category further: named as a category, and finer."""
    upper = category.strip("`")
    for column in head.columns:
        key = header_key(column)
        finer = re.search(r"sub.?(?:category|type|class)|category_?2|style", key)
        if column != upper and finer and len(set(values[column])) > len(set(values.get(upper, ()))):
            return _name(column)
    return None


def picture_names(proposal: Proposal, head: Head) -> list[str]:
    """What the feed's first rows call their pictures."""
    expression = proposal.fields.get("image") or (
        ready_mapping(proposal.mapping).fields["image"] if proposal.mapping else ""
    )
    columns = {header_key(column): column for column in head.columns}
    for word in re.findall(r"\w+", expression):
        if column := columns.get(header_key(word)):
            return _texts(head, column)[:50]
    return []


def image_folder(root: Path, names: Sequence[str]) -> tuple[str, str | None]:
    """(folder below root that holds most of the pictures, or "", a remark on them)."""
    if not names:
        return "", None
    if all("://" in name for name in names):
        ends = min(names), max(names)
        shared = next((i for i, (a, b) in enumerate(zip(*ends, strict=False)) if a != b), len(ends[0]))
        start = ends[0][:shared].rpartition("/")[0] + "/"
        return "", (
            "pictures are addresses, and pictures are read, not fetched: put them below image_root and say which part "
            f'of the address is that folder: image_paths = [{{ prefix = "{start}" }}]'
        )
    near = [root, *sorted(path for path in root.glob("*") if path.is_dir())[:100]]
    folders = [*near, *(path for one in near[1:] for path in sorted(one.glob("*"))[:20] if path.is_dir())]
    best = max(folders, key=lambda folder: sum((folder / name).is_file() for name in names))
    if sum((best / name).is_file() for name in names) * 4 < len(names):
        return (
            "",
            "no folder near the file holds the pictures: set image_root, or build their path in `image`",
        )
    return "" if best == root else best.relative_to(root).as_posix(), None


def as_toml(feed: Mapping[str, Any], proposal: Proposal) -> str:
    """The proposal as the table [merchants.feed], ready to paste."""
    lines = ["[merchants.feed]", *(f"{name} = {_quoted(str(value))}" for name, value in feed.items())]
    if proposal.mapping:
        lines.append(f'mapping = "{proposal.mapping}"')
    if proposal.fields:
        lines += ["", "[merchants.feed.fields]"]
        lines += [f"{ours} = {_quoted(expression)}" for ours, expression in proposal.fields.items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return (
        "'" + text + "'"
        if ("\\" in text or '"' in text) and "'" not in text
        else '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
    )
