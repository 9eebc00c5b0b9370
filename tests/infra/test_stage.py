"""The shell around stages: arguments, records, skipping, and how a failure ends."""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from infra import stage as stage_module
from infra.settings import ConfigError, load_config
from infra.stage import StageError, argument_parser, main, read_record, record_path, stage_run
from infra.tables import read_night

NIGHT = dt.date(2026, 11, 21)
ROOT = Path(__file__).resolve().parents[2]
COUNTING_STAGE = """
from pathlib import Path
from infra.stage import stage_run
STAGE = "{name}"
INPUTS = ("products",)
OUTPUTS = ("rejects",)
CALLS = Path(__file__).with_suffix(".calls")

def main(argv=None):
    "Counts its calls."
    with stage_run(STAGE, "doc", argv) as stage:
        CALLS.write_text(CALLS.read_text() + "x" if CALLS.exists() else "x")
        stage.count("shop", rows_in=3, rows_out={rows_out}, too_small=1)
        {body}
    return []
"""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    config = tmp_path / "night.toml"
    text = (ROOT / "infra/config/local.toml").read_text(encoding="utf-8")
    config.write_text(text.replace("{state}/sample_shop", str(tmp_path)).replace("sample_shop = true", ""))
    return [f"--run-date={NIGHT}", f"--config={config}", f"--state={tmp_path / 'var'}"]


def _stage(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, body: str = "pass", rows_out: int = 2
) -> Path:
    monkeypatch.syspath_prepend(str(folder))
    (folder / f"{name}.py").write_text(COUNTING_STAGE.format(name=name, body=body, rows_out=rows_out))
    return folder / f"{name}.calls"


def test_a_run_leaves_a_record_and_a_log(arguments: list[str], tmp_path: Path) -> None:
    with stage_run("jobs.example", "doc", arguments) as stage:
        stage.count("shop", rows_in=3, rows_out=2, too_small=1)
        stage.write_rejects([{"key": "shop/1", "reason": "too_small", "detail": "d", "record": "r" * 5000}])
    record = read_record(record_path(tmp_path / "var", NIGHT, "jobs.example"))
    assert record is not None
    assert (record["status"], record["rows_in"], record["rows_out"], record["set_aside"]) == ("done", 3, 2, 1)
    assert record["funnel"]["shop"]["set_aside"] == {"too_small": 1}
    assert record["peak_rss_mb"] > 10
    assert "3 in, 2 out, 1 set aside" in Path(record["log"]).read_text()
    (reject,) = read_night(tmp_path / "var", "rejects", NIGHT).to_pylist()
    assert len(reject["record"]) == 2000


@pytest.mark.parametrize(("error", "status"), [(StageError("mend row 7"), 2), (KeyError("row"), 1)])
def test_a_failure_says_stage_reason_and_log(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, status: int
) -> None:
    with pytest.raises(SystemExit) as stop, stage_run("jobs.example", "doc", arguments):
        raise error
    assert stop.value.code == status
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("stage jobs.example failed: ")
    assert "row" in line
    assert "(log: " in line
    record = read_record(record_path(tmp_path / "var", NIGHT, "jobs.example"))
    assert record is not None
    assert record["status"] == "failed"


def test_an_unchanged_stage_is_skipped_and_force_runs_it(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = _stage(tmp_path, monkeypatch, "unchanged_stage")
    for _ in range(3):
        main(["unchanged_stage", *arguments])
    assert calls.read_text() == "x"
    main(["unchanged_stage", *arguments, "--force"])
    assert calls.read_text() == "xx"
    config = tmp_path / "night.toml"
    config.write_text(config.read_text().replace("top_k = 3", "top_k = 4"))
    main(["unchanged_stage", *arguments])
    assert calls.read_text() == "xxx"


def test_a_retried_task_does_not_redo_finished_stages(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUNDREDFACES_NIGHT_ID", "night-1")
    first = _stage(tmp_path, monkeypatch, "first_of_task")
    body = "if not CALLS.with_suffix('.ok').exists(): raise OSError('disk')"
    second = _stage(tmp_path, monkeypatch, "second_of_task", body)
    with pytest.raises(SystemExit):
        main(["first_of_task", "second_of_task", *arguments])
    second.with_suffix(".ok").touch()
    main(["first_of_task", "second_of_task", *arguments])
    assert (first.read_text(), second.read_text()) == ("x", "xx")


@pytest.mark.parametrize(("rows_out", "calls"), [(2, "xxx"), (0, "x")])
def test_repeat_goes_on_while_the_first_stage_finds_work(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_out: int, calls: str
) -> None:
    monkeypatch.setenv("HUNDREDFACES_NIGHT_ID", "night-1")
    name = f"repeated_{rows_out}"
    path = _stage(tmp_path, monkeypatch, name, rows_out=rows_out)
    # Every run changes one of its own inputs, as the drawing of pictures does.
    counter = iter(range(100))
    monkeypatch.setattr(stage_module, "stage_fingerprint", lambda *_: str(next(counter)))
    main([name, *arguments, "--repeat"])
    assert path.read_text() == calls
    record = read_record(record_path(tmp_path / "var", NIGHT, name))
    assert record is not None
    assert len(record["runs"]) == len(calls)


def test_repeat_goes_on_where_the_second_stage_was_killed(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUNDREDFACES_NIGHT_ID", "night-1")
    body = "if len(CALLS.read_text()) == 1: raise OSError('killed')"
    first = _stage(tmp_path, monkeypatch, "drawing")
    second = _stage(tmp_path, monkeypatch, "scoring", body)

    def fingerprint(module: ModuleType, *_: object) -> str:
        """There is more to draw when the scoring is through, which is its second call."""
        through = second.exists() and second.read_text() == "xx"
        return str(through and module.__name__ == "drawing")

    monkeypatch.setattr(stage_module, "stage_fingerprint", fingerprint)
    with pytest.raises(SystemExit):
        main(["drawing", "scoring", *arguments, "--repeat"])
    assert (first.read_text(), second.read_text()) == ("x", "x")
    main(["drawing", "scoring", *arguments, "--repeat"])
    assert (first.read_text(), second.read_text()) == ("xx", "xx")


@pytest.mark.parametrize("text", ["3/2", "2/2", "-1/2", "x", "1"])
def test_shards_are_checked(text: str) -> None:
    with pytest.raises((SystemExit, argparse.ArgumentTypeError)):
        argument_parser("doc").parse_args([f"--run-date={NIGHT}", f"--shard={text}"])


def test_every_stage_explains_itself() -> None:
    modules = sorted(
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for folder in ("jobs", "ray_tasks")
        for path in (ROOT / folder).glob("*.py")
        if "stage_run(" in path.read_text(encoding="utf-8")
    )
    assert len(modules) == 12
    for module in modules[::6]:
        shown = subprocess.run(
            [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert "--run-date" in shown.stdout
        assert "--limit" in shown.stdout


def test_limit_takes_the_first_skus_of_each_merchant(arguments: list[str]) -> None:
    rows = [{"merchant_id": m, "sku": s} for m in "ab" for s in "3121"]
    with stage_run("jobs.example", "doc", [*arguments, "--limit=2"]) as stage:
        kept = stage.limited(rows)
    assert sorted((row["merchant_id"], row["sku"]) for row in kept) == sorted(
        (m, s) for m in "ab" for s in "112"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("top_k = 3", "top_kk = 3"), "unknown key merchants.0.top_kk"),
        (("top_k = 3", "top_k = 0"), "merchants.0.top_k"),
        (
            ('segment_sources = ["panel"]', 'segment_sources = ["pannel"]'),
            "segment source pannel is not declared",
        ),
        (('id = "roastery"', 'id = "everyday"'), "merchant declared twice: everyday"),
        (('price = "price"', 'prize = "price"'), "map these fields too: price"),
        (("[paths]", "[paths"), "is not TOML"),
    ],
)
def test_mistakes_in_the_configuration_are_named(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    path = tmp_path / "night.toml"
    text = (ROOT / "infra/config/local.toml").read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(change[0], change[1], 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        load_config(path)


@pytest.mark.parametrize("path", sorted((ROOT / "infra/config").glob("*.toml")), ids=lambda path: path.name)
def test_every_shipped_configuration_is_valid(path: Path) -> None:
    load_config(path)
