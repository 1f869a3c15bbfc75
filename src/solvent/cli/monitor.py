"""`solvent monitor`: what an endpoint was asked and answered lately, beside what its model was trained on."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json
from solvent.cli.output import cut, moment, print_json, printable, table, width
from solvent.cli.parsing import duration

if TYPE_CHECKING:
    from solvent.deploy.monitoring import LabelSource, Monitoring
    from solvent.deploy.quality import Quality
    from solvent.profiles.drift import ColumnDrift
    from solvent.runs.stores import Stores

COLUMNS = 20
"""No more columns are shown."""


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("model", metavar="MODEL", help="delays@champion, delays@3, or the folder of a bundle")
    parser.add_argument("--log", metavar="FOLDER", help="take what is new in this log first: that of `solvent serve`")
    parser.add_argument(
        "--since", type=duration, default=86_400.0, metavar="24h", help="look at the requests of the last 24h, 90m, 7d"
    )
    parser.add_argument(
        "--labels", metavar="NAME", help="what came true: a source, a dataset version or a file; needs --key"
    )
    parser.add_argument(
        "--key",
        metavar="COLUMN",
        help="the column that tells requests apart, in the labels and in the requests; else THEIRS=OURS",
    )
    parser.add_argument(
        "--label", metavar="COLUMN", help="the column of the labels; by default the only one but the key"
    )
    parser.add_argument("-o", dest="path", metavar="FILE", help="write a page: the requests over the training data")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.config.project import Project
    from solvent.deploy.monitoring import monitor
    from solvent.deploy.scoring import find_bundle
    from solvent.profiles.drift import ALERT
    from solvent.runs.stores import Stores

    labels = _labels(arguments)
    project = Project.find()
    folder, label = find_bundle(arguments.model, project)
    with Stores(project) as stores:
        found = monitor(folder, label, stores, log=arguments.log, seconds=arguments.since, labels=labels)
        page = _page(arguments.path, folder, found, stores) if arguments.path else None
    if arguments.json:
        print_json({**asdict(found), "verdict": found.verdict, "page": page})
    else:
        print("\n".join(_lines(found)))
        print(*([f"wrote {page}"] if page else []), end="\n" if page else "")
    return 1 if found.verdict == ALERT else 0


def _labels(arguments: Namespace) -> LabelSource | None:
    from solvent.deploy.monitoring import LabelSource
    from solvent.errors import SolventError

    if arguments.labels is None:
        return None
    if not arguments.key:
        raise SolventError(
            "--labels needs --key: the column that tells which request a label belongs to",
            hint="--key request_id, where the labels have the ids that the answers had",
        )
    return LabelSource(arguments.labels, arguments.key, arguments.label)


def _page(path: str, folder: str, found: Monitoring, stores: Stores) -> str | None:
    """Write the page of the requests, laid over the training data if that is in the store."""
    from solvent.deploy.monitoring import training_table, window_of
    from solvent.reports.data import table_report

    window = window_of(found, stores)
    if window is None or not window.num_rows:
        return None
    training = training_table(folder, stores)
    names = [each for each in window.column_names if training is None or each in training.column_names]
    made = table_report(
        window.select(names),
        None if training is None else training.select([each for each in names if each in training.column_names]),
        stores.project.settings.sensitive_columns,
    )
    return str(made.save(path))


def _lines(found: Monitoring) -> Iterator[str]:
    yield f"{found.endpoint}: {found.verdict}"
    yield f"  model     {printable(found.model)}"
    yield f"  window    {moment(found.since)} to {time.strftime('%H:%M:%S', time.localtime(found.until))}"
    rows = f" of {found.rows:,} rows" if found.rows != found.requests else ""
    yield f"  requests  {found.requests:,} logged{rows}, {found.answered:,} answered, {_refused(found)}"
    for model, count in found.others.items():
        yield f"  others    {count:,} answered by {printable(model)}"
    if found.latency:
        latency = (f"{each * 1000:.3g}" for each in (found.latency.p50, found.latency.p95, found.latency.p99))
        yield "  took      p50 {} ms, p95 {} ms, p99 {} ms".format(*latency)
    if found.requests:
        yield f"  parity    {_parity(found)}"
    yield from (cut(f"  alert     {printable(each)}", width()) for each in found.alerts)
    yield from (cut(f"  warning   {printable(each)}", width()) for each in found.warnings)
    yield from (cut(f"  note      {printable(each)}", width()) for each in found.notes)
    yield from _different(found)
    yield from _drift(found)
    if found.quality is not None:
        yield from _quality(found.quality)


def _refused(found: Monitoring) -> str:
    from solvent.serving.requestlog import REFUSED

    kinds = ", ".join(f"{kind} {count:,}" for kind, count in found.refused.items() if kind != REFUSED)
    return f"{found.refused.get(REFUSED, 0):,} refused{f' ({kinds})' if kinds else ''}"


def _parity(found: Monitoring) -> str:
    parity = found.parity
    if parity.problem:
        return "not checked"
    if parity.different:
        return f"{parity.different:,} of {parity.rows:,} rows differ, by up to {parity.largest:.3g}"
    return f"{parity.rows:,} rows are answered alike offline (largest difference {parity.largest:.1g})"


def _different(found: Monitoring) -> Iterator[str]:
    for each in found.parity.told:
        yield f"    request {each.request}, row {each.row}: {each.column} was {each.answered}, is {each.recomputed}"


def _drift(found: Monitoring) -> Iterator[str]:
    """Show the columns that are not as they were, those that alert first."""
    every = [("", each) for each in found.drift.columns] + [("answer ", each) for each in found.predictions.columns]
    alike = [each for each in every if each[1].verdict == "ok"]
    odd = sorted((each for each in every if each not in alike), key=lambda pair: _ORDER.get(pair[1].verdict, 9))
    if alike:
        yield f"  drift     {len(alike)} of {len(every)} columns are as they were"
    if odd:
        yield ""
        rows = [(f"{what}{each.name}", each.verdict, _measure(each), each.moved or each.why) for what, each in odd]
        yield table(("column", "verdict", "measure", "moved"), rows[:COLUMNS], stretch=3)
        yield from [f"... and {len(rows) - COLUMNS} more columns"] if len(rows) > COLUMNS else []


_ORDER = {"alert": 0, "gone": 1, "new": 2, "warn": 3}


def _measure(each: ColumnDrift) -> str:
    return f"{each.measure} {each.value:.3g}" if each.value is not None else each.measure


def _quality(quality: Quality) -> Iterator[str]:
    yield ""
    why = f": {quality.why}" if quality.why else f" by {quality.chief}" if quality.chief else ""
    twice = f", {quality.twice:,} labels more than once" if quality.twice else ""
    yield f"live quality: {quality.verdict}{why}; {quality.rows:,} of {quality.answered:,} rows have a label{twice}"
    rows = [(name, _interval(each), _interval(quality.recorded.get(name))) for name, each in quality.live.items()]
    if rows:
        yield table(("metric", "live", "recorded"), rows)


def _interval(each: Any) -> str:
    if each is None:
        return "-"
    ends = "" if each.low is None else f" [{each.low:.4g}, {each.high:.4g}]"
    return f"{each.value:.4g}{ends}"
