"""What is expected of a table: inferred from a profile, compared with later ones, changed by accepting."""

from __future__ import annotations

from dataclasses import dataclass

from solvent.profiles.records import Profile

TRAINING, SERVING = "training", "serving"
ENVIRONMENTS = (TRAINING, SERVING)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one column.

    `type` is the logical type and `kind` its kind, as in its profile. A `required` column must be there; one that is not
    `nullable` has no nulls. `domain` are the values that it may have, as text. `least` and `most` are the range seen so far:
    beyond it is a warning. `unique` values occur once. `absent` are the environments in which the column is not there, as a
    label when serving. A column that is not `watched` is left out of the verdict on drift.
    """

    name: str
    type: str
    kind: str
    required: bool = True
    nullable: bool = False
    null_share: float = 0.0
    domain: tuple[str, ...] | None = None
    least: float | int | str | None = None
    most: float | int | str | None = None
    unique: bool = False
    absent: tuple[str, ...] = ()
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Schema:
    """What is expected of a table: its columns in their order, and the rows that it had when that was written."""

    columns: tuple[Expected, ...]
    rows: int = 0

    def column(self, name: str) -> Expected | None:
        return next((each for each in self.columns if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that is not as the schema expects.

    `name` is what `solvent accept` takes ("carrier.domain"); `severity` is alert or warn; `column` is None for the table.
    `proposal` is the proposed change of the schema in words, `expected` and `found` what does not agree.
    """

    name: str
    kind: str
    severity: str
    column: str | None
    message: str
    proposal: str
    expected: str = ""
    found: str = ""


def infer(profile: Profile, *, label: str | None = None) -> Schema:
    """Give the schema that a table of this profile meets; the `label` is absent when serving."""
    return Schema(tuple(Expected(each.name, each.type, each.kind) for each in profile.columns), profile.rows)


def anomalies(schema: Schema, profile: Profile, environment: str = TRAINING) -> list[Anomaly]:
    """Compare a profile with a schema: what is not as expected, worst first, then in the order of the columns."""
    return []


def accept(schema: Schema, profile: Profile, names: frozenset[str] | None = None) -> Schema:
    """Give the schema changed so that these anomalies (None: all) of the profile are none any more."""
    return schema
