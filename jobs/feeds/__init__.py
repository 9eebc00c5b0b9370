"""Strangers' feeds as Spark rows: whatever the format, a broken row costs that row and a broken file that file."""

from __future__ import annotations

from jobs.feeds.columns import PLACE_COLUMNS
from jobs.feeds.files import feed_paths
from jobs.feeds.join import unmatched
from jobs.feeds.read import map_fields, read_feed, sound_rows
from jobs.feeds.reasons import REASONS, FeedError
from jobs.feeds.text import plain_text

__all__ = [
    "PLACE_COLUMNS",
    "REASONS",
    "FeedError",
    "feed_paths",
    "map_fields",
    "plain_text",
    "read_feed",
    "sound_rows",
    "unmatched",
]
