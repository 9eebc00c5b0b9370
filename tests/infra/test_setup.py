"""infra/setup.sh: what it asks of the machine, how it stops, and that it costs nothing when it is done."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "cat", "cut", "dirname", "grep", "head", "mkdir", "mv", "rm", "sed", "sha256sum")
INPUTS = ("requirements.txt", "infra/constraints.txt", "infra/setup.sh")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout of the set-up's files and a PATH with plain tools only: neither Python nor Java."""
    for name in INPUTS:
        (tmp_path / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "repo" / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return tmp_path


def add_program(machine: Path, name: str, body: str) -> None:
    program = machine / "bin" / name
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)


def add_java(machine: Path, version: str) -> None:
    add_program(machine, "java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")


def add_python(machine: Path) -> None:
    add_program(machine, "python3", f'exec {sys.executable} "$@"')


def set_up(machine: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine / "repo" / "infra" / "setup.sh"],
        env={"PATH": str(machine / "bin"), "HOME": str(machine), **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_missing_python_ends_in_one_line_that_says_what_to_install(machine: Path) -> None:
    add_java(machine, "17.0.15")
    assert re.search(r"needs Python 3\.11.*found: none.*install", only_line(set_up(machine)))


def test_old_python_ends_in_one_line_with_what_was_found(machine: Path) -> None:
    add_java(machine, "17.0.15")
    add_program(machine, "python3", '[ "$1" = -V ] && echo "Python 3.9.18"; exit 1')
    assert re.search(r"needs Python 3\.11.*found: Python 3\.9\.18", only_line(set_up(machine)))


def test_missing_java_ends_in_one_line_that_says_what_to_install(machine: Path) -> None:
    add_python(machine)
    assert re.search(r"needs Java 17.*found: none.*install", only_line(set_up(machine)))


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_452"])
def test_old_java_ends_in_one_line_with_what_was_found(machine: Path, version: str) -> None:
    add_python(machine)
    add_java(machine, version)
    assert f"needs Java 17 or newer (found: {version.split('.')[0]})" in only_line(set_up(machine))


def test_java_home_goes_before_path(machine: Path) -> None:
    add_python(machine)
    add_java(machine, "17.0.15")
    assert "needs Java 17" in only_line(set_up(machine, JAVA_HOME=str(machine / "no_such_jdk")))


def test_a_current_environment_asks_java_for_its_version_and_starts_no_python(machine: Path) -> None:
    add_java(machine, "17.0.15")
    environment = machine / "repo" / ".venv"
    (environment / "bin").mkdir(parents=True)
    started = f'echo "$0 was started with $*" >>{machine / "started"}'
    for python in (environment / "bin" / "python", machine / "bin" / "python3"):
        python.write_text(f"#!/bin/sh\n{started}\n", encoding="utf-8")
        python.chmod(0o755)
    stamp = sha256(b"".join((machine / "repo" / name).read_bytes() for name in INPUTS)).hexdigest()
    (environment / "setup.stamp").write_text(stamp, encoding="utf-8")
    done = set_up(machine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (machine / "started").exists()
    (environment / "setup.stamp").write_text("of other inputs", encoding="utf-8")
    set_up(machine)
    assert (machine / "started").exists()


def test_a_failed_installation_names_package_and_log_and_is_not_taken_for_done(machine: Path) -> None:
    add_java(machine, "17.0.15")
    # A stand-in for the environment's Python whose pip fails as the real one does without its index.
    environment = machine / "repo" / ".venv"
    (environment / "bin").mkdir(parents=True)
    python = environment / "bin" / "python"
    python.write_text(
        '#!/bin/sh\n[ "$1" = -m ] || exit 0\necho "ERROR: No matching distribution found for ray==2.60.0"\nexit 1\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    add_program(machine, "python3", "exit 0")
    done = set_up(machine)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert "No matching distribution found for ray==2.60.0" in last
    assert ".venv/setup.log" in last
    assert not (environment / "setup.stamp").exists()


def test_every_requirement_is_pinned_and_agrees_with_the_constraints() -> None:
    def pins(name: str) -> list[str]:
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line and not line.startswith("#")]

    def normal(pin: str) -> str:
        name, _, version = re.sub(r"\[.*\]", "", pin).partition("==")
        return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"

    constraints = pins("infra/constraints.txt")
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+]+", pin) for pin in constraints), (
        "no addresses, no paths, no ranges"
    )
    names = [normal(pin).partition("==")[0] for pin in constraints]
    assert names == sorted(set(names))
    assert {normal(pin) for pin in pins("requirements.txt")} <= {normal(pin) for pin in constraints}


def test_the_environment_has_deltas_jars_for_its_spark() -> None:
    import pyspark

    jars = sorted(path.name for path in (Path(sys.prefix) / "jars").glob("*.jar"))
    spark = ".".join(pyspark.__version__.split(".")[:2])
    assert len(jars) == 5
    assert any(name.startswith(f"delta-spark_{spark}_2.13-") for name in jars)


def test_make_without_a_goal_lists_the_commands() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for goal in ("night", "test", "test-all", "airflow", "lint", "format", "clean"):
        assert re.search(rf"^make {goal} ", listed, re.MULTILINE)
