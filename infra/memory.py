"""Peak memory of a process and all its children (the JVM and Ray's workers among them)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def sampled(look: Callable[[], None], interval_s: float = 0.5) -> Iterator[None]:
    """Calls `look` every `interval_s` seconds in a thread of its own while it is entered, and at its end."""
    stop = threading.Event()

    def run() -> None:
        ends = False
        while not ends:
            ends = stop.wait(interval_s)
            look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class PeakMemory:
    """The greatest resident memory of this process tree seen so far; pages shared by processes count twice."""

    def __init__(self) -> None:
        self.peak_mb = 0

    def look(self) -> None:
        """Sees what the processes hold now."""
        me, total = psutil.Process(), 0
        for process in (me, *me.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        self.peak_mb = max(self.peak_mb, total // 2**20)
