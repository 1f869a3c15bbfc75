"""What a step takes of the machine: CPU seconds and peak memory."""

from __future__ import annotations

import os
import sys
from time import process_time

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

_LINUX = sys.platform.startswith("linux")
_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
_RESET_PEAK = b"5"


class Usage:
    """Measures a `with` block: `cpu_seconds` of this process and the children it waited for, `peak_memory_bytes`.

    `memory_scope` is "step" if the peak is of the block alone, as in a Linux worker, else "process": the highest since
    the process began.
    """

    __slots__ = ("_before", "_in_worker", "cpu_seconds", "memory_scope", "peak_memory_bytes")

    def __init__(self, in_worker: bool) -> None:
        self._in_worker = in_worker
        self._before = 0.0
        self.cpu_seconds = 0.0
        self.peak_memory_bytes = 0
        self.memory_scope = "process"

    def __enter__(self) -> Usage:
        if self._in_worker and _reset_peak():
            self.memory_scope = "step"
        self._before = _cpu_seconds()
        return self

    def __exit__(self, *error: object) -> None:
        self.cpu_seconds = max(0.0, _cpu_seconds() - self._before)
        self.peak_memory_bytes = _peak_memory_bytes()


def _cpu_seconds() -> float:
    if resource is None:
        return process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def _peak_memory_bytes() -> int:
    if resource is None:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT_BYTES


def _reset_peak() -> bool:
    """Let the kernel forget the highest resident size so far; ru_maxrss of a forked process follows it."""
    if not _LINUX:
        return False
    try:
        fd = os.open("/proc/self/clear_refs", os.O_WRONLY)
    except OSError:
        return False
    try:
        return os.write(fd, _RESET_PEAK) == len(_RESET_PEAK)
    except OSError:
        return False
    finally:
        os.close(fd)
