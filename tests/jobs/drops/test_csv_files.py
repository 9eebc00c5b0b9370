from __future__ import annotations

import csv
import io

import pytest

from jobs.drops.csv_files import csv_bytes, safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "＠SUM"])
def test_formula_starts_are_guarded(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["plain", "a=b", "", 5, -5, 1.5])
def test_other_values_stay(value: object) -> None:
    assert safe_cell(value) == value


def test_cells_with_separators_and_quotes_come_back_whole() -> None:
    text = 'a;b,"c"\n=1+1'
    data = csv_bytes(("x", "y"), [{"x": text, "y": None}])
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\r\n") == 2
    assert list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))[1] == [text, ""]
