"""What was wrong with the rows of one batch: a reason that costs the row, or notes on a product that is kept."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

RECORD_MAX_CHARS = 2000
NOTE = pa.struct([pa.field("code", pa.string()), pa.field("detail", pa.string())])

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(
    r"(?<![\w.])(?:\+|00)\d[\d ()/.-]{6,18}\d(?!\w)|(?<![\w.,])\(?0\d{2,5}\)?[ /-]\d[\d -]{4,12}\d(?!\w)"
)


def mask_person(text: str) -> str:
    """The text without e-mail addresses and phone numbers, as it may stand in a log or in `rejects`."""
    return _PHONE.sub("[phone]", _EMAIL.sub("[e-mail]", text))


class Findings:
    """Reasons and notes of one batch, by row; the first reason of a row stands."""

    def __init__(self, rows: int) -> None:
        self.reasons: list[str | None] = [None] * rows
        self.details: list[str | None] = [None] * rows
        self.notes: dict[int, list[dict[str, str]]] = {}

    def reject(self, codes: pa.Array, shown: pa.Array | None = None) -> None:
        """Rejects the rows whose code is not NULL; `shown` is the value to be named."""
        for i in pc.indices_nonzero(codes.is_valid()).to_pylist():
            if self.reasons[i] is None:
                self.reasons[i] = codes[i].as_py()
                self.details[i] = _shown(shown[i].as_py()) if shown is not None else None

    def note(self, where: pa.Array, code: str, shown: pa.Array | None = None) -> None:
        """Notes `code` on the rows where `where` is true."""
        for i in pc.indices_nonzero(pc.fill_null(where, False)).to_pylist():
            detail = _shown(shown[i].as_py()) if shown is not None else ""
            self.notes.setdefault(i, []).append({"code": code, "detail": detail})


def _shown(value: Any) -> str:
    return mask_person(str(value)[:120]) if value is not None else ""


def raw_records(
    batch: pa.RecordBatch, found: Findings, made: frozenset[str], private: frozenset[str] = frozenset()
) -> pa.Array:
    """The raw record of each rejected row, cut and masked, without `made` and `private` columns; else NULL."""
    hidden = {"row", "file", "broken", "record", *made, *private}
    names = [name for name in batch.schema.names if name not in hidden and not name.startswith("=")]
    records: list[str | None] = [None] * batch.num_rows
    for i, reason in enumerate(found.reasons):
        if reason is None:
            continue
        raw = batch.column("record")[i].as_py() if "record" in batch.schema.names else None
        if raw is None:
            cells = {name: batch.column(name)[i].as_py() for name in names}
            raw = json.dumps(
                {k: _cell(v) for k, v in cells.items() if v is not None}, ensure_ascii=False, default=str
            )
        elif private:
            raw = _without_private(raw, private)
        records[i] = mask_person(raw[: 2 * RECORD_MAX_CHARS])[:RECORD_MAX_CHARS]
    return pa.array(records, pa.string())


def _without_private(raw: str, private: frozenset[str]) -> str:
    """A record that could not be read, up to where it names a private column; where it names none, nothing is sure."""
    starts = [place for name in private if (place := raw.find(name)) >= 0]
    return raw[: min(starts, default=0)] + "[the rest may hold people's words]"


def _cell(value: Any) -> Any:
    return value[:RECORD_MAX_CHARS] if isinstance(value, str) else value


def note_lists(found: Findings) -> pa.Array:
    """The notes of every row as a list column; each code once a row, and none on a rejected row."""
    lengths = np.zeros(len(found.reasons) + 1, np.int32)
    flat: list[dict[str, str]] = []
    for i, notes in sorted(found.notes.items()):
        # A rejected row has its reason; what else was noted on it is of no product.
        if found.reasons[i] is None:
            seen: dict[str, dict[str, str]] = {}
            for note in notes:
                seen.setdefault(note["code"], note)
            flat.extend(seen.values())
            lengths[i + 1] = len(seen)
    return pa.ListArray.from_arrays(pa.array(lengths.cumsum(), pa.int32()), pa.array(flat, NOTE))
