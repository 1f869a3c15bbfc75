"""The page of a verification: the verdict first, and whatever is in the way with its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import solvent
from solvent.reports.verification import verification_report
from solvent.serving.verification import (
    BatchPoint,
    Bound,
    Cell,
    Measure,
    OddRow,
    Relation,
    Replay,
    StepCheck,
    StepTime,
    Verification,
    read_verification,
)
from tests.browser import NARROW, WIDE, Browser

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
ASKED = {f"column {at}": str(at) for at in range(9)} | {HOSTILE: HOSTILE}
ROW = OddRow(17, (Cell("age", "29.7", "missing"), Cell(HOSTILE, "1", HOSTILE)), ASKED, 0.25)
RELATIONS = (
    *(Relation("called again", True, 1), Relation("one row alone", False, 64, 0.25)),
    Relation("a fresh copy", None),
)

REFUSED = Verification(
    endpoint="delays",
    digest="0123456789abcdef" * 4,
    made_at=1_800_000_000.0,
    seconds=8.2,
    rows=1200,
    steps=(
        StepCheck("clean", "delays:clean", (Relation("one row alone", True, 64, 2e-16),), 64, 0.06),
        StepCheck(
            *("fill", "delays:fill", RELATIONS, 64, 0.08),
            problem="answers row 17 alone otherwise than among 64 rows: age is missing instead of 29.7",
            relation="one row alone",
            hint="learn it from the training part in a step of its own, and pass that to this step",
            causes=("table.age.fillna(table.age.mean())",),
            rows=(ROW, replace(ROW, row=18)),
        ),
    ),
    replay=Replay(
        *(300, 1200, 64, 1e-9, 0.25, 90, 2, 11),
        histogram=(("0", 700), ("1e-17", 210), ("1e-16", 200), ("1e-2", 60), ("1e-1", 28), ("other", 2)),
        worst=(ROW, replace(ROW, row=40, cells=(Cell("answer", "0.4", f"422 {HOSTILE}"),), difference=None)),
        seconds=1.4,
        exact_share=0.58,
    ),
    measures=(
        Measure("memory_mb", 212.0, "MB", "after the load test"),
        Measure("cpu_ms", 2.4, "ms", "processor time of a request of one row"),
    ),
    bounds=(
        Bound("auc", 0.91, 0.9, None, "", True, "gate", "auc: 0.91, at least 0.9"),
        Bound(
            "memory_mb", 212.0, None, 150.0, "MB", False, "gate", "memory_mb: 212 MB, at most 150 MB: 62 MB too much"
        ),
        Bound("p99_ms", 30.0, None, 20.0, "ms", False, "warn", "p99_ms: 30 ms, at most 20 ms: 10 ms too much"),
    ),
    batches=(BatchPoint(1, 2.4, 2.5, 400), BatchPoint(8, 0.4, 2.9, 200), BatchPoint(128, 0.03, 4.0, 100)),
    times=(StepTime("decode", 0.6, 32, 0.9), StepTime("fill", 1.1, 32, 1.2), StepTime("encode", 0.01, 32, 0.05)),
    metrics={"evaluate.auc": 0.91},
    settings={"thread": True, "workers": 2, "batch": {"rows": 32, "wait_ms": 1.5}},
)


def test_the_verdict_and_what_is_in_the_way_come_first() -> None:
    html = verification_report(REFUSED, "delays@3").html
    order = ["refused", 'id="alerts"', "212 MB, at most 150 MB: 62 MB too much", 'id="contract"', 'id="replay"']
    assert [html.index(words) for words in order] == sorted(html.index(words) for words in order)
    for words in (
        "table.age.fillna(table.age.mean())",
        "Way out: learn it",
        "solvent report model delays@3",
        "11 label flips",
        "1.5 ms",
    ):
        assert words in html, words
    assert "<script>alert" not in html
    assert len(html) < 100_000


def test_a_verification_without_anything_in_the_way_may_be_released() -> None:
    steps, replay = REFUSED.steps[:1], REFUSED.replay
    assert replay is not None
    sound = replace(replay, different_rows=0, refused_rows=0, flips=0, largest=2e-16, worst=())
    good = replace(REFUSED, steps=steps, replay=sound, bounds=REFUSED.bounds[:1])
    html = verification_report(good).html
    assert "may be released" in html
    assert "What is in the way" not in html


def test_a_verification_at_hand_has_its_page() -> None:
    assert solvent.report(REFUSED).title == "delays"


def test_a_verification_survives_json() -> None:
    assert read_verification(REFUSED.to_json()) == REFUSED


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_in_a_browser_nothing_runs_and_everybody_can_read_it(
    tmp_path: Path, browser: Browser, width: int, dark: bool
) -> None:
    page = verification_report(REFUSED, "delays@3").save(tmp_path / "page.html")
    with browser.open(page, width=width, dark=dark) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert (seen.dialogs, seen.requests, seen.messages) == ([], [page.as_uri()], [])
        assert seen.violations() == []
        assert seen.too_wide <= 0
