"""Every reason code of the ingest stage beyond reading: what it means, what to do, and whether it costs the row.

A `row` code leaves the row out. A `note` keeps the product and says what was changed or is missing. A `feed` code
(and every code of jobs.feeds.reasons that starts with `feed_`) sets the merchant's whole feed aside for tonight.
"""

from __future__ import annotations

ROW: dict[str, str] = {
    "sku_missing": "The row has no SKU; give every product its own.",
    "sku_too_long": "The SKU is longer than 100 characters; it is probably another column.",
    "sku_control_characters": "The SKU holds control or invisible characters; remove them.",
    "sku_conflicting": "Another row with this SKU says something else, and stands first; keep one of them.",
    "title_missing": "The product has no title.",
    "title_says_nothing": "The title holds no letter and no digit; name the product.",
    "price_missing": "The product has no price.",
    "price_unreadable": "The price is not one number; write 12.90 or 12,90 and, if need be, a currency.",
    "price_not_positive": "The price is zero or negative; a product that is not for sale needs no row.",
    "price_absurd": "The price is above 10,000,000,000; it is probably another column.",
    "currency_unknown": "The currency is no active ISO 4217 code; write, for instance, EUR.",
    "parent_cyclic": "The parents of this variant lead back to it, or further than ten steps.",
}

NOTES: dict[str, str] = {
    "sku_repeated": "The same product stands in several rows; one was kept.",
    "title_cut": "The title was cut to 500 characters.",
    "description_cut": "The description was cut to 5,000 characters.",
    "script_removed": "The text held script or embedded frames; they are gone.",
    "hidden_characters_removed": "The text held control, zero-width or direction characters; they are gone.",
    "text_like_instruction": 'The text speaks to a machine ("ignore previous instructions"); it is data here.',
    "text_like_formula": "A spreadsheet would run the text; files for merchants neutralise it.",
    "category_missing": "No category; the product stands under Uncategorised.",
    "gtin_invalid": "The GTIN's length or check digit is wrong; it was left out.",
    "availability_unknown": "The availability is no known term; it was left out.",
    "condition_unknown": "The condition is no known term; it was left out.",
    "sale_price_unreadable": "The sale price cannot be read, or has another currency; it was left out.",
    "sale_price_not_lower": "The sale price is not below the price; it was left out.",
    "sale_dates_unreadable": "The sale's dates cannot be read; its price was left out.",
    "sale_dates_reversed": "The sale ends before it begins; its price was left out.",
    "sale_dates_far": "The sale begins more than a year from now; its price was left out.",
    "rating_off_scale": "Ratings outside 1 to 5 were left out.",
    "parent_missing": "The parent of this variant is not in the feed; the variant stands alone.",
    "image_not_named": "The feed names no picture.",
    "image_remote": "The picture is an address; pictures are read from the image root, not fetched (see image_paths).",
    "image_path_invalid": "The picture's path holds a NUL or control character, or is too long.",
    "image_path_leaves_root": "The picture's path, or a link on it, leaves the merchant's image root.",
    "image_missing": "The picture does not exist below the image root.",
    "image_not_a_file": "The picture's path is a folder or a device.",
    "image_empty": "The picture has zero bytes.",
    "image_too_large": "The picture has more than 50,000,000 bytes.",
}

FEED: dict[str, str] = {
    "feed_shrunken": "The feed holds far fewer products than the last one; it is usually a broken export.",
    "feed_too_many_rejects": "Too large a share of the rows was rejected; mend the feed or its mapping.",
    "feed_no_products": "No row of the feed is a good product.",
}


def severity(reason: str) -> str:
    """`feed`, `row` or `note`; a code that is not of this stage is a reader's and costs the row (or the feed)."""
    if reason.startswith("feed_"):
        return "feed"
    return "note" if reason in NOTES else "row"


def meaning(reason: str) -> str:
    """What a code of this stage means and what to do; empty for others."""
    return (ROW | NOTES | FEED).get(reason, "")
