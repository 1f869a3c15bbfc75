from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from solvent.runs.usage import Usage

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def burn(seconds: float) -> None:
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass


def in_fork(measure: Callable[[], object]) -> str:
    """Measure in a forked process, as a worker is one."""
    there, here = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(here, repr(measure()).encode())
        os._exit(0)
    os.close(here)
    with open(there) as pipe:
        found = pipe.read()
    os.waitpid(pid, 0)
    return found


def test_cpu_seconds_are_of_the_block_alone() -> None:
    burn(0.02)
    with Usage(in_worker=False) as usage:
        burn(0.01)
    assert 0.01 <= usage.cpu_seconds < 0.03


def test_cpu_seconds_of_ended_children_count() -> None:
    code = "import time\nwhile time.process_time() < 0.03: pass"
    with Usage(in_worker=False) as usage:
        subprocess.run([sys.executable, "-c", code], check=True)
    assert usage.cpu_seconds >= 0.03


def test_memory_of_this_process_is_marked_so() -> None:
    with Usage(in_worker=False) as usage:
        pass
    assert usage.memory_scope == "process"
    assert usage.peak_memory_bytes > 5_000_000


@linux
def test_peak_of_a_worker_is_the_steps_own() -> None:
    def measure() -> object:
        found = []
        for size in (0, 100_000_000, 0, 50_000_000):
            with Usage(in_worker=True) as usage:
                bytearray(size)
            found.append((usage.memory_scope, usage.peak_memory_bytes))
        return found

    found = eval(in_fork(measure))
    assert {scope for scope, _ in found} == {"step"}
    base = found[0][1]
    # The resident size of a process is counted per thread in batches, so it is exact to a few hundred kilobytes.
    for (_, peak), size in zip(found, (0, 100_000_000, 0, 50_000_000), strict=True):
        assert abs(peak - base - size) < 2_000_000
