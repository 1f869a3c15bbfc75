"""Where a table is not as its schema expects: each anomaly with the change of the schema that would accept it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from solvent.errors import ConfigError, NotFoundError, nearest
from solvent.profiles.cumulative import cumulative
from solvent.profiles.limits import CHANCE, LIMITS, few, severity
from solvent.profiles.records import DOMAIN, ColumnProfile, Profile
from solvent.profiles.schema import ENVIRONMENTS, SERVING, TRAINING, Expected, Schema, expect
from solvent.profiles.significance import share_p_value
from solvent.profiles.wording import change, percent

ALERT, WARN = "alert", "warn"

FEWER_ROWS = (0.5, 0.1)
"""A table with less than half the rows that are expected is a warning, one with less than a tenth an alert."""
MORE_MISSING = (0.05, 0.2)
"""So many more values may be missing, as a share, before it is a warning and an alert: what drifts a little, drift tells."""
OUTSIDE = 0.01
"""A range that is not exact warns where more than one value in a hundred is outside, or ..."""
REACH = 0.5
"""... one is farther outside than half the width of the range, or negative where none was: next month's maximum is not."""
ALIKE = 0.6
"""How alike the names of a vanished and a new column must be to be taken for one that was renamed."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that is not as the schema expects.

    `name` is what `solvent accept` takes, such as "carrier.domain": the column and the kind, or the kind alone of what is
    about the table. `severity` is alert or warn. `message` says what was expected and found, `proposal` what accepting it
    changes in the schema.
    """

    name: str
    kind: str
    severity: str
    column: str | None
    message: str
    proposal: str

    def command(self, version: str) -> str:
        """Give the line that accepts it, of a version such as "flights@7"."""
        import shlex

        return f"solvent accept {version} {shlex.quote(self.name)}"


Fix = Callable[[Expected], Expected]


@dataclass(frozen=True, slots=True)
class _Found:
    """An anomaly with what accepting it does: to the column that is expected, or to the whole schema."""

    anomaly: Anomaly
    column: Fix | None = None
    schema: Callable[[Schema], Schema] | None = None

    def accepted(self, schema: Schema) -> Schema:
        if self.schema is not None:
            return self.schema(schema)
        fix, name = self.column, self.anomaly.column
        if fix is None:
            return schema
        return replace(schema, columns=tuple(fix(each) if each.name == name else each for each in schema.columns))


def anomalies(schema: Schema, profile: Profile, environment: str = TRAINING) -> list[Anomaly]:
    """Compare a profile with a schema: what is not as expected, alerts first, then in the order of the columns.

    In the environment "serving" the label may be absent, and the number of rows says nothing. Raises ConfigError for
    another word than training or serving.
    """
    found = [each.anomaly for each in _find(schema, profile, environment)]
    return sorted(found, key=lambda each: each.severity != ALERT)


def accept(
    schema: Schema, profile: Profile, names: Collection[str] | None = None, environment: str = TRAINING
) -> Schema:
    """Give the schema changed so that these anomalies of the profile (None: all of them) are none any more.

    "COLUMN.drift" is accepted, too: the drift of that column is not watched any more. Raises NotFoundError for another name.
    """
    found = list(_find(schema, profile, environment))
    if names is None:
        return _accept_all(schema, profile, environment)
    unwatched = {f"{each.name}.drift": each.name for each in schema.columns}
    _refuse_unknown(names, [each.anomaly.name for each in found], unwatched)
    for each in found:
        if each.anomaly.name in names:
            schema = each.accepted(schema)
    left = {unwatched[name] for name in names if name in unwatched}
    columns = tuple(replace(each, watched=False) if each.name in left else each for each in schema.columns)
    return replace(schema, columns=columns)


def _accept_all(schema: Schema, profile: Profile, environment: str) -> Schema:
    """What is renamed or of another type is looked at closely only once that is accepted."""
    for _ in range(3):
        for each in list(_find(schema, profile, environment)):
            schema = each.accepted(schema)
    return schema


def _refuse_unknown(wanted: Collection[str], known: list[str], unwatched: Collection[str]) -> None:
    for name in sorted(wanted):
        if name not in known and name not in unwatched:
            there = f"it has: {', '.join(known)}" if known else "it has none: all is as expected"
            raise NotFoundError(f"there is no anomaly {name!r}{nearest(name, [*known, *unwatched])}", hint=there)


def _find(schema: Schema, profile: Profile, environment: str) -> Iterator[_Found]:
    if environment not in ENVIRONMENTS:
        raise ConfigError(
            f"no environment {environment!r}{nearest(environment, ENVIRONMENTS)}",
            hint=f"environments: {', '.join(ENVIRONMENTS)}",
        )
    if environment != SERVING:
        yield from _rows(schema, profile)
    gone = [
        each
        for each in schema.columns
        if each.required and environment not in each.absent and profile.column(each.name) is None
    ]
    new = [each for each in profile.columns if schema.column(each.name) is None]
    renamed = _renamed(gone, new)
    for expected in schema.columns:
        column = profile.column(expected.name)
        if column is not None:
            yield from _column(expected, column, schema.rows)
        elif expected in gone:
            yield _moved(expected, renamed[expected.name]) if expected.name in renamed else _gone(expected)
    taken = {each.name for each in renamed.values()}
    for column in new:
        if column.name not in taken:
            yield _new(column)


def _rows(schema: Schema, profile: Profile) -> Iterator[_Found]:
    if profile.rows < FEWER_ROWS[0] * schema.rows:
        worst = ALERT if profile.rows < FEWER_ROWS[1] * schema.rows else WARN
        message = f"it has {profile.rows:,} rows; about {schema.rows:,} were expected"
        proposal = f"expect {profile.rows:,} rows"
        found = Anomaly("rows", "rows", worst, None, message, proposal)
        yield _Found(found, schema=lambda before: replace(before, rows=profile.rows))


def _gone(expected: Expected) -> _Found:
    found = _of(expected.name, "gone", ALERT, f"the column {expected.name} is gone", "the column may be absent")
    return _Found(found, lambda before: replace(before, required=False))


def _new(column: ColumnProfile) -> _Found:
    message = f"there is a new column {column.name} ({column.type})"
    found = _of(column.name, "new", WARN, message, "expect the column as it is now")
    return _Found(found, schema=lambda before: replace(before, columns=(*before.columns, expect(column))))


def _moved(expected: Expected, column: ColumnProfile) -> _Found:
    message = f"{expected.name} is gone, and there is a new {column.name} much like it"
    found = _of(expected.name, "renamed", ALERT, message, f"{expected.name} is now called {column.name}")
    return _Found(found, lambda before: replace(before, name=column.name))


def _renamed(gone: list[Expected], new: list[ColumnProfile]) -> dict[str, ColumnProfile]:
    """Guess which vanished columns were renamed: of one type, and the names or the values are alike."""
    pairs = [
        (_likeness(each, column), each.name, column) for each in gone for column in new if each.type == column.type
    ]
    found: dict[str, ColumnProfile] = {}
    taken: set[str] = set()
    for likeness, name, column in sorted(pairs, key=lambda pair: -pair[0]):
        if likeness >= ALIKE and name not in found and column.name not in taken:
            found[name] = column
            taken.add(column.name)
    return found


def _likeness(expected: Expected, column: ColumnProfile) -> float:
    """Compare names, without case and separators, and values. A like range alone is weak: shares have all the same."""
    first, second = ("".join(filter(str.isalnum, each.lower())) for each in (expected.name, column.name))
    by_name = SequenceMatcher(None, first, second).ratio()
    now = expect(column)
    if expected.domain and now.domain:
        shared = {*expected.domain} & {*now.domain}
        return max(by_name, len(shared) / len({*expected.domain, *now.domain}))
    return max(by_name, (by_name + _range_likeness(expected, now)) / 2)


def _range_likeness(expected: Expected, now: Expected) -> float:
    """Give which part of the two ranges is shared."""
    low, high, least, most = (_number(each) for each in (expected.least, expected.most, now.least, now.most))
    if low is None or high is None or least is None or most is None:
        return 0.0
    whole = max(high, most) - min(low, least)
    return max(min(high, most) - max(low, least), 0.0) / whole if whole > 0 else 0.0


def _column(expected: Expected, column: ColumnProfile, rows: int) -> Iterator[_Found]:
    if column.type != expected.type:
        yield _type(expected, column)
        if column.kind != expected.kind:
            return
    yield from _nulls(expected, column, rows)
    yield from _domain(expected, column)
    yield from _range(expected, column)
    yield from _unique(expected, column)


def _type(expected: Expected, column: ColumnProfile) -> _Found:
    worst = ALERT if column.kind != expected.kind else WARN
    message = f"{expected.name} is {column.type}; {expected.type} was expected"
    found = _of(expected.name, "type", worst, message, f"expect {column.type}")
    if worst == WARN:
        return _Found(found, lambda before: replace(before, type=column.type))
    return _Found(
        found,
        lambda before: replace(expect(column), required=before.required, absent=before.absent, watched=before.watched),
    )


def _nulls(expected: Expected, column: ColumnProfile, rows: int) -> Iterator[_Found]:
    if not column.rows or not column.missing:
        return
    share = column.missing / column.rows

    def accepted(before: Expected) -> Expected:
        return replace(before, nullable=True, null_share=share)

    if not expected.nullable:
        message = f"{expected.name} has {column.missing:,} missing values ({percent(share)}); none were expected"
        yield _Found(_of(expected.name, "nulls", ALERT, message, "values may be missing"), accepted)
        return
    worst = severity(share - expected.null_share, MORE_MISSING)
    counts = (round(expected.null_share * rows), rows), (column.missing, column.rows)
    chance = share_p_value((counts[0][0], counts[1][0]), (counts[0][1], counts[1][1]))
    if worst and not (few((rows, column.rows)) and chance >= CHANCE):
        message = f"more values of {expected.name} are missing: {change(expected.null_share, share)}"
        found = _of(expected.name, "null_share", (WARN, ALERT)[worst - 1], message, f"expect {percent(share)} missing")
        yield _Found(found, accepted)


def _domain(expected: Expected, column: ColumnProfile) -> Iterator[_Found]:
    if expected.domain is None or column.masked:
        return
    name, known = expected.name, set(expected.domain)
    if (column.distinct or 0) > max(DOMAIN, len(known)):
        message = f"{name} has {column.distinct:,} different values; {len(known)} were expected"
        yield _Found(
            _of(name, "domain", ALERT, message, "any value may occur"), lambda each: replace(each, domain=None)
        )
        return
    strange = {value: count for value, count in column.top if value not in known}
    if not strange:
        return
    worst = (WARN, ALERT)[severity(sum(strange.values()) / column.top_rows, LIMITS["unseen"]) - 1]
    parts = [f"{value!r} ({percent(count / column.top_rows)})" for value, count in strange.items()]
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    what, them = ("new values", "them") if len(parts) > 1 else ("a new value", "it")
    message = f"{name} has {what}: {', '.join(parts[:_SHOWN])}{more}"
    yield _Found(
        _of(name, "domain", worst, message, f"add {them} to the domain"),
        lambda each: replace(each, domain=tuple(sorted({*(each.domain or ()), *strange}))),
    )


def _range(expected: Expected, column: ColumnProfile) -> Iterator[_Found]:
    low, high = _beyond(column.minimum, expected.least, "below"), _beyond(column.maximum, expected.most, "above")
    if not (low or high) or not (expected.exact or _is_far(expected, column)):
        return
    name = expected.name
    ends = [
        f"{'down to' if side == 'below' else 'up to'} {shown(end)}; {shown(at)} was the"
        f" {'least' if side == 'below' else 'most'}"
        for there, side, end, at in (
            (low, "below", column.minimum, expected.least),
            (high, "above", column.maximum, expected.most),
        )
        if there
    ]
    message = f"{name} goes {' and '.join(ends)} so far"
    found = _of(name, "range", WARN, message, f"expect {shown(column.minimum)} to {shown(column.maximum)}")

    def accepted(before: Expected) -> Expected:
        wider = replace(before, least=column.minimum) if low else before
        return replace(wider, most=column.maximum) if high else wider

    yield _Found(found, accepted)


def _beyond(end: Any, limit: Any, side: str) -> bool:
    """Whether a value is beyond a limit; what can't be compared is not."""
    if end is None or limit is None:
        return False
    if isinstance(end, str) and isinstance(limit, str) and (_number(end) is None or _number(limit) is None):
        return end < limit if side == "below" else end > limit
    first, second = _number(end), _number(limit)
    if first is None or second is None:
        return False
    return first < second if side == "below" else first > second


def _is_far(expected: Expected, column: ColumnProfile) -> bool:
    """Whether values are outside of a range that was only seen, farther or more often than chance brings about."""
    if column.kind == "time":
        return True
    least, most = _number(expected.least), _number(expected.most)
    low, high = _number(column.minimum), _number(column.maximum)
    width = (most - least) if least is not None and most is not None else 0.0
    if low is not None and least is not None and (low < 0 <= least or least - low > REACH * width):
        return True
    if high is not None and most is not None and high - most > REACH * width:
        return True
    spread = cumulative(column)
    if spread is None:
        return False
    below = spread.share_below(least) if least is not None else 0.0
    above = 1 - spread.share_upto(most) if most is not None else 0.0
    return below + above > OUTSIDE


def _number(value: Any) -> float | None:
    """Read an end of a range; it is exact in the words of its type, which may be text."""
    if value is None:
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def shown(value: Any) -> str:
    """Write an end of a range as people do."""
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _unique(expected: Expected, column: ColumnProfile) -> Iterator[_Found]:
    filled = column.rows - column.missing
    if not expected.unique or column.masked or filled <= 0:
        return
    twice = column.top[0] if column.top and column.top[0][1] > 1 else None
    if twice is None and not (column.distinct_exact and column.distinct is not None and column.distinct < filled):
        return
    what = f"{twice[0]!r} occurs {twice[1]:,} times" if twice else f"{column.distinct:,} values in {filled:,} rows"
    found = _of(expected.name, "unique", ALERT, f"{expected.name} is no longer unique: {what}", "values may repeat")
    yield _Found(found, lambda before: replace(before, unique=False))


def _of(column: str, kind: str, severity: str, message: str, proposal: str) -> Anomaly:
    return Anomaly(f"{column}.{kind}", kind, severity, column, message, proposal)
