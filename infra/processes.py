"""One process at a time for a piece of work, and processes that do not outlive the one that started them."""

from __future__ import annotations

import ctypes
import datetime as dt
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PR_SET_PDEATHSIG = 1


class InUse(RuntimeError):
    """Another process holds it; the message says which one and since when."""


@contextmanager
def held(path: Path, who: str) -> Iterator[None]:
    """Holds `path` for this process. The kernel lets go of it however the process ends, so no lock is ever stale.

    Raises InUse when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InUse(file.read().strip() or "another process") from None
        file.seek(0)
        file.truncate()
        file.write(f"{who} (process {os.getpid()}, since {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC)")
        file.flush()
        yield


def end_with_parent() -> None:
    """Has the kernel kill this process when its parent dies: a night without its head must not go on writing.

    See prctl(2), PR_SET_PDEATHSIG. Elsewhere than on Linux nothing happens: there `held` keeps a second writer out.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
