"""Every reason code that reading a feed can give, what it means and what to do; and the error that carries one.

Codes that start with `feed_` are faults of a whole file: they cost the merchant's feed. The others cost one row.
"""

from __future__ import annotations

REASONS: dict[str, str] = {
    # The whole feed.
    "feed_missing": "No file at the feed's path; check the path and the data root.",
    "feed_path_leaves_root": "The path, or a link on it, leaves the data root; keep the feed below it.",
    "feed_unreadable": "The file cannot be opened or read; check its rights and the disk.",
    "feed_empty": "The file holds no record, or a header alone; check the export.",
    "feed_format": "The content is not of the declared format; correct `format`, or send the right file.",
    "feed_archive": "An archive, not a feed; unpack it (gzip alone is read as it is).",
    "feed_encoding": "The bytes do not fit the encoding; correct `encoding`, or export as UTF-8.",
    "feed_truncated": "The file ends in the middle of a record; transfer it again.",
    "feed_gzip_broken": "The gzip stream is damaged; transfer the file again.",
    "feed_bomb": "The file unpacks to far more than a feed ever does; look at who made it.",
    "feed_header": "The header cannot be used: missing, unreadable, or too many columns.",
    "feed_json_malformed": "The JSON array is damaged between its records; validate the export.",
    "feed_xml_malformed": "The XML is damaged outside its records; validate the export.",
    "feed_xml_doctype": "The XML declares a document type or entities; export it without a DOCTYPE.",
    "feed_parquet_broken": "The Parquet file is damaged or of a kind that is not read; write it again.",
    "feed_changed": "The file was written while it was read; deliver it under another name, then rename it.",
    "feed_column_missing": "A mapped column does not exist in the feed; correct the mapping.",
    "feed_join": "The name of a join is a column of the feed, too; call the join something else.",
    "feed_field_missing": "A field that is needed is not mapped; add it to the mapping.",
    # One row.
    "row_ragged": "More or fewer cells than the header has columns; quote cells that hold the delimiter.",
    "quote_unbalanced": "A quote is opened and not closed, or stands unescaped in a cell; double it.",
    "cell_too_large": "A cell above 1,000,000 characters; shorten it.",
    "record_too_large": "A record above 4,000,000 characters; shorten it, or close its quotes.",
    "nul_byte": "A NUL byte in the record; remove it.",
    "encoding_broken": "Bytes of the record do not fit the feed's encoding; write it in one encoding.",
    "xml_malformed": "The record is not well-formed XML; escape & and <, and close every element.",
    "join_key_missing": "A row of a joined file without its key; fill it in.",
    "join_key_twice": "A key that an earlier row of the joined file has with other values; keep one.",
    "join_too_many": "More than 1,000 rows of a joined file belong to one key; look at the key.",
    "json_malformed": "Not valid JSON, or not an object; correct the record.",
    "json_not_finite": "NaN, Infinity or a number beyond double precision; JSON knows none, write null.",
    "json_key_twice": "One key stands twice in one object, so its value is unclear; keep one.",
    "record_too_deep": "More than 32 levels of nesting; flatten the record.",
}
"""Code -> what it means; what to do."""


class FeedError(Exception):
    """A file as a whole cannot be used. `reason` is one of REASONS that starts with `feed_`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.line: int | None = None
        """Line of the file that could not be read, where the format has lines."""

    def __str__(self) -> str:
        return self.detail
