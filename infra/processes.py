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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

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


class _Needed(NamedTuple):
    name: str
    while_: Callable[[], bool]


_needed: dict[int, _Needed] = {}
"""By pidfd, which can be read once the process is dead."""

_asked = False
"""Whether `deaths` was called: from then on an interruption would only break off the report of it."""


def interrupt_at_death(needed: Mapping[int, str], while_: Callable[[], bool]) -> None:
    """Has KeyboardInterrupt raised in the main thread at once when a process of `needed` dies, {pid: what it is}.

    Ray takes 4 to 6 s to be sure that a daemon of its own is dead. KeyboardInterrupt is what it passes on out of its
    own waits; other exceptions of a signal's handler are lost there. Its own word may still come first, and about
    something else: whoever reports an error asks `deaths` first, and is not interrupted from there on. `while_` says
    whether the death of such a process is no part of the ordinary end. Elsewhere than on Linux Ray's own word is waited
    for.
    """
    global _asked
    if sys.platform != "linux":
        return
    files = {os.pidfd_open(pid): _Needed(name, while_) for pid, name in needed.items()}
    _needed.update(files)

    def wait() -> None:
        _readable(files, timeout_ms=None)
        if while_():
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        else:
            for file in files:
                del _needed[file]
                os.close(file)

    _asked = False
    signal.signal(signal.SIGUSR1, _interrupt)
    threading.Thread(target=wait, daemon=True).start()


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    """At the entry of `deaths`, before its first statement, the frame is its own."""
    if not _asked and (frame is None or frame.f_code is not deaths.__code__):
        raise KeyboardInterrupt


def deaths() -> str:
    """Which of the processes of `interrupt_at_death` are dead, in words; empty while all live.

    For the report of an error: no death interrupts from then on. If one is dead, this process ends without Ray's own
    clean-up, which would ask the dead.
    """
    global _asked
    _asked = True
    dead = [_needed[file] for file in _readable(_needed, timeout_ms=0)]
    names = [process.name for process in dead if process.while_()]
    if not names:
        return ""
    sys.excepthook = sys.__excepthook__
    atexit.register(os._exit, 1)
    return f"{', '.join(names)} died: killed, or out of memory"


def _readable(files: Iterable[int], timeout_ms: int | None) -> list[int]:
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    return [file for file, _ in poll.poll(timeout_ms)]
