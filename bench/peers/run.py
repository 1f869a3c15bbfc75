"""The same chain on peers, each in an environment of its own: python bench/peers/run.py FOLDER [PEER ...]

FOLDER/PEER is a virtual environment, made with pip if it is not there. Prints hello (1 step; Metaflow: 2), the cost of
a step, and the chain again where the peer reuses results: medians of three whole processes after a warm-up.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
Command = Callable[[str, int, bool], list[str]]


def redun(bin_: str, n: int, fresh: bool) -> list[str]:
    return [f"{bin_}/redun", "run", *(["--no-cache"] if fresh else []), "use_redun.py", "chain", "--n", str(n)]


def dagster(bin_: str, n: int, fresh: bool) -> list[str]:
    return [f"{bin_}/python", "use_dagster.py", str(n)] if fresh else []


def metaflow(bin_: str, n: int, fresh: bool) -> list[str]:
    return [f"{bin_}/python", f"flow_{max(n, 2)}.py", "--quiet", *(["run"] if fresh else ["resume", "end"])]


PEERS: dict[str, tuple[Command, int]] = {"redun": (redun, 100), "dagster": (dagster, 100), "metaflow": (metaflow, 20)}


def environment(folder: Path, peer: str) -> Path:
    """Make the peer's virtual environment, if it is not there."""
    venv = folder / peer
    if not venv.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin" / "pip"), "install", "-q", peer], check=True)
    return venv


def median(command: list[str], work: Path, variables: dict[str, str]) -> float:
    times = []
    for number in range(4):
        began = time.perf_counter()
        subprocess.run(command, cwd=work, env=variables, check=True, capture_output=True)
        if number:
            times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure(peer: str, venv: Path) -> str:
    command, n = PEERS[peer]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for file in HERE.glob("use_*.py"):
            shutil.copy(file, work)
        (work / "home").mkdir()
        off = {"DAGSTER_DISABLE_TELEMETRY": "yes", "METAFLOW_USER": "bench", "USERNAME": "bench"}
        variables = {"PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": name, "DAGSTER_HOME": f"{name}/home", **off}
        variables.update({key: text for key, text in os.environ.items() if key.startswith("LC_")})
        for count in (2, n):
            subprocess.run([sys.executable, "use_metaflow.py", str(count)], cwd=work, check=True)
        bin_ = str(venv / "bin")
        hello = median(command(bin_, 1, True), work, variables)
        chain = median(command(bin_, n, True), work, variables)
        again = command(bin_, n, False)
        reused = f"{median(again, work, variables):.2f} s for {n}" if again else "does not reuse"
    return f"| {peer} | {hello:.2f} s | {(chain - hello) / (n - 1) * 1000:.1f} ms | {reused} |"


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    print("| peer | one step | a step more | again, reused |\n| --- | --- | --- | --- |")
    for peer in sys.argv[2:] or PEERS:
        print(measure(peer, environment(folder, peer)), flush=True)


if __name__ == "__main__":
    main()
