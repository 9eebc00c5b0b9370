from __future__ import annotations

import hashlib
import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from jobs.report.funnel import Step, total_funnel
from jobs.report.gallery import embedded_json, price
from jobs.report.sections import duration, esc, memory, percent
from jobs.report.thumbs import Thumb, make_thumbs, read_source
from jobs.wording import number


def test_json_in_a_script_element_cannot_end_it() -> None:
    value = {"a": "</script><!--<script>&\u2028\u2029", "b": "\ud800"}
    text = embedded_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value
    text.encode()


def test_numbers_for_people() -> None:
    assert number(1234567) == "1,234,567"
    assert [percent(*pair) for pair in ((1, 3), (999, 1000), (0, 0), (1, 1))] == [
        "33\u00a0%", "99.9\u00a0%", "–", "100\u00a0%",
    ]  # fmt: skip
    times = [duration(seconds).replace("\u00a0", " ") for seconds in (4.25, 185, 7800)]
    assert times == ["4.2 s", "3 min 05 s", "2 h 10 min"]
    assert memory(1536).replace("\u00a0", " ") == "1.5 GB"
    assert [price(1299, c) for c in ("EUR", "JPY", "KWD", "BIF", "LYD")] == [
        "12.99 EUR",
        "1,299 JPY",
        "1.299 KWD",
        "1,299 BIF",
        "1.299 LYD",
    ]
    assert esc("<a href='x'>&\"") == "&lt;a href=&#x27;x&#x27;&gt;&amp;&quot;"


def test_what_a_step_lost_without_a_word_is_said() -> None:
    step = Step("s", "rows", 10, 6)
    assert step.set_aside == 4 and step.reasons == {"no_reason_recorded": 4}
    (both,) = total_funnel([[step], [Step("s", "rows", 5, 5)]])
    assert (both.rows_in, both.rows_out, both.reasons.total()) == (15, 11, 4)


def test_small_pictures_of_strangers_files(tmp_path: Path) -> None:
    out = BytesIO()
    Image.new("RGBA", (900, 300), (255, 0, 0, 0)).save(out, "PNG")
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    assert make_thumbs([Thumb(good, out.getvalue), Thumb(bad, lambda: b"GIF89a broken")], threads=2) == 1
    with Image.open(good) as small:
        assert small.size == (320, 107) and small.getpixel((5, 5)) == (255, 255, 255)
    assert not bad.exists()


def test_source_pictures_outside_the_data_root_or_changed_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(ValueError, match="outside"):
        read_source(tmp_path / "root" / ".." / "secret", tmp_path / "root", hashlib.sha256(b"x").hexdigest())
    (tmp_path / "root" / "a").write_bytes(b"y")
    with pytest.raises(ValueError, match="not the picture"):
        read_source(tmp_path / "root" / "a", tmp_path / "root", hashlib.sha256(b"x").hexdigest())
