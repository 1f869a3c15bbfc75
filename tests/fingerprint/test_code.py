"""The code of a step: each edit that changes what runs is noticed, and no other."""

import sys
from types import ModuleType

import pytest

from solvent.fingerprint.code import extend_fingerprint, fingerprint_classes, fingerprint_code
from solvent.model import CodeFingerprint
from tests.fingerprint.conftest import Sources

PROJECT = {
    "rates": """
        BASE = 3
        LIMITS = {"low": 1, "high": 9}

        def limit(x):
            return min(x, LIMITS["high"])
    """,
    "features": '''
        """Features."""
        import functools
        import rates
        from rates import BASE

        def timed(label):
            def wrap(function):
                @functools.wraps(function)
                def inner(*args, **kwargs):
                    return function(*args, **kwargs)
                return inner
            return wrap

        class Scaler:
            factor = 2

            def __init__(self, offset=0):
                self.offset = offset

            def apply(self, x):
                return x * self.factor + self.offset

            @property
            def name(self):
                return "scaler"

            @staticmethod
            def zero():
                return 0

        def adder(k):
            def add(x):
                return x + k
            return add

        add_five = adder(5)

        def scale(x, by=2):
            """Scale it."""
            # by a factor
            return rates.limit(x * by) + BASE

        @timed("seconds")
        def decorated(x):
            return x

        def unused(x):
            return x
    ''',
    "steps": """
        import features
        from features import add_five

        def main(x):
            return features.scale(x) + add_five(x) + features.Scaler(1).apply(x) + features.decorated(x)

        def apart(x):
            return x + 1
    """,
}

CHANGES = [
    ("a helper in another module", "features", "rates.limit(x * by) + BASE", "rates.limit(x * by) - BASE", "features.scale"),
    ("a helper of a helper", "rates", "min(x, LIMITS", "max(x, LIMITS", "rates.limit"),
    ("a module constant", "rates", "BASE = 3", "BASE = 4", "rates.BASE"),
    ("a value inside a constant", "rates", '"high": 9', '"high": 8', "rates.LIMITS"),
    ("the type of a constant", "rates", "BASE = 3", "BASE = 3.0", "rates.BASE"),
    ("a default argument", "features", "def scale(x, by=2)", "def scale(x, by=3)", "features.scale"),
    ("a default argument of a method", "features", "offset=0", "offset=1", "features.Scaler.__init__"),
    ("a class method", "features", "x * self.factor + self.offset", "x * self.factor", "features.Scaler.apply"),
    ("a property", "features", 'return "scaler"', 'return "other"', "features.Scaler.name"),
    ("a static method", "features", "return 0", "return 1", "features.Scaler.zero"),
    ("a class attribute", "features", "factor = 2", "factor = 3", "features.Scaler"),
    ("a base class", "features", "class Scaler:", "class Scaler(dict):", "features.Scaler"),
    ("a closure variable", "features", "adder(5)", "adder(6)", "features.add_five.k"),
    ("the code of a closure", "features", "return x + k", "return x - k", "features.add_five"),
    ("the argument of a decorator", "features", '@timed("seconds")', '@timed("minutes")', None),
    ("the code of a decorator", "features", "return function(*args, **kwargs)", "return 2 * function(*args)", "features.timed"),
    ("the function under a decorator", "features", "def decorated(x):\n    return x", "def decorated(x):\n    return -x", "features.decorated"),
    ("a decorator taken away", "features", '@timed("seconds")\n', "", "features.timed"),
    ("the name that an import takes", "steps", "from features import add_five", "from features import unused as add_five", "features.add_five"),
]  # fmt: skip

NO_CHANGES = [
    ("a comment", "features", "# by a factor", "# by another factor\n    # and more"),
    ("a docstring", "features", '"""Scale it."""', '"""Scale it, in other words."""'),
    ("no docstring", "features", '    """Scale it."""\n', ""),
    ("the docstring of a module", "features", '"""Features."""', '"""Other features."""'),
    ("a docstring in a class", "features", "class Scaler:", 'class Scaler:\n    "Scales."'),
    ("formatting", "features", "rates.limit(x * by) + BASE", "(\n        rates.limit(\n            x*by\n        )\n        + BASE\n    )"),
    ("lines above", "rates", "BASE = 3", "\n\n\nBASE = 3"),
    ("an annotation", "features", "def scale(x, by=2):", "def scale(x: int, by: float = 2) -> float:"),
    ("an annotation of an inner function", "features", "def add(x):", "def add(x: int) -> int:"),
    ("an annotation of a constant", "rates", "BASE = 3", "BASE: int = 3"),
    ("a function that nobody calls", "features", "def unused(x):\n    return x", "def unused(x):\n    return -x"),
    ("another step", "steps", "return x + 1", "return x + 2"),
    ("the order in a dictionary", "rates", '{"low": 1, "high": 9}', '{"high": 9, "low": 1}'),
    ("an import that nobody uses", "features", "import functools", "import functools\nimport json"),
]  # fmt: skip


@pytest.fixture
def project(sources: Sources) -> Sources:
    """Three modules that call one another."""
    sources.write(**PROJECT)
    return sources


def changed(old: CodeFingerprint, new: CodeFingerprint) -> set[str]:
    """Return the names of symbols that differ."""
    return {symbol.name for symbol in {tuple(each[:3]): each for each in (*old.symbols, *new.symbols)}.values()
            if tuple(symbol[:3]) not in {tuple(each[:3]) for each in old.symbols} & {tuple(each[:3]) for each in new.symbols}}  # fmt: skip


@pytest.mark.parametrize(
    ("module", "old", "new", "symbol"), [each[1:] for each in CHANGES], ids=[each[0] for each in CHANGES]
)
def test_an_edit_of_what_a_step_reaches_changes_its_fingerprint(
    project: Sources, module: str, old: str, new: str, symbol: str | None
) -> None:
    """The symbol that was edited is named, and a step that does not reach it is left alone."""
    before, other = project.fingerprint(), project.fingerprint("apart")
    project.edit(module, old, new)
    after = project.fingerprint()
    if symbol is None:
        return  # the label is not used by the decorator's function
    assert after.digest != before.digest
    assert symbol in changed(before, after)
    assert project.fingerprint("apart") == other


@pytest.mark.parametrize(
    ("module", "old", "new"), [each[1:] for each in NO_CHANGES], ids=[each[0] for each in NO_CHANGES]
)
def test_an_edit_that_changes_nothing_leaves_the_fingerprint(project: Sources, module: str, old: str, new: str) -> None:
    """Neither the digest nor the digest of any symbol moves."""
    before = project.fingerprint()
    project.edit(module, old, new)
    after = project.fingerprint()
    assert after.digest == before.digest
    assert changed(before, after) == set()


def test_an_edit_there_and_back_gives_the_old_fingerprint(project: Sources) -> None:
    """Nothing of the way is left in it."""
    before = project.fingerprint()
    project.edit("rates", "BASE = 3", "BASE = 4")
    between = project.fingerprint()
    project.edit("rates", "BASE = 4", "BASE = 3")
    assert project.fingerprint() == before
    assert between.digest != before.digest


def test_an_edit_of_the_same_size_and_time_is_noticed(project: Sources) -> None:
    """Bytecode caches of user modules are never trusted by the time of their source."""
    import os

    path = project.folder / "rates.py"
    os.utime(path, ns=(10**18, 10**18))
    before = project.fingerprint()
    project.edit("rates", "BASE = 3", "BASE = 4")
    os.utime(path, ns=(10**18, 10**18))
    assert project.fingerprint().digest != before.digest
    assert not list(project.folder.rglob("*.pyc"))


def test_symbols_have_the_file_and_line_where_they_are_set(project: Sources) -> None:
    """A constant that is imported by name is found where it was written."""
    places = {each.name: (each.kind, each.file.rsplit("/")[-1], each.line) for each in project.fingerprint().symbols}
    assert places["features.scale"] == ("function", "features.py", 39)
    assert places["rates.BASE"] == ("constant", "rates.py", 2)
    assert places["features.Scaler"] == ("class", "features.py", 15)
    assert places["features.add_five.k"][0] == "closure"


def test_swapping_two_names_is_noticed(sources: Sources) -> None:
    """The same functions are reached, each in place of the other."""
    sources.write(helpers="def a(x): return 1\ndef b(x): return 2\n")
    text = "from helpers import a as one, b as two\ndef main(x): return one(x) - two(x)\n"
    sources.write(steps=text)
    before = sources.fingerprint()
    sources.write(steps=text.replace("a as one, b as two", "b as one, a as two"))
    assert sources.fingerprint().digest != before.digest


def test_swapping_two_closures_of_one_name_is_noticed(sources: Sources) -> None:
    """Even when only what they hold differs, and what they hold is code."""
    text = """
        def make(f):
            def inner(x):
                return f(x)
            return inner
        def a(x): return 1
        def b(x): return 2
        TABLE = {"one": make(a), "two": make(b)}
        def main(x):
            return TABLE["one"](x) - TABLE["two"](x)
    """
    sources.write(steps=text)
    before = sources.fingerprint()
    sources.write(steps=text.replace("make(a)", "make(?)").replace("make(b)", "make(a)").replace("make(?)", "make(b)"))
    assert sources.fingerprint().digest != before.digest


def test_moving_a_helper_to_another_module_changes_nothing(sources: Sources) -> None:
    """A function is what it does, not where it is written."""
    sources.write(
        one="def help(x): return x\n",
        two="def help(x): return x\n",
        steps="from one import help\ndef main(x): return help(x)\n",
    )
    before = sources.fingerprint()
    sources.write(steps="from two import help\ndef main(x): return help(x)\n")
    assert sources.fingerprint().digest == before.digest


def test_a_fingerprint_is_the_same_in_another_process(project: Sources) -> None:
    """Whatever the hash seed."""
    import subprocess

    program = "import steps; from solvent.fingerprint.code import fingerprint_code; print(fingerprint_code(steps.main).digest)"
    digests = {project.fingerprint().digest}
    for seed in ("1", "2"):
        import os

        path = os.pathsep.join([str(project.folder), *sys.path])
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        digests.add(subprocess.check_output([sys.executable, "-c", program], env=environment, text=True).strip())
    assert len(digests) == 1


def test_code_that_calls_itself_or_each_other_is_followed_once(sources: Sources) -> None:
    """A circle ends, and an edit anywhere in it counts."""
    text = "def main(n): return other(n - 1) if n else 0\ndef other(n): return main(n - 1) if n else 1\n"
    sources.write(steps=text)
    before = sources.fingerprint()
    sources.write(steps=text.replace("else 1", "else 2"))
    assert sources.fingerprint().digest != before.digest


def test_following_stops_at_installed_packages_and_the_standard_library(sources: Sources) -> None:
    """Of those only the names that they are imported by are noted."""
    sources.write(
        steps="import json, pytest\nimport hypothesis.strategies as st\ndef main(x): return json.dumps(x), pytest.raises, st.integers\n"
    )
    found = sources.fingerprint()
    assert found.packages == ("hypothesis", "pytest")
    assert [each.name for each in found.symbols] == ["steps.main"]


def test_another_function_of_a_package_is_another_fingerprint(sources: Sources) -> None:
    """Although the step's own code is the same."""
    sources.write(steps="from math import sin as f\ndef main(x): return f(x)\n")
    before = sources.fingerprint()
    sources.write(steps="from math import cos as f\ndef main(x): return f(x)\n")
    assert sources.fingerprint().digest != before.digest


def test_only_the_attribute_that_is_used_of_a_module_counts(sources: Sources) -> None:
    """Through packages and submodules too."""
    sources.write(
        pkg____init__="",
        pkg__deep="A = 1\nB = 2\ndef f(): return A\n",
        steps="import pkg.deep\ndef main(x): return pkg.deep.f()\n",
    )
    (sources.folder / "pkg" / "__init__.py").write_text("")
    before = sources.fingerprint()
    sources.edit("pkg.deep", "B = 2", "B = 3")
    assert sources.fingerprint() == before
    sources.edit("pkg.deep", "A = 1", "A = 3")
    assert changed(before, sources.fingerprint()) == {"pkg.deep.A"}


@pytest.mark.parametrize("use", ["getattr(helpers, x)()", "call(helpers)", "vars(helpers)[x]()"])
def test_a_module_used_as_a_value_counts_as_a_whole(sources: Sources, use: str) -> None:
    """What is taken of it can't be seen."""
    sources.write(
        helpers="def a(): return 1\ndef b(): return 2\n",
        steps=f"import helpers\ndef call(m): return m.a()\ndef main(x): return {use}\n",
    )
    before = sources.fingerprint()
    sources.edit("helpers", "return 2", "return 3")
    after = sources.fingerprint()
    assert after.digest != before.digest
    assert "helpers" in {each.name for each in after.symbols if each.kind == "module"}


@pytest.mark.parametrize(
    "use", ["eval(x)", "exec(x)", "globals()[x]()", "__import__(x)", "importlib.import_module(x)", "sys.modules[x]"]
)
def test_what_cannot_be_followed_is_covered_by_the_module_and_named(sources: Sources, use: str) -> None:
    """A miss is better than a lie."""
    sources.write(steps=f"import importlib, sys\ndef other(): return 1\ndef main(x): return {use}\n")
    before = sources.fingerprint()
    assert before.unfollowed
    assert before.unfollowed[0].startswith("steps.main: ")
    sources.edit("steps", "return 1", "return 2")
    assert sources.fingerprint().digest != before.digest


def test_an_opaque_global_is_covered_by_its_module_and_named(sources: Sources) -> None:
    """How a connection was made is in the source of its module."""
    sources.write(
        store="import sqlite3\nCONNECTION = sqlite3.connect(':memory:')\n",
        steps="from store import CONNECTION\ndef main(x): return CONNECTION\n",
    )
    before = sources.fingerprint()
    assert before.unfollowed == ("store.CONNECTION",)
    sources.edit("store", "':memory:'", "':memory:', timeout=3")
    assert sources.fingerprint().digest != before.digest


def test_a_logger_and_a_pattern_are_ordinary_constants(sources: Sources) -> None:
    """They are in every other module."""
    sources.write(
        steps="import logging, re\nlog = logging.getLogger(__name__)\nWORD = re.compile('a+')\ndef main(x): log.info(x); return WORD.match(x)\n"
    )
    before = sources.fingerprint()
    assert before.unfollowed == ()
    sources.edit("steps", "a+", "b+")
    assert changed(before, sources.fingerprint()) == {"steps.WORD"}


def test_a_constant_that_holds_functions_follows_them(sources: Sources) -> None:
    """In tables of handlers, partials and objects, lambdas too."""
    text = """
        import functools
        class Box:
            def __init__(self, function): self.function = function
        def f(x): return 1
        def g(x): return 2
        HANDLERS = {"f": f, "rest": [functools.partial(g, 3), Box(lambda x: 4)]}
        def main(x):
            return HANDLERS[x]
    """
    digests = set()
    for number in "1234":
        sources.write(steps=text)
        digests.add(sources.fingerprint().digest)
        sources.edit(
            "steps", f"{number})" if number == "3" else f" {number}", f"{number}0)" if number == "3" else f" {number}0"
        )
        found = sources.fingerprint()
        assert found.digest not in digests
        assert found.unfollowed == ()
        digests.add(found.digest)
    assert len(digests) == 5


def test_an_object_of_a_user_class_brings_the_code_of_the_class(sources: Sources) -> None:
    """And its state."""
    sources.write(
        steps="class Model:\n    def __init__(self, k): self.k = k\n    def run(self, x): return x + self.k\nMODEL = Model(3)\ndef main(x): return MODEL.run(x)\n"
    )
    before = sources.fingerprint()
    sources.edit("steps", "x + self.k", "x - self.k")
    assert "steps.Model.run" in changed(before, sources.fingerprint())
    sources.edit("steps", "x - self.k", "x + self.k")
    sources.edit("steps", "Model(3)", "Model(4)")
    assert "steps.MODEL" in changed(before, sources.fingerprint())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("y: int = 3", "y: int = 4"),
        ("list)", "dict)"),
        ("frozen=True", "frozen=False"),
        ("x: int", "x: float"),
        ("return self.x", "return self.y"),
    ],
)
def test_a_dataclass_counts_with_its_fields_defaults_and_options(sources: Sources, old: str, new: str) -> None:
    """Its generated methods do not, they say nothing more."""
    sources.write(
        steps="from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass P:\n    x: int\n    y: int = 3\n    z: list = field(default_factory=list)\n    def go(self): return self.x\ndef main(x): return P(x).go()\n"
    )
    before = sources.fingerprint()
    assert not any("__init__" in each.name or "__eq__" in each.name for each in before.symbols)
    sources.edit("steps", old, new)
    assert sources.fingerprint().digest != before.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("RED = 1", "RED = 3"), ("BLUE = 2", "BLUE = 2; GREEN = 3"), ("return 5", "return 6"), ("Enum", "IntEnum")],
)
def test_an_enum_counts_with_its_members_and_methods(sources: Sources, old: str, new: str) -> None:
    """The machinery of enums does not."""
    sources.write(
        steps="from enum import Enum, IntEnum\nclass Color(Enum):\n    RED = 1\n    BLUE = 2\n    def code(self): return 5\ndef main(x): return Color.RED.code()\n"
    )
    before = sources.fingerprint()
    assert {each.name for each in before.symbols} == {"steps.main", "steps.Color", "steps.Color.code"}
    sources.edit("steps", f"({old})" if old == "Enum" else old, f"({new})" if old == "Enum" else new)
    assert sources.fingerprint().digest != before.digest


@pytest.mark.parametrize(
    "decorate",
    [
        "@functools.lru_cache(maxsize=None)",
        "@functools.cache",
        "@functools.singledispatch",
        "@contextlib.contextmanager",
        "@hypothesis.seed(3)",
    ],
)
def test_a_function_under_a_library_decorator_is_followed(sources: Sources, decorate: str) -> None:
    """Whatever the decorator made of it."""
    sources.write(
        steps=f"import functools, contextlib, hypothesis\n{decorate}\ndef helper(x): yield 1\ndef main(x): return helper(x)\n"
    )
    before = sources.fingerprint()
    assert before.unfollowed == ()
    sources.edit("steps", "yield 1", "yield 2")
    assert sources.fingerprint().digest != before.digest


def test_the_cases_of_a_single_dispatch_function_are_followed(sources: Sources) -> None:
    """Those registered elsewhere too."""
    sources.write(
        steps="import functools\n@functools.singledispatch\ndef show(x): return 0\n@show.register(int)\ndef _(x): return 1\ndef main(x): return show(x)\n"
    )
    before = sources.fingerprint()
    sources.edit("steps", "return 1", "return 2")
    assert sources.fingerprint().digest != before.digest


def test_an_installed_module_counts_the_same_whether_its_own_modules_are_loaded_yet_or_not(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries load some of theirs at first use: `numpy.testing` is one."""
    sources.write(steps="import numpy as np\ndef main(x): return np.testing.assert_array_equal(x, x)\n")
    monkeypatch.delattr("numpy.testing", raising=False)
    monkeypatch.delitem(sys.modules, "numpy.testing", raising=False)
    before = sources.fingerprint()
    assert sys.modules["steps"].np.testing is not None
    assert sources.fingerprint() == before


@pytest.mark.parametrize("kind", ["import helpers", "from helpers import used", "import helpers as h"])
def test_a_module_imported_in_a_function_is_followed_by_the_names_used(sources: Sources, kind: str) -> None:
    """If it is loaded when the first fingerprint is taken."""
    call = {"import helpers": "helpers.used", "from helpers import used": "used", "import helpers as h": "h.used"}[kind]
    sources.write(
        helpers="def used(): return 1\ndef unused(): return 2\n",
        loader="import helpers, steps\nmain = steps.main\n",
        steps=f"def main(x):\n    {kind}\n    return {call}()\n",
    )
    before = sources.fingerprint(module="loader")
    sources.edit("helpers", "return 2", "return 3")
    assert sources.fingerprint(module="loader") == before
    sources.edit("helpers", "return 1", "return 3")
    assert changed(before, sources.fingerprint(module="loader")) == {"helpers.used"}


@pytest.mark.parametrize(
    "kind",
    [
        "import helpers",
        "from helpers import used",
        "from pkg import mod",
        "import pkg.mod",
        "importlib.import_module('helpers')",
    ],
)
def test_a_module_that_only_the_step_will_import_counts_by_its_source(sources: Sources, kind: str) -> None:
    """With the user modules that it imports itself, and without running any."""
    sources.write(
        bottom="K = 1\nassert not K\n", helpers="import bottom\ndef used(): return bottom.K\n",
        pkg__mod="from bottom import K\n", steps=f"import importlib\ndef main(x):\n    {kind}\n",
    )  # fmt: skip
    (sources.folder / "pkg" / "__init__.py").write_text("")
    before = sources.fingerprint()
    assert "bottom" in {each.name for each in before.symbols}
    assert "bottom" not in sys.modules
    sources.edit("bottom", "K = 1", "K = 2")
    assert "bottom" in changed(before, sources.fingerprint())


def test_what_a_step_loads_while_it_runs_does_not_change_its_fingerprint(sources: Sources) -> None:
    """Else it would depend on whether the steps before it were reused."""
    sources.write(
        helpers="def used(): return 1\n", steps="def main(x):\n    import helpers\n    return helpers.used()\n"
    )
    module = sources.load()
    before = fingerprint_code(module.main)
    module.main(1)
    assert "helpers" in sys.modules
    assert fingerprint_code(module.main) == before


def test_an_installed_package_imported_in_a_function_is_noted(sources: Sources) -> None:
    """Loaded or not."""
    sources.write(steps="def main(x):\n    import hypothesis.strategies\n    from mypy.nodes import Node\n")
    assert sources.fingerprint().packages == ("hypothesis", "mypy")


def test_a_replaced_function_counts_as_it_is_loaded(project: Sources) -> None:
    """What is on disk is not asked."""
    module = project.load()
    before = fingerprint_code(module.main)
    sys.modules["rates"].limit = lambda x: 0  # type: ignore[attr-defined]
    after = fingerprint_code(module.main)
    assert "rates.limit" in changed(before, after)


def test_functions_of_main_and_of_cells_are_followed() -> None:
    """There is no file to read."""

    def cell(text: str) -> ModuleType:
        module = ModuleType("__main__")
        exec(compile(text, "<ipython-input-3-abc>", "exec"), module.__dict__)
        return module

    def digest_of(text: str) -> str:
        return fingerprint_code(cell(text).main).digest

    text = "K = 1\ndef helper(x): return x + K\ndef main(x): return helper(x)\n"
    assert digest_of(text) == digest_of("# a comment\n\n" + text)
    assert digest_of(text) != digest_of(text.replace("x + K", "x - K"))
    assert digest_of(text) != digest_of(text.replace("K = 1", "K = 2"))


def test_annotations_count_where_code_reads_them(sources: Sources) -> None:
    """A decorator of the user may act on them."""
    sources.write(steps="import inspect\ndef helper(x: int): return x\ndef main(x): return inspect.signature(helper)\n")
    before = sources.fingerprint()
    sources.edit("steps", "x: int", "x: float")
    assert sources.fingerprint().digest != before.digest


def test_a_nested_function_that_is_decorated_keeps_its_annotations(sources: Sources) -> None:
    """The decorator may act on them."""
    sources.write(
        steps="def deco(f): return f\ndef main(x):\n    @deco\n    def inner(y: int): return y\n    return inner(x)\n"
    )
    before = sources.fingerprint()
    sources.edit("steps", "y: int", "y: float")
    assert sources.fingerprint().digest != before.digest


def test_a_missing_name_is_no_error_and_its_coming_is_noticed(sources: Sources) -> None:
    """It may be set later."""
    sources.write(steps="def main(x): return helper(x)\n")
    before = sources.fingerprint()
    sources.write(steps="def main(x): return helper(x)\ndef helper(x): return x\n")
    assert sources.fingerprint().digest != before.digest


def test_classes_of_arguments_extend_a_fingerprint(project: Sources) -> None:
    """Their methods may run."""
    module = project.load()
    plain = fingerprint_code(module.apart)
    extended = extend_fingerprint(plain, ["features:Scaler"])
    assert extended.digest != plain.digest
    assert {*fingerprint_classes(["features:Scaler"])} | {*plain.symbols} == {*extended.symbols}
    assert "features.Scaler.apply" in {each.name for each in extended.symbols}
    assert fingerprint_code(module.apart, extra_classes=["features:Scaler"]).symbols == extended.symbols


def test_a_step_or_a_lambda_or_a_partial_or_a_method_can_be_the_root(sources: Sources) -> None:
    """Whatever is called as a step."""
    sources.write(
        steps="import functools\nclass C:\n    def go(self): return 1\nf = functools.partial(lambda x: 2, 3)\ng = C().go\nh = lambda x: x\n"
    )
    module = sources.load()
    digests = {fingerprint_code(each).digest for each in (module.f, module.g, module.h)}
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= 3", "= 4"),
        ("x: int", "x: float"),
        ("ge=0", "ge=1"),
        ("x + 1", "x + 2"),
        ("'before'", "'after'"),
        ("[5]", "[6]"),
    ],
)
def test_a_pydantic_model_counts_with_its_fields_and_validators(sources: Sources, old: str, new: str) -> None:
    """Its compiled schema follows from them."""
    pytest.importorskip("pydantic")
    sources.write(
        steps="""
        import pydantic
        def some(): return [5]
        class Model(pydantic.BaseModel):
            x: int = 3
            y: int = pydantic.Field(1, ge=0)
            z: list = pydantic.Field(default_factory=some)
            @pydantic.field_validator("x", mode='before')
            def check(cls, x): return x + 1
        def main(x): return Model()
        """
    )
    before = sources.fingerprint()
    assert before.unfollowed == ()
    sources.edit("steps", old, new)
    assert sources.fingerprint().digest != before.digest


@pytest.mark.parametrize("union", ["A | B", "Union[A, B]", "Optional[B]", "list[B]"])
def test_the_classes_in_a_type_are_followed(sources: Sources, union: str) -> None:
    """A union may decide what `isinstance` says."""
    sources.write(
        steps=f"""
        from typing import Optional, Union
        class A: pass
        class B:
            def f(self): return 1
        TYPE = {union}
        def main(x): return TYPE
        """
    )
    before = sources.fingerprint()
    sources.edit("steps", "return 1", "return 2")
    assert sources.fingerprint().digest != before.digest


def test_a_named_tuple_counts_with_its_fields_defaults_and_methods(sources: Sources) -> None:
    """Its generated constructor is of no package."""
    sources.write(
        steps="""
        from typing import NamedTuple
        class Pair(NamedTuple):
            x: int = 1
            y: int = 2
            def total(self): return self.x + self.y
        def main(x): return Pair().total()
        """
    )
    before = sources.fingerprint()
    assert before.packages == ()
    assert {each.name for each in before.symbols} == {"steps.main", "steps.Pair", "steps.Pair.total"}
    for old, new in (("y: int = 2", "y: int = 3"), ("self.x + ", "self.x - "), ("x: int = 1", "z: int = 1")):
        sources.edit("steps", old, new)
        assert sources.fingerprint().digest != before.digest
        sources.edit("steps", new, old)
    assert sources.fingerprint() == before


def _logs(number: float) -> None:
    from solvent import log

    log.metric("number", number)


def _evaluates(truth: list[float]) -> object:
    from solvent.steps import evaluate

    return evaluate(truth, truth)


def test_a_ready_made_step_counts_with_the_version_of_solvent_and_other_words_of_it_do_not() -> None:
    from solvent.steps import evaluate

    assert "solvent" in fingerprint_code(evaluate.__wrapped__).packages
    assert "solvent" in fingerprint_code(_evaluates).packages
    assert fingerprint_code(_logs).packages == ()
