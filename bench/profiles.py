"""What profiles and content digests cost, next to writing the same table: `python bench/profiles.py [--runs 5] [--write]`.

Each figure is the median over processes of their own, CPU seconds as the system accounts for them. The table is that of
bench/workloads/frame.py, 1,000,000 x 20; it is written as zstd Parquet by PyArrow in the same process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MARK = "<!-- profiles -->"
MB = 1 << 20
DIGEST_BUDGET = 0.35
"""Of the CPU of the write."""


def cpu(work: Callable[[], object]) -> float:
    """Give the CPU seconds of the second of two calls: what is loaded once is no part of it."""
    work()
    before = time.process_time()
    work()
    return time.process_time() - before


def peak_above(work: Callable[[], object]) -> int:
    """Give by how much memory rises while the work runs, from the system's own high-water mark, set back before."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    work()
    return _peak() - before


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def child(kind: str) -> dict[str, float]:
    """Measure one kind in this process."""
    sys.path.insert(0, str(HERE / "workloads"))
    if kind == "pandas":
        sys.modules["polars"] = None  # type: ignore[assignment]
    import pyarrow as pa
    import pyarrow.parquet as pq
    from frame import make_table

    from solvent.fingerprint.values import identify
    from solvent.profiles.batches import profile_batches
    from solvent.profiles.make import make_profile
    from solvent.profiles.records import to_json

    table: Any = pa.Table.from_pandas(make_table())
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table.parquet"
        written = cpu(partial(pq.write_table, table, path, compression="zstd"))
        if kind == "batches":
            table = None

            def work() -> str:
                return to_json(profile_batches(pq.ParquetFile(path, pre_buffer=False).iter_batches(1 << 17)))
        else:
            if kind == "polars":
                import polars

                table = polars.from_arrow(table)
            elif kind == "pandas":
                table = table.to_pandas()

            def work() -> str:
                return to_json(make_profile(table))

        small = pa.table({"x": [1.5], "s": ["a"]})
        make_profile(small)  # what is imported once is no memory of the profile
        above = peak_above(work)
        found = {"write": written, "above": above, "json": len(work()), "profile": cpu(work)}
        return found if table is None else {**found, "digest": cpu(partial(identify, table))}


def median(kind: str, runs: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", kind]
    found = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(runs)
    ]
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


def small_run(runs: int) -> tuple[float, float]:
    """Give the CPU seconds of a whole run of a small table without and with its profile."""
    took: dict[str, list[float]] = {"false": [], "true": []}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "solvent.toml").write_text("")
        Path(folder, "tables.py").write_text((HERE / "workloads" / "tables.py").read_text())
        command = [
            sys.executable,
            "-m",
            "solvent",
            "run",
            "tables.py:small",
            "--quiet",
            "--engine",
            "inline",
            "--no-cache",
        ]
        for number in range(4 * runs + 1):
            for switch, times in took.items():
                # A new store each time, else the profile is there already.
                environment = {**os.environ, "SOLVENT_STATISTICS": switch, "SOLVENT_HOME": f"{folder}/{switch}{number}"}
                environment.pop("PYTHONDONTWRITEBYTECODE", None)
                before = _children()
                subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
                times.append(_children() - before)
    return tuple(statistics.median(times[1:]) for times in took.values())  # type: ignore[return-value]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows(runs: int) -> list[str]:
    lines = ["| what | measured | budget | met |", "| --- | --- | --- | --- |"]
    # Budgets: times the write, MB of memory.
    named: dict[str, tuple[str, float | None, float]] = {
        "pandas": ("pandas, with PyArrow and NumPy alone", 0.5, 100),
        "polars": ("polars, whose texts are turned to Arrow", 0.4, 100),
        "arrow": ("Arrow", 0.5, 100),
        "batches": ("the Parquet file in batches, decoding included", None, 0),
    }
    for kind, (words, budget, memory) in named.items():
        found = median(kind, runs)
        share = found["profile"] / found["write"]
        above = found["above"] / MB
        met = budget is None or (above <= memory and share <= budget)
        limits = "-" if budget is None else f"{budget} x, {memory} MB"
        measured = f"{found['profile']:.2f} s of CPU, {share:.2f} x the write, {above:.0f} MB above the table"
        shown = f"{measured}, {found['json'] / 1000:.0f} kB stored"
        shown_before = len(lines)
        lines.append(f"| 1,000,000 x 20: {words} | {shown} | {limits} | {'yes' if met else '**no**'} |")
        if "digest" in found:
            share = found["digest"] / found["write"]
            shown = f"{found['digest']:.2f} s of CPU, {share:.2f} x the write"
            met = share <= DIGEST_BUDGET
            lines.append(f"| its content digest | {shown} | {DIGEST_BUDGET} x | {'yes' if met else '**no**'} |")
        print("\n".join(lines[shown_before:]), flush=True)
    bare, whole = small_run(runs)
    shown = f"{(whole - bare) * 1000:.0f} ms of CPU more than {bare * 1000:.0f} ms without"
    lines.append(f"| a run that gives one table of 10 x 3 | {shown} | - | yes |")
    print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child")
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(child(chosen.child)))
        return
    lines = rows(chosen.runs)
    if chosen.write:
        readme = HERE / "README.md"
        before, _, rest = readme.read_text("utf-8").partition(f"{MARK}\n")
        _, _, after = rest.partition(f"{MARK}\n")
        table = "\n".join([f"{date.today()}, 2 cores", "", *lines])
        readme.write_text(f"{before}{MARK}\n{table}\n{MARK}\n{after}", "utf-8")


if __name__ == "__main__":
    main()
