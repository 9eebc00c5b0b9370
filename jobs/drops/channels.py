"""A drop's files for the channels where a merchant sells, checked by each channel's published rules before they leave.

Google Merchant Center and Meta take a supplemental feed of addresses, Amazon takes files whose names say what they
are (`<GTIN>.<VARIANT>.jpg`), social networks a list of which picture fits where. What breaks a rule stays out of the
channel's files and is a row of preflight.csv.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from jobs.drops.csv_files import csv_bytes, safe_cell
from jobs.drops.preflight import SLOTS, ChannelName, PictureFile, Slot, social_slot
from schemas.config import Channel, Merchant, Placement

PREFLIGHT_COLUMNS = ("channel", "sku", "slot", "file", "rule", "allowed", "found", "source")
SOCIAL_COLUMNS = ("shown_as", "sku", "segment_id", "locale", "placement", "file", "alt_text")
_NOT_A_FORMULA = "an id that a spreadsheet does not run"
_MISSING = "no picture of these looks passed"

Row = Mapping[str, Any]


class ChannelFiles:
    """The files of all channels of one merchant's drop.

    `texts`: name -> bytes. `copies`: name -> the drop's own file that it is a copy of. `violations`: rows of
    PREFLIGHT_COLUMNS.
    """

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.copies: dict[str, str] = {}
        self.violations: list[dict[str, str]] = []

    def preflight(self) -> bytes:
        """preflight.csv."""
        return csv_bytes(PREFLIGHT_COLUMNS, self.violations)


def channel_files(
    merchant: Merchant,
    placements: Mapping[str, Placement],
    gtins: Mapping[str, str | None],
    manifest: Sequence[Row],
    picture: Callable[[Row, str], PictureFile],
) -> ChannelFiles:
    """Fills every slot of a merchant's channels from the manifest's rows, in their order (likeliest group first).

    `gtins`: SKU -> GTIN or None. `picture` reads the file of a manifest row, whose look is given.
    """
    out = ChannelFiles()
    looks: set[str] = {placements[name].look for name in merchant.placements}
    for name, channel in sorted(merchant.channels.items()):
        if name == "social":
            _social(out, channel, placements, manifest, picture)
            continue
        for slot in SLOTS[name]:
            if slot.at_most == 1 and not looks & set(slot.looks):
                source = slot.rules[0].source
                out.violations.append(
                    _violation(
                        name, "", slot.name, "", "placement", _looks_of(slot), "none of the shop's", source
                    )
                )
        by_sku: dict[str, list[tuple[str, Row]]] = defaultdict(list)
        for row in manifest:
            if row["locale"] == (channel.locale or merchant.locales[0]):
                by_sku[row["sku"]].append((placements[row["placement"]].look, row))
        chosen: dict[str, dict[str, list[str]]] = {}
        for sku in sorted({row["sku"] for row in manifest}):
            if safe_cell(sku) != sku:
                out.violations.append(
                    _violation(name, sku, "id", "", "id", _NOT_A_FORMULA, sku, "OWASP, CSV Injection")
                )
                continue
            chosen[sku] = _fill(out, name, sku, by_sku.get(sku, []), picture, looks)
        if name == "amazon":
            _amazon(out, chosen, gtins)
        else:
            _feed(out, name, channel, chosen)
    return out


def _fill(
    out: ChannelFiles,
    channel: ChannelName,
    sku: str,
    rows: Sequence[tuple[str, Row]],
    picture: Callable[[Row, str], PictureFile],
    looks: set[str],
) -> dict[str, list[str]]:
    """Slot -> files that keep its rules. A picture stands in one slot; one that breaks a rule is told once."""
    taken: set[str] = set()
    told: set[tuple[str, str]] = set()
    chosen: dict[str, list[str]] = {}
    for slot in SLOTS[channel]:
        files = chosen.setdefault(slot.name, [])
        for look, row in sorted(rows, key=lambda item: _preference(slot, item[0])):
            if look not in slot.looks or row["file"] in taken or len(files) == slot.at_most:
                continue
            broken = list(_broken(channel, slot, row, picture(row, look)))
            for violation in broken:
                if (row["file"], violation["rule"]) not in told:
                    told.add((row["file"], violation["rule"]))
                    out.violations.append(violation)
            if not broken:
                files.append(row["file"])
                taken.add(row["file"])
        if not files and slot.at_most == 1 and looks & set(slot.looks):
            out.violations.append(
                _violation(
                    channel, sku, slot.name, "", "picture", _looks_of(slot), _MISSING, slot.rules[0].source
                )
            )
    return chosen


def _broken(channel: ChannelName, slot: Slot, row: Row, found: PictureFile) -> Iterator[dict[str, str]]:
    for rule in slot.rules:
        if not rule.keeps(found):
            yield _violation(
                channel,
                row["sku"],
                slot.name,
                row["file"],
                rule.name,
                rule.allowed,
                rule.found(found),
                rule.source,
            )


def _social(
    out: ChannelFiles,
    channel: Channel,
    placements: Mapping[str, Placement],
    manifest: Sequence[Row],
    picture: Callable[[Row, str], PictureFile],
) -> None:
    """One line a picture of a social placement that a feed or a story takes."""
    listed = []
    for row in manifest:
        placement = placements[row["placement"]]
        if placement.channel != "social" or channel.locale not in (None, row["locale"]):
            continue
        found = picture(row, placement.look)
        slot = social_slot(found)
        broken = list(_broken("social", slot, row, found))
        out.violations += broken
        if not broken:
            listed.append({**row, "shown_as": slot.name})
    if not any(placements[row["placement"]].channel == "social" for row in manifest):
        allowed, source = (
            'a picture whose placement has channel = "social"',
            SLOTS["social"][0].rules[0].source,
        )
        out.violations.append(
            _violation("social", "", "", "", "placement", allowed, "none of the shop's", source)
        )
    out.texts["channels/social.csv"] = csv_bytes(SOCIAL_COLUMNS, listed)


def _looks_of(slot: Slot) -> str:
    return f"a picture whose placement has look = {' or '.join(slot.looks)}"


def _preference(slot: Slot, look: str) -> int:
    return slot.looks.index(look) if look in slot.looks else len(slot.looks)


def _feed(
    out: ChannelFiles, name: ChannelName, channel: Channel, chosen: Mapping[str, Mapping[str, Sequence[str]]]
) -> None:
    slots = [slot.name for slot in SLOTS[name]]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t" if name == "google_merchant" else ",", lineterminator="\n")
    writer.writerow(["id", *slots])
    for sku, files in chosen.items():
        if any(files.values()):
            addresses = ([f"{channel.base_url}{quote(file)}" for file in files[slot]] for slot in slots)
            writer.writerow([sku, *(",".join(some) for some in addresses)])
    out.texts[f"channels/{name}.{'tsv' if name == 'google_merchant' else 'csv'}"] = text.getvalue().encode()


def _amazon(
    out: ChannelFiles, chosen: Mapping[str, Mapping[str, Sequence[str]]], gtins: Mapping[str, str | None]
) -> None:
    users: dict[str, list[str]] = defaultdict(list)
    for sku in chosen:
        users[gtins.get(sku) or ""].append(sku)
    for sku, files in chosen.items():
        gtin = gtins.get(sku)
        if not gtin or len(users[gtin]) > 1:
            found = "no GTIN in the feed" if not gtin else f"GTIN {gtin} of {len(users[gtin])} products"
            out.violations.append(
                _violation(
                    "amazon", sku, "", "", "identifier", "ASIN, EAN, UPC or GTIN, one a product", found,
                    "Amazon Seller Central, Image file naming",
                )
            )  # fmt: skip
            continue
        for variant, file in _variants(files):
            out.copies[f"channels/amazon/{gtin}.{variant}{PurePosixPath(file).suffix}"] = file


def _variants(files: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    return [("MAIN", file) for file in files["MAIN"]] + [
        (f"PT{n:02}", file) for n, file in enumerate(files["PT"], start=1)
    ]


def _violation(
    channel: str, sku: str, slot: str, file: str, rule: str, allowed: str, found: str, source: str
) -> dict[str, str]:
    return dict(zip(PREFLIGHT_COLUMNS, (channel, sku, slot, file, rule, allowed, found, source), strict=True))
