"""What is wrong is said in a few lines: where, what, and the way out; no traceback of ours, nothing half recorded."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

HEAD = "import threading\nfrom dataclasses import dataclass\nfrom solvent import File, pipeline, step, value\n"
STEP = "@step\ndef one() -> int:\n    return 1\n\n@step\ndef inc(x: int) -> int:\n    return x + 1\n"

WRONG = {
    "a Ref used as a value": (
        STEP + "@pipeline\ndef p() -> int:\n    return one() + 1\n",
        ["one[0]", "p.py:13", "value(...)"],
    ),
    "if on a Ref": (
        STEP + "@pipeline\ndef p() -> int:\n    x = one()\n    if x:\n        return 2\n    return 1\n",
        ["one[0]", "p.py:14", "value(...)"],
    ),
    "a Ref in an f-string": (
        STEP + "@pipeline\ndef p() -> str:\n    return f'{one()}'\n",
        ["one[0]", "p.py:13", "value(...)"],
    ),
    "is on a result": (
        STEP + "@pipeline\ndef p() -> int:\n    x = one()\n    if x is None:\n        return 2\n    return 1\n",
        ["p.py:14", "value("],
    ),
    "a wrong argument": (
        STEP + "@pipeline\ndef p() -> int:\n    return inc(y=1)\n",
        ["'inc'", "p.py:13", "inc(x: int)"],
    ),
    "an argument that has no identity": (
        STEP + "@step\ndef take(x: dict) -> int:\n    return 1\n"
        "@pipeline\ndef p() -> int:\n    return take({'lock': threading.Lock()})\n",
        ["'take'", "p.py:16", "['lock']"],
    ),
    "a closure over an open file": (
        STEP + "@step\ndef take(x: object) -> int:\n    return 1\n"
        "@pipeline\ndef p() -> int:\n    f = open(__file__)\n    return take(lambda: f.read())\n",
        ["'take'", "p.py:17"],
    ),
    "a Ref hidden in an object": (
        STEP
        + "class Box:\n    def __init__(self, held):\n        self.held = held\n@pipeline\ndef p() -> int:\n    return inc(Box(one()))\n",
        ["'inc'", "p.py:16", "Box hides", "value(...)"],
    ),
    "two steps of one name": (
        STEP
        + "@step(name='one')\ndef other() -> int:\n    return 2\n@pipeline\ndef p() -> int:\n    inc(one())\n    return other()\n",
        ["'one'", "p.py"],
    ),
    "a pipeline without end": (
        STEP + "@pipeline\ndef p(n: int = 0) -> int:\n    return p(n + 1)\n",
        ["'p'", "without end"],
    ),
    "a missing file": (
        STEP
        + "@step\ndef read(f: File) -> str:\n    return f.read_text()\n@pipeline\ndef p() -> str:\n    return read(File('dta.txt'))\n",
        ["dta.txt", "data.txt"],
    ),
    "an async step": ("@step\nasync def f() -> int:\n    return 1\n", ["'f'", "async", "p.py:"]),
    "a generator": ("@step\ndef f():\n    yield 1\n", ["'f'", "generator"]),
    "a class": ("@step\nclass A:\n    pass\n", ["'A'", "class"]),
    "a method": ("class A:\n    @step\n    def f(self) -> int:\n        return 1\n", ["A.f", "method"]),
}


@pytest.fixture
def wrong(shop):
    shop.write("data.txt", "1")
    shop.write("solvent.toml", "")
    return shop


def refused(shop, *words: str, code: int = 2) -> str:
    done = shop.command(*words)
    assert done.returncode == code, done.stdout + done.stderr
    return str(done.stderr)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_code_is_refused_in_words(wrong, name: str) -> None:
    text, expected = WRONG[name]
    wrong.write("p.py", HEAD + text)
    said = refused(wrong, "run", "p.py:p" if "def p(" in text else "p.py")
    for part in expected:
        assert part in said, said
    at_decoration = "def p(" not in text
    if not at_decoration:
        assert "Traceback" not in said
    assert "site-packages" not in said
    assert "src/solvent" not in said
    nothing_is_left_running(wrong)


def nothing_is_left_running(shop) -> None:
    done = shop.command("runs", "--json")
    if done.returncode == 0:
        assert all(run["status"] in ("done", "failed") for run in json.loads(done.stdout))


CONFIGURED = (
    STEP
    + "@dataclass(frozen=True)\nclass C:\n    depth: int = 1\n    name: str = 'a'\n@pipeline\ndef p(c: C) -> int:\n    return inc(c.depth)\n"
)


@pytest.mark.parametrize(
    ("words", "yaml", "expected"),
    [
        (["--set", "dpeth=3"], "", ["dpeth", "'depth'"]),
        (["--set", "depth=x"], "", ["depth", "int", "'x'"]),
        ([], "depth: 1\ndpeth: 2\n", ["dpeth", "'depth'", "configs/base.yaml:2"]),
        ([], "depth: [1\n", ["configs/base.yaml"]),
        ([], "depth: 1\ndepth: 2\n", ["depth", "configs/base.yaml:2"]),
        (["--profile", "tset"], "", ["tset"]),
        (["--config", "nope.yaml"], "", ["nope.yaml"]),
        (["--engine", "proceses"], "", ["proceses", "'processes'"]),
        (["--workers", "0"], "", ["--workers 0"]),
    ],
)
def test_wrong_config_is_refused_with_its_place(wrong, words: list[str], yaml: str, expected: list[str]) -> None:
    wrong.write("p.py", HEAD + CONFIGURED)
    wrong.write("configs/base.yaml", yaml)
    said = refused(wrong, "run", "p.py", *words)
    for part in expected:
        assert part in said, said
    assert "Traceback" not in said
    assert not (wrong.root / ".solvent" / "metadata.sqlite").exists()


def test_an_unknown_file_module_or_pipeline_is_refused(wrong) -> None:
    wrong.write("p.py", HEAD + CONFIGURED)
    assert "p.py" in refused(wrong, "run", "pp.py")
    assert "pipelines there: p" in refused(wrong, "run", "p.py:q")
    assert "nothing.here" in refused(wrong, "run", "nothing.here:p")


def test_an_error_in_the_users_file_shows_the_users_traceback_only(wrong) -> None:
    wrong.write("broken.py", "import helper_of_mine\n")
    wrong.write("helper_of_mine.py", "def f():\n    return 1 / 0\nf()\n")
    said = refused(wrong, "run", "broken.py")
    assert "helper_of_mine.py" in said
    assert "ZeroDivisionError" in said
    assert "solvent/runs" not in said
    assert "importlib" not in said


UNSTORABLE = (
    "@step\ndef f() -> object:\n    return {'a': [open(__file__)]}\n@pipeline\ndef p() -> object:\n    return f()\n"
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_an_output_that_cannot_be_stored_names_step_output_and_place(wrong, engine: str) -> None:
    wrong.write("p.py", HEAD + UNSTORABLE)
    said = refused(wrong, "run", "p.py", "--engine", engine, code=1)
    assert "`f`" in said
    assert "['a'][0]" in said
    nothing_is_left_running(wrong)


MUTATING = (
    "@step\ndef make() -> list[int]:\n    return [1]\n@step\ndef spoil(numbers: list[int]) -> int:\n"
    "    numbers.append(2)\n    return 1\n@pipeline\ndef p() -> int:\n    return spoil(make())\n"
)


def test_a_step_that_changes_its_input_fails_inline(wrong) -> None:
    wrong.write("p.py", HEAD + MUTATING)
    said = refused(wrong, "run", "p.py", "--engine", "inline", code=1)
    assert "mutated its input `numbers`" in said
    assert "spoil" in said


SPOILED_THEN_FAILED = (
    "@step\ndef make() -> list[int]:\n    return [1]\n@step\ndef spoil(numbers: list) -> int:\n"
    "    numbers.append(threading.Lock())\n    raise ValueError('mine')\n@step\ndef total(numbers: list[int]) -> int:\n    return sum(numbers)\n"
    "@pipeline\ndef p(spoiling: bool = False) -> int:\n    numbers = make()\n    if spoiling:\n        spoil(numbers)\n        return total(numbers)\n    return 0\n"
)


def test_what_a_failed_step_did_to_its_input_is_not_handed_on(wrong) -> None:
    wrong.write("p.py", HEAD + SPOILED_THEN_FAILED)
    wrong.run("p.py")
    done = wrong.run("p.py", "--engine", "inline", "--keep-going", "--set", "spoiling=true", code=1)
    assert "ValueError: mine" in done.printed
    assert done.names("done") == ["total"]


def test_a_step_that_changes_its_copy_in_a_worker_harms_nobody(wrong) -> None:
    wrong.write("p.py", HEAD + MUTATING)
    assert wrong.run("p.py").result == 1


GOOD = HEAD + STEP + "@pipeline\ndef p() -> int:\n    return inc(one())\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_store_is_refused(wrong) -> None:
    wrong.write("p.py", GOOD)
    wrong.run("p.py")
    os.chmod(wrong.root / ".solvent" / "metadata.sqlite", 0o400)
    assert "read-only" in refused(wrong, "run", "p.py")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a disk")
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_store_on_a_read_only_disk_is_refused(wrong, tmp_path, engine: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("this machine mounts no tmpfs")
    try:
        wrong.write("p.py", GOOD)
        home = {"SOLVENT_HOME": str(disk / "store")}
        wrong.run("p.py", env=home)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = wrong.command("run", "p.py", "--engine", engine, env=home)
        assert done.returncode == 2, done.stderr
        assert "read-only" in done.stderr.lower()
        assert "Traceback" not in done.stderr
        assert "SOLVENT_HOME" in wrong.command("run", "p.py", env={"SOLVENT_HOME": str(disk / "new")}).stderr
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_store_that_is_no_folder_is_refused(wrong) -> None:
    wrong.write("p.py", GOOD)
    wrong.write(".solvent", "a file")
    said = refused(wrong, "run", "p.py")
    assert ".solvent" in said
    assert "Traceback" not in said


def test_a_corrupt_store_is_refused(wrong) -> None:
    wrong.write("p.py", GOOD)
    wrong.write(".solvent/metadata.sqlite", "this is no database " * 500)
    said = refused(wrong, "run", "p.py")
    assert "metadata.sqlite" in said
    assert "Traceback" not in said


def test_a_store_of_a_newer_version_is_refused(wrong) -> None:
    wrong.write("p.py", GOOD)
    wrong.run("p.py")
    with sqlite3.connect(wrong.root / ".solvent" / "metadata.sqlite") as database:
        database.execute("INSERT INTO migrations VALUES (999, 0)")
    database.close()
    said = refused(wrong, "run", "p.py")
    assert "schema 999" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_called_so_and_loses_nothing(wrong, tmp_path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("this machine mounts no tmpfs")
    try:
        big = (
            HEAD
            + "import os\n@step\ndef big(n: int) -> bytes:\n    return os.urandom(400_000)\n@pipeline\ndef p() -> list[bytes]:\n    return [big(n) for n in range(12)]\n"
        )
        wrong.write("p.py", big)
        done = wrong.command("run", "p.py", "--engine", "inline", env={"SOLVENT_HOME": str(disk / "store")})
        assert done.returncode == 2, done.stderr
        assert "full" in done.stderr.lower() or "no space" in done.stderr.lower()
        assert "Traceback" not in done.stderr
        free = shutil.disk_usage(disk).free
        assert free < 1_000_000
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        again = wrong.run("p.py", env={"SOLVENT_HOME": str(disk / "store")})
        assert len(again.names("reused")) >= 1
        assert len(again.ran) + len(again.names("reused")) == 12
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_failure_that_shows_when_the_output_is_written_is_recorded(wrong) -> None:
    late = "@step\ndef f() -> list[object]:\n    it: list[object] = []\n    it.append(it)\n    return it\n@pipeline\ndef p() -> object:\n    return f()\n"
    wrong.write("p.py", HEAD + late)
    failed = wrong.run("p.py", "--engine", "inline", code=1)
    assert failed.status == "failed"
    assert failed.names("failed") == ["f"]
    assert "contains itself" in failed.printed
    assert json.loads(wrong.command("runs", "--json").stdout)[0]["status"] == "failed"


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_result_that_cannot_be_stored_fails_the_run_in_words(wrong, engine: str) -> None:
    wrong.write("p.py", HEAD + STEP + "@pipeline\ndef p() -> object:\n    return [one(), threading.Lock()]\n")
    failed = wrong.run("p.py", "--engine", engine, code=2)
    assert failed.status == "failed"
    assert "lock" in failed.printed
    assert "Traceback" not in failed.printed
    assert failed.ran == ["one"]
    nothing_is_left_running(wrong)


def test_code_that_reads_a_file_opened_before_is_refused(wrong) -> None:
    wrong.write(
        "p.py",
        HEAD
        + "def make():\n    f = open('data.txt')\n    @step\n    def read() -> str:\n        return f.read()\n    return read\nread = make()\n@pipeline\ndef p() -> str:\n    return read()\n",
    )
    said = refused(wrong, "run", "p.py")
    assert "read.f` reads a file that is open already" in said
    assert "solvent.File" in said
    assert "Traceback" not in said
    nothing_is_left_running(wrong)


def test_a_set_of_results_is_a_result(wrong) -> None:
    wrong.write("p.py", HEAD + STEP + "@pipeline\ndef p() -> set[int]:\n    return {one(), inc(one())}\n")
    assert sorted(wrong.run("p.py").result) == [1, 2]


def test_no_call_is_left_waiting_when_the_body_fails(wrong) -> None:
    endless = "@pipeline\ndef p(n: int = 0) -> int:\n    inc(n)\n    return p(n + 1)\n"
    wrong.write("p.py", HEAD + STEP + endless)
    failed = wrong.run("p.py", "--engine", "inline", code=2)
    assert "without end" in failed.printed
    assert {step["status"] for step in failed.said["steps"]} <= {"done", "reused", "cancelled"}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "processes"])
@pytest.mark.parametrize("returned", ["x", "bad(one())"])
def test_a_result_that_names_what_failed_is_the_failure(wrong, engine: str, returned: str) -> None:
    swallowed = f"from solvent.errors import StepFailed\n@step\ndef bad(x: int) -> int:\n    raise ValueError('mine')\n@pipeline\ndef p() -> list[int]:\n    x = bad(one())\n    try:\n        value(x)\n    except StepFailed:\n        pass\n    return [{returned}]\n"
    wrong.write("p.py", HEAD + STEP + swallowed)
    failed = wrong.run("p.py", "--engine", engine, code=1)
    assert failed.status == "failed"
    assert "`bad` failed: ValueError: mine" in failed.printed
    assert "KeyError" not in failed.printed


@pytest.mark.slow
def test_a_body_that_takes_one_failure_does_not_hide_another(wrong) -> None:
    hiding = "import time\nfrom solvent.errors import StepFailed\n@step\ndef bad(x: int) -> int:\n    raise ValueError('mine')\n@step\ndef slow(x: int) -> int:\n    time.sleep(0.5)\n    return x\n@pipeline\ndef p() -> int:\n    bad(1)\n    try:\n        return value(slow(2))\n    except StepFailed:\n        return 0\n"
    wrong.write("p.py", HEAD + STEP + hiding)
    for engine in ("inline", "processes"):
        failed = wrong.run("p.py", "--engine", engine, "--workers", "2", code=1)
        assert failed.status == "failed"
        assert "`bad` failed: ValueError: mine" in failed.printed


HOARDING = "import os\nkept = []\n@step\ndef hoard(n: int) -> bytes:\n    while os.path.exists('hoarding'):\n        try:\n            kept.append(os.open('p.py', os.O_RDONLY))\n        except OSError:\n            break\n    return bytes([n]) * 40_000\n@pipeline\ndef p() -> list[bytes]:\n    return [hoard(1), hoard(2)]\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files there")
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_step_that_holds_all_files_open_is_named_or_the_limit_is(wrong, engine: str) -> None:
    wrong.write("p.py", HEAD + HOARDING)
    wrong.write("hoarding", "")
    words = f"ulimit -n 10000; exec {sys.executable} -m solvent run p.py --engine {engine}"
    done = subprocess.run(["sh", "-c", words], cwd=wrong.root, env=wrong.environment(), capture_output=True, text=True)
    # A worker has the few descriptors back that its log took: they may be enough.
    assert done.returncode == 0 or "ulimit -n" in done.stderr, done.stderr
    assert done.returncode in ((2,) if engine == "inline" else (0, 1, 2))
    assert "/solvent/" not in done.stderr, done.stderr
    (wrong.root / "hoarding").unlink()
    assert wrong.run("p.py", "--engine", engine).status == "done"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_folder_in_the_place_of_a_blob_is_said_and_can_be_repaired(wrong, engine: str) -> None:
    big = "@step\ndef big(n: int) -> bytes:\n    return bytes([n]) * 40_000\n@pipeline\ndef p() -> bytes:\n    return big(1)\n"
    wrong.write("p.py", HEAD + big)
    wrong.run("p.py")
    (blob,) = [path for path in (wrong.root / ".solvent" / "objects").glob("??/*") if path.stat().st_size == 40_000]
    blob.unlink()
    blob.mkdir()
    done = wrong.command("run", "p.py", "--engine", engine)
    assert done.returncode in (1, 2)
    assert "solvent verify --repair" in done.stderr
    assert wrong.command("verify", "--repair").returncode == 0
    assert wrong.run("p.py", "--engine", engine).names("reused") == ["big"]
