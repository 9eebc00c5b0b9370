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
    died = deaths()
    print(type(error).__name__ in ("KeyboardInterrupt", "{raised}"), died)
"""
    )
    assert done.stdout.splitlines() == ["True the child died: killed, or out of memory"], done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("when", ["at its entry", "in it", "after it"])
def test_an_error_that_is_being_reported_is_not_interrupted(when: str) -> None:
    """The signal mask holds the interruption back until the report has come to `when`.

    "At its entry": an attribute that a C function gives is the last thing before the call, for CPython looks for
    signals after it has called a function, and when it enters one, but not after an attribute.
    """
    done = _run(
        f"""
import ctypes, functools, signal
from infra import processes

class Interruption:
    _as_parameter_ = None
    mask = (ctypes.c_ulong * 16)(1 << (signal.SIGUSR1 - 1))  # a sigset_t
    arrives = property(
        functools.partial(ctypes.PyDLL(None).pthread_sigmask, signal.SIG_UNBLOCK, ctypes.byref(mask))
    )

interruption = Interruption()
readable = processes._readable

def look(*args, **kwargs):
    {when == "in it"} and interruption.arrives
    return readable(*args, **kwargs)

processes._readable = look
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGUSR1}})
child.kill()
while signal.SIGUSR1 not in signal.sigpending():
    time.sleep(0.01)
try:
    1 / 0
except ZeroDivisionError:
    {when == "at its entry"} and interruption.arrives
    died = deaths()
    {when == "after it"} and interruption.arrives
    print(died, signal.sigpending())
"""
    )
    assert done.stdout.splitlines() == ["the child died: killed, or out of memory set()"], done.stderr


def test_a_death_in_the_ordinary_end_is_none() -> None:
    done = _run("ended.append(True); child.kill(); child.wait(); time.sleep(0.5); print([deaths()])")
    assert (done.returncode, done.stdout.splitlines()) == (0, ["['']"]), done.stderr


def test_no_death_is_none_and_the_next_session_is_watched_again() -> None:
    done = _run(
        """
print([deaths()])
other = subprocess.Popen(["sleep", "60"])
interrupt_at_death({other.pid: "the other"}, while_=lambda: not ended)
try:
    other.kill(); time.sleep(30)
except KeyboardInterrupt:
    print([deaths()])
child.kill()
"""
    )
    assert done.stdout.splitlines() == ["['']", "['the other died: killed, or out of memory']"], done.stderr
