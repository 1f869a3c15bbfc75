"""Reads the source of a pipeline and follows which names surely hold the results of steps."""

from __future__ import annotations

import ast
import builtins
import linecache
import textwrap
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any, NoReturn

from solvent.errors import AuthoringError
from solvent.pipelines.places import shorten
from solvent.pipelines.ref import each, value
from solvent.pipelines.step import Step, unwrap

Names = dict[str, str]
"""Names that hold a step's result on every way through the body, with the step's name; "*x" for lists of results."""


def check_source(function: Callable[..., Any]) -> None:
    """Raise AuthoringError at the first line that decides on a step's result before it exists."""
    function = unwrap(function)
    tree = _parse(function.__code__)
    if tree is not None:
        _Body(function).block(tree.body, {})


def _parse(code: CodeType) -> ast.FunctionDef | None:
    lines = linecache.getlines(code.co_filename)
    text = textwrap.dedent("".join(lines[code.co_firstlineno - 1 : _last_line(code)]))
    try:
        found = ast.parse(text).body[0]
    except (SyntaxError, ValueError, IndexError):  # no source, or it has changed since it was loaded
        return None
    if not isinstance(found, ast.FunctionDef) or found.name != code.co_name:
        return None
    ast.increment_lineno(found, code.co_firstlineno - 1)
    return found


def _last_line(code: CodeType) -> int:
    last = max((end or 0 for _, end, _, _ in code.co_positions()), default=0)
    return max([last, *(_last_line(nested) for nested in code.co_consts if isinstance(nested, CodeType))])


class _Body:
    """Walks the statements in order. A name counts as a result only where it is one on every way to that line."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._code: CodeType = function.__code__
        self._globals = function.__globals__
        self._cells = dict(zip(self._code.co_freevars, function.__closure__ or (), strict=False))
        self._quiet = False

    def block(self, statements: Iterable[ast.stmt], known: Names) -> Names:
        for statement in statements:
            known = self._statement(statement, known)
        return known

    def _statement(self, node: ast.stmt, known: Names) -> Names:
        if isinstance(node, ast.While):
            return self._while(node, known)
        if isinstance(node, ast.For):
            return self._for(node, known)
        if isinstance(node, ast.If):
            self._look(node.test, known)
            known = _without(known, [node.test])
            return _both(self.block(node.body, dict(known)), self.block(node.orelse, dict(known)))
        if isinstance(node, (ast.Try, ast.TryStar)):
            return self._try(node, known)
        if isinstance(node, ast.Match):
            return self._match(node, known)
        if isinstance(node, ast.With):
            for item in node.items:
                self._look(item.context_expr, known)
            return self.block(node.body, _without(known, node.items))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return {name: step for name, step in known.items() if name.lstrip("*") != node.name}
        self._look(node, known)
        return self._assign(node, known)

    def _assign(self, node: ast.stmt, known: Names) -> Names:
        if isinstance(node, ast.Assign):
            known = _without(known, node.targets)
            for target in node.targets:
                self._bind(target, node.value, known)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            known = _without(known, [node.target])
            self._bind(node.target, node.value, known)
        else:
            known = _without(known, [node])
        return known

    def _bind(self, target: ast.expr, given: ast.expr, known: Names) -> None:
        one, many = self.result(given, known), self._results(given, known)
        if isinstance(target, ast.Name):
            if one:
                known[target.id] = one
            elif many:
                known["*" + target.id] = many
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = given.elts if isinstance(given, (ast.Tuple, ast.List)) else None
            for place, item in enumerate(target.elts):
                if parts is not None and len(parts) == len(target.elts):
                    self._bind(item, parts[place], known)
                elif isinstance(item, ast.Name) and (one or many):
                    known[item.id] = one or many or ""

    def _while(self, node: ast.While, known: Names) -> Names:
        known = self._loop_entry(node, known)
        tested = self._tested(node.test, known)
        if tested:
            step = self.result(tested, known)
            self._refuse(node, f"`while` on the result of step {step!r} is decided before the step has run", tested)
        self._look(node.test, known)
        return _both(known, self.block(node.orelse, self.block(node.body, dict(known))))

    def _for(self, node: ast.For, known: Names) -> Names:
        self._look(node.iter, known)
        known = self._loop_entry(node, known)
        inside = _without(known, [node.target])
        many = self._results(node.iter, known)
        if many and isinstance(node.target, ast.Name):
            inside[node.target.id] = many
        return _both(known, self.block(node.orelse, self.block(node.body, inside)))

    def _loop_entry(self, node: ast.For | ast.While, known: Names) -> Names:
        """Keep what is still a result after the body has run once."""
        if any(isinstance(inner, (ast.Break, ast.Continue)) for part in node.body for inner in ast.walk(part)):
            return _without(known, node.body)
        quiet, self._quiet = self._quiet, True
        try:
            after = self.block(node.body, dict(known))
        finally:
            self._quiet = quiet
        return _both(known, after)

    def _try(self, node: ast.Try | ast.TryStar, known: Names) -> Names:
        if node.handlers:
            step = self._only_calls(node.body)
            if step:
                self._refuse(node, f"`try` around step {step!r} catches nothing: the step runs later", None)
        after = self.block(node.orelse, self.block(node.body, dict(known)))
        before = _without(known, node.body)
        for handler in node.handlers:
            after = _both(after, self.block(handler.body, dict(before)))
        return self.block(node.finalbody, after)

    def _match(self, node: ast.Match, known: Names) -> Names:
        step = self.result(node.subject, known)
        if step:
            self._refuse(
                node, f"`match` on the result of step {step!r} is decided before the step has run", node.subject
            )
        self._look(node.subject, known)
        for case in node.cases:
            self.block(case.body, _without(known, [case.pattern]))
        return _without(known, node.cases)

    def _look(self, node: ast.AST, known: Names) -> None:
        """Find `is` and `isinstance` on a result anywhere in an expression or a simple statement."""
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            known = self._comprehension(node, known)
        if isinstance(node, ast.Compare):
            self._compare(node, known)
        elif isinstance(node, ast.Call) and node.args and self._thing(node.func) is isinstance:
            step = self.result(node.args[0], known)
            if step:
                told = f"`isinstance` on the result of step {step!r} is decided before the step has run"
                self._refuse(node, told, node.args[0])
        for child in ast.iter_child_nodes(node):
            self._look(child, known)

    def _comprehension(self, node: ast.AST, known: Names) -> Names:
        inside = _without(known, [node])
        if isinstance(node, ast.Lambda):
            taken = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
            return {name: step for name, step in inside.items() if name.lstrip("*") not in taken}
        for generator in getattr(node, "generators", ()):
            many = self._results(generator.iter, inside)
            if many and isinstance(generator.target, ast.Name):
                inside[generator.target.id] = many
        return inside

    def _compare(self, node: ast.Compare, known: Names) -> None:
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(operator, (ast.Is, ast.IsNot)):
                for side in (left, right):
                    step = self.result(side, known)
                    if step:
                        told = f"`is` on the result of step {step!r} is decided before the step has run"
                        self._refuse(node, told, side)

    def _tested(self, node: ast.expr, known: Names) -> ast.expr | None:
        """Give the result of a step that a condition tests without `value(...)`."""
        parts = [node]
        if isinstance(node, ast.BoolOp):
            parts = node.values
        elif isinstance(node, ast.UnaryOp):
            parts = [node.operand]
        elif isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        if parts == [node]:
            return node if self.result(node, known) else None
        return next(filter(None, (self._tested(part, known) for part in parts)), None)

    def result(self, node: ast.expr, known: Names) -> str | None:
        """Give the name of the step whose result, or part of it, an expression surely is."""
        if isinstance(node, ast.Name):
            return known.get(node.id)
        if isinstance(node, ast.Attribute):
            return self.result(node.value, known)
        if isinstance(node, ast.Subscript):
            return self._results(node.value, known) if not isinstance(node.slice, ast.Slice) else None
        if isinstance(node, ast.NamedExpr):
            return self.result(node.value, known)
        if isinstance(node, ast.Call):
            called = self._thing(node.func)
            return called.spec.name if isinstance(called, Step) else None
        return None

    def _results(self, node: ast.expr, known: Names) -> str | None:
        """Give the name of a step if an expression surely is a list or the like of its results."""
        if isinstance(node, ast.Name):
            return known.get("*" + node.id)
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            return self.result(node.elt, self._comprehension(node, known))
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
            found = [self.result(item, known) for item in node.elts]
            return found[0] if all(found) else None
        if isinstance(node, ast.Call) and len(node.args) == 1:
            called = self._thing(node.func)
            if called is each:
                return self.result(node.args[0], known)
            if called in (list, tuple, reversed):
                return self._results(node.args[0], known)
        return None

    def _only_calls(self, body: list[ast.stmt]) -> str | None:
        """Give a step that a block calls, unless the block waits somewhere or calls what may wait."""
        found = None
        for node in (inner for statement in body for inner in ast.walk(statement)):
            if isinstance(node, ast.Call):
                called = self._thing(node.func)
                if called in (value, each) or getattr(called, "__solvent_pipeline__", False):
                    return None
                if isinstance(called, Step):
                    found = found or called.spec.name
        return found

    def _thing(self, node: ast.expr) -> Any:
        """Give the object that a name or a dotted name stands for in the function's module, or None."""
        if isinstance(node, ast.Attribute):
            owner = self._thing(node.value)
            return getattr(owner, node.attr, None) if type(owner).__name__ == "module" else None
        if not isinstance(node, ast.Name) or node.id in self._code.co_varnames:
            return None
        cell = self._cells.get(node.id)
        if cell is not None:
            try:
                return cell.cell_contents
            except ValueError:  # the name has no value yet
                return None
        return self._globals.get(node.id, getattr(builtins, node.id, None))

    def _refuse(self, node: ast.AST, told: str, subject: ast.expr | None) -> None:
        if not self._quiet:
            _refuse(self._code, node, told, subject)


def _refuse(code: CodeType, node: ast.AST, told: str, subject: ast.expr | None) -> NoReturn:
    hint = (
        f"value({ast.unparse(subject)}) waits and gives the real value" if subject else "put value(...) inside the try"
    )
    raise AuthoringError(told, where=f"{shorten(code.co_filename)}:{getattr(node, 'lineno', '?')}", hint=hint)


def _both(one: Names, other: Names) -> Names:
    return {name: step for name, step in one.items() if name in other}


def _changed(node: ast.AST) -> str | None:
    """Give the name whose items this stores, or whose attribute it takes, which may be a method that changes it."""
    if not isinstance(node, (ast.Subscript, ast.Attribute)) or not isinstance(node.value, ast.Name):
        return None
    reads = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
    return None if reads else node.value.id


def _without(known: Names, nodes: Iterable[ast.AST]) -> Names:
    """Drop the names that the nodes give another value, and the lists that they may change."""
    dropped = set()
    for inner in (inner for node in nodes for inner in ast.walk(node)):
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            dropped |= {inner.id, "*" + inner.id}
        elif (changed := _changed(inner)) is not None:
            dropped.add("*" + changed)
    return {name: step for name, step in known.items() if name not in dropped}
