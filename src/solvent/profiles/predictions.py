"""From truth and predictions, in whatever type they come, to what metrics are computed on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from solvent.errors import DataError, nearest
from solvent.profiles.metrics import Classification, Regression
from solvent.profiles.vectors import Vector, column_of, is_table, names_of, rows_of, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

TASKS = ("classification", "regression")
MOST_CLASSES = 20
"""Whole numbers with more distinct values than this are no classes unless the task says so."""
_OFF_BY = 1e-3


def read_sample(
    truth: Any,
    predictions: Any,
    *,
    target: str | None = None,
    task: str | None = None,
    classes: Sequence[Any] | None = None,
    positive: Any = None,
    threshold: float = 0.5,
) -> Classification | Regression:
    """Read what `evaluate` is given; its docstring says what may be given. DataError for what does not fit."""
    true = _known(_truth_of(truth, target), "truth")
    _check_order(truth, predictions)
    if task not in (None, *TASKS):
        raise DataError(f"task {task!r}{nearest(str(task), TASKS)}", hint=f"one of {', '.join(TASKS)}, or None")
    several = _columns_of(predictions)
    if several is None:
        return _of_vector(true, predictions, task, classes, positive, threshold)
    names, matrix = several
    if task == "regression":
        raise DataError(
            f"predictions of a regression should be one column, found {matrix.shape[1]}", hint="choose the column"
        )
    _check_lengths(len(true), len(matrix))
    return _of_matrix(true, names or classes, matrix, positive, threshold)


def _truth_of(truth: Any, target: str | None) -> Vector:
    if is_table(truth):
        if not names_of(truth):
            raise DataError("truth is a table without columns")
        if target is None and len(names_of(truth)) > 1:
            raise DataError(
                "truth is a table, and nothing says which of its columns is the truth",
                hint='name it: evaluate(table, predictions, target="late")',
            )
        name = target if target is not None else names_of(truth)[0]
        return vector(column_of(truth, name, "truth"), "truth")
    return vector(truth, "truth")


def _known(found: Vector, what: str) -> Vector:
    """Refuse nothing at all, and missing values: what an unknown value would have been is not for us to say."""
    import numpy as np

    if found.kind == "time":
        raise DataError(f"there are times in {what}", hint="give numbers, such as the seconds since a start")
    if not len(found):
        raise DataError(f"there are no rows in {what}", hint="evaluate on a part that has rows")
    if found.missing.any():
        first, count = int(np.argmax(found.missing)), int(found.missing.sum())
        values = "1 missing value" if count == 1 else f"{count:,} missing values"
        raise DataError(
            f"there {'is' if count == 1 else 'are'} {values} in {what}, the first in row {first} of {len(found):,}",
            hint="leave those rows out of truth and predictions, or find out why they are missing",
        )
    return found


def _check_lengths(rows: int, others: int) -> None:
    if rows != others:
        raise DataError(
            f"truth has {rows:,} rows and predictions have {others:,}",
            hint="give a prediction for each row of truth, in its order",
        )


def _check_order(truth: Any, predictions: Any) -> None:
    """Rows count by position. Two pandas indexes with the same labels in another order mean that this is wrong."""
    one: Any = getattr(truth, "index", None)
    two: Any = getattr(predictions, "index", None)
    if not (hasattr(one, "equals") and hasattr(two, "equals")) or len(one) != len(two) or one.equals(two):
        return
    if "RangeIndex" in (type(one).__name__, type(two).__name__) or not (one.is_unique and two.is_unique):
        return
    if one.sort_values().equals(two.sort_values()):
        raise DataError(
            "truth and predictions hold the same rows in another order, by their indexes",
            hint="give predictions.loc[truth.index]",
        )


def _columns_of(predictions: Any) -> tuple[list[Any] | None, NDArray[Any]] | None:
    """Give the columns of predictions that have several, as (their names if they have any, rows x columns)."""
    import numpy as np

    if is_table(predictions) and not is_series(predictions):
        names = names_of(predictions)
        if len(names) == 1:
            return None
        if not names:
            raise DataError("predictions have no columns")
        vectors = [_numbers(vector(column_of(predictions, name), f"column {name!r}"), name) for name in names]
        return names, np.stack(vectors, axis=1) if vectors else np.zeros((rows_of(predictions), 0))
    shape: tuple[int, ...] = getattr(predictions, "shape", ())
    if len(shape) != 2 or shape[1] == 1:
        return None
    found = np.asarray(predictions)
    if found.dtype.kind not in "biuf":
        raise DataError(f"predictions of several columns should be probabilities, found {found.dtype}")
    return None, found


def is_series(value: Any) -> bool:
    """Whether a value with names or a length is one column and no table."""
    return len(getattr(value, "shape", (0, 0))) == 1


def _numbers(found: Vector, name: Any) -> NDArray[Any]:
    if found.kind not in ("number", "boolean"):
        raise DataError(f"column {name!r} of predictions should hold probabilities, found {found.kind}s")
    return _known(found, f"column {name!r} of predictions").values


def _of_vector(
    true: Vector, predictions: Any, task: str | None, classes: Sequence[Any] | None, positive: Any, threshold: float
) -> Classification | Regression:
    if is_table(predictions) and not is_series(predictions):
        predictions = column_of(predictions, names_of(predictions)[0])
    found = _known(vector(predictions, "predictions"), "predictions")
    _check_lengths(len(true), len(found))
    known = list(classes) if classes is not None else None
    if (task or _task_of(true, found, known)) == "regression":
        return _regression(true, found)
    values = known or _distinct(true)
    if found.values.dtype.kind == "f" and not _labels_only(found, values):
        return _of_scores(true, values, found, positive, threshold)
    found = _like_truth(true, found)
    values = known or _merged(true, found)
    truth, labels = _numbered(true, values, "truth"), _numbered(found, values, "predictions")
    names = tuple(map(class_text, values))
    return Classification(truth, labels, names, None, _positive_of(values, positive, required=False))


def _task_of(true: Vector, found: Vector, classes: list[Any] | None) -> str:
    """Infer the task: texts, booleans and classes that were given mean classification, else numbers must look like it."""
    if classes is not None or "text" in (true.kind, found.kind) or true.kind == "boolean":
        return "classification"
    values = _distinct(true)
    if len(values) > MOST_CLASSES or any(value != int(value) for value in values):
        return "regression"
    if _labels_only(found, values):
        return "classification"
    shares = found.values.min() >= 0 and found.values.max() <= 1
    return "classification" if shares and set(values) <= {0, 1} else "regression"


def _regression(true: Vector, found: Vector) -> Regression:
    import numpy as np

    for what, each in (("truth", true), ("predictions", found)):
        if each.kind not in ("number", "boolean"):
            raise DataError(f"{what} of a regression should hold numbers, found {each.kind}s")
        if not np.isfinite(np.asarray(each.values, float)).all():
            row = int(np.argmin(np.isfinite(np.asarray(each.values, float))))
            raise DataError(f"{what} holds an infinite number in row {row}")
    return Regression(np.asarray(true.values, float), np.asarray(found.values, float))


def _of_scores(true: Vector, values: list[Any], found: Vector, positive: Any, threshold: float) -> Classification:
    """Read probabilities of the positive class."""
    import numpy as np

    if len(values) == 1 and positive is None and values[0] not in (0, 1):
        raise DataError(
            f"truth holds {class_text(values[0])} alone, and nothing says which class the probabilities are of",
            hint="give both classes: classes=[negative, positive]",
        )
    if len(values) == 1:
        values = _pair(values[0], positive)
    if len(values) != 2:
        raise DataError(
            f"predictions are one number a row, and truth holds {len(values)} classes",
            hint="give labels, or the probability of each class as an array or table with a column for each",
        )
    _check_probabilities(found.values)
    number = _positive_of(values, positive)
    assert number is not None
    shares = np.asarray(found.values, float)
    matrix = np.stack([1 - shares, shares] if number else [shares, 1 - shares], axis=1)
    return _classified(true, values, matrix, number, threshold, found.values.dtype)


def _pair(value: Any, positive: Any) -> list[Any]:
    """Give both classes where truth holds one of them: 0 and 1, or false and true."""
    if positive is not None and positive != value:
        return [value, positive]
    other = not value if isinstance(value, bool) else 1 - value if value in (0, 1) else None
    return sorted([value, other]) if other is not None else [f"not {class_text(value)}", value]


def _of_matrix(
    true: Vector, names: Sequence[Any] | None, matrix: NDArray[Any], positive: Any, threshold: float
) -> Classification:
    """Read the probability of each class."""
    import numpy as np

    values = list(names) if names is not None else _distinct(true)
    if len(values) != matrix.shape[1]:
        raise DataError(
            f"predictions have {matrix.shape[1]} columns, and truth holds {len(values)} classes"
            f" ({', '.join(map(class_text, values[:10]))})",
            hint="name the classes of the columns: classes=[...], or a table with the classes as column names",
        )
    _check_probabilities(matrix)
    sums = matrix.sum(axis=1, dtype=float)
    if (off := abs(sums - 1) > _OFF_BY).any():
        row = int(np.argmax(off))
        raise DataError(
            f"the probabilities of row {row} sum to {sums[row]:.4g}, not to 1", hint="give a probability for each class"
        )
    number = _positive_of(values, positive)
    return _classified(true, values, np.asarray(matrix, float), number, threshold, matrix.dtype)


def _classified(
    true: Vector, values: list[Any], matrix: NDArray[Any], positive: int | None, threshold: float, dtype: Any
) -> Classification:
    import numpy as np

    truth = _numbered(true, values, "truth", "no column of predictions is its probability")
    labels = matrix.argmax(axis=1)
    if positive is not None:
        labels = np.where(matrix[:, positive] >= threshold, positive, 1 - positive)
    smallest = float(np.finfo(dtype).eps) if dtype.kind == "f" else 2.220446049250313e-16
    return Classification(truth, labels, tuple(map(class_text, values)), matrix, positive, smallest)


def _check_probabilities(values: NDArray[Any]) -> None:
    import numpy as np

    # NaN compares false with everything.
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        at = np.unravel_index(int(np.argmax(wrong)), values.shape)
        raise DataError(
            f"predictions should be probabilities from 0 to 1, found {values[at]:.4g} in row {at[0]}",
            hint='give probabilities or labels; for a regression say task="regression"',
        )


def _positive_of(values: list[Any], positive: Any, *, required: bool = True) -> int | None:
    """Give the number of the positive class where there are two: the one that is named, else the latter."""
    if positive is None:
        return 1 if len(values) == 2 else None
    keys = {class_text(value): number for number, value in enumerate(values)}
    number = keys.get(class_text(positive))
    if number is None:
        names = [class_text(value) for value in values]
        raise DataError(
            f"the positive class {class_text(positive)!r} is not among the classes{nearest(class_text(positive), names)}",
            hint=f"classes: {', '.join(names[:20])}",
        )
    return number if len(values) == 2 else None


def _distinct(found: Vector) -> list[Any]:
    """Give the distinct values, sorted."""
    import numpy as np

    if found.kind == "text":
        return sorted(dict.fromkeys(found.values.tolist()))
    return list(np.unique(found.values).tolist())


def _like_truth(true: Vector, found: Vector) -> Vector:
    """Give labels of 0 and 1 as booleans where the truth is one of booleans, and the other way round."""
    import numpy as np

    if true.kind == "boolean" and found.kind == "number" and np.isin(found.values, (0, 1)).all():
        return Vector(found.values == 1, found.missing)
    if true.kind == "number" and found.kind == "boolean":
        return Vector(found.values.astype(int), found.missing)
    return found


def _merged(true: Vector, found: Vector) -> list[Any]:
    if (true.kind == "text") != (found.kind == "text"):
        raise DataError(
            f"truth holds {true.kind}s and predictions hold {found.kind}s", hint="give both in the same words"
        )
    return sorted(dict.fromkeys([*_distinct(true), *_distinct(found)]))


def _labels_only(found: Vector, values: list[Any]) -> bool:
    """Whether numbers are labels: each is one of the classes."""
    import numpy as np

    if found.kind == "text" or any(isinstance(value, str) for value in values):
        return found.kind == "text"
    return bool(np.isin(found.values, np.asarray(values)).all())


def _numbered(found: Vector, values: list[Any], what: str, why: str = "it is not among the classes given") -> Any:
    """Give each value as the number of its class."""
    import numpy as np

    numbers = {class_text(value): number for number, value in enumerate(values)}
    distinct = _distinct(found)
    for value in distinct:
        if class_text(value) not in numbers:
            raise DataError(
                f"{what} holds the class {class_text(value)!r}, and {why}{nearest(class_text(value), numbers)}",
                hint=f"classes: {', '.join(list(numbers)[:20])}",
            )
    codes = {value: numbers[class_text(value)] for value in distinct}
    if found.kind == "text":
        return np.fromiter((codes[value] for value in found.values.tolist()), np.int64, len(found))
    return np.asarray([codes[value] for value in distinct], np.int64)[np.searchsorted(distinct, found.values)]


def class_text(value: Any) -> str:
    """Name a class: as text it is itself, a whole number has no fraction."""
    plain: Any = value.item() if type(value).__module__ == "numpy" else value
    return str(int(plain)) if isinstance(plain, float) and plain.is_integer() else str(plain)
