"""People who do not exist, planted in users' files, and a search for them in every byte below a folder."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


@dataclass(frozen=True)
class Person:
    """Everything that must not leave the ingest stage."""

    user_id: str
    name: str
    email: str
    phone: str
    address: str


ADA = Person(
    "canary-7f3a91c2", "Ottilie Kanarienvogel", "ottilie.k@kanari.example", "+49 30 90182077", "17 Zeisigweg"
)
BEN = Person(
    "canary-b04e66d8", "Benedikt Goldammer", "b.goldammer@kanari.example", "(030) 9018-3088", "4b Finkengasse"
)
CANARIES = frozenset(text.lower() for person in (ADA, BEN) for text in astuple(person))

USERS_SOURCE = """
[[segment_sources]]
id = "declared"
kind = "rules"
users = { path = "users.json", format = "json", fields = { user_id = "id", interests = "split(persona, '_')" } }
[[segment_sources.rules]]
id = "grown_ups"
name = "Grown-ups"
description = "People over 30."
where = "cast(age AS int) > 30"
[[segment_sources.rules]]
id = "one_person"
name = "One person"
description = "A rule that singles somebody out."
where = "age = '77'"
[[segment_sources]]
id = "damaged"
kind = "rules"
users = { path = "damaged.json.gz", format = "json", fields = { user_id = "id" } }
rules = [{ id = "anyone", name = "Anyone", description = "Anyone.", where = "true" }]
[[segment_sources]]
id = "misread"
kind = "rules"
users = { path = "users.json", format = "parquet", fields = { user_id = "id" } }
rules = [{ id = "nobody", name = "Nobody", description = "Nobody.", where = "true" }]
"""
"""Sources over the files that `plant_people` writes: `declared` can be used, the others cannot."""


def plant_people(shop: Path) -> None:
    """Adds ADA and BEN to the sample shop's members, events and reviews, and writes users.json and damaged.json.gz.

    They stand in good rows, in rows that are rejected (ragged, a value of the wrong kind, an unknown item or event) and
    in files that cannot be read.
    """
    with (shop / "members.csv").open("a", encoding="utf-8") as members:
        members.write(f"{ADA.user_id},{ADA.name},{ADA.email},office\n")
        members.write(f"{BEN.user_id},{BEN.name},{BEN.email},{BEN.phone},{BEN.address},office\n")
        members.write(f'{BEN.user_id},"{BEN.name},{BEN.email},office\n')
    events = pq.read_table(shop / "events.parquet")
    sold = events.slice(0, 1).to_pylist()[0]
    mine = [
        sold | {"user_id": ADA.user_id},
        sold | {"user_id": ADA.user_id, "sku": ADA.email},
        sold | {"user_id": BEN.user_id, "event": BEN.name},
        sold | {"user_id": BEN.email, "merchant_id": BEN.address},
    ]
    pq.write_table(
        pa.concat_tables([events, pa.Table.from_pylist(mine, events.schema)]), shop / "events.parquet"
    )
    rows = [
        {"id": f"d{i}", "age": str(20 + i % 40), "persona": "drinks_outdoor", "name": f"Nobody {i}"}
        for i in range(200)
    ]
    for person, age in ((ADA, ADA.email), (BEN, "77")):
        # An interest of one user, and an age that is none.
        rows.append(
            {"id": person.user_id, "age": age, "persona": f"drinks_{person.name}", "name": person.name}
            | {"email": person.email, "phone": person.phone, "address": person.address}
        )
    catalog = shop / "everyday" / "catalog.jsonl"
    good, *others = catalog.read_text(encoding="utf-8").splitlines()
    said = [
        {"rating": rating, "text": f"{ADA.name} from {ADA.address} was kind. {ADA.email}, {ADA.phone}"}
        for rating in (5, 4, ADA.name)
    ]
    reviewed = json.loads(good) | {"reviews": said}
    free = reviewed | {"id": "canary-free", "price": -1}
    cut_off = json.dumps(reviewed | {"id": "canary-cut"})[:-1]
    lines = [json.dumps(reviewed), json.dumps(free), cut_off, *others]
    catalog.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = json.dumps(rows)
    broken = json.dumps({"id": ADA.user_id, "name": ADA.name, "email": ADA.email}).replace(
        '"email":', '"email"'
    )
    (shop / "users.json").write_text(text[:-1] + ", " + broken + "]", encoding="utf-8")
    packed = gzip.compress(text.encode())
    (shop / "damaged.json.gz").write_bytes(packed[: len(packed) // 2])


def user_ids(shop: Path) -> frozenset[str]:
    """The user ids of the sample shop."""
    with (shop / "members.csv").open(encoding="utf-8") as rows:
        return frozenset(row[0] for row in csv.reader(rows) if re.fullmatch(r"u\d{6}", row[0]))


def people_found(root: Path, ids: Iterable[str] = ()) -> list[str]:
    """'file: what' for every canary, and every one of `ids`, in any file below root, packed or not."""
    ids = frozenset(ids)
    found = []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        for where, content in _unpacked(path.relative_to(root).as_posix(), path.read_bytes()):
            found += [f"{where}: {what}" for what in _people_in(content, ids)]
    return found


def _people_in(content: bytes, ids: frozenset[str]) -> list[str]:
    low = content.lower()
    people = [
        text
        for text in CANARIES
        if any(text.encode(encoding) in low for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
    ]
    return people + sorted(ids & {match.decode() for match in re.findall(rb"u\d{6}", content)})


def _unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes of a file, and what they hold when they are packed: (where, bytes)."""
    yield name, content
    if content[:2] == b"\x1f\x8b":
        yield from _unpacked(f"{name} (gzip)", gzip.decompress(content))
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            yield f"{name} (comment)", packed.comment
            for inner in packed.namelist():
                yield from _unpacked(f"{name}/{inner}", packed.read(inner))
    elif content[:4] == b"PAR1":
        table = pq.read_table(pa.BufferReader(content), partitioning=None)
        yield f"{name} (values)", repr((table.schema, table.to_pylist())).encode()
    elif content[:15] == b"SQLite format 3":
        yield f"{name} (rows)", b"\n".join(_cells(content))
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        yield f"{name} (texts)", repr(Image.open(io.BytesIO(content)).info).encode()


def _cells(database: bytes) -> Iterator[bytes]:
    with sqlite3.connect(":memory:") as opened:
        # A database in memory has no write-ahead log (file format 1.3.3); the log is a file of its own, searched too.
        opened.deserialize(database[:18] + b"\x01\x01" + database[20:])
        opened.text_factory = bytes
        for (table,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in opened.execute(f'SELECT * FROM "{table.decode()}"'):
                for cell in row:
                    if isinstance(cell, bytes):
                        yield cell
                        try:
                            yield zlib.decompress(cell)
                        except zlib.error:
                            continue
