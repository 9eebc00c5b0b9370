"""What a process makes of the death of one that it cannot do without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import subprocess, sys, time
from infra.processes import deaths, interrupt_at_death

ended = []
child = subprocess.Popen(["sleep", "60"])
interrupt_at_death({child.pid: "the child"}, while_=lambda: not ended)
print([deaths()], flush=True)
%s
"""


def _run(body: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM % body.strip()
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("waits", "raised"),
    [
        ("child.kill(); time.sleep(30)", "KeyboardInterrupt"),
        ("child.kill(); child.wait(); 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_death_is_named_whatever_is_raised_first(waits: str, raised: str) -> None:
    done = _run(
        f"""
try:
    {waits}
except BaseException as error:
    print(type(error).__name__ in ("KeyboardInterrupt", "{raised}"), deaths())
"""
    )
    assert done.stdout.splitlines() == ["['']", "True the child died: killed, or out of memory"], done.stderr
    assert done.returncode == 1


def test_a_death_in_the_ordinary_end_is_none() -> None:
    done = _run("ended.append(True); child.kill(); child.wait(); time.sleep(0.5); print([deaths()])")
    assert (done.returncode, done.stdout.splitlines()) == (0, ["['']", "['']"]), done.stderr
