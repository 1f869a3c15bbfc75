"""What the parts of a split tell about each other that they should not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from solvent.model import Finding
from solvent.profiles.giveaways import find_giveaways
from solvent.profiles.rowset import Name, Rows
from solvent.profiles.sides import TRAIN, Sides
from solvent.profiles.targets import is_quantity
from solvent.profiles.twins import find_twins

ALERT, WARN = "alert", "warn"
DUPLICATE_SHARE = 0.01
"""From this share of a part's rows on, duplicates are an alert; of fewer than `FEW` rows never."""
FEW = 5
UNSEEN_SHARE = 0.01
GAP_WARN, GAP_ALERT = 0.05, 0.15
"""The largest difference of a class's share between train and test."""
DISTANCE_WARN, DISTANCE_ALERT = 0.1, 0.2
"""The KS distance of a numeric target between train and test."""


def check_leakage(
    train: Any,
    test: Any,
    validation: Any = None,
    *,
    target: Name | None = None,
    key: Name | Sequence[Name] | None = None,
    group: Name | Sequence[Name] | None = None,
    time: Name | None = None,
) -> list[Finding]:
    """Look for leaks between the parts of any split; see `solvent.steps.check_leakage`."""
    import numpy as np

    parts = [(0, train), (2, test)] + ([] if validation is None else [(1, validation)])
    rows = [Rows(part) for _, part in parts]
    codes = np.repeat(np.array([code for code, _ in parts], np.uint8), [len(each) for each in rows])

    def find(name: Name, role: str) -> Name:
        return {part.find(name, role): None for part in rows}.popitem()[0]

    return find_leaks(
        Sides(rows, codes),
        key=tuple(find(name, "key") for name in _several(key)),
        group=tuple(find(name, "group") for name in _several(group)),
        time=None if time is None else find(time, "time"),
        target=None if target is None else find(target, "target"),
    )


def find_leaks(
    sides: Sides, *, key: Sequence[Name] = (), group: Sequence[Name] = (), time: Name | None, target: Name | None
) -> list[Finding]:
    """Look for leaks between parts whose columns are found, gravest first."""
    if len(sides.present) < 2:
        return []
    found = [
        *_shared(sides, key, "key"),
        *_shared(sides, group, "group"),
        *_late(sides, time),
        *_twins(sides, key, target),
        *_giveaways(sides, target, {*key, *group, time}),
        *_gap(sides, target),
        *_unseen(sides, {*key, *group, target, time}),
    ]
    return sorted(found, key=lambda each: each.severity != ALERT)


def _shared(sides: Sides, names: Sequence[Name], role: str) -> Iterator[Finding]:
    """Find values of a key or group that are in train and elsewhere too."""
    if not names:
        return
    hashes, there = sides.joined(names), sides.filled(names)
    if role == "key" and len(sides.unique(hashes[there])) == int(there.sum()):
        return
    inside = sides.unique(hashes[there & sides.inside(TRAIN)])
    for code in sides.others:
        chosen = there & sides.inside(code)
        common = sides.among(hashes[chosen], inside)
        rows = int(common.sum())
        if rows:
            word = f"{role} {_words(names)}"
            distinct = len(sides.unique(hashes[chosen][common]))
            yield _finding(
                f"shared {role}",
                ALERT,
                f"{distinct:,} values of {word} are in train and in {sides.name(code)}: {_of(rows, chosen)} rows there",
                f'split(..., by="{"group" if role == "group" else "hash"}", {role}={_code(names)}) keeps each on one side',
                columns=list(map(str, names)),
                rows=rows,
                values=distinct,
            )


def _late(sides: Sides, time: Name | None) -> Iterator[Finding]:
    """Find train rows that are later than the first row of a part that is to stand for the future."""
    if time is None:
        return
    moments, there = sides.moments(time)
    inside = sides.inside(TRAIN) & there
    if not inside.any():
        return
    for code in sides.others:
        chosen = sides.inside(code) & there
        late = int((moments[inside] > moments[chosen].min()).sum()) if chosen.any() else 0
        if late:
            yield _finding(
                "time overlap",
                ALERT if late > DUPLICATE_SHARE * int(inside.sum()) else WARN,
                f"{_of(late, inside)} train rows are later by {time!r} than the first row of {sides.name(code)}",
                f'split(..., by="time", time={time!r}) trains on the past and tests on what came after',
                column=str(time),
                rows=late,
            )


def _twins(sides: Sides, key: Sequence[Name], target: Name | None) -> Iterator[Finding]:
    for found in find_twins(sides, key, target):
        if not found.rows:
            continue
        chosen = sides.inside(found.code)
        grave = found.rows >= FEW and found.rows > DUPLICATE_SHARE * int(chosen.sum())
        besides = f", in all but {target!r}" if target is not None and found.same_target < found.rows else ""
        equal = f"; of these {found.same_target:,} with the same target" if besides and found.same_target else ""
        yield _finding(
            "duplicates",
            ALERT if grave else WARN,
            f"{_of(found.rows, chosen)} rows of {sides.name(found.code)} are in train as well{besides}{equal}",
            "drop duplicates before the split, or split by the hash of the row (no key), which keeps equal rows together",
            rows=found.rows,
            same_target=found.same_target,
            by_chance=found.by_chance,
        )


def _giveaways(sides: Sides, target: Name | None, known: set[Any]) -> Iterator[Finding]:
    if target is None:
        return
    for found in find_giveaways(sides, target, known):
        yield _finding(
            "predicts the target",
            WARN,
            f"{found.name!r} alone predicts {target!r} ({found.measure} {found.value:.3f})",
            f"leave {found.name!r} out, unless it is known before {target!r} is",
            column=str(found.name),
            measure=found.measure,
            value=found.value,
        )


def _gap(sides: Sides, target: Name | None) -> Iterator[Finding]:
    """Find a target that is spread otherwise in another part than in train, by more than chance would do it."""
    if target is None:
        return
    quantity = is_quantity(sides.column(target))
    for code in sides.others:
        found = _distance(sides, target, code) if quantity else _share_gap(sides, target, code)
        if found is not None:
            severity, message, value = found
            yield _finding(
                "target gap",
                severity,
                message,
                f'split(..., by="stratified", target={target!r}) gives each part the same shares',
                column=str(target),
                value=value,
            )


def _share_gap(sides: Sides, target: Name, code: int) -> tuple[str, str, float] | None:
    import numpy as np

    hashes = sides.hashes(target)
    values, places = np.unique(hashes, return_inverse=True)
    inside, chosen = sides.inside(TRAIN), sides.inside(code)
    one = np.bincount(places[inside], minlength=len(values)) / max(1, inside.sum())
    other = np.bincount(places[chosen], minlength=len(values)) / max(1, chosen.sum())
    worst = int(np.argmax(np.abs(one - other)))
    gap = abs(float(one[worst] - other[worst]))
    share = float((places == worst).sum() / len(places))
    error = (share * (1 - share) * (1 / max(1, inside.sum()) + 1 / max(1, chosen.sum()))) ** 0.5
    if gap <= GAP_WARN or gap < 4 * error:
        return None
    value = sides.value(target, int(np.flatnonzero(places == worst)[0]))
    message = (
        f"{target!r} is {value!r} in {one[worst]:.1%} of train and {other[worst]:.1%} of {sides.name(code)}".replace(
            "%", " %"
        )
    )
    return (ALERT if gap > GAP_ALERT else WARN), message, gap


def _distance(sides: Sides, target: Name, code: int) -> tuple[str, str, float] | None:
    import numpy as np

    numbers = sides.numbers(target)
    known = np.isfinite(numbers)
    one, other = np.sort(numbers[sides.inside(TRAIN) & known]), np.sort(numbers[sides.inside(code) & known])
    if not len(one) or not len(other):
        return None
    at = np.unique(np.concatenate([one, other]))
    found = float(
        np.max(np.abs(np.searchsorted(one, at, "right") / len(one) - np.searchsorted(other, at, "right") / len(other)))
    )
    # The critical value of the two-sample test at p = 0.0001.
    chance = 2.23 * ((len(one) + len(other)) / (len(one) * len(other))) ** 0.5
    if found <= DISTANCE_WARN or found < chance:
        return None
    message = (
        f"{target!r} has a mean of {one.mean():.4g} in train and {other.mean():.4g} in {sides.name(code)}"
        f" (KS distance {found:.2f})"
    )
    return (ALERT if found > DISTANCE_ALERT else WARN), message, found


def _unseen(sides: Sides, known: set[Any]) -> Iterator[Finding]:
    """Find categories that train has not, where that is more than what its rarest categories let one expect."""
    for name in sides.names:
        if name in known or not sides.is_category(name):
            continue
        hashes = sides.hashes(name)
        values, counts = sides.counted(hashes[sides.inside(TRAIN)])
        if len(values) * 20 > int(sides.inside(TRAIN).sum()):
            continue
        for code in sides.others:
            chosen = sides.inside(code)
            new = ~sides.among(hashes[chosen], values)
            rows, many = int(new.sum()), int(chosen.sum())
            # Good and Turing: the share of what was not seen is that of what was seen once.
            expected = many * int((counts == 1).sum()) / max(1, int(sides.inside(TRAIN).sum()))
            if rows > 1 + 3 * expected + 3 * expected**0.5:
                yield _finding(
                    "unseen categories",
                    ALERT if rows > UNSEEN_SHARE * many and rows >= FEW else WARN,
                    f"{_of(rows, chosen)} rows of {sides.name(code)} have a {name!r} that train has not",
                    "make sure that the model can do with categories that it has not seen",
                    column=str(name),
                    rows=rows,
                )


def _several(names: Name | Sequence[Name] | None) -> Sequence[Name]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str | int) else names


def _finding(kind: str, severity: str, message: str, fix: str, **detail: Any) -> Finding:
    return Finding(kind, severity, "split", message, fix, json.dumps(detail, sort_keys=True))


def _of(rows: int, chosen: Any) -> str:
    total = int(chosen.sum())
    share = 100 * rows / total
    return f"{rows:,} of {total:,} ({share:.0f} %)" if share >= 10 else f"{rows:,} of {total:,} ({share:.2g} %)"


def _words(names: Sequence[Name]) -> str:
    return ", ".join(map(repr, names))


def _code(names: Sequence[Name]) -> str:
    return repr(names[0]) if len(names) == 1 else repr(list(names))
