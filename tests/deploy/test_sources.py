import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solvent.deploy.sources import WHOLE, reduce_sources
from solvent.serving.code import Code

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes modules of the user by dotted name, on the import path; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def write(**modules: str) -> None:
        for name, text in modules.items():
            path = tmp_path / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in [each for each in path.parents if tmp_path in each.parents]:
                (folder / "__init__.py").touch()
            path.write_text(textwrap.dedent(text), "utf-8")
            names.append(name.replace("__", ".").removesuffix(".init"))
        importlib.invalidate_caches()

    yield write
    for name in [each for each in sys.modules if each.partition(".")[0] in {n.partition(".")[0] for n in names}]:
        del sys.modules[name]


def reduced(*wanted: tuple[str, str]) -> dict[str, list[str]]:
    """The lines of each module that are kept."""
    return {
        path: [line for line in text.decode().splitlines() if line] for path, text in reduce_sources(wanted).items()
    }


def test_only_what_a_function_reaches_is_kept(write: Write) -> None:
    write(
        one="""
        '''What this is.'''
        import json
        import os, sys
        from math import pi, tau

        LIMIT = 3
        OTHER = 4

        def near(x):
            return x < LIMIT * pi

        def far(x):
            return json.dumps(x) and OTHER

        def step(x):
            return near(x)
        """
    )
    assert reduced(("one", "step"))["one.py"] == [
        "from math import pi",
        "LIMIT = 3",
        "def near(x):",
        "    return x < LIMIT * pi",
        "def step(x):",
        "    return near(x)",
    ]


def test_other_modules_give_what_is_imported_from_them_and_their_packages(write: Write) -> None:
    write(
        kit__deep__words="def word():\n    return 1\n\ndef unused():\n    return 2\n",
        kit__use="from .deep.words import word, unused\n\ndef step():\n    return word()\n",
    )
    found = reduced(("kit.use", "step"))
    assert found["kit/use.py"] == ["from .deep.words import word", "def step():", "    return word()"]
    assert found["kit/deep/words.py"] == ["def word():", "    return 1"]
    assert found["kit/__init__.py"] == found["kit/deep/__init__.py"] == []


def test_imports_inside_functions_are_followed(write: Write) -> None:
    write(
        lazy_b="def f():\n    return 1\n\ndef g():\n    return 2\n",
        lazy_a="def step():\n    from lazy_b import f\n    return f()\n",
    )
    assert reduced(("lazy_a", "step"))["lazy_b.py"] == ["def f():", "    return 1"]


def test_parameters_and_variables_are_no_names_of_the_module(write: Write) -> None:
    write(
        scopes="""
        import json as rows

        def table():
            return 1

        def other():
            return 2

        class Kind:
            other = 3

            def get(self):
                return other()

        def step(rows):
            table = [rows for rows in rows]
            return table, Kind
        """
    )
    text = "\n".join(reduced(("scopes", "step"))["scopes.py"])
    assert "def other" in text
    assert "json" not in text
    assert "def table" not in text


def test_a_module_that_is_imported_as_such_is_kept_whole(write: Write) -> None:
    write(
        parts="def f():\n    return 1\n\ndef g():\n    return 2\n",
        user="import parts as p\n\ndef step():\n    return p.f()\n",
    )
    assert len(reduced(("user", "step"))["parts.py"]) == 4


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("import math\nmath.seed = 1", True),
        ("import os\nos.environ['X'] = '1'", False),
        ("TABLE = {}\nTABLE['a'] = len", True),
        ("TABLE = {}\nTABLE.update(a=len)", True),
        ("if math.pi > 3:\n    EXTRA = 1\nelse:\n    EXTRA = 2", False),
        ("print('hello')", False),
        ("if __name__ == '__main__':\n    math.pi", False),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json", False),
    ],
)
def test_a_statement_without_a_needed_name_stays_if_what_it_begins_with_stays(
    write: Write, statement: str, kept: bool
) -> None:
    write(stray=f"import math\n{statement}\ndef step():\n    return math.pi, TABLE\n")
    last = statement.splitlines()[-1]
    assert (last in reduced(("stray", "step"))["stray.py"]) is kept


def test_what_a_registry_of_the_module_holds_is_kept_and_what_a_library_decorates_is_not(write: Write) -> None:
    write(
        registry="""
        import functools

        KNOWN = {}

        def register(name):
            def put(function):
                KNOWN[name] = function
                return function
            return put

        @register("a")
        def first():
            return 1

        @functools.lru_cache(maxsize=None)
        def other():
            return 2

        @functools.lru_cache(maxsize=None)
        def step(name):
            return KNOWN[name]() + len(register.__name__)
        """
    )
    lines = reduced(("registry", "step"))["registry.py"]
    assert "def first():" in lines
    assert "def other():" not in lines


def test_every_way_of_binding_a_name_is_known(write: Write) -> None:
    write(
        ways="""
        from __future__ import annotations
        a, (b, *c) = 1, (2, 3)
        d: int = 4
        d += 1
        try:
            import absent_library as e
        except ImportError:
            e = None
        with open(__file__) as f:
            g = f.read(1)
        for h in range(3):
            pass
        if (i := 3):
            class J(dict): pass
        k = 1; l = 2

        def step() -> Unknown:
            return a, b, c, d, e, g, h, i, J, l
        """
    )
    namespace: dict[str, object] = {"__file__": __file__}
    exec(reduce_sources([("ways", "step")])["ways.py"], namespace)
    assert namespace["step"]()[0:5] == (1, 2, [3], 5, None)  # type: ignore[operator]


def test_an_edit_elsewhere_in_the_module_changes_nothing(write: Write, tmp_path: Path) -> None:
    write(edited="import math\n\n\ndef train():\n    return 1\n\n\ndef step():\n    return math.pi\n")
    before = reduce_sources([("edited", "step")])
    write(edited="# new\nimport json, math\n\ndef train():\n    return json\n\ndef step():\n    return math.pi\n")
    assert reduce_sources([("edited", "step")]) == before


def test_a_whole_module_is_all_of_its_statements(write: Write) -> None:
    write(all_of_it="import math\n\nx = 1\n\ndef f():\n    return 2\n")
    assert len(reduced(("all_of_it", WHOLE))["all_of_it.py"]) == 4


def test_encodings_and_line_ends_of_other_systems_are_read(write: Write, tmp_path: Path) -> None:
    write(windows="")
    (tmp_path / "windows.py").write_bytes(
        "# coding: latin-1\r\nNAME = 'é'\r\n\r\ndef step():\r\n    return NAME\r\n".encode("latin-1")
    )
    assert "NAME = 'é'" in reduce_sources([("windows", "step")])["windows.py"].decode()


SHAPES = {
    "everything that a module gives": {
        "star_a": "from math import *\nfrom star_b import *\n\ndef step():\n    return floor(helper() + _own())\n\n"
        "def _own():\n    return 0.5\n",
        "star_b": "__all__ = ['helper']\n\ndef helper():\n    return inner()\n\ndef inner():\n    return 4\n",
    },
    "an import with another way out": {
        "out_a": "try:\n    from absent_library import f\nexcept ImportError:\n    from out_b import f\n\ndef step():\n"
        "    return f()\n",
        "out_b": "def f():\n    return g()\n\ndef g():\n    return 5\n",
    },
    "a class with a base and a meta class elsewhere": {
        "kind_a": "import kind_b\nfrom kind_b import Base as Root\n\nclass Kind(Root, metaclass=kind_b.Meta):\n"
        "    value = kind_b.LIMIT\n\ndef step():\n    return Kind().twice(), Kind.made\n",
        "kind_b": "LIMIT = 3\n\nclass Meta(type):\n    made = True\n\nclass Base:\n    def twice(self):\n"
        "        return 2 * self.value\n",
    },
    "relative imports of packages and modules": {
        "pack__INIT": "from .inner import value\nTOP = 7\n",
        "pack__inner": "from . import other\nfrom .deep import low\n\ndef value():\n    return other.x, low.y()\n",
        "pack__other": "x = 1\n",
        "pack__deep__INIT": "",
        "pack__deep__low": "def y():\n    from .. import TOP\n    return TOP\n",
        "pack__use": "from . import value\n\ndef step():\n    return value()\n",
    },
    "a default, a decorator and an annotation that are evaluated": {
        "head_a": "import functools\nDEFAULT = 4\n\ndef Kind():\n    return int\n\ndef noted(function):\n"
        "    @functools.wraps(function)\n    def inner(*args):\n        return function(*args), MARK\n    return inner\n\n"
        "MARK = 'm'\n\n@noted\ndef step(x: Kind() = DEFAULT):\n    return x\n",
    },
    "a table that statements fill": {
        "fill_a": "TABLE = {}\nfor word in ('a', 'b'):\n    TABLE[word] = len(TABLE)\nTABLE['c'] = 9\nif True:\n"
        "    TABLE.update(d=1)\ndel TABLE['a']\n\ndef step():\n    return TABLE\n",
    },
    "a name that is bound again": {
        "again_a": "value = 1\nvalue += 2\nvalue = value * 5\n\ndef step():\n    return value\n",
    },
    "a global that another function of the module sets": {
        "state_a": "_known = None\n\ndef known():\n    global _known\n    if _known is None:\n        _known = make()\n"
        "    return _known\n\ndef make():\n    return [1]\n\ndef step():\n    return known()\n",
    },
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_reduced_code_does_what_the_whole_does(write: Write, tmp_path: Path, shape: dict[str, str]) -> None:
    write(**shape)
    name = next(name for name in shape if name.endswith(("_a", "use"))).replace("__", ".")
    expected = importlib.import_module(name).step()
    folder = tmp_path / "reduced"
    for path, text in reduce_sources([(name, "step")]).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text)
    assert Code(str(folder)).find(f"{name}:step")() == expected
