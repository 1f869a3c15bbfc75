"""`solvent.report`: the page of whatever one has at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solvent.errors import SolventError
from solvent.reports.pages import Report


def report(what: Any, *others: Any, against: Any = None) -> Report:
    """Make the page of a run, a dataset version, a table or a verification: `save` writes it, a notebook shows it.

    `what` is a run, "flights@7" or another name that `solvent load` knows, a dataset version, an artifact, or a table of
    pandas, polars or Arrow or a NumPy array itself. `against` is another table to lay it over; a version of a dataset is
    laid over the one before it by itself. Two to twenty runs, or their ids, are shown side by side.

    Raises NotFoundError if there is none of that name, SolventError if there is no page for such a thing.
    """
    from solvent.config.project import Project
    from solvent.reports.data import data_report, table_report
    from solvent.reports.run import run_report
    from solvent.reports.verification import verification_report
    from solvent.runs.stores import Stores
    from solvent.runs.views import Run
    from solvent.serving.verification import Verification

    if others:
        return _comparison([what, *others], against)
    if isinstance(what, Run):
        return run_report(what, what._stores)
    if isinstance(what, Verification):
        return verification_report(what)
    if is_table(what):
        return table_report(what, against, Project.find().settings.sensitive_columns)
    named, other = _name(what), None if against is None else _name(against)
    with Stores(Project.find(), create=False) as stores:
        return data_report(named, stores, against=other)


def is_table(value: Any) -> bool:
    """Whether a value is a table or an array that a profile can be made of."""
    from solvent.runs.profiler import is_profiled

    return is_profiled(f"{type(value).__module__}:{type(value).__qualname__}")


def _comparison(runs: Sequence[Any], against: Any) -> Report:
    from solvent.config.project import Project
    from solvent.reports.comparison import compare_runs, comparison_report
    from solvent.runs.stores import Stores
    from solvent.runs.views import Run

    odd = next((each for each in runs if not isinstance(each, str | Run)), None)
    if odd is not None or against is not None:
        named = f"a {type(odd).__name__}" if odd is not None else "`against`"
        raise SolventError(
            f"a comparison is of runs, not of {named}",
            hint="give 2 to 20 runs by id; for two tables or versions use solvent.report(one, against=other)",
        )
    with Stores(Project.find(), create=False) as stores:
        return comparison_report(compare_runs([each if isinstance(each, str) else each.id for each in runs], stores))


def _name(what: Any) -> str:
    """Give the name by which a thing is found in the store again."""
    from solvent.runs.datasets import DatasetVersion
    from solvent.runs.views import Artifact

    if isinstance(what, str):
        return what
    if isinstance(what, DatasetVersion):
        return f"{what.project}/{what.label}" if what.project else what.label
    if isinstance(what, Artifact):
        return what.digest
    raise SolventError(
        f"there is no page for a {type(what).__name__}",
        hint='give a run, "flights@7", a dataset version, an artifact or a table',
    )
