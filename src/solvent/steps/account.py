"""The record of a split: what was asked and what came of it."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from solvent.fingerprint.structure import digest
from solvent.fingerprint.values import identify
from solvent.profiles.leaks import find_leaks
from solvent.profiles.make import make_profile
from solvent.profiles.records import Part, SplitRecord
from solvent.profiles.rowset import Name, Rows
from solvent.profiles.sides import Sides
from solvent.profiles.targets import spread
from solvent.steps.assignment import PARTS, TEST, TRAIN
from solvent.steps.shortfalls import find_shortfalls

if TYPE_CHECKING:
    from solvent.steps.split import Roles

DRIFT_ROWS = 50_000
"""So many rows of each part are looked at to tell how far its columns are from each other."""


def account(
    rows: Rows,
    codes: Any,
    by: str,
    roles: Roles,
    asked: tuple[float | None, ...],
    seed: int | None,
    salt: str,
) -> SplitRecord:
    """Write down how a table was split, and what a look for leaks found."""
    sides = Sides([rows], codes)
    leaks = find_leaks(sides, key=roles.key, group=roles.group, time=roles.time, target=roles.target)
    shortfalls = find_shortfalls(sides, by, _decided(by, roles), asked)
    return SplitRecord(
        strategy=by,
        key=_texts(_decided(by, roles)),
        seed=seed,
        parent=identify(rows.table).digest,
        assignment=digest("assignment", codes.tobytes()),
        parts=tuple(_part(rows, codes, code, roles.target, asked[code]) for code in range(len(PARTS))),
        drift=_drift(rows, codes, {*roles.key, *roles.group, roles.time, roles.column}),
        findings=tuple(tuple(each) for each in [*shortfalls, *leaks]),
        version=_version(),
        target=None if roles.target is None else str(roles.target),
        time=None if roles.time is None else str(roles.time),
        group=_texts(roles.group),
        salt=salt,
    )


def _decided(by: str, roles: Roles) -> tuple[Name, ...]:
    one = {"time": roles.time, "column": roles.column}.get(by)
    if one is not None:
        return (one,)
    return roles.group if by == "group" else () if by == "random" else roles.key


def _part(rows: Rows, codes: Any, code: int, target: Name | None, asked: float | None) -> Part:
    chosen = codes == code
    count = int(chosen.sum())
    got = count / len(codes) if len(codes) else 0.0
    found = {} if target is None else spread(rows.column(target), chosen)
    return Part(PARTS[code], count, got if asked is None else round(asked, 12), got, found)


def _texts(names: tuple[Name, ...]) -> tuple[str, ...]:
    return tuple(map(str, names))


def _drift(rows: Rows, codes: Any, known: set[Any]) -> dict[str, float]:
    """Measure how far each column of test is from train, as drift is judged; of long tables by rows evenly apart."""
    from solvent.profiles.drift import compare

    if not (codes == TRAIN).any() or not (codes == TEST).any():
        return {}
    train, test = (make_profile(rows.take(_sample(codes == code))) for code in (TRAIN, TEST))
    found = compare(train, test)
    left_out = {str(name) for name in known}
    return {each.name: each.value for each in found.columns if each.value is not None and each.name not in left_out}


def _sample(chosen: Any) -> Any:
    import numpy as np

    places = chosen.nonzero()[0]
    looked = np.zeros(len(chosen), bool)
    looked[places[:: max(1, len(places) // DRIFT_ROWS)]] = True
    return looked


def _version() -> str:
    return f"solvent {version('solvent')}"
