"""How much of a stranger's file is taken. None of these is an option: whoever meets one has a broken export."""

from __future__ import annotations

MAX_CELL_CHARS = 1_000_000
"""Of one CSV cell. A long description has 5,000 characters, a page of HTML 100,000."""
MAX_RECORD_CHARS = 4_000_000
"""Of one record. A product of the largest shops has some 100,000 characters."""
RAW_CHARS = 2_000
"""So much of a broken record is kept."""
MAX_COLUMNS = 2_000
"""Columns or different keys. The widest exports of shop systems have some 300."""
MAX_DEPTH = 32
"""Levels of nesting in JSON and XML. Exports of shop systems have fewer than ten."""
MAX_JOINED_ROWS = 1_000
"""Rows of a joined file that belong to one row of the feed."""
MAX_LOST_RECORDS = 1_000
MAX_LOST_SHARE = 0.02
"""Above both, of broken records whose end must be guessed, a JSON or XML file is given up: each costs time."""
MAX_PROLOGUE_BYTES = 1_000_000
"""Of XML before its first record: a shop's title and address, and namespaces."""

MAX_UNPACKED_BYTES = 32_000_000_000
"""Of a gzip file. Ten million products of 3 kB."""
MAX_UNPACK_RATIO = 200
"""Real feeds shrink 5 to 50 times, a stream of zeros 1,000 times. Judged beyond RATIO_FROM_BYTES."""
RATIO_FROM_BYTES = 4_000_000

BAD_ENCODING_SHARE = 0.1
"""Above this share of badly encoded records, in the first BAD_ENCODING_SAMPLE or more, it is another encoding."""
BAD_ENCODING_SAMPLE = 100

BATCH_ROWS = 10_000
"""Rows that go to Spark at a time, or fewer when they have BATCH_CHARS characters."""
BATCH_CHARS = 2_000_000
BLOCK_BYTES = 2_000_000
"""Of CSV that are parsed at a time: with 4 MB a task takes as long and holds 60 MB more, with 1 MB a sixth longer."""
SHARE_BYTES = 4_000_000
"""A file is read by one task more for each so many bytes, up to Spark's parallelism.

Each task finds the records of the whole file and goes on with its share of them. Of what a row costs, that is 7 % for
CSV, a fifth for JSON and half for XML: two tasks are then 1.9, 1.7 and 1.3 times as fast as one.
"""
