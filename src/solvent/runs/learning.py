"""What the code of a step says about what it learns from rows, where the values that it gives don't show it."""

from __future__ import annotations

import ast
import linecache
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from solvent.model import CodeFingerprint

STATELESS = frozenset(
    {
        *("LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer", "Normalizer", "FunctionTransformer"),
        *("HashingVectorizer", "FeatureHasher"),
    }
)
"""Estimators whose `fit` learns nothing of the features: they number the classes of a target, or learn nothing at all."""

_FITS = ("fit_transform", "fit_resample", "fit_predict")
_LEVELS = ("mean", "median", "mode", "quantile", "nanmean", "nanmedian")
_SCALES = ("mean", "median", "std", "var", "nanmean", "nanstd")
_FILLS = ("fillna", "fill_null", "fill_nan")
_STATISTICS = frozenset(
    {
        *(*_LEVELS, *_SCALES, *_FITS, "fit", "percentile", "nanpercentile", "average", "value_counts", "Counter"),
        *("corr", "corrwith", "chi2", "f_classif", "f_regression", "mutual_info_classif", "mutual_info_regression"),
    }
)
_WINDOWS = frozenset(("rolling", "expanding", "ewm", "resample", "groupby", "group_by", "over", "rolling_mean"))
"""A statistic of a window or a group is one of the past or of relatives as often as not: nothing is said of it."""


class Learns(NamedTuple):
    """A place in the code that learns from all rows that it has: how it is told, where, and whether it fits an estimator."""

    words: str
    place: str
    line: int
    certain: bool


def takes_statistics(code: CodeFingerprint) -> bool:
    """Tell whether a step's code calls anything that sums rows up, such as `value_counts`, `mode` or `corr`."""
    return any(name in _STATISTICS for tree in _functions(code) for name, _ in _calls(tree[1]))


def find_learning(code: CodeFingerprint, *, before_split: bool = False) -> Iterator[Learns]:
    """Find where a step's code changes the rows that it has by what it learns from all of them.

    With `before_split` only what comes before the first call in the same function whose name says that it splits.
    """
    for file, function in _functions(code):
        cut = min((call.lineno for name, call in _calls(function) if "split" in name), default=0)
        for found in _learning(file, function):
            if not before_split or found.line < cut:
                yield found


def _learning(file: str, function: ast.AST) -> Iterator[Learns]:
    place = os.path.basename(file)
    classes = dict(_assigned(function, _class_called))
    for name, call in _calls(function):
        if name in _FITS or (name == "fit" and _is_applied(function)):
            fitted = _receiver(call, classes)
            if fitted not in STATELESS:
                words = f"calls {name} of {fitted}" if fitted else f"calls {name}"
                yield Learns(words, f"{place}:{call.lineno}", call.lineno, True)
        elif name in _FILLS and _fills_level(call):
            yield Learns(f"fills gaps by a statistic ({name})", f"{place}:{call.lineno}", call.lineno, False)
    statistics = {name for name, _ in _assigned(function, lambda value: _is_statistic(value, _SCALES) or None)}
    for node in ast.walk(function):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div):
            sides = [_names_statistic(each, statistics) for each in (node.left, node.right)]
            if sides[1] and not sides[0] and not isinstance(node.left, ast.Constant):
                yield Learns("scales by a statistic of a column", f"{place}:{node.lineno}", node.lineno, False)


def _functions(code: CodeFingerprint) -> Iterator[tuple[str, ast.AST]]:
    """Give the user's functions and classes that a step reaches, as they are written."""
    for symbol in code.symbols:
        if symbol.kind in ("function", "class", "method") and not symbol.name.startswith("solvent."):
            found = _parsed(symbol.file).get(symbol.line)
            if found is not None:
                yield symbol.file, found


def _parsed(file: str) -> dict[int, ast.AST]:
    try:
        state = (0, 0) if file.startswith("<") else (os.stat(file).st_mtime_ns, os.stat(file).st_size)
    except OSError:
        return {}
    return {} if state == (0, 0) and not linecache.getlines(file) else _parse(file, state)


@lru_cache(maxsize=64)
def _parse(file: str, state: tuple[int, int]) -> dict[int, ast.AST]:
    """Give what is defined in a file by the line of its first decorator, and by that of its `def`."""
    linecache.checkcache(file)
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for line in (node.lineno, *(each.lineno for each in node.decorator_list)):
                found[line] = node
    return found


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name:
                yield name, node


def _name(called: ast.AST) -> str:
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _assigned(function: ast.AST, read: Callable[[ast.AST], Any]) -> Iterator[tuple[str, Any]]:
    """Give the plain names that are assigned something that `read` makes sense of, and that."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and (found := read(node.value)):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, found


def _class_called(value: ast.AST) -> str:
    """Give the name of the class that an expression makes an object of, also through a `fit` that gives it back."""
    if isinstance(value, ast.Call):
        name = _name(value.func)
        if name[:1].isupper():
            return name
        if name == "fit" and isinstance(value.func, ast.Attribute):
            return _class_called(value.func.value)
    return ""


def _receiver(call: ast.Call, classes: Mapping[str, str]) -> str:
    """Give the class whose object a method is called of, where the function shows it."""
    made_of = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    return classes.get(made_of.id, "") if isinstance(made_of, ast.Name) else _class_called(made_of)


def _is_applied(function: ast.AST) -> bool:
    """Whether what is fitted changes rows in the same function."""
    return any(name in ("transform", "predict") for name, _ in _calls(function))


def _fills_level(call: ast.Call) -> bool:
    given: list[ast.AST] = [*call.args, *(each.value for each in call.keywords)]
    given += [value for each in given if isinstance(each, ast.Dict) for value in each.values]
    named = any(isinstance(each, ast.Constant) and each.value == "mean" for each in given)
    return named or any(_is_statistic(each, _LEVELS) for each in given)


def _names_statistic(value: ast.AST, statistics: Collection[str]) -> bool:
    if isinstance(value, ast.Name):
        return value.id in statistics
    return _is_statistic(value, _SCALES)


def _is_statistic(value: ast.AST, names: Collection[str]) -> bool:
    """Whether an expression is a statistic over all rows: no window, no group, and not along each row."""
    if isinstance(value, ast.Subscript | ast.Attribute):
        return _is_statistic(value.value, names)
    if not isinstance(value, ast.Call) or _name(value.func) not in names:
        return False
    chain = {_name(each.func) for each in ast.walk(value) if isinstance(each, ast.Call)}
    axes = [each.value for each in value.keywords if each.arg == "axis"] + value.args[-1:]
    across = any(isinstance(each, ast.Constant) and each.value in (1, "columns") for each in axes)
    return not across and not chain & _WINDOWS
