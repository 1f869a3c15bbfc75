"""Stored bytes that are gone or damaged are never reused; the next run makes them again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

PROGRAM = """
from solvent import File, pipeline, step


@step
def make(n: int) -> bytes:
    return bytes([n]) * 20_000


@step
def join(parts: list[bytes]) -> bytes:
    return b"".join(parts)


@step
def size(data: bytes) -> int:
    return len(data)


@pipeline
def main() -> int:
    return size(join([make(n) for n in range(3)]))


@step
def write(text: str) -> File:
    with open("out.txt", "w") as file:
        file.write(text)
    return File("out.txt")


@step
def overwrite(before: File) -> File:
    with open("out.txt", "w") as file:
        file.write("spoiled")
    return File("out.txt")


@step
def read(file: File, after: File) -> str:
    return file.read_text()


@pipeline
def files() -> str:
    written = write("good")
    return read(written, overwrite(written))
"""


def objects(shop) -> list[Path]:
    return sorted(path for path in (shop.root / ".solvent" / "objects").rglob("*") if path.stat().st_size >= 20_000)


def harm(path: Path, how: str) -> None:
    path.chmod(0o644)
    data = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(data[: random.Random(1).randrange(len(data))])
    else:
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


@pytest.mark.parametrize("engine", ["inline", "processes"])
@pytest.mark.parametrize("how", ["deleted", "truncated"])
def test_bytes_that_are_gone_are_computed_again(shop, how: str, engine: str) -> None:
    shop.write("bytes_.py", PROGRAM)
    shop.run("bytes_.py:main", "--engine", engine)
    for path in objects(shop):
        name = path.name
        harm(path, how)
        again = shop.run("bytes_.py:main", "--engine", engine)
        assert again.status == "done"
        assert len(again.ran) == 1
        (why,) = [step["why"] for step in again.said["steps"] if step["status"] == "done"]
        assert "missing or damaged" in why
        assert again.result == 60_000
        assert name in [each.name for each in objects(shop)]


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_flipped_bits_are_found_when_they_are_read_and_made_again_by_the_next_run(shop, engine: str) -> None:
    shop.write("bytes_.py", PROGRAM)
    shop.run("bytes_.py:main", "--engine", engine)
    shop.write("bytes_.py", PROGRAM.replace("return len(data)", "return len(data) + 1"))
    for path in objects(shop):
        harm(path, "flipped")
    failed = shop.command("run", "bytes_.py:main", "--engine", engine)
    assert failed.returncode in (1, 2)
    assert "damaged" in failed.stderr
    results = [shop.command("run", "bytes_.py:main", "--engine", engine, "--json") for _ in range(4)]
    assert results[-1].returncode == 0, results[-1].stderr


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_file_is_handed_on_as_it_was_returned(shop, engine: str) -> None:
    shop.write("bytes_.py", PROGRAM)
    assert shop.run("bytes_.py:files", "--engine", engine).result == "good"


def test_settings_of_a_step_come_from_the_project_and_the_command(shop) -> None:
    shop.write(
        "slow_.py",
        "import time\nfrom solvent import pipeline, step\n@step\ndef nap() -> int:\n    time.sleep(60)\n    return 1\n@pipeline\ndef p() -> int:\n    return nap()\n",
    )
    shop.write("solvent.toml", '[steps."*"]\ntimeout_seconds = 0.3\n')
    assert "timeout_seconds=0.3" in shop.run("slow_.py", code=1).printed
    assert (
        "timeout_seconds=0.2"
        in shop.run("slow_.py", "--step", "nap.timeout_seconds=0.2", "--engine", "inline", code=1).printed
    )
    assert "'cpus'" in shop.command("run", "slow_.py", "--step", "nap.cpu=1").stderr
