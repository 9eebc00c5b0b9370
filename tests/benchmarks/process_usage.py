"""CPU time and peak memory of a process and all its descendants, the Java machine and Ray's workers among them."""

from __future__ import annotations

import resource
import threading
from pathlib import Path
from types import TracebackType

import psutil

INTERVAL_S = 0.5


class ProcessUsage:
    """Measures a process tree while it is entered; the process must have been waited for at the end.

    `cpu_s` is user + system core-seconds: the larger of two lower bounds. The kernel's count of children leaves out
    those that nobody waited for (Ray's workers); samples of each process leave out what it did after the last one.
    `peak_mb` is the sum of proportional set sizes, in MiB: a page that processes share is parted among them (Linux,
    proc(5), smaps_rollup).
    """

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0
        self._process = psutil.Process(pid)
        self._seen: dict[tuple[int, float], float] = {}
        self._waited_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    @property
    def cpu_s(self) -> float:
        """Core-seconds of the tree."""
        return max(self._waited_s, sum(self._seen.values()))

    def __enter__(self) -> ProcessUsage:
        self._waited_s = -_waited_cpu_s()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._waited_s += _waited_cpu_s()

    def _sample(self) -> None:
        while True:
            total = 0
            try:
                tree = [self._process, *self._process.children(recursive=True)]
            except psutil.NoSuchProcess:
                tree = []
            for process in tree:
                try:
                    with process.oneshot():
                        times = process.cpu_times()
                        self._seen[process.pid, process.create_time()] = times.user + times.system
                    total += _pss_kb(process.pid)
                except (psutil.NoSuchProcess, OSError):
                    continue
            self.peak_mb = max(self.peak_mb, total // 1024)
            if self._stop.wait(INTERVAL_S):
                return


def _pss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _waited_cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime
