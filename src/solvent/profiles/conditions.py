"""Conditions on the rows of a table, such as "hour >= 22 or hour < 5": a small language, and no code is run.

A condition is written as in Python: names of columns (in `backquotes` if they are no Python names), numbers, texts,
True, False, None; == != < <= > >= and chains of them, in, not in, is None, is not None; and, or, not; + - * / // %. A
comparison with a missing value is false. Times may be compared with texts such as "2013-06-01".
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from solvent.errors import DataError
from solvent.profiles.vectors import Vector, column_of, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SUMS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_QUOTED = re.compile(r"`([^`]+)`")


def rows_where(table: Any, condition: str) -> NDArray[Any]:
    """Give for each row whether the condition holds; DataError names what it does not understand."""
    import numpy as np

    quoted: dict[str, str] = {}

    def stand_in(match: re.Match[str]) -> str:
        name = f"_column_{len(quoted)}"
        quoted[name] = match[1]
        return name

    text = _QUOTED.sub(stand_in, condition)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise DataError(f"the condition {condition!r} can't be read", hint=_HINT) from None
    with np.errstate(all="ignore"):
        found = _Reader(table, condition, quoted).truth(tree)
    return np.asarray(found, bool)


_HINT = 'write it as "hour >= 22 or hour < 5"; texts in quotes, odd column names in `backquotes`'


class _Reader:
    """Works one condition out, from its leaves up; each part is a Vector or a single value."""

    def __init__(self, table: Any, condition: str, quoted: dict[str, str]) -> None:
        self._table = table
        self._condition = condition
        self._quoted = quoted

    def truth(self, node: ast.AST) -> NDArray[Any]:
        """Give for each row whether a part of the condition holds."""
        import numpy as np

        if isinstance(node, ast.BoolOp):
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return np.asarray(join.reduce([self.truth(each) for each in node.values]))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ~self.truth(node.operand)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        found = self._value(node)
        if not isinstance(found, Vector) or found.kind != "boolean":
            raise self._refusal(f"{ast.unparse(node)} is neither true nor false")
        return np.asarray(found.values & ~found.missing)

    def _comparison(self, node: ast.Compare) -> NDArray[Any]:
        import numpy as np

        parts = [node.left, *node.comparators]
        links = zip(parts, node.ops, parts[1:], strict=False)
        return np.asarray(np.logical_and.reduce([self._link(*each) for each in links]))

    def _link(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> NDArray[Any]:
        import numpy as np

        if isinstance(op, ast.Is | ast.IsNot):
            return self._is_none(left, right, isinstance(op, ast.Is))
        one = self._value(left)
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(one, Vector) or not isinstance(right, ast.Tuple | ast.List | ast.Set):
                raise self._refusal("`in` takes a column and a list of values")
            found = [self._compared(ast.Eq, one, self._value(each)) for each in right.elts]
            inside = np.logical_or.reduce([np.zeros(len(one), bool), *found])
            return np.asarray((inside if isinstance(op, ast.In) else ~inside) & ~one.missing)
        return self._compared(type(op), one, self._value(right))

    def _is_none(self, left: ast.expr, right: ast.expr, wanted: bool) -> NDArray[Any]:
        found = self._value(left)
        if not isinstance(found, Vector) or not (isinstance(right, ast.Constant) and right.value is None):
            raise self._refusal("`is` takes a column and None")
        return found.missing if wanted else ~found.missing

    def _compared(self, op: type, one: Any, two: Any) -> NDArray[Any]:
        import numpy as np

        gone = [each.missing for each in (one, two) if isinstance(each, Vector)]
        if not gone:
            raise self._refusal("it compares two values and no column")
        missing = np.asarray(np.logical_or.reduce(gone))
        try:
            held: NDArray[Any] = _COMPARISONS[op](self._side(one, two, missing), self._side(two, one, missing))
        except TypeError:
            raise self._refusal("it compares values of different types") from None
        return np.asarray(held & ~missing)

    def _side(self, side: Any, other: Any, missing: NDArray[Any]) -> Any:
        """Give one side of a comparison: a single value in the type of the column that it is compared with."""
        import numpy as np

        if isinstance(side, Vector):
            return side.values if side.kind != "text" else np.where(missing, "", side.values)
        if other.kind == "time" and isinstance(side, str):
            try:
                return np.array(side, dtype="datetime64")
            except ValueError:
                raise self._refusal(f"{side!r} is no time") from None
        if isinstance(side, str) != (other.kind == "text"):
            raise self._refusal(f"it compares {side!r} with a column of {other.kind}s")
        return side

    def _value(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str):
            return node.value
        if isinstance(node, ast.Name):
            name = self._quoted.get(node.id, node.id)
            return vector(column_of(self._table, name), f"column {name!r}")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._computed(operator.mul, -1, self._value(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _SUMS:
            return self._computed(_SUMS[type(node.op)], self._value(node.left), self._value(node.right))
        raise self._refusal(f"it does not know {ast.unparse(node)}")

    def _computed(self, sum: Callable[[Any, Any], Any], one: Any, two: Any) -> Any:
        vectors = [each for each in (one, two) if isinstance(each, Vector)]
        if (
            any(each.kind not in ("number", "boolean") for each in vectors)
            or isinstance(one, str)
            or isinstance(two, str)
        ):
            raise self._refusal("it computes with what are no numbers")
        left, right = (each.values * 1.0 if isinstance(each, Vector) else float(each) for each in (one, two))
        try:
            found = sum(left, right)
        except ZeroDivisionError:
            raise self._refusal("it divides by zero") from None
        if not vectors:
            return found
        missing = vectors[0].missing if len(vectors) == 1 else vectors[0].missing | vectors[1].missing
        return Vector(found, missing | (found != found))

    def _refusal(self, why: str) -> DataError:
        text = re.sub(r"\b_column_\d+\b", lambda match: f"`{self._quoted.get(match[0], match[0])}`", why)
        return DataError(f"the condition {self._condition!r} can't be used: {text}", hint=_HINT)
