"""The lines of a step that look at several rows, by the calls that are written there."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from solvent.deploy.differences import shown

_MOST = 4
_WHOLE = {
    *("rank", "qcut", "get_dummies", "to_dummies", "factorize", "value_counts", "groupby", "group_by", "transform"),
    *(
        "rolling",
        "ewm",
        "expanding",
        "shift",
        "diff",
        "pct_change",
        "cumsum",
        "cum_sum",
        "cumprod",
        "cumcount",
        "cummax",
    ),
    *(
        "fit",
        "fit_transform",
        "fit_predict",
        "partial_fit",
        "sort_values",
        "sort",
        "argsort",
        "unique",
        "drop_duplicates",
    ),
    *("dropna", "drop_nulls", "sample", "shuffle", "merge", "interpolate", "ffill", "bfill", "mode", "nunique", "cat"),
    *("label_binarize", "minmax_scale", "scale", "now", "today", "utcnow", "time", "random", "normal", "rand", "over"),
    *("randn", "default_rng", "len", "enumerate", "filter", "fill_null", "cut", "pivot", "pivot_table", "crosstab"),
}
"""Calls that look at all rows of a table, at the clock or at chance, as pandas, polars, NumPy and scikit-learn name them."""
_BY_ROW = {
    *(
        "mean",
        "median",
        "std",
        "var",
        "sum",
        "min",
        "max",
        "quantile",
        "nanmean",
        "nanstd",
        "percentile",
        "amax",
        "amin",
    ),
    *("any", "all", "cov", "corr", "norm"),
}
"""Calls that do so unless they are told to go along a row."""


def find_causes(function: Callable[..., Any]) -> tuple[str, ...]:
    """Give the lines of a step's source that look at several rows, as they are written; nothing where no source is.

    Lines and not their numbers: the code of a bundle is that of the slice alone.
    """
    try:
        text = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
        tree = ast.parse(text)
    except (OSError, TypeError, SyntaxError, IndentationError):
        return ()
    found = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and _word(node)}
    lines = text.splitlines()
    return tuple(shown(lines[at - 1].strip()) for at in sorted(found))[:_MOST]


def _word(call: ast.Call) -> str:
    """Give the name of a call that looks at several rows."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if _goes_along_rows(call):
        return ""
    return name if name in _WHOLE | _BY_ROW else ""


def _goes_along_rows(call: ast.Call) -> bool:
    return any(
        each.arg == "axis" and isinstance(each.value, ast.Constant) and each.value.value in (1, -1, "columns")
        for each in call.keywords
    )
