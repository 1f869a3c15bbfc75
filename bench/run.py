"""The speed table: whole processes, timed from outside, next to baselines of the same run.

    python bench/run.py [--runs 5] [--only WORD] [--write]

Each row is the median of several runs after a warm-up; wall and CPU seconds are of the whole process tree as the system
accounts for it, peak memory is that of the largest process. `--write` puts the table into bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
SOLVENT = (
    [PYTHON, "-m", "solvent"]
    if not (Path(PYTHON).parent / "solvent").exists()
    else [str(Path(PYTHON).parent / "solvent")]
)


class Sample(NamedTuple):
    """One run of a command."""

    wall: float
    cpu: float
    peak_mb: float


class Row(NamedTuple):
    """One line of the table."""

    what: str
    measured: str
    budget: str
    met: bool
    command: str


class Bench:
    """Runs commands in a folder of their own and remembers rows."""

    def __init__(self, folder: Path, runs: int, only: str) -> None:
        self.folder = folder
        self.runs = runs
        self.only = only
        self.rows: list[Row] = []
        for name in ("small", "cancer", "frame", "bytes", "folders", "wide", "judge"):
            shutil.copy(HERE / "workloads" / f"{name}.py", folder)
        (folder / "solvent.toml").write_text("")
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith("OPENBLAS")}
        self.environment["BENCH_MARKS"] = str(folder / "marks")

    def once(self, command: list[str]) -> Sample:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        return Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)

    def median(self, command: list[str], before: Callable[[], object] = lambda: None) -> Sample:
        samples = []
        for number in range(self.runs + 1):
            before()
            sample = self.once(command)
            if number:  # the first one warms up
                samples.append(sample)
        return Sample(*(statistics.median(values) for values in zip(*samples, strict=True)))

    def add(self, what: str, measured: str, budget: str, met: bool, command: list[str]) -> None:
        words = " ".join("python" if word == PYTHON else "solvent" if word == SOLVENT[0] else word for word in command)
        self.rows.append(Row(what, measured, budget, met, words.replace(f"{HERE}{os.sep}", "bench/")))
        print(f"{'ok ' if met else 'NOT'} {what}: {measured} (budget {budget})", flush=True)

    def wants(self, word: str) -> bool:
        return self.only in word


def run(pipeline: str, *words: str) -> list[str]:
    return [*SOLVENT, "run", pipeline, "--quiet", *words]


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"


def startup(bench: Bench) -> None:
    bare = bench.median([PYTHON, "-c", "pass"])
    command = [PYTHON, "-c", "import solvent"]
    took = bench.median(command).wall - bare.wall
    bench.add("`import solvent`", ms(took), "60 ms", took <= 0.06, command)
    for word in ("--version", "--help"):
        took = bench.median([*SOLVENT, word]).wall
        bench.add(f"`solvent {word}`", ms(took), "100 ms", took <= 0.1, [*SOLVENT, word])


def trivial(bench: Bench) -> None:
    for engine, wall, memory in (("inline", 0.15, 50), ("processes", 0.3, 0)):
        command = run("small.py:chain", "--set", "n=1", "--engine", engine, "--no-cache")
        found = bench.median(command)
        shown = f"{ms(found.wall)}, {found.peak_mb:.0f} MB"
        budget = ms(wall) + (f", {memory} MB" if memory else "")
        met = found.wall <= wall and (not memory or found.peak_mb <= memory)
        bench.add(f"one trivial step, {engine}", shown, budget, met, command)
    cache = bench.folder / ".solvent" / "cache"
    command = run("small.py:chain", "--set", "n=1", "--engine", "inline", "--no-cache")
    found = bench.median(command, before=lambda: shutil.rmtree(cache, ignore_errors=True))
    bench.add("the same in an environment not seen before", ms(found.wall), "500 ms", found.wall <= 0.5, command)


def chains(bench: Bench) -> None:
    floor = bench.median([PYTHON, str(HERE / "floor.py"), "floor.sqlite"])
    bare = bench.median([PYTHON, "-c", "import sqlite3"])
    per_call = (floor.wall - bare.wall) / 100
    bench.add("baseline: plain call and one synced row", ms(per_call), "-", True, [PYTHON, "bench/floor.py", "FILE"])
    for engine, budget in (("inline", 0.001), ("processes", 0.003)):
        words = ("--engine", engine, "--no-cache")
        short = bench.median(run("small.py:chain", "--set", "n=1", *words))
        command = run("small.py:chain", *words)
        long = bench.median(command)
        step = (long.wall - short.wall) / 99
        shown = f"{ms(step)} a step, {step / per_call:.1f} x the baseline"
        bench.add(f"chain of 100, {engine}", shown, f"{ms(budget)} a step", step <= budget, command)
    for engine in ("inline", "processes"):
        command = run("small.py:chain", "--engine", engine)
        took = bench.median(command).wall
        bench.add(f"the same again, all reused, {engine}", ms(took), "200 ms", took <= 0.2, command)


def isolation(bench: Bench) -> None:
    for engine in ("inline", "processes"):
        words = ("--engine", engine, "--no-cache")
        short = bench.median(run("small.py:isolated", "--set", "n=1", *words))
        command = run("small.py:isolated", "--set", "n=21", *words)
        step = (bench.median(command).wall - short.wall) / 20
        bench.add(f"a process for a step, {engine}", ms(step), "15 ms", step <= 0.015, command)


def machine_learning(bench: Bench) -> None:
    plain = bench.median([PYTHON, "cancer.py"])
    for engine in ("inline", "processes"):
        command = run("cancer.py:cancer", "--engine", engine, "--no-cache")
        found = bench.median(command)
        budget = plain.wall * 1.1 + 0.15
        shown = f"{found.wall:.2f} s ({found.wall / plain.wall:.2f} x {plain.wall:.2f} s)"
        bench.add(f"breast cancer, {engine}", shown, f"{budget:.2f} s", found.wall <= budget, command)


def metrics(bench: Bench) -> None:
    words = ("--engine", "inline", "--no-cache")
    short = bench.median(run("small.py:metrics", "--set", "count=0", *words))
    command = run("small.py:metrics", *words)
    took = bench.median(command).wall - short.wall
    bench.add("1,000 metrics one by one", ms(took), "60 ms", took <= 0.06, command)


def fan(bench: Bench) -> None:
    command = run("small.py:fan", "--workers", "8", "--no-cache")
    took = bench.median(command).wall
    bench.add("fan-out of 100 x 0.1 s on 8 workers", f"{took:.2f} s", "1.60 s", took <= 1.6, command)


def many(bench: Bench) -> None:
    words = ("--engine", "inline", "--no-cache")
    first = bench.median(run("small.py:chain", "--set", "n=1", *words)).wall
    hundred = (bench.median(run("small.py:chain", *words)).wall - first) / 99
    command = run("small.py:chain", "--set", "n=10000", *words)
    bench.runs, runs = 1, bench.runs
    found = bench.median(command)
    bench.runs = runs
    step = (found.wall - first) / 9999
    shown = f"{step / hundred:.2f} x ({ms(step)} a step), {found.peak_mb:.0f} MB"
    bench.add(
        "10,000 steps against 100", shown, "1.3 x, 300 MB", step <= 1.3 * hundred and found.peak_mb < 300, command
    )


def listing(bench: Bench) -> None:
    home = bench.folder / "many"
    fill(home)
    bench.environment["SOLVENT_HOME"] = str(home)
    command = [*SOLVENT, "runs", "--limit", "20"]
    took = bench.median(command).wall
    del bench.environment["SOLVENT_HOME"]
    bench.add("list the last 20 of 10,000 runs", ms(took), "150 ms", took <= 0.15, command)


def fill(home: Path) -> None:
    """Make a store with 10,000 runs."""
    from solvent.metadata.store import MetadataStore
    from solvent.model import RunRecord

    home.mkdir()
    with MetadataStore.open(home / "metadata.sqlite") as metadata, metadata.transaction():
        for number in range(10_000):
            at = 1.7e9 + number
            metadata.add_run(
                RunRecord(f"run-{number:05d}", "chain", "small.py:chain", "done", at, at + 1, counts='{"done": 3}')
            )


def tables(bench: Bench) -> None:
    marks = bench.folder / "marks"
    plain = float(
        subprocess.run(
            [PYTHON, "frame.py", "plain.parquet"], cwd=bench.folder, capture_output=True, text=True, check=True
        ).stdout
    )
    command = run("frame.py:frame", "--engine", "inline", "--no-cache")
    gaps = []
    for _ in range(max(3, bench.runs // 2)):
        marks.unlink(missing_ok=True)
        bench.once(command)
        found = dict(line.split() for line in marks.read_text().splitlines())
        gaps.append(float(found["got"]) - float(found["made"]))
    gap = statistics.median(gaps)
    bench.add("1,000,000 x 20 handed on, inline", f"{gap:.2f} s", "0.25 s", gap <= 0.25, command)
    command = run("frame.py:frame", "--no-cache", "--json")
    done = subprocess.run(command, cwd=bench.folder, env=bench.environment, capture_output=True, text=True, check=True)
    run_id = json.loads(done.stdout.splitlines()[-1])["id"]
    shown = subprocess.run(
        [*SOLVENT, "show", run_id, "--json"], cwd=bench.folder, capture_output=True, text=True, check=True
    )
    steps = json.loads(shown.stdout)["steps"]
    peak = max(step["peak_memory_bytes"] for step in steps) / 1e6
    cpu = cpu_of_engine()
    bench.add(
        "the same through workers: write + digest + read",
        f"{cpu / plain:.2f} x {plain:.2f} s of CPU",
        "1.6 x",
        cpu <= 1.6 * plain,
        command,
    )
    size = 202 * 1.048576
    bench.add(
        "peak memory of a worker", f"{peak:.0f} MB, {peak / size:.1f} x the table", "3 x", peak <= 3 * size, command
    )


def durability(bench: Bench) -> None:
    """Compare runs with the same runs whose syncs do nothing, in turn, so that both meet the same disk."""
    for what, count, budget in (("a small artifact", 20_000, 0.01), ("100 MB", 100_000_000, 0.0)):
        words = ["run", "bytes.py:one", "--quiet", "--engine", "inline", "--no-cache", "--set", f"count={count}"]
        command = [PYTHON, str(HERE / "syncing.py"), "on", *words]
        walls: dict[str, list[float]] = {"on": [], "off": []}
        for _ in range(2 * bench.runs + 1):
            for syncing, found in walls.items():
                found.append(bench.once([*command[:2], syncing, *words]).wall)
        plain = statistics.median(walls["off"][1:])
        # Neighbours are compared, so that a machine that gets busier weighs on both.
        more = statistics.median(on - off for on, off in zip(walls["on"][1:], walls["off"][1:], strict=True))
        allowed = budget or plain * 0.05
        shown = f"{ms(max(more, 0))} more than {plain:.2f} s without ({more / plain:.1%})"
        bench.add(f"durability of {what}", shown, "10 ms" if budget else "5 %", more <= allowed, command)


def folders(bench: Bench) -> None:
    """Store 1 GB in 10,000 files, then find them unchanged; in CPU seconds, less those of a folder with one file."""
    bench.once([PYTHON, "folders.py", "make"])
    time.sleep(2.2)  # until the state of a file stands for its content
    plain = [bench.once([PYTHON, "folders.py", "plain"]).cpu]
    small = run("folders.py:store", "--set", "source=one_file", "--engine", "inline")
    command = run("folders.py:store", "--set", "source=files", "--engine", "inline")
    idle = bench.median(small).cpu
    first = bench.once(command).cpu - idle
    plain.append(bench.once([PYTHON, "folders.py", "plain"]).cpu)
    baseline = statistics.median(plain)
    shown = f"{first:.1f} s of CPU, {first / baseline:.2f} x hash and copy"
    bench.add("1 GB in 10,000 files, first store", shown, "2 x", first <= 2 * baseline, command)
    again = bench.median(command).cpu - idle
    bench.add("the same again, unchanged", f"{again:.2f} s of CPU", "0.20 s", again <= 0.2, command)


def pages(bench: Bench) -> None:
    """Make the page of a dataset of 50 columns with two versions, and with twelve, whose limits of drift are learnt."""
    command = [*SOLVENT, "report", "data", "wide", "-o", "wide.html"]
    done = 0
    for versions in (2, 12):
        for number in range(done, versions):
            bench.once(run("wide.py:wide", "--set", f"shift={number}", "--engine", "inline"))
        done = versions
        took = bench.median(command).wall
        size = (bench.folder / "wide.html").stat().st_size
        shown = f"{took:.2f} s, {size / 1e6:.2f} MB"
        met = took <= 1 and size <= 1_000_000
        bench.add(f"page of 50 columns, {versions} versions", shown, "1 s, 1 MB", met, command)


def evaluation(bench: Bench) -> None:
    """Give ten metrics their intervals; in CPU seconds beyond those of the bare metrics."""
    bare = bench.median([PYTHON, "judge.py", "0"]).cpu
    for rows in ("100000", "1000000"):
        command = [PYTHON, "judge.py", "1000", rows]
        took = bench.median(command).cpu - bare
        shown = f"{took:.2f} s of CPU"
        bench.add(f"evaluate {int(rows):,} rows, 1,000 resamples", shown, "3 s of CPU", took <= 3, command)


def cpu_of_engine() -> float:
    """Measure what a worker adds: identity, encoding and sync in the first, reading in the second."""
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]);"
        "from frame import make_table; from solvent.fingerprint.values import identify;"
        "from solvent.artifacts.saving import save, load; from solvent.artifacts.store import LocalBlobs;"
        "table = make_table(); blobs = LocalBlobs(sys.argv[2]); before = time.process_time();"
        "ref = save(table, identify(table), blobs); load(ref, blobs); print(time.process_time() - before)"
    )
    with tempfile.TemporaryDirectory() as folder:
        command = [PYTHON, "-c", program, str(HERE / "workloads"), folder]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


PARTS = (
    startup,
    trivial,
    chains,
    isolation,
    machine_learning,
    metrics,
    fan,
    many,
    listing,
    tables,
    durability,
    folders,
    pages,
    evaluation,
)


def markdown(rows: list[Row]) -> str:
    lines = ["| what | measured | budget | met | command |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {r.what} | {r.measured} | {r.budget} | {'yes' if r.met else '**no**'} | `{r.command}` |" for r in rows
    ]
    return "\n".join(lines)


def write(rows: list[Row]) -> None:
    """Put the table between the markers of bench/README.md, with date and commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    ).stdout.strip()
    path = HERE / "README.md"
    head, _, rest = path.read_text().partition("<!-- table -->")
    _, _, tail = rest.partition("<!-- end -->")
    stamp = f"{time.strftime('%Y-%m-%d')}, commit {commit}, Python {sys.version.split()[0]}, {os.cpu_count()} cores"
    path.write_text(f"{head}<!-- table -->\n{stamp}\n\n{markdown(rows)}\n<!-- end -->{tail}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="only parts whose name has this in it")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), chosen.runs, chosen.only)
        for part in PARTS:
            if bench.wants(part.__name__):
                part(bench)
    if chosen.write:
        write(bench.rows)


if __name__ == "__main__":
    main()
