"""Curves of an evaluation, thinned to what can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvent.profiles.metrics import CALIBRATION_BINS, Classification, Regression
from solvent.profiles.records import Curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 200
MOST_CLASSES = 10


def curves_of(sample: Classification | Regression) -> tuple[Curve, ...]:
    """Give ROC, precision against recall and calibration; of a regression calibration and the spread of the errors.

    Each has at most 200 points. With more than two classes there is one of each for each class, up to ten of them.
    """
    if isinstance(sample, Regression):
        return _of_regression(sample)
    if sample.probabilities is None:
        return ()
    numbers = range(len(sample.classes)) if sample.positive is None else (sample.positive,)
    found = [
        curve
        for number in numbers[:MOST_CLASSES]
        for curve in _of_class(sample.probabilities[:, number], sample.truth == number, sample.classes[number])
    ]
    label = "" if sample.positive is None else sample.classes[sample.positive]
    sure, right = sample.certainty
    return (*found, _binned(sure, right, sample.bins, label))


def _of_class(scores: NDArray[Any], positive: NDArray[Any], label: str) -> list[Curve]:
    """Give ROC and precision against recall of one class; nothing where the truth holds only it, or all others."""
    import numpy as np

    if positive.all() or not positive.any():
        return []
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(positive[order])[ends]
    taken = ends + 1
    rates = np.append(0.0, (taken - hits) / (~positive).sum())
    recall = np.append(0.0, hits / positive.sum())
    precision = np.append(1.0, hits / taken)
    roc, trade = _thinned(rates, recall), _thinned(recall, precision)
    return [Curve("roc", *roc, label=label), Curve("precision_recall", *trade, label=label)]


def _thinned(x: NDArray[Any], y: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Keep points at even distances along the curve, its ends and no more than can be drawn."""
    import numpy as np

    if len(x) > MOST_POINTS:
        way = np.append(0.0, np.cumsum(abs(np.diff(x)) + abs(np.diff(y))))
        kept = np.searchsorted(way, np.linspace(0, way[-1], MOST_POINTS))
        kept[-1] = len(x) - 1
        x, y = x[np.unique(kept)], y[np.unique(kept)]
    return tuple(x.tolist()), tuple(y.tolist())


def _binned(x: NDArray[Any], y: NDArray[Any], bins: NDArray[Any], label: str) -> Curve:
    """Give the means of both in each bin that has rows."""
    import numpy as np

    rows = np.bincount(bins)
    kept = rows > 0
    of_x, of_y = (tuple((np.bincount(bins, weights=each)[kept] / rows[kept]).tolist()) for each in (x, y))
    return Curve("calibration", of_x, of_y, weight=tuple(rows[kept].tolist()), label=label)


def _of_regression(sample: Regression) -> tuple[Curve, ...]:
    import numpy as np

    edges = np.unique(np.quantile(sample.predictions, np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]))
    calibration = _binned(sample.predictions, sample.truth, np.searchsorted(edges, sample.predictions), "")
    shares = np.linspace(0.01, 0.99, 99)
    errors = np.quantile(sample.errors, shares)
    return calibration, Curve("errors", tuple(shares.round(2).tolist()), tuple(errors.tolist()))
