"""How good predictions are: metrics of classification and regression, exactly and for many resamples at once.

NumPy alone computes them. They are scikit-learn's where it has them: precision, recall and F1 are those of the positive
class, or with more than two classes the mean over all classes that truth or predictions hold (macro); ROC AUC and average
precision of more than two classes are the mean over one class against the rest; the Brier score of more than two sums over
them. What is not defined is left out, such as ROC AUC of rows of one class, or recall without any positive row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALIBRATION_BINS = 10
BEYOND = 9.5
"""A quantile of errors has an interval if about ten errors lie beyond it."""
GROUPS = 2048
"""Resamples see at most this many groups of neighbouring scores or errors."""

_LOWER = frozenset(
    (
        "loss",
        "logloss",
        "brier",
        "error",
        "errors",
        "mae",
        "mse",
        "rmse",
        "mape",
        "perplexity",
        "deviance",
        "wer",
        "cer",
    )
)
_HIGHER = frozenset(
    (
        "accuracy",
        "acc",
        "auc",
        "ap",
        "precision",
        "recall",
        "f1",
        "r2",
        "score",
        "specificity",
        "sensitivity",
        "iou",
        "dice",
    )
)


def direction(name: str) -> str | None:
    """Say whether of a metric "higher" or "lower" is better, or "nearer zero", by the words in its name; None if unknown."""
    words = re.split(r"[^a-z0-9]+", name.rpartition(".")[2].lower())
    if "bias" in words:
        return "nearer zero"
    if not _LOWER.isdisjoint(words):
        return "lower"
    return None if _HIGHER.isdisjoint(words) else "higher"


class _Groups:
    """Rows by a whole number below `size`; `counts` sums the weights of each."""

    def __init__(self, codes: NDArray[Any], size: int) -> None:
        import numpy as np

        self.size = size
        self._order = np.argsort(codes, kind="stable")
        codes = codes[self._order]
        self._starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
        self._present = codes[self._starts]

    def counts(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Give (resamples x size) sums of weights (resamples x rows)."""
        import numpy as np

        found = np.zeros((len(weights), self.size))
        found[:, self._present] = np.add.reduceat(weights[:, self._order], self._starts, axis=1)
        return found


def _ranks(scores: NDArray[Any], most: int | None) -> tuple[NDArray[Any], int]:
    """Number rows by score from 0, equal ones alike; with `most`, neighbours share a number so that there are no more."""
    import numpy as np

    _, codes, counts = np.unique(scores, return_inverse=True, return_counts=True)
    if most is None or len(counts) <= most:
        return codes, len(counts)
    grouped = (np.cumsum(counts) - counts) * most // len(scores)
    return grouped[codes], most


@dataclass(frozen=True, eq=False)
class Classification:
    """True and predicted classes of rows, as numbers of `classes`, and the probability of each class if known.

    `probabilities` has a column for each class. `positive` is the number of the positive class where there are two.
    """

    truth: NDArray[Any]
    labels: NDArray[Any]
    classes: tuple[str, ...]
    probabilities: NDArray[Any] | None = None
    positive: int | None = None
    smallest: float = 2.220446049250313e-16

    @property
    def rows(self) -> int:
        return len(self.truth)

    def taken(self, rows: NDArray[Any]) -> Classification:
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Classification(
            self.truth[rows], self.labels[rows], self.classes, probabilities, self.positive, self.smallest
        )

    @cached_property
    def confusion(self) -> NDArray[Any]:
        """Rows by true class (rows of the matrix) and predicted class."""
        import numpy as np

        return np.asarray(self._confusions(np.ones((1, self.rows)))[0])

    def edge(self, name: str) -> int | None:
        if name == "accuracy":
            return self.rows
        if self.positive is None or name not in ("precision", "recall"):
            return None
        axis = self.confusion[:, self.positive] if name == "precision" else self.confusion[self.positive]
        return int(axis.sum())

    def values(self) -> dict[str, float]:
        import numpy as np

        found = self._metrics(np.ones((1, self.rows)), self._rankings(None))
        return {name: float(each[0]) for name, each in found.items() if np.isfinite(each[0])}

    def weighted(self, weights: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return self._metrics(weights, self._near_rankings)

    def _metrics(self, weights: NDArray[Any], rankings: list[_Groups]) -> dict[str, NDArray[Any]]:
        found = _of_confusions(self._confusions(weights), self.positive)
        if self.probabilities is not None:
            sums = weights @ self._summed.astype(weights.dtype, copy=False)
            total = weights.sum(axis=1)
            found["log_loss"] = sums[:, 0] / total
            found["brier"] = sums[:, 1] / total
            found |= _of_rankings([ranking.counts(weights) for ranking in rankings])
            found["calibration_error"] = abs(self._gaps(weights)).sum(axis=1) / total
        return found

    def _confusions(self, weights: NDArray[Any]) -> NDArray[Any]:
        size = len(self.classes)
        return self._cells.counts(weights).reshape(len(weights), size, size)

    @cached_property
    def _cells(self) -> _Groups:
        size = len(self.classes)
        return _Groups(self.truth * size + self.labels, size * size)

    @cached_property
    def _near_rankings(self) -> list[_Groups]:
        return self._rankings(GROUPS)

    def _rankings(self, most: int | None) -> list[_Groups]:
        """Group rows by score and by being of the class, for the positive class or for each."""
        if self.probabilities is None:
            return []
        found = []
        for number in range(len(self.classes)) if self.positive is None else (self.positive,):
            ranks, size = _ranks(self.probabilities[:, number], most)
            found.append(_Groups(ranks + size * (self.truth == number), 2 * size))
        return found

    @cached_property
    def certainty(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The probabilities that calibration is about, and whether each came true.

        Those of the positive class; with more than two classes that of the predicted class.
        """
        import numpy as np

        assert self.probabilities is not None
        if self.positive is not None:
            return self.probabilities[:, self.positive], self.truth == self.positive
        return self.probabilities[np.arange(self.rows), self.labels], self.truth == self.labels

    @cached_property
    def bins(self) -> NDArray[Any]:
        """The number of the calibration bin of each row: ten of equal width, the upper end included (Guo et al. 2017)."""
        import numpy as np

        edges = np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]
        return np.searchsorted(edges, self.certainty[0])

    @cached_property
    def _summed(self) -> NDArray[Any]:
        """What is summed over the rows: log loss and Brier score."""
        import numpy as np

        assert self.probabilities is not None
        of_truth = self.probabilities[np.arange(self.rows), self.truth]
        loss = -np.log(np.clip(of_truth, self.smallest, 1 - self.smallest))
        if self.positive is None:
            square = (self.probabilities**2).sum(axis=1) - 2 * of_truth + 1
        else:
            square = (self.probabilities[:, self.positive] - (self.truth == self.positive)) ** 2
        return np.stack([loss, square], axis=1)

    def _gaps(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Give the sum of truth minus probability in each calibration bin (resamples x bins)."""
        import numpy as np

        sure, right = self.certainty
        if len(weights) == 1:
            return np.bincount(self.bins, weights=(right - sure) * weights[0], minlength=CALIBRATION_BINS)[None, :]
        return np.asarray(weights @ self._gaps_by_bin)

    @cached_property
    def _gaps_by_bin(self) -> NDArray[Any]:
        import numpy as np

        sure, right = self.certainty
        found = np.zeros((self.rows, CALIBRATION_BINS), np.float32)
        found[np.arange(self.rows), self.bins] = right - sure
        return found


def _of_confusions(matrices: NDArray[Any], positive: int | None) -> dict[str, NDArray[Any]]:
    """Give the metrics of labels from confusion matrices (resamples x classes x classes)."""
    hits = matrices.diagonal(axis1=1, axis2=2)
    true, predicted = matrices.sum(axis=2), matrices.sum(axis=1)
    recalls = _share(hits, true)
    precisions = _share(hits, predicted, empty=0.0)
    f1 = _share(2 * hits, true + predicted, empty=0.0)
    found = {"accuracy": hits.sum(axis=1) / true.sum(axis=1), "balanced_accuracy": _mean(recalls)}
    if positive is not None:
        one = {"precision": precisions, "recall": recalls, "f1": f1}
        return {**found, **{name: each[:, positive] for name, each in one.items()}}
    met = true + predicted > 0
    macro = {"precision": precisions, "recall": _share(hits, true, empty=0.0), "f1": f1}
    return {**found, **{name: _mean(each, met) for name, each in macro.items()}}


def _of_rankings(counts: list[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Give ROC AUC and average precision, the mean over classes, from the weights of negative and positive rows by score."""
    import numpy as np

    curves, precisions = [], []
    for found in counts:
        negative, positive = np.split(found, 2, axis=1)
        negatives, positives = negative.sum(axis=1), positive.sum(axis=1)
        below = np.cumsum(negative, axis=1) - negative / 2
        curves.append(_share((positive * below).sum(axis=1), positives * negatives))
        # From the highest score on, as one lowers the threshold.
        hits = np.cumsum(positive[:, ::-1], axis=1)
        precision = _share(hits, np.cumsum((positive + negative)[:, ::-1], axis=1), empty=0.0)
        precisions.append(_share((positive[:, ::-1] * precision).sum(axis=1), positives))
    return {"roc_auc": _mean(np.stack(curves, axis=1)), "average_precision": _mean(np.stack(precisions, axis=1))}


def _share(part: NDArray[Any], whole: NDArray[Any], *, empty: float = float("nan")) -> NDArray[Any]:
    """Divide; where there is nothing to divide by it is `empty`."""
    import numpy as np

    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, empty), where=whole > 0))


def _mean(values: NDArray[Any], counted: NDArray[Any] | None = None) -> NDArray[Any]:
    """Give the mean along the rows of what is counted, by default of what is not NaN."""
    import numpy as np

    counted = ~np.isnan(values) if counted is None else counted
    return _share(np.where(counted, values, 0.0).sum(axis=1), counted.sum(axis=1))


@dataclass(frozen=True, eq=False)
class Regression:
    """True and predicted numbers of rows; an error is prediction minus truth."""

    truth: NDArray[Any]
    predictions: NDArray[Any]

    @property
    def rows(self) -> int:
        return len(self.truth)

    def taken(self, rows: NDArray[Any]) -> Regression:
        return Regression(self.truth[rows], self.predictions[rows])

    def edge(self, name: str) -> int | None:
        return None

    @cached_property
    def errors(self) -> NDArray[Any]:
        found: NDArray[Any] = self.predictions - self.truth
        return found

    def values(self) -> dict[str, float]:
        import numpy as np

        found = self._means(np.ones((1, self.rows)))
        exact = {name: float(each[0]) for name, each in found.items() if np.isfinite(each[0])}
        ends = np.quantile(abs(self.errors), [share for _, share in _QUANTILES])
        return exact | {name: float(end) for (name, _), end in zip(_QUANTILES, ends, strict=True)}

    def weighted(self, weights: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return self._means(weights) | self._quantiles(weights)

    def _means(self, weights: NDArray[Any]) -> dict[str, NDArray[Any]]:
        import numpy as np

        total = weights.sum(axis=1)
        size, square, error, truth, spread = (weights @ self._summed.astype(weights.dtype, copy=False)).T / total
        around = spread - truth**2
        # What rounding leaves of a constant is no spread.
        around[around <= 1e-12 * spread.max(initial=0.0)] = 0.0
        return {"mae": size, "rmse": np.sqrt(square), "r2": 1 - _share(square, around), "bias": error}

    @cached_property
    def _summed(self) -> NDArray[Any]:
        import numpy as np

        centred = self.truth - self.truth.mean()
        return np.stack([abs(self.errors), self.errors**2, self.errors, centred, centred**2], axis=1)

    @cached_property
    def _by_size(self) -> tuple[_Groups, NDArray[Any]]:
        """Group rows by the size of their error, and give the largest of each group, from 0 on."""
        import numpy as np

        sizes = abs(self.errors)
        ranks, size = _ranks(sizes, GROUPS)
        largest = np.zeros(size + 1)
        np.maximum.at(largest, ranks + 1, sizes)
        return _Groups(ranks, size), np.maximum.accumulate(largest)

    def _quantiles(self, weights: NDArray[Any]) -> dict[str, NDArray[Any]]:
        import numpy as np

        groups, largest = self._by_size
        up_to = np.cumsum(groups.counts(weights), axis=1)
        up_to = np.concatenate([np.zeros((len(weights), 1)), up_to], axis=1)
        every, found = np.arange(len(weights)), {}
        for name, share in _QUANTILES:
            wanted = share * up_to[:, -1]
            at = np.minimum((up_to < wanted[:, None]).sum(axis=1), groups.size)
            before = np.maximum(at - 1, 0)
            part = _share(wanted - up_to[every, before], up_to[every, at] - up_to[every, before], empty=1.0)
            found[name] = largest[before] + part * (largest[at] - largest[before])
            if (1 - share) * self.rows < BEYOND:
                found[name][:] = np.nan
        return found


_QUANTILES = (("median_absolute_error", 0.5), ("p90_absolute_error", 0.9), ("p99_absolute_error", 0.99))
