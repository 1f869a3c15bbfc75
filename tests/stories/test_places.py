"""Steps work wherever they are written: in a script, a module, a package run with -m."""

from __future__ import annotations

import subprocess
import sys

import pytest

BODY = """
import sys
from dataclasses import dataclass
from solvent import pipeline, run, step


@dataclass(frozen=True)
class Point:
    x: int


def helper(x):
    return x + 1


@step
def make(x: int) -> Point:
    return Point(helper(x))


@step(isolated=True)
def use(point: Point) -> int:
    return point.x * 10


@step(timeout_seconds=30)
def limited(x: int) -> int:
    return x + 1


@pipeline
def main(x: int = 1) -> int:
    return limited(use(make(x)))


if __name__ == "__main__":
    for _ in range(2):
        done = run(main, engine=sys.argv[1], x=2)
        print(done.result, *[step.status for step in done.steps])
"""


def printed(shop, *command: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, *command], cwd=shop.root, env=shop.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_steps_of_a_script_and_of_a_package_run_with_m(shop, engine: str) -> None:
    shop.write("script.py", BODY)
    shop.write("pack/__init__.py", "")
    shop.write("pack/steps.py", BODY)
    expected = ["31 done done done", "31 reused reused reused"]
    assert printed(shop, "script.py", engine) == expected
    assert printed(shop, "-m", "pack.steps", engine)[1] == expected[1]


def test_the_command_takes_a_file_a_file_with_a_name_and_a_module(shop) -> None:
    shop.write("pack/__init__.py", "")
    shop.write("pack/steps.py", BODY)
    assert len(shop.run("pack/steps.py").ran) == 3
    for target in ("pack/steps.py:main", "pack.steps:main", "pack.steps"):
        assert shop.run(target).ran == [], target


def test_the_store_is_beside_the_project_file_above_the_working_folder(shop) -> None:
    shop.write("deep/down/script.py", BODY)
    subprocess.run(
        [sys.executable, "-m", "solvent", "run", "script.py", "--quiet"],
        cwd=shop.root / "deep" / "down",
        env=shop.environment(),
        check=True,
        capture_output=True,
    )
    assert (shop.root / ".solvent" / "metadata.sqlite").exists()


DATACLASS = "@dataclass(frozen=True)\nclass Point:\n    x: int\n"
PLAIN_CLASS = "class Point:\n    def __init__(self, x):\n        self.x = x\n"
PLAIN = BODY.replace(DATACLASS, PLAIN_CLASS)


def test_a_script_and_the_command_each_have_their_own_classes(shop) -> None:
    shop.write("script.py", PLAIN)
    assert printed(shop, "script.py", "inline")[0] == "31 done done done"
    shop.write("script.py", PLAIN.replace("point.x * 10", "point.x * 20"))
    assert shop.run("script.py", "--set", "x=2").ran == ["make", "use", "limited"]
    shop.write("script.py", PLAIN.replace("point.x * 10", "point.x * 30"))
    assert printed(shop, "script.py", "inline")[0] == "91 reused done done"
    assert shop.run("script.py", "--set", "x=2").ran == ["use"]


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_value_of_a_class_that_moved_is_made_anew(shop, engine: str) -> None:
    script = PLAIN.replace(PLAIN_CLASS, "from shapes import Point\n")
    shop.write("shapes.py", PLAIN_CLASS)
    shop.write("script.py", script)
    shop.run("script.py", "--engine", engine)
    (shop.root / "shapes.py").rename(shop.root / "forms.py")
    shop.write("script.py", script.replace("from shapes", "from forms"))
    moved = shop.run("script.py", "--engine", engine)
    assert moved.ran == ["make", "use"]
    assert "shapes.Point" in moved.why("make")
