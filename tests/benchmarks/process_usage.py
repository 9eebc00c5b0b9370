"""CPU time and peak memory of a process and all its descendants, the Java machine and Ray's workers among them."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from infra.memory import sampled

PEAK_INTERVAL_S = 0.1


class ProcessUsage:
    """What a process tree used so far.

    `cpu_s` is user + system core-seconds: the larger of two lower bounds. The kernel's count of children leaves out
    those that nobody waited for (Ray's workers); samples of each process leave out what it did after the last one.
    `peak_mb` is the sum of proportional set sizes, in MiB: a page that processes share is parted among them (Linux,
    proc(5), smaps_rollup).
    """

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0
        self.waited_s = 0.0
        self._process = psutil.Process(pid)
        self._seen: dict[tuple[int, float], float] = {}

    @property
    def cpu_s(self) -> float:
        """Core-seconds of the tree."""
        return max(self.waited_s, sum(self._seen.values()))

    def look(self) -> None:
        """Sees what the tree uses now."""
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
                total += _kb(f"/proc/{process.pid}/smaps_rollup", "Pss:")
            except (psutil.NoSuchProcess, OSError):
                continue
        self.peak_mb = max(self.peak_mb, total // 1024)


@contextmanager
def process_usage(pid: int) -> Iterator[ProcessUsage]:
    """Measures a process tree while it is entered; the process must have been waited for at the end."""
    usage, before_s = ProcessUsage(pid), _waited_cpu_s()
    with sampled(usage.look):
        yield usage
    usage.waited_s = _waited_cpu_s() - before_s


class ResidentPeaks:
    """The greatest resident size of each process of this one's tree from here on, in MiB.

    `peak_mb` is their sum, by the kernel's own mark (Linux, proc(5): VmHWM, which clear_refs resets): no peak between
    two samples is missed, and the processes' peaks count as if they came together. Left out is a later process that
    is still a copy of the JVM, on its way to become another program.
    """

    def __init__(self) -> None:
        self._peaks: dict[int, int] = {}
        self._first = _tree()
        for pid in self._first:
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")

    @property
    def peak_mb(self) -> int:
        """MiB of all processes together."""
        return sum(self._peaks.values()) // 1024

    def look(self) -> None:
        """Reads the marks."""
        for pid in _tree():
            with suppress(OSError):
                if pid in self._first or Path(f"/proc/{pid}/exe").readlink().name != "java":
                    self._peaks[pid] = max(self._peaks.get(pid, 0), _kb(f"/proc/{pid}/status", "VmHWM:"))


@contextmanager
def resident_peaks() -> Iterator[ResidentPeaks]:
    """Measures the greatest resident sizes while it is entered."""
    peaks = ResidentPeaks()
    with sampled(peaks.look, PEAK_INTERVAL_S):
        yield peaks


def _tree() -> list[int]:
    me = psutil.Process()
    return [me.pid, *(process.pid for process in me.children(recursive=True))]


def _kb(path: str, name: str) -> int:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _waited_cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime
