"""Edits between runs: exactly the steps that depend on them run again, and `why` names the cause."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

STEPS = '''
"""The pipeline."""
import functools
from dataclasses import dataclass
from solvent import File, pipeline, step
from pack import helpers
from pack.decorators import traced
from pack.shapes import Shape


@dataclass(frozen=True)
class Config:
    source: File = File("data.txt")
    factor: int = 2


@step
def load(source: File) -> int:
    return int(source.read_text())


@step
def near(x: int) -> int:
    # a comment
    return helpers.scale(x)


@step
def limited(x: int) -> int:
    return min(x, helpers.LIMIT)


@step
def added(x: int, more: int = 3) -> int:
    """Add."""
    return x + more


@step
def area(x: int) -> int:
    return Shape(x).area()


@step
@traced
def decorated(x: int) -> int:
    return x


def make(power):
    def raised(x: int) -> int:
        return x**power
    return raised


cubed = step(name="cubed")(make(2))


@step
def looked_up(x: int) -> int:
    with open("table.txt") as table:
        return x + int(table.read())


@step
def factored(x: int, factor: int) -> int:
    return x * factor


@step
def measured(x: int) -> str:
    import fakedist
    return fakedist.NAME * x


@step
def untouched(x: int) -> int:
    return x - 1


@pipeline
def main(config: Config) -> list[int]:
    x = load(config.source)
    return [near(x), limited(x), added(x), area(x), decorated(x), cubed(x), looked_up(x), factored(x, config.factor),
            measured(x), untouched(x)]
'''

HELPERS = """
from pack import deep

LIMIT = 100


def scale(x):
    return deep.twice(x)


def unused(x):
    return x
"""

DEEP = """
def twice(x):
    return x * 2
"""

SHAPES = """
class Shape:
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side**2

    def unrelated(self):
        return 1
"""

DECORATORS = """
import functools


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs) + 0
    return wrapper
"""


class Edit(NamedTuple):
    """One edit, what must run again because of it, and what `why` says of the first of those."""

    file: str
    old: str
    new: str
    ran: list[str]
    why: str


EDITS = {
    "a helper in another module": Edit(
        "pack/helpers.py", "deep.twice(x)", "deep.twice(x) + 1", ["near"], "pack.helpers.scale"
    ),
    "a helper of a helper": Edit(
        "pack/deep.py", "x * 2", "x * 3", ["near"], "`pack.deep.twice` changed (pack/deep.py:2)"
    ),
    "a module constant": Edit("pack/helpers.py", "LIMIT = 100", "LIMIT = 4", ["limited"], "pack.helpers.LIMIT"),
    "a default argument": Edit("pack/steps.py", "more: int = 3", "more: int = 4", ["added"], "argument `more` 3 -> 4"),
    "a class method": Edit("pack/shapes.py", "self.side**2", "self.side**3", ["area"], "pack.shapes.Shape.area"),
    "a closure variable": Edit("pack/steps.py", "(make(2))", "(make(3))", ["cubed"], "power"),
    "a decorator": Edit(
        "pack/decorators.py", "**kwargs) + 0", "**kwargs) + 1", ["decorated"], "pack.decorators.traced"
    ),
    "a file that the step opens": Edit("table.txt", "5", "6", ["looked_up"], "file table.txt changed"),
    "the body of a step": Edit("pack/steps.py", "x - 1", "x - 2", ["untouched"], "pack.steps.untouched"),
    "an installed distribution's version": Edit(
        "lib/site-packages/fakedist-1.0.dist-info/METADATA",
        "Version: 1.0",
        "Version: 1.1",
        ["measured"],
        "fakedist 1.0 -> 1.1",
    ),
    "a comment": Edit("pack/steps.py", "# a comment", "# another one", [], ""),
    "a docstring": Edit("pack/steps.py", '"""Add."""', '"""Add two numbers."""', [], ""),
    "formatting": Edit("pack/helpers.py", "deep.twice(x)", "deep.twice(\n        x,\n    )", [], ""),
    "an unused helper": Edit(
        "pack/helpers.py", "def unused(x):\n    return x", "def unused(x):\n    return -x", [], ""
    ),
}


@pytest.fixture
def project(shop):
    shop.write("pack/__init__.py", "")
    shop.write("pack/steps.py", STEPS)
    shop.write("pack/helpers.py", HELPERS)
    shop.write("pack/deep.py", DEEP)
    shop.write("pack/shapes.py", SHAPES)
    shop.write("pack/decorators.py", DECORATORS)
    shop.write("data.txt", "7")
    shop.write("table.txt", "5")
    shop.write("lib/site-packages/fakedist.py", "NAME = 'f'\n")
    shop.write(
        "lib/site-packages/fakedist-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: fakedist\nVersion: 1.0\n"
    )
    shop.write("lib/site-packages/fakedist-1.0.dist-info/RECORD", "fakedist.py,,\n")
    return shop


def run(project, *words: str, engine: str = "inline"):
    folders = [str(project.root / "lib" / "site-packages"), os.environ.get("PYTHONPATH", "")]
    env = {"PYTHONPATH": os.pathsep.join(filter(None, folders))}
    return project.run("pack.steps:main", "--engine", engine, *words, env=env)


def change(project, edit: Edit, *, back: bool = False) -> None:
    path = project.root / edit.file
    old, new = (edit.new, edit.old) if back else (edit.old, edit.new)
    text = path.read_text()
    assert text.count(old) == 1, (edit.file, old)
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("engine", ["inline", pytest.param("processes", marks=pytest.mark.slow)])
def test_each_edit_runs_exactly_the_steps_that_depend_on_it(project, engine: str) -> None:
    assert len(run(project, engine=engine).ran) == 11
    assert run(project, engine=engine).ran == []
    for name, edit in EDITS.items():
        change(project, edit)
        after = run(project, engine=engine)
        assert after.ran == edit.ran, name
        if edit.ran:
            assert edit.why in after.why(edit.ran[0]), name
        change(project, edit, back=True)
        assert run(project, engine=engine).ran == [], f"{name}, there and back again"


def test_a_config_value_runs_the_steps_that_were_passed_it(project) -> None:
    run(project)
    after = run(project, "--set", "factor=3")
    assert after.ran == ["factored"]
    assert after.why("factored") == "argument `factor` 2 -> 3"


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_an_edit_within_the_same_second_and_of_the_same_size_is_noticed(project, engine: str) -> None:
    run(project, engine=engine)
    path: Path = project.root / "pack" / "deep.py"
    state = os.stat(path)
    path.write_text(path.read_text().replace("x * 2", "x * 5"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert os.stat(path).st_size == state.st_size
    after = run(project, engine=engine)
    assert after.ran == ["near"]
    assert after.result[0] == 35


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_data_file_of_the_same_size_and_time_is_noticed(project, engine: str) -> None:
    run(project, engine=engine)
    path: Path = project.root / "data.txt"
    state = os.stat(path)
    path.write_text("8")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    after = run(project, engine=engine)
    assert after.ran[0] == "load"
    assert "file data.txt changed" in after.why("load")


def test_an_unchanged_output_stops_the_wave(project) -> None:
    run(project)
    path: Path = project.root / "data.txt"
    path.write_text("7 ")
    assert run(project).ran == ["load"]


SAY = "a = run(cells, engine={engine!r}); print([step.status for step in a.steps], a.result, a['second'].why)"
FAILS = "try:\n    run(cells, engine={engine!r})\nexcept Exception as error:\n    print(error)"
NOTEBOOK = {
    "from solvent import step, pipeline, run\nimport lib, importlib\nK = 1\nclass Model:\n    def go(self):\n        return 1\ndef helper(x):\n    return x + K": "",
    "@step\ndef first() -> object:\n    return Model()\n\n@step\ndef second(model) -> int:\n    return lib.far(helper(model.go()))": "",
    "@pipeline\ndef cells() -> int:\n    return second(first())": "",
    SAY: "['done', 'done'] 4 it has not run before",
    SAY + "  # again": "['reused', 'reused'] 4 nothing it depends on changed",
    "def helper(x):\n    return x + K + 1\n" + SAY: "['reused', 'done'] 6 `__main__.helper` changed",
    "K = 5\n" + SAY: "['reused', 'done'] 14 `__main__.K` changed",
    "class Model:\n    def go(self):\n        return 2\n" + SAY: "['done', 'done'] 16 `__main__.Model.go` changed",
    "open('lib.py', 'w').write('def far(x):\\n    return x * 3\\n'); importlib.reload(lib)\n"
    + SAY: "['reused', 'done'] 24 `lib.far` changed",
    "open('lib.py', 'w').write('def far(x):\\n    return x * 4\\n')\nK = 6\n" + FAILS: {
        "inline": "",
        "processes": "lib.py was edited after it was loaded",
    },
    "importlib.reload(lib)\n" + SAY: "['reused', 'done'] 36 ",
    "print('<table' in a._repr_html_())": "True",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_an_edit_in_a_live_notebook_runs_the_steps_that_depend_on_it(shop, engine: str) -> None:
    import nbformat
    from nbclient import NotebookClient

    shop.write("lib.py", "def far(x):\n    return x * 2\n")
    cells = [nbformat.v4.new_code_cell(text.replace("{engine!r}", repr(engine))) for text in NOTEBOOK]
    notebook = nbformat.v4.new_notebook(cells=cells)
    place = {"metadata": {"path": str(shop.root)}}
    NotebookClient(notebook, timeout=20, kernel_name="python3", resources=place).execute()
    for cell, expected in zip(notebook.cells, NOTEBOOK.values(), strict=True):
        said = "".join(output.text for output in cell.outputs if "text" in output)
        wanted = expected[engine] if isinstance(expected, dict) else expected
        assert wanted in said, (cell.source, said)
