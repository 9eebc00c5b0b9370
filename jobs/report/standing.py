"""What became of a night's release: published, rolled back or none; also on pages that lie there already."""

from __future__ import annotations

import datetime as dt
import re
from html import escape
from pathlib import Path

from infra.records import write_whole
from infra.releases import Row, all_releases, assets_release_id, live_release
from jobs.drops.release_rows import held_release

_LINE = re.compile(r'<p class="state">.*?</p>', re.DOTALL)
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)


def title(run_date: dt.date, word: str) -> str:
    """The page's title."""
    return f"<title>Night of {run_date} · {word}</title>"


def state_line(word: str, told: str) -> str:
    """The line under the page's heading. told: HTML."""
    return f'<p class="state"><span class="badge {word.replace(" ", "_")}">{word}</span> {told}</p>'


def standing(state: Path, run_date: dt.date) -> tuple[str, str]:
    """(word, HTML) of a night: published, rolled back (by whom, when, why, what is live), kept or unfinished."""
    release, live = held_release(state, run_date), live_release(state)
    if release is None or live is None:
        return "unfinished", "No release of this night"
    told = f"Release <code>{escape(release['release_id'])}</code>"
    is_live = f"<code>{escape(live['release_id'])}</code> is live"
    if release["run_date"] != run_date:
        told += f" of {release['run_date']}: this night changed nothing in it"
    if release["action"] not in {None, "night"}:
        told += f" ({_signed(release)})"
    after = [row for row in all_releases(state)
             if row["status"] == "published" and row["sequence"] > release["sequence"]]  # fmt: skip
    if assets_release_id(live) != assets_release_id(release):
        if after and after[0]["action"] == "rollback":
            return "rolled back", f"{told}: {_signed(after[0])}; {is_live}"
        if release["status"] == "backfilled":
            return "kept", f"{told}, of a past night; {is_live}"
    return "published", told


def _signed(row: Row) -> str:
    at = row["created_at"]
    return escape(f"{row['action']} by {row['created_by']}, {at:%Y-%m-%d %H:%M} UTC: {row['comment']}")


def tell_again(state: Path, since: dt.date) -> None:
    """Brings the pages of the nights from `since` on up to what is live now; those of failed nights stay."""
    for path in sorted((state / "reports").glob("*-*-*/index.html")):
        night = dt.date.fromisoformat(path.parent.name)
        if night < since or '<span class="badge failed">' in (html := path.read_text(encoding="utf-8")):
            continue
        word, told = standing(state, night)
        for pattern, text in ((_LINE, state_line(word, told)), (_TITLE, title(night, word))):
            html = pattern.sub(text.replace("\\", r"\\"), html, count=1)
        write_whole(path, html)
