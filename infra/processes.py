"""One process at a time for a piece of work, and processes that do not outlive the one that started them."""

from __future__ import annotations

import atexit
import ctypes
import datetime as dt
import fcntl
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
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


def raise_at_death(needed: Mapping[int, str], while_: Callable[[], bool]) -> None:
    """Has RuntimeError raised in the main thread at once when a process of `needed` dies, {pid: what it is}.

    Ray takes 4 to 6 s to be sure that a daemon of its own is dead, and as long again to end without it: this process
    ends without asking it. `while_` says whether the death of such a process is no part of the ordinary end. Elsewhere
    than on Linux Ray's own word is waited for.
    """
    if sys.platform != "linux":
        return
    names = {os.pidfd_open(pid): name for pid, name in needed.items()}
    deaths = select.poll()
    for file in names:
        deaths.register(file, select.POLLIN)
    died: list[str] = []

    def wait() -> None:
        died.extend(names[file] for file, _ in deaths.poll())
        for file in names:
            os.close(file)
        if while_():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def stop(*_: object) -> None:
        sys.excepthook = sys.__excepthook__  # Ray's own asks the dead
        atexit.register(os._exit, 1)
        raise RuntimeError(f"{', '.join(died)} died: killed, or out of memory")

    signal.signal(signal.SIGUSR1, stop)
    threading.Thread(target=wait, daemon=True).start()
