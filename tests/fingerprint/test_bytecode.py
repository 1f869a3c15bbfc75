"""The digest of a code object: what Python would do differently changes it, what it would not notice does not."""

import argparse
import ast
import heapq
import json.decoder
import textwrap
from collections.abc import Iterator
from inspect import getsource
from types import CodeType, ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvent.fingerprint.bytecode import constant_token, digest_code, scan_code


def code_of(text: str) -> CodeType:
    """Return the code object of the one function in a text."""
    return next(each for each in compile(textwrap.dedent(text), "x.py", "exec").co_consts if type(each) is CodeType)


def functions_in(code: CodeType) -> Iterator[CodeType]:
    """Return all code objects nested in one."""
    for each in code.co_consts:
        if type(each) is CodeType:
            yield each
            yield from functions_in(each)


def same(one: str, two: str) -> bool:
    """Say whether two functions have the same digest."""
    return digest_code(code_of(one)) == digest_code(code_of(two))


class Bare(ast.NodeTransformer):
    """Takes docstrings and annotations of functions away."""

    def _bare(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        body = getattr(node, "body", [])
        if len(body) > 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            del body[0]
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            node.returns = None
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                argument.annotation = None
        return node

    visit_Module = visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = _bare


@pytest.mark.parametrize("module", [argparse, json.decoder, heapq, textwrap], ids=lambda module: module.__name__)
def test_real_code_without_its_formatting_comments_and_docstrings_is_the_same(module: ModuleType) -> None:
    """Written anew from its syntax tree, every function keeps its digest."""
    text = getsource(module)
    bare = ast.unparse(ast.fix_missing_locations(Bare().visit(ast.parse(text))))
    pairs = zip(functions_in(compile(text, "a", "exec")), functions_in(compile(bare, "b", "exec")), strict=True)
    assert [one.co_qualname for one, two in pairs if digest_code(one) != digest_code(two)] == []


class Mutant(ast.NodeTransformer):
    """Changes the one place of the given number."""

    def __init__(self, number: int) -> None:
        self.left = number

    def _turn(self) -> bool:
        self.left -= 1
        return self.left == -1

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) is int and self._turn():
            return ast.Constant(node.value + 1)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if self._turn():
            node.ops[0] = ast.Eq() if not isinstance(node.ops[0], ast.Eq) else ast.NotEq()
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self._turn():
            node.op = ast.Sub() if not isinstance(node.op, ast.Sub) else ast.Add()
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if self._turn():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        return node


@pytest.mark.parametrize("function", [heapq.merge, heapq.nsmallest, heapq.nlargest, json.decoder.JSONObject])
def test_no_mutation_of_real_code_goes_unnoticed(function: object) -> None:
    """A number, a comparison, an operation or a condition that changes."""
    text = getsource(function)  # type: ignore[arg-type]
    original = digest_code(compile(text, "a", "exec"))
    for number in range(1000):
        mutant = Mutant(number)
        tree = ast.fix_missing_locations(mutant.visit(ast.parse(text)))
        if mutant.left >= 0:
            break
        assert digest_code(compile(tree, "b", "exec")) != original, ast.unparse(tree)
    assert number > 5


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("def f(x): return x.a", "def f(x): return x.b"),
        ("def f(x): return a", "def f(x): return b"),
        ("def f(x): return x.a()", "def f(x): return x.b()"),
        ("def f(x): return 1", "def f(x): return True"),
        ("def f(x): return 1", "def f(x): return 1.0"),
        ("def f(x): return 0.0", "def f(x): return -0.0"),
        ("def f(x): return 'a'", "def f(x): return b'a'"),
        ("def f(x): return (1, 2)", "def f(x): return (1, 2.0)"),
        ("def f(x): return x in {1, 2}", "def f(x): return x in {1, 3}"),
        ("def f(x): return x in {1, 2}", "def f(x): return x in (1, 2)"),
        ("def f(x, y): pass", "def f(x, *, y): pass"),
        ("def f(x, y): pass", "def f(x, y, /): pass"),
        ("def f(x): pass", "def f(*x): pass"),
        ("def f(x): pass", "def f(y): pass"),
        ("def f(x): return 1", "def f(x): yield 1"),
        ("def f(x): return 1", "async def f(x): return 1"),
        ("def f(x): g(a=1)", "def f(x): g(b=1)"),
        ("def f(x): return lambda: 1", "def f(x): return lambda: 2"),
        ("def f(x):\n try: g()\n except A: h()", "def f(x):\n try: g()\n except B: h()"),
        ("def f(x):\n try:\n  g()\n  h()\n except A: pass", "def f(x):\n g()\n try:\n  h()\n except A: pass"),
        ("def f(x):\n for i in x:\n  if i: continue\n  g()", "def f(x):\n for i in x:\n  if i: break\n  g()"),
        ("def f(x): return super().a", "def f(x): return super().b"),
        ("def f(x):\n def g(y=1): return y\n return g", "def f(x):\n def g(y=2): return y\n return g"),
        ("def f(x):\n import a\n", "def f(x):\n import b\n"),
        ("def f(x):\n from a import b\n", "def f(x):\n from a import c\n"),
        ("def f(x):\n class A:\n  k = 1", "def f(x):\n class A:\n  k = 2"),
        ("def f(x):\n class A:\n  k: int", "def f(x):\n class A:\n  k: float"),
    ],
)
def test_what_changes_the_behaviour_changes_the_digest(one: str, two: str) -> None:
    """In instructions, constants, names, signature and nested code."""
    assert not same(one, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("def f(x): return x", "def g(x): return x"),
        ("def f(x): return x", "def f(x: int) -> int: return x"),
        ("def f(x):\n 'a'\n return None", "def f(x):\n return None"),
        ("def f(x):\n y: int = x\n return y", "def f(x):\n y = x\n return y"),
        ("def f(x):\n def g(y: int | None, *, z: list[int] = 3) -> str: return x\n return g",
         "def f(x):\n def g(y, *, z=3): return x\n return g"),
        ("def f(x):\n class A:\n  'a'\n  k = 1", "def f(x):\n class A:\n  'b'\n  k = 1"),
        ("def f(x):\n class A:\n  'a'\n  k = 1", "def f(x):\n\n\n class A:\n  k = 1"),
        ("def f(x): return [y for y in x if y and y is not S]",
         "def f(x):\n return [\n  y for y in x\n  if y\n  and y is not S]"),
        ("def f(x): return (a(x) and (c or d(x)) and e)", "def f(x):\n return (a(x) and\n  (c or\n  d(x))\n  and e)"),
        ("def f(x):\n if x: pass", "def f(x):\n if x:\n\n  pass"),
    ],
)  # fmt: skip
def test_what_changes_nothing_leaves_the_digest(one: str, two: str) -> None:
    """Names of functions, annotations, docstrings and the way it is laid out."""
    assert same(one, two)


def test_the_future_of_annotations_changes_nothing() -> None:
    """Its flag is on every code object of the module."""
    text = "def f(x: int):\n    def g(y: int): return y\n    return g\n"
    plain, future = (compile(head + text, "x", "exec") for head in ("", "from __future__ import annotations\n"))
    assert [digest_code(each) for each in functions_in(plain)] == [digest_code(each) for each in functions_in(future)]


def test_many_constants_and_far_jumps_are_read_right() -> None:
    """Arguments above 255 take several instructions."""
    lines = "".join(f"    if x == {number + 1000}: y.append({number}.5); g{number}()\n" for number in range(300))
    text = f"def f(x, y):\n  for x in y:\n{lines}  return y\n"
    assert not same(text, text.replace("299.5", "299.25"))
    assert not same(text, text.replace("g299()", "h299()"))
    assert same(text, text.replace("return y", "return (y)").replace("def f(x, y):\n", "def f(x, y):\n  'doc'\n"))


def test_references_are_the_chains_of_attributes() -> None:
    """With the text that is passed at once, as `import_module` takes it."""
    scan = scan_code(code_of("def f(x):\n a.b.c(x)\n importlib.import_module('m')\n return [d(y) for y in e.g]\n"))
    every = {each for one in (scan, *scan.children) for each in one.references}
    found = {".".join((each.name, *each.attributes)): each.text for each in every}
    assert found == {"a.b.c": None, "importlib.import_module": "m", "d": None, "e.g": None}


def test_imports_and_the_variables_that_hold_them_are_found() -> None:
    """Of every form of the statement."""
    text = "def f():\n import a.b\n import c.d as e\n from g import h as i, j\n from . import k\n return a.x, e.y, i, k.z\n"
    scan = scan_code(code_of(text))
    assert [(each.module, each.level, each.names) for each in scan.imports] == [
        ("a.b", 0, ()), ("c.d", 0, ()), ("g", 0, ("h", "j")), ("", 1, ("k",))
    ]  # fmt: skip
    held = {
        name: [(each.module, each.attribute, each.dotted) for each in found] for name, found in scan.aliases.items()
    }
    assert held == {
        "a": [("a.b", None, False)], "e": [("c.d", None, True)],
        "i": [("g", "h", False)], "j": [("g", "j", False)], "k": [("", "k", False)],
    }  # fmt: skip


constants = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(constants, constants)
def test_constants_of_one_token_are_equal_and_of_one_type(one: object, two: object) -> None:
    """And the order in a frozenset does not count."""
    if constant_token(one) == constant_token(two):
        assert type(one) is type(two)
        assert one == two


@given(st.frozensets(st.text(), min_size=2))
def test_a_frozenset_has_one_token(value: frozenset[str]) -> None:
    """Whatever the order it was made in."""
    assert constant_token(value) == constant_token(frozenset(sorted(value, reverse=True)))
