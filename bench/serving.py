"""What a request costs: Solvent's endpoint beside the least that answers, and beside its peers.

    python bench/serving.py [--requests 3000] [--peers FOLDER] [--write]

Scaler and logistic regression on 30 features (bench/workloads/endpoint.py). Each server is a process of its own on loopback,
one client asks one row at a time over one connection; CPU is that of the whole process tree per request, memory the
proportional set size (PSS) of the tree after the load, cold start the time from the command to the first right answer.
Several rounds, in turn; the least CPU and cold start of each count, since other work on the machine only adds to them.
FOLDER holds a virtual environment for each peer: mlflow, bentoml, litserve.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
MARK = "<!-- serving -->"
TICKS = os.sysconf("SC_CLK_TCK")
NAMES = [f"x{at}" for at in range(30)]


class Server(NamedTuple):
    """How a server is started and asked: `body` is a request of one row, `read` takes the answer out of what it says."""

    name: str
    command: Callable[[int], list[str]]
    path: str
    body: Callable[[list[float]], bytes]
    read: Callable[[object], float]


class Figures(NamedTuple):
    """Of one server: CPU seconds per request, PSS in MB, seconds and CPU seconds until the first answer."""

    cpu: float
    memory_mb: float
    cold: float
    cold_cpu: float


def records(row: list[float]) -> bytes:
    return json.dumps({"records": [dict(zip(NAMES, row, strict=True))]}).encode()


def first(answer: object) -> float:
    assert isinstance(answer, dict)
    found = answer["predictions"][0]
    return float(found[1] if isinstance(found, list) else found)


def servers(folder: Path, peers: Path | None) -> list[Server]:
    """Give what is compared: the bare ones first."""
    uvicorn = [
        PYTHON,
        "-m",
        "uvicorn",
        "--app-dir",
        str(HERE / "servers"),
        "--log-level",
        "warning",
        "--http",
        "httptools",
    ]

    def bare(name: str) -> Callable[[int], list[str]]:
        return lambda port: [*uvicorn, f"{name}:app", "--port", str(port)]

    def ours(name: str) -> Callable[[int], list[str]]:
        return lambda port: [PYTHON, "-m", "solvent.serving", str(folder / name), "--port", str(port)]

    found = [
        Server("bare ASGI + msgspec + scikit-learn", bare("bare"), "/predict", records, first),
        Server("Solvent", ours("python"), "/predict", records, first),
        Server("bare ASGI + msgspec + ONNX Runtime", bare("bare_onnx"), "/predict", records, first),
        Server("Solvent, ONNX backend", ours("onnx"), "/predict", records, first),
    ]
    return found + (peer_servers(folder, peers) if peers else [])


def peer_servers(folder: Path, peers: Path) -> list[Server]:
    def script(venv: str, *words: str) -> list[str]:
        return [str(peers / venv / "bin" / words[0]), *words[1:]]

    def split(row: list[float]) -> bytes:
        return json.dumps({"dataframe_split": {"columns": NAMES, "data": [row]}}).encode()

    scripts = HERE / "peers"
    mlflow = ["mlflow", "models", "serve", "-m", str(folder / "mlflow"), "--env-manager", "local", "-w", "1"]
    bento = ["bentoml", "serve", "serve_bentoml:Cancer", "--working-dir", str(scripts), "--host", "127.0.0.1"]
    return [
        Server("MLflow", lambda port: script("mlflow", *mlflow, "-p", str(port)), "/invocations", split, first),
        Server("BentoML", lambda port: script("bentoml", *bento, "--port", str(port)), "/predict", records, first),
        Server(
            "LitServe",
            lambda port: script("litserve", "python", str(scripts / "serve_litserve.py"), str(port)),
            "/predict",
            records,
            first,
        ),
    ]


def prepare(folder: Path, peers: Path | None) -> tuple[list[list[float]], list[float]]:
    """Run the pipeline, write its bundles and the files of the others; give rows and what the run answered."""
    shutil.copy(HERE / "workloads" / "endpoint.py", folder / "endpoint.py")
    (folder / "solvent.toml").write_text("")
    solvent = [PYTHON, "-m", "solvent"]
    subprocess.run([*solvent, "run", "endpoint.py", "--quiet", "--engine", "inline"], cwd=folder, check=True)
    for name in ("python", "onnx"):
        subprocess.run([*solvent, "bundle", name, "-o", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    code = (
        "import json, pickle, solvent; from skops import io\n"
        "from solvent.deploy.onnx import to_onnx\n"
        "run = solvent.runs()[0]\n"
        "for name, step in (('scaler', 'fit_scaler'), ('model', 'fit')):\n"
        "    made = run[step].output\n"
        "    io.dump(made, name + '.skops')\n"
        "    open(name + '.pickle', 'wb').write(pickle.dumps(made))\n"
        "    open(name + '.onnx', 'wb').write(to_onnx(made, name).graph)\n"
        "rows = run['load'].output.test\n"
        f"json.dump({{'columns': {NAMES!r}, 'data': rows.tolist()}}, open('rows.json', 'w'))\n"
        "json.dump(run['predict'].output.tolist(), open('answers.json', 'w'))\n"
    )
    subprocess.run([PYTHON, "-W", "ignore", "-c", code], cwd=folder, check=True)
    if peers:
        save = [str(peers / "mlflow" / "bin" / "python"), "-W", "ignore", str(HERE / "peers" / "serve_mlflow.py")]
        subprocess.run(save, env=environment(folder), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rows = json.loads((folder / "rows.json").read_text())["data"]
    return rows, json.loads((folder / "answers.json").read_text())


def environment(folder: Path) -> dict[str, str]:
    one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    kept = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    return {
        **kept,
        **one_thread,
        "MODEL": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "BENTOML_DO_NOT_TRACK": "True",
    }


@contextmanager
def started(server: Server, folder: Path) -> Iterator[tuple[int, int]]:
    """Start a server in a group of its own, and end all of it."""
    port = free_port()
    kept, command = environment(folder), server.command(port)
    if not server.name.startswith(("bare", "Solvent")):
        # The programs of a peer look for those of its environment.
        kept.pop("PYTHONPATH", None)
        kept["PATH"] = f"{Path(command[0]).parent}{os.pathsep}{kept['PATH']}"
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=kept,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def measure(server: Server, folder: Path, rows: list[list[float]], answers: list[float], requests: int) -> Figures:
    """Start a server, wait for its first right answer, warm it up, and count what a request costs."""
    began = time.perf_counter()
    with started(server, folder) as (pid, port):
        while ask(port, server, rows[:1]) is None:
            if time.perf_counter() - began > 120:
                raise SystemExit(f"{server.name} did not answer within 120 s")
            time.sleep(0.02)
        cold, cold_cpu = time.perf_counter() - began, cpu_of(pid)
        said = ask(port, server, rows[:50])
        assert said is not None
        wrong = max(abs(one - other) for one, other in zip(said, answers, strict=False))
        if wrong > 1e-6:
            raise SystemExit(f"{server.name} answers wrong by {wrong}")
        ask(port, server, rows * 3)
        before = cpu_of(pid)
        ask(port, server, [rows[at % len(rows)] for at in range(requests)])
        return Figures((cpu_of(pid) - before) / requests, memory_of(pid), cold, cold_cpu)


def ask(port: int, server: Server, rows: list[list[float]]) -> list[float] | None:
    """Ask row by row over one connection; None if nobody listens yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    said: list[float] = []
    try:
        for row in rows:
            connection.request("POST", server.path, server.body(row), {"content-type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
            if answer.status != 200:
                return None
            said.append(server.read(json.loads(data)))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return said


def tree(pid: int) -> list[int]:
    """Give a process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += parents.get(one, [])
    return found


def cpu_of(pid: int) -> float:
    """Give the CPU seconds of a tree, those of children that have ended included."""
    seconds = 0.0
    for one in tree(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            seconds += sum(map(int, fields[11:15])) / TICKS
    return seconds


def memory_of(pid: int) -> float:
    total = 0
    for one in tree(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def own_libraries() -> float:
    """Give the CPU seconds of importing what the model is made of, and what serves it."""
    code = "import numpy, sklearn.preprocessing, sklearn.linear_model, msgspec, uvicorn, httptools"
    least = []
    for _ in range(5):
        process = subprocess.Popen([PYTHON, "-c", code])
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        least.append(used.ru_utime + used.ru_stime)
    return min(least)


def report(found: dict[str, Figures], imports: float) -> str:
    """Write the table, and below it what the budgets say."""
    bare, ours, bare_onnx, onnx = list(found.values())[:4]
    lines = [
        f"{date.today()}, {os.cpu_count()} cores",
        "",
        "| server | CPU per request | x | memory (PSS) | x | cold start, CPU |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in found.items():
        base = bare_onnx if "ONNX" in name else bare
        lines.append(
            f"| {name} | {one.cpu * 1e6:.0f} us | {one.cpu / base.cpu:.2f} | {one.memory_mb:.0f} MB "
            f"| {one.memory_mb / base.memory_mb:.2f} | {one.cold:.2f} s, {one.cold_cpu:.2f} s |"
        )
    rows = [
        ("CPU of a request, over the bare one", ours.cpu / bare.cpu, 1.3),
        ("the same with ONNX", onnx.cpu / bare_onnx.cpu, 1.5),
        ("memory, over the bare one", ours.memory_mb / bare.memory_mb, 1.2),
        (f"CPU of the cold start, over importing the libraries ({imports:.2f} s)", ours.cold_cpu / imports, 1.2),
    ]
    rows += [
        (f"CPU of a request, over that of {name}", ours.cpu / one.cpu, 0.5) for name, one in list(found.items())[4:]
    ]
    lines += ["", "| what | measured | budget | met |", "| --- | --- | --- | --- |"]
    lines += [f"| {what} | {got:.2f} x | {most} x | {'yes' if got <= most else 'no'} |" for what, got, most in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000, help="requests that are counted, of each server")
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is started")
    parser.add_argument("--peers", type=Path, help="a folder with environments mlflow, bentoml and litserve")
    parser.add_argument("--write", action="store_true", help="write the table into bench/README.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows, answers = prepare(folder, given.peers)
        kept: dict[str, list[Figures]] = {}
        for _ in range(given.rounds):
            for server in servers(folder, given.peers):
                kept.setdefault(server.name, []).append(measure(server, folder, rows, answers, given.requests))
    found = {name: Figures(*map(min, zip(*figures, strict=True))) for name, figures in kept.items()}
    text = report(found, own_libraries())
    print(text)
    if given.write:
        page = HERE / "README.md"
        before, _, rest = page.read_text("utf-8").partition(MARK)
        _, _, after = rest.partition(MARK)
        page.write_text(f"{before}{MARK}\n{text}\n{MARK}{after}", "utf-8")


if __name__ == "__main__":
    main()
