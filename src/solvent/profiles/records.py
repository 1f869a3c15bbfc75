"""The records of what data is like, as they are stored: plain values that JSON holds, and ways to and from it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

QUANTILES = 201
BINS = 32
TOP = 20
DOMAIN = 50
"""A column of no more distinct texts keeps the number of each of them."""
VALUES = 256
"""A column of no more distinct numbers keeps the number of each of them."""
CDF_ERROR = 0.0005
"""How far the cumulative distribution of a profile may be from that of the data, where its points suffice for that."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """The statistics of one column. What its kind of value has not is None or empty.

    `type` is the logical type, in the same words for every library (int64, float64, string, category, timestamp[UTC], ...);
    `kind` is number, time, text, boolean or other; `role` is inferred: id, constant, empty, category, number, text, time or
    boolean. A float that is not a number is in `nan`, though pandas marks missing values so; `missing` counts both.

    Numbers are floats, times are seconds since the epoch (durations are seconds), and `minimum` and `maximum` are exact in
    the words of `type`; infinities count in them, in `infinite` and nowhere else. `std` is that of a population (n, not
    n - 1). `quantiles` are 201 points of the finite values: k lies at rank k / 200 * (n - 1), linear between its neighbours.
    `edges` and `counts` are a histogram of all finite values, at most 32 bins of one width: where tails are long, its range
    ends at one width of the middle 90 % beyond that, and the end bins count all that is farther out.

    `cdf` are points (value, share of the finite values up to it) of the cumulative distribution: straight between two
    points, upright where one value holds many rows, nowhere wrong by more than `cdf_error`; read it with
    `solvent.profiles.cumulative`. `values` are all distinct numbers in order with the rows of each, if they are no more than
    256: then they say the same exactly, and `cdf` is empty.

    `distinct` counts what is not missing, within the share `distinct_error` (0 if exact). `top` are the most frequent values
    as text with their number among `top_rows` values that were looked at: 20 of them, or all if they are no more than 50 or
    the type is categorical (then up to 1,000). `sampled` is the number of rows that quantiles and top were drawn from, None
    for all. `lengths` are the least, mean and largest number of characters (of items, in a list). A boolean has its share
    of true as `mean`. `digest` is that of the column's content. A `masked` column tells numbers of rows and lengths alone.
    """

    name: str
    type: str
    kind: str
    role: str
    rows: int
    nulls: int = 0
    nan: int = 0
    infinite: int = 0
    zeros: int = 0
    negatives: int = 0
    empty: int = 0
    minimum: float | int | str | None = None
    maximum: float | int | str | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    distinct: int | None = None
    distinct_exact: bool = False
    top: tuple[tuple[str, int], ...] = ()
    top_rows: int = 0
    lengths: tuple[float, float, float] | None = None
    sampled: int | None = None
    digest: str | None = None
    masked: bool = False
    problem: str | None = None
    values: tuple[tuple[float, int], ...] = ()
    cdf: tuple[tuple[float, float], ...] = ()
    cdf_error: float | None = None
    distinct_error: float | None = None

    @property
    def missing(self) -> int:
        """The rows without a value: nulls, and floats that are not a number."""
        return self.nulls + self.nan

    @property
    def complete(self) -> bool:
        """Whether `top` has every value of the column with its number among all rows."""
        return bool(self.top) and sum(number for _, number in self.top) == self.rows - self.nulls


@dataclass(frozen=True, slots=True)
class Profile:
    """The statistics of one table or array: `shape` is (rows, columns), `size_bytes` its size in memory as Arrow.

    `method` says what computed it, `sampled` how many rows quantiles and frequent values were drawn from (None for all),
    `seconds` how long it took. `problems` says what could not be profiled.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]
    size_bytes: int = 0
    kind: str = "table"
    shape: tuple[int, ...] = ()
    method: str = ""
    sampled: int | None = None
    seconds: float = 0.0
    duplicates: float | None = None
    problems: tuple[str, ...] = ()
    version: int = 1

    def column(self, name: str) -> ColumnProfile | None:
        return next((each for each in self.columns if each.name == name), None)


def to_json(record: Any) -> str:
    """Write a record of this module as JSON; NaN and infinities as the words that Python's json reads."""
    return json.dumps(_rounded(record), ensure_ascii=False, separators=(",", ":"))


def profile_from_json(text: str) -> Profile:
    """Read a profile; fields that a newer version wrote are left out."""
    found = json.loads(text)
    columns = tuple(_made(ColumnProfile, each) for each in found.pop("columns", ()))
    made: Profile = _made(Profile, {**found, "columns": columns})
    return made


def _made(kind: Any, found: Mapping[str, Any]) -> Any:
    known = {each.name for each in fields(kind)}
    return kind(**{name: _tuples(value) for name, value in found.items() if name in known})


def _tuples(value: Any) -> Any:
    """Make tuples of lists, at all depths; the items of one list are of one kind."""
    if not isinstance(value, list):
        return value
    return tuple(map(_tuples, value)) if value and isinstance(value[0], list) else tuple(value)


def _rounded(value: Any) -> Any:
    """Cut floats to 15 significant digits: the JSON is shorter, and equal values stay equal."""
    if isinstance(value, float):
        return float(f"{value:.15g}") if math.isfinite(value) else value
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items() if not _is_default(each)}
    if is_dataclass(value):
        # `asdict` would copy each number of each tuple, which takes longer than to write them.
        found = ((each.name, getattr(value, each.name)) for each in fields(value))
        return {name: _rounded(each) for name, each in found if not _is_default(each)}
    return value


def _is_default(value: Any) -> bool:
    return value is None or value == () or value == []


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with the ends of its 95 % interval, where one is known."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a split: rows, the share that it has, and how its target is spread (value to share, or mean and std)."""

    name: str
    rows: int
    asked: float
    got: float
    target: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SplitRecord:
    """How a table was split: enough to do it again and to check it.

    `strategy` is hash, random, time, group, stratified or given; `key` the columns that decide; `seed` that of the run
    where it counts, else None; `parent` the content digest of the table; `assignment` the digest of the rows' assignment;
    `findings` are what the leakage checks found, as `solvent.model.Finding` tuples; `drift` maps column to the measure
    between train and test. `target`, `time` and `group` are the columns that were named besides; `salt` that of the hashes.
    """

    strategy: str
    key: tuple[str, ...]
    seed: int | None
    parent: str
    assignment: str
    parts: tuple[Part, ...]
    findings: tuple[tuple[str, ...], ...] = ()
    drift: dict[str, float] = field(default_factory=dict)
    version: str = ""
    target: str | None = None
    time: str | None = None
    group: tuple[str, ...] = ()
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """The metrics of some of the rows: `name` says which, such as "carrier = AA"."""

    name: str
    rows: int
    values: dict[str, Interval]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points to draw: `x` and `y` in the words of `name`, `label` says of which class.

    roc (false positive rate, true positive rate), precision_recall (recall, precision), calibration (mean probability or
    prediction of a bin, share or mean that came true, with the rows of the bin as `weight`), errors (share of the rows,
    the error that so many stay below).
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    weight: tuple[float, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """How good predictions are: metrics over all rows with 95 % bootstrap intervals, by slices, and curves to draw.

    `task` is classification or regression; `confusion` has a row for each true class, in the order of `classes`.
    `positive` is the class that precision and the like are about, "" for the mean over several; `notes` say what was left
    out, and why.
    """

    task: str
    rows: int
    values: dict[str, Interval]
    slices: tuple[Slice, ...] = ()
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    curves: tuple[Curve, ...] = ()
    resamples: int = 0
    seed: int | None = None
    positive: str = ""
    notes: tuple[str, ...] = ()
