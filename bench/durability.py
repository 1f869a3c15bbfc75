"""What durability costs: the same runs with syncing and without, in turn, whole processes timed from outside.

    python bench/durability.py [--pairs 15]

Without syncing means that `os.fsync` does nothing and that SQLite asks for nothing to be durable: bench/unsynced does
that to the process, when it is told to. Runs of both kinds alternate, so that both meet the same machine; the figures are
medians of what each pair differs by.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from pathlib import Path

from run import HERE, Bench, ms, run


def pairs(bench: Bench, pipeline: str, size: int, count: int) -> tuple[list[str], list[tuple[float, float]]]:
    """Time a run of one new artifact with and without syncing; the first pair makes the store and warms up."""
    command, found = [""], []
    for number in range(count + 1):
        walls = {}
        for unsynced in ("01", "10")[number % 2]:
            os.sync()  # what the run before left to write is not this one's
            bench.environment["UNSYNCED"] = unsynced
            command = run(
                f"bulk.py:{pipeline}", "--set", f"size={size + 160 * number + 80 * int(unsynced)}", "--engine", "inline"
            )
            walls[unsynced] = bench.once(command).wall
        if number:
            found.append((walls["0"], walls["1"]))
    shutil.rmtree(bench.folder / ".solvent")
    return command, found


def measure(bench: Bench, count: int) -> None:
    command, found = pairs(bench, "bulk", 20_000, count)
    extra = statistics.median(synced - unsynced for synced, unsynced in found)
    bench.add("durability of one artifact of 20 kB", ms(max(0.0, extra)), "10 ms", extra <= 0.01, command)
    for pipeline, what in (("bulk", "bytes"), ("frame", "a table")):
        command, found = pairs(bench, pipeline, 100_000_000, max(3, count // 3))
        share = statistics.median(synced / unsynced for synced, unsynced in found) - 1
        wall = statistics.median(unsynced for _, unsynced in found)
        shown = f"{max(0.0, share):.1%} of {wall:.2f} s"
        bench.add(f"durability of 100 MB, {what}", shown, "5 %", share <= 0.05, command)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        bench = Bench(Path(folder), runs=1, only="")
        shutil.copy(HERE / "workloads" / "bulk.py", folder)
        paths = [str(HERE / "unsynced"), os.environ.get("PYTHONPATH", "")]
        bench.environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        measure(bench, given.pairs)


if __name__ == "__main__":
    main()
