"""Who descends from a process, and how to end them all."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

_LINUX = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def children(pid: int) -> list[int]:
    """List the direct children of a process that are still there; nothing on systems without /proc."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            found = [int(word) for word in file.read().split()]
        return found + _children_of_threads(pid)
    except FileNotFoundError:
        return [child for child, parent in _parents().items() if parent == pid]
    except OSError:
        return []


def _children_of_threads(pid: int) -> list[int]:
    found: list[int] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        if task != str(pid):
            try:
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    found += [int(word) for word in file.read().split()]
            except OSError:
                continue  # the thread ended meanwhile
    return found


def _parents() -> dict[int, int]:
    """Map every process to its parent, for kernels that don't list children."""
    found: dict[int, int] = {}
    if not _LINUX:
        return found
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The name in parentheses may hold spaces and parentheses itself.
                    found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
    return found


def descendants(pid: int) -> list[int]:
    """List everything that a process started, and what those started, in any session."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = [child for child in children(waiting.pop()) if child not in found]
        found += below
        waiting += below
    return found


def end_tree(pid: int) -> None:
    """Kill a process, its process group and everything below it, whatever sessions they made."""
    below = descendants(pid)
    end(pid)
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    for each in below:
        end(each)


def end(pid: int) -> None:
    """Kill one process, if it is there and ours."""
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


class Adoption:
    """Asks the kernel that orphans below this process become its children and that it dies with its parent.

    Made before forking, so that a new process pays only two system calls; where the system has no such thing, nothing
    happens, and process groups have to do.
    """

    def __init__(self) -> None:
        self._prctl = None
        if _LINUX:
            with suppress(ImportError, OSError, AttributeError):
                import ctypes

                self._prctl = ctypes.CDLL(None, use_errno=True).prctl

    def adopt_orphans(self) -> None:
        if self._prctl is not None:
            self._prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def die_with(self, parent: int) -> None:
        if self._prctl is not None:
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)  # it was gone before the kernel knew our wish
