"""Text of feeds without markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


def plain_text(text: Column) -> Column:
    """Text without markup, control and bidirectional-override characters, white space collapsed; NULL when empty."""
    without_markup = F.regexp_replace(
        text.cast("string"), r"(?is)<(script|style)\b.*?</\1>|<[^>]{0,2000}>", " "
    )
    for entity, character in (
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", '"'),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ):
        without_markup = F.replace(without_markup, F.lit(entity), F.lit(character))
    clean = F.regexp_replace(without_markup, r"[\p{Cc}\u202A-\u202E\u2066-\u2069\uFEFF]+", " ")
    collapsed = F.trim(F.regexp_replace(clean, r"\s+", " "))
    return F.when(F.length(collapsed) > 0, collapsed)
