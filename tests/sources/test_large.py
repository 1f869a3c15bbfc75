"""Data beyond memory: read in batches, profiled and split by hash under a limit that the data would break."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import soak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit is set with resource and read from /proc")

WORK = """
import json, resource, sys, time

limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
import numpy as np
import solvent
from solvent.profiles.batches import profile_batches
from solvent.sources.batches import Batches
from solvent.steps import assign

def high() -> int:
    # What getrusage tells holds the memory of the process that forked this one.
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


base = high()
began = time.perf_counter()
batches = solvent.source("big", Batches)
profile = profile_batches(batches, held_bytes=int(sys.argv[2]))
parts = np.zeros(3, dtype=np.int64)
for batch in solvent.source("big", Batches, columns=["id"]):
    parts += np.bincount(assign(batch, key="id", test=0.2), minlength=3)
peak = high()
print(json.dumps({"rows": profile.rows, "columns": {each.name: each.minimum for each in profile.columns},
                  "parts": parts.tolist(), "peak": peak, "above": peak - base, "seconds": time.perf_counter() - began}))
"""


def write_files(folder: Path, count: int, rows: int) -> int:
    """Write so many files, each with a number of rows of 40 bytes that do not compress; give their size in bytes."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir()
    rng = np.random.default_rng(7)
    for number in range(count):
        table = {"id": np.arange(number * rows, (number + 1) * rows)}
        table |= {f"x{at}": rng.random(rows) for at in range(4)}
        parquet.write_table(
            pa.table(table),
            folder / f"{number:03}.parquet",
            compression="none",
            use_dictionary=False,
            row_group_size=1 << 17,
        )
    return sum(each.stat().st_size for each in folder.iterdir())


def look(project: Path, limit_bytes: int, held_bytes: int) -> dict[str, object]:
    (project / "configs").mkdir()
    (project / "configs" / "sources.yaml").write_text("sources: {big: {location: big}}\n")
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(limit_bytes), str(held_bytes)],
        cwd=project,
        env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, object] = json.loads(done.stdout)
    return found


def check(found: dict[str, object], rows: int) -> None:
    parts = found["parts"]
    assert isinstance(parts, list)
    assert found["rows"] == sum(parts) == rows
    assert parts[1] == 0
    assert abs(parts[2] / rows - 0.2) < 0.005


@pytest.mark.slow
def test_200_mb_in_20_files_are_read_profiled_and_split_in_bounded_memory(project: Path) -> None:
    size = write_files(project / "big", 20, 250_000)
    found = look(project, 700 << 20, 16 << 20)

    assert size > 200_000_000
    check(found, 5_000_000)
    assert found["peak"] < 420 << 20  # type: ignore[operator]


@pytest.mark.soak
def test_5_gb_in_100_files_under_1_5_gb(project: Path) -> None:
    try:
        size = write_files(project / "big", 100, 1_250_000)
        found = look(project, 1_500_000_000, 64 << 20)
    finally:
        shutil.rmtree(project / "big")

    assert size > 5_000_000_000
    check(found, 125_000_000)
    assert found["peak"] < 1_500_000_000  # type: ignore[operator]
    soak.record(
        f"{size / 1e9:.1f} GB of Parquet in 100 files under 1.5 GB of memory",
        f"read in batches, profiled, split by hash in {found['seconds']:.0f} s, peak {found['peak'] / 1e6:.0f} MB",  # type: ignore[operator]
    )
