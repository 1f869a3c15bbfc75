"""The page of a run: what it says, that it stays text, and how it reads in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import solvent
from solvent import log, pipeline, step
from solvent.checks import row_count
from solvent.cli.main import main
from solvent.errors import StepFailed
from solvent.steps import evaluate
from tests.browser import NARROW, WIDE, Browser

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@step(dataset="rows", checks=[row_count(at_least=1)])
def load(rows: int) -> pd.DataFrame:
    print(HOSTILE)
    log.text("words", HOSTILE)
    return pd.DataFrame(
        {"x": range(rows), HOSTILE: ["a", "b"] * (rows // 2), "late": [n % 3 == 0 for n in range(rows)]}
    )


@step
def guess(table: pd.DataFrame, slope: float) -> Any:
    for n in range(5):
        log.metric("loss", 1 / (n + slope), step=n)
    return ((table["x"] % 3 == 0) * 0.6 + table["x"] % 7 * 0.05).to_numpy()


@step
def draw(table: pd.DataFrame) -> int:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2))
    figure.subplots().plot(table["x"])
    log.figure("line", figure)
    return len(table)


@step
def stumble(rows: int) -> int:
    raise ValueError(HOSTILE)


@pipeline
def scored(rows: int = 60, slope: float = 1.0, note: str = HOSTILE, ends_badly: bool = False) -> Any:
    table = load(rows)
    draw(table)
    found = evaluate(table, guess(table, slope), target="late", slices=["x"], least_rows=5)
    if ends_badly:
        stumble(rows)
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the second run, which has other data than the first."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        solvent.run(scored)
        run = solvent.run(scored, rows=80, slope=2.0)
        return solvent.report(run).save(folder / "run.html")


def test_the_page_of_a_small_run_says_how_it_ended(project: Path) -> None:
    run = solvent.run(small)
    html = solvent.report(run).html
    assert "there is no run before it to compare with" in html
    assert f"solvent remake {run.id}" in html
    assert "<svg" in html


@step
def one() -> int:
    return 1


@pipeline
def small() -> int:
    return one()


@pytest.mark.slow
def test_the_page_says_what_changed_and_how_good_it_is(page: Path) -> None:
    html = page.read_text("utf-8")
    for words in (
        "rows@2",
        "roc_auc",
        "slope",
        "config changed",
        "data:image/svg+xml;base64,",
        "this run",
        "confusion",
    ):
        assert words in html, words
    assert len(html) < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_in_a_browser_nothing_runs_and_everybody_can_read_it(
    page: Path, browser: Browser, width: int, dark: bool
) -> None:
    with browser.open(page, width=width, dark=dark) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert (seen.dialogs, seen.requests, seen.messages) == ([], [page.as_uri()], [])
        assert seen.violations() == []
        assert seen.too_wide <= 0


@pytest.mark.slow
def test_a_failed_run_has_its_failure_first(project: Path) -> None:
    with pytest.raises(StepFailed):
        solvent.run(scored, ends_badly=True)
    assert main(["report", "run", "-o", "failed.html"]) == 0
    html = (project / "failed.html").read_text("utf-8")
    assert html.index('id="failure"') < html.index('id="graph"')
    assert "ValueError: &lt;script&gt;" in html
    assert "<script>alert" not in html


@step
def touch(number: int) -> int:
    return number


@pipeline
def crowd(number: int = 200) -> list[int]:
    return [touch(each) for each in range(number)]


@pytest.mark.slow
def test_many_calls_of_a_step_are_one_box(project: Path) -> None:
    html = solvent.report(solvent.run(crowd)).html
    assert "200 × done" in html
    assert html.count('class="box ') == 1
    assert html.count('class="call"') == 200
    assert len(html) < 1_000_000


@pytest.mark.slow
def test_each_metric_is_seen_against_the_former_run(page: Path, browser: Browser) -> None:
    with browser.open(page) as seen:
        rows = seen.page.locator("table.metrics tbody tr").all_inner_texts()
        assert any("no evidence of a difference" in each or "better" in each or "worse" in each for each in rows)
        assert seen.page.locator("svg.graph a").count() == 4
        seen.page.locator("svg.graph a").first.click()
        assert seen.page.locator("details.call[open]").count() == 1


TALKING = """
from solvent import log, pipeline, step

@step
def chatter() -> int:
    log.text("long", "".join(f"line {number}\\n" for number in range(10_000)))
    return 1

@pipeline
def talking() -> int:
    return chatter()
"""


@pytest.mark.slow
def test_a_page_executes_no_step_to_show_bytes_that_are_gone(project: Path) -> None:
    (project / "talking.py").write_text(TALKING)
    assert main(["run", "talking.py", "--engine", "inline", "--quiet"]) == 0
    for file in (project / ".solvent" / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o600)
            file.unlink()
    assert main(["report", "run", "-o", "talking.html"]) == 0
    assert "It can&#39;t be read" in (project / "talking.html").read_text("utf-8")
    assert not [file for file in (project / ".solvent" / "objects").rglob("*") if file.is_file()]
