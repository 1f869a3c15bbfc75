"""A team's artifact store in the cloud: the pipeline as it is, two laptops, a store that goes away in mid-run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest

from tests.object_proxy import Proxy
from tests.object_servers import READER, TEAM, seaweed
from tests.stories.conftest import Shop

pytestmark = pytest.mark.slow
_numbers = count()

PIPELINE = """
    from pathlib import Path
    import numpy as np
    from solvent import Folder, pipeline, step

    @step
    def make(number: int) -> np.ndarray:
        return np.full(20_000, number)

    @step
    def parts(array: np.ndarray) -> Folder:
        folder = Path("parts")
        folder.mkdir(exist_ok=True)
        for name in "abcdef":
            (folder / name).write_text(name * 20_000)
        return Folder(folder)

    @step
    def total(arrays: list[np.ndarray], folder: Folder) -> int:
        return int(sum(each.sum() for each in arrays)) + len(list(Path(folder).iterdir()))

    @pipeline
    def sums(count: int = 4):
        arrays = [make(number) for number in range(count)]
        return total(arrays, parts(arrays[0]))
"""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(seaweed().endpoint) as proxy:
        yield proxy


@pytest.fixture
def cloud(proxy: Proxy) -> dict[str, str]:
    """The environment of a team: where its store is, and the credentials."""
    url = seaweed().url(f"stories/{os.getpid()}-{next(_numbers)}?patience_seconds=2")
    return {**seaweed().environment, "AWS_ENDPOINT_URL": proxy.endpoint, "SOLVENT_ARTIFACTS": url}


@pytest.fixture
def laptop(shop: Shop) -> Shop:
    shop.write("sums.py", dedent(PIPELINE))
    return shop


def objects(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("objects/??/*") if path.is_file()]


def committed(folder: Path) -> int:
    """Count the step runs that are durable."""
    with closing(sqlite3.connect(folder / ".solvent" / "metadata.sqlite")) as store:
        return int(store.execute("SELECT count(*) FROM step_runs").fetchone()[0])


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_second_laptop_reuses_everything_and_reads_the_results(
    laptop: Shop, cloud: dict[str, str], proxy: Proxy, engine: str
) -> None:
    first = laptop.run("sums.py", "--engine", engine, env=cloud)
    assert (first.result, len(first.ran)) == (120_006, 6)
    assert {path.parent.parent.parent for path in objects(laptop.root)} == {laptop.root / ".solvent/cache/blobs"}
    proxy.requests.clear()
    again = laptop.run("sums.py", "--engine", engine, env=cloud)
    assert (again.result, again.ran) == (120_006, [])
    assert len(proxy.requests) <= 20, proxy.requests

    # Another machine has the metadata store, here a copy of it, and nothing of the blobs.
    other = laptop.root.parent / "other"
    (other / ".solvent").mkdir(parents=True, mode=0o700)
    for name in ("sums.py", "solvent.toml"):
        shutil.copy(laptop.root / name, other)
    for path in (laptop.root / ".solvent").glob("metadata.sqlite*"):
        shutil.copy(path, other / ".solvent")
    second = Shop.__new__(Shop)
    second.root = other
    there = second.run("sums.py", "--engine", engine, env=cloud)
    assert (there.result, there.ran) == (120_006, [])
    code = "import solvent; print(solvent.load('latest/make[3]').sum(), sorted(p.name for p in __import__('pathlib').Path(solvent.load('latest/parts')).iterdir()))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=other,
        env=second.environment(cloud),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "60000 ['a', 'b', 'c', 'd', 'e', 'f']\n", done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_store_that_goes_away_in_mid_run_is_a_clear_stop_and_the_next_run_goes_on(
    laptop: Shop, cloud: dict[str, str], proxy: Proxy, engine: str
) -> None:
    laptop.write(
        "sums.py",
        (laptop.root / "sums.py").read_text().replace(
            'folder = Path("parts")',
            'folder = Path("parts")\n    import os, time\n    Path("reached").touch()\n    while os.path.exists("wait"): time.sleep(0.01)',
        ),
    )  # fmt: skip
    (laptop.root / "wait").touch()
    command = [sys.executable, "-m", "solvent", "run", "sums.py", "--engine", engine, "--json"]
    running = subprocess.Popen(
        command,
        cwd=laptop.root,
        env=laptop.environment(cloud),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not ((laptop.root / "reached").exists() and committed(laptop.root) >= 4):
        assert running.poll() is None, running.communicate()
    proxy.go_down()
    (laptop.root / "wait").unlink()
    printed, told = running.communicate(timeout=60)
    assert running.returncode in (1, 2), told
    assert "can't be reached" in told + printed
    assert proxy.endpoint in told + printed
    assert "Traceback" not in told
    for secret in TEAM:
        assert secret not in told + printed
    proxy.up = True
    again = laptop.run("sums.py", "--engine", engine, env=cloud)
    assert again.result == 120_006
    assert again.names("reused") == ["make"] * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"SOLVENT_ARTIFACTS": "s3://no-such-bucket-here/x"}, "no bucket 'no-such-bucket-here'"),
        ({"SOLVENT_ARTIFACTS": "s4://bucket/x"}, "no artifact store for s4:// URLs"),
        ({"SOLVENT_ARTIFACTS": "bucket/x"}, "is no URL"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong-wrong-wrong-wrong"}, "the secret does not fit the access key"),
        ({"AWS_ACCESS_KEY_ID": "somebody-else-000"}, "does not know the access key"),
        ({"AWS_ACCESS_KEY_ID": READER[0], "AWS_SECRET_ACCESS_KEY": READER[1]}, "access denied"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "can't be reached at http://127.0.0.1:9"),
    ],
)
def test_what_is_wrong_with_a_store_is_said_before_anything_runs(
    laptop: Shop, cloud: dict[str, str], change: dict[str, str], message: str
) -> None:
    done = laptop.command("run", "sums.py", "--engine", "inline", env={**cloud, **change})
    assert done.returncode == 2
    said = " ".join((done.stderr + done.stdout).split())
    assert message in said
    assert "Traceback" not in said
    for secret in (TEAM[1], READER[1], "wrong-wrong-wrong-wrong"):
        assert secret not in said
    assert not (laptop.root / "parts").exists()


def test_a_missing_package_is_named(laptop: Shop, cloud: dict[str, str]) -> None:
    hidden = laptop.root / "hidden"
    hidden.mkdir()
    (hidden / "s3fs.py").write_text("raise ImportError(\"No module named 's3fs'\")")
    done = laptop.command(
        "run",
        "sums.py",
        "--engine",
        "inline",
        env={
            **cloud,
            "PYTHONPATH": f"{hidden}:{os.environ['PYTHONPATH']}" if "PYTHONPATH" in os.environ else str(hidden),
        },
    )
    assert done.returncode == 2
    assert "pip install 'solvent[s3]'" in done.stderr


def test_an_url_by_reference_and_options_in_it(laptop: Shop, cloud: dict[str, str], proxy: Proxy) -> None:
    url = cloud["SOLVENT_ARTIFACTS"] + f"&endpoint_url={proxy.endpoint}&region=us-east-1&key={TEAM[0]}&secret={TEAM[1]}"
    env = {"TEAM_STORE": url, "SOLVENT_ARTIFACTS": "env:TEAM_STORE"}
    assert laptop.run("sums.py", "--engine", "inline", env=env).result == 120_006
    for path in (laptop.root / ".solvent").rglob("*"):
        if path.is_file():
            assert TEAM[1].encode() not in path.read_bytes(), path
    shown = laptop.command("config", "settings", env=env)
    assert TEAM[1] not in json.dumps([shown.stdout, shown.stderr])


LONG = """
    from solvent import pipeline, step

    @step
    def grow(text: str, number: int) -> str:
        return text[:20] + str(number) * 20_000

    @pipeline
    def chain(count: int = 100):
        text = "x"
        for number in range(count):
            text = grow(text, number)
        return text
"""


@pytest.mark.soak
def test_a_reused_run_of_100_steps_asks_a_store_of_10000_blobs_few_times(
    shop: Shop, cloud: dict[str, str], proxy: Proxy
) -> None:
    shop.write("chain.py", dedent(LONG))
    root = cloud["SOLVENT_ARTIFACTS"].partition("?")[0].removeprefix("s3://")
    digests = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(10_000)]
    seaweed().driver().pipe({f"{root}/objects/{each[:2]}/{each[2:]}": b"x" for each in digests}, batch_size=64)
    assert len(shop.run("chain.py", "--engine", "inline", env=cloud).ran) == 100
    proxy.requests.clear()
    again = shop.run("chain.py", "--engine", "inline", env=cloud)
    assert len(again.names("reused")) == 100
    assert len(proxy.requests) <= 30, proxy.count()


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_the_example_runs_unchanged_on_a_shared_store(tmp_path: Path, cloud: dict[str, str], engine: str) -> None:
    example = Path(__file__).parents[2] / "examples" / "flights"
    shutil.copytree(example, tmp_path / "a", ignore=shutil.ignore_patterns(".solvent", "__pycache__"))
    words = ["run", "flights_delays.pipeline:delays", "--profile", "quick", "--engine", engine, "--json"]

    def run() -> dict[str, list[str]]:
        environment = {**os.environ, **cloud, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "solvent", *words],
            cwd=tmp_path / "a",
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        steps = json.loads(done.stdout.splitlines()[-1])["steps"]
        return {status: [step["name"] for step in steps if step["status"] == status] for status in ("done", "reused")}

    first = run()
    assert first["reused"] == []
    shutil.rmtree(tmp_path / "a" / ".solvent" / "cache" / "blobs")
    again = run()
    assert again["done"] == []
    assert len(again["reused"]) == len(first["done"])
