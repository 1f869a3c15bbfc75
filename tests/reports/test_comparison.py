"""The comparison page: what it says of runs that differ, and what a browser makes of it."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import pytest

import solvent
from solvent.cli.main import main
from solvent.errors import NotFoundError, SolventError
from tests.browser import NARROW, WIDE, Browser
from tests.reports.tables import ATTACKS

PIPELINE = """
import pandas as pd
from solvent import log, pipeline, step

@step(dataset="orders")
def read(shift: float) -> pd.DataFrame:
    return pd.DataFrame({"price": [1.0 + shift, 2.0, 3.0]})

@step
def train(table: pd.DataFrame, depth: int) -> float:
    for at in range(5):
        log.metric("loss", (1.0 + depth) / (at + 1), step=at)
    log.metric("roc_auc", 0.5 + depth / 50, interval=(0.45 + depth / 50, 0.55 + depth / 50))
    log.metric("rows", 3)
    return float(depth)

@pipeline
def shop(depth: int = 1, shift: float = 0.0, country: str = "NL") -> float:
    return train(read(shift), depth)
"""


def ran(*sets: str, file: str = "shop_of_tests.py") -> None:
    command = ["run", file, "--engine", "inline", "--quiet"]
    assert main([*command, *(word for each in sets for word in ("--set", each))]) == 0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with four runs: the second is hardly better, the third much, the last on other data."""
    folder = tmp_path_factory.mktemp("orders")
    (folder / "solvent.toml").write_text('project = "orders"')
    (folder / "shop_of_tests.py").write_text(PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.path", list(sys.path))
        for sets in (["depth=1"], ["depth=2"], ["depth=12"], ["shift=1.0"]):
            ran(*sets)
    return folder


@pytest.fixture
def shop(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(store)
    return tmp_path


def test_the_page_shows_what_differs_and_folds_the_rest_away(shop: Path) -> None:
    page = solvent.report("latest~3", "latest~2", "latest~1").html
    differs, _, equal = page.partition('id="equal"')
    assert '<th scope="row">depth</th>' in differs.partition('id="differences-config"')[2]
    assert '<th scope="row">country</th>' not in differs
    assert '<th scope="row">country</th>' in equal
    assert "Dataset versions: 1 equal" in equal


def test_metrics_are_judged_against_the_first_run(shop: Path) -> None:
    page = solvent.report("latest~3", "latest~2", "latest~1").html
    row = page.partition('<th scope="row">train.roc_auc</th>')[2].partition("</tr>")[0]
    assert row.index("no evidence of a difference") < row.index("better")
    assert "0.47 to 0.57" in row
    assert "train.roc_auc: A depth=1 0.52 (0.47 to 0.57); B depth=2 0.54" in page
    assert "train.loss: A from 2 to 0.4" in page
    assert "train.rows" not in page.partition("1 equal")[0].partition('id="metrics"')[2]


def test_runs_on_equal_data_stand_side_by_side(shop: Path) -> None:
    page = solvent.report("latest~3", "latest", "latest~2").html
    assert '<th scope="colgroup" colspan="2" class="group">orders@1</th>' in page
    assert '<th scope="colgroup" colspan="1" class="group">orders@2</th>' in page


def test_the_table_holds_all_that_was_compared(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, table = str(shop / "page.html"), shop / "table.csv"
    assert main(["report", "compare", "latest~3", "latest~1", "-o", page, "--csv", str(table)]) == 0
    assert "table.csv: " in capsys.readouterr().out
    with table.open(newline="") as file:
        rows = {(row[0], row[1]): row[2:] for row in csv.reader(file)}
    assert rows["metrics", "train.roc_auc"] == ["yes", "0.52", "0.74"]
    assert rows["metrics", "train.roc_auc verdict"] == ["yes", "", "better"]
    assert rows["config", "depth"] == ["yes", "1", "12"]
    assert rows["datasets", "orders"] == ["no", "orders@1", "orders@1"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["latest"], "takes 2 to 20 runs, found 1"),
        (["latest"] * 21, "takes 2 to 20 runs, found 21"),
        (["latest", "latest"], "is given twice"),
        (["latest", "lastest"], "did you mean 'latest'"),
    ],
)
def test_what_cant_be_compared_is_refused(
    shop: Path, capsys: pytest.CaptureFixture[str], given: list[str], said: str
) -> None:
    assert main(["report", "compare", *given, "-o", str(shop / "page.html")]) == 2
    assert said in capsys.readouterr().err
    assert not (shop / "page.html").exists()


def test_a_comparison_is_of_runs_alone(shop: Path) -> None:
    with pytest.raises(SolventError, match="not of a dict"):
        solvent.report("latest", {})
    with pytest.raises(SolventError, match="not of `against`"):
        solvent.report("latest", "latest~1", against="latest~2")
    with pytest.raises(NotFoundError, match="no run 'orders@1'"):
        solvent.report("latest", "orders@1")


HOSTILE = """
from solvent import log, pipeline, step
from tests.reports.tables import ATTACKS

@step
def attack(depth: int) -> float:
    from matplotlib.figure import Figure
    figure = Figure(figsize=(2, 2))
    figure.add_subplot().set_title("<script>alert(6)</script>" + str(depth))
    for at, text in enumerate(ATTACKS):
        sound = text.encode("utf-8", "replace").decode().replace("\\0", "")
        log.metric(sound, depth + at)
        log.metric(f"loss {sound}", 1.0, step=0)
        log.metric(f"loss {sound}", 2.0 + depth, step=1)
        if at < 4:
            log.figure(sound, figure)
    return float(depth)

@pipeline
def main(depth: int = 1, words: str = "") -> float:
    return attack(depth)
"""


@pytest.mark.slow
def test_markup_in_names_values_and_pictures_does_nothing(project: Path, browser: Browser) -> None:
    (project / "hostile_of_tests.py").write_text(HOSTILE)
    for at in (1, 2):
        ran(f"depth={at}", f"words='{ATTACKS[at].replace(chr(39), '')}'", file="hostile_of_tests.py")
    page = solvent.report("latest~1", "latest").save(project / "page.html")
    with browser.open(page) as seen:
        assert seen.dialogs == []
        assert seen.messages == []
        assert [each for each in seen.requests if not each.startswith("data:")] == [page.as_uri()]
        assert seen.page.locator("main script, main iframe, main style, main base").count() == 0
        assert seen.page.locator("img").count() == 2 * 4
        assert seen.page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")


ODD = """
from solvent import log, pipeline, step

@step
def odd(depth: int) -> float:
    for at in range(3):
        log.metric("loss", float("nan") if at < depth else 1.0, step=at)
    log.metric("last", float("inf") if depth == 1 else float("nan"))
    log.metric(f"only {depth}", 1.0)
    if depth == 3:
        raise ValueError("depth 3 <b>never</b> works")
    return float(depth)

@pipeline
def main(depth: int = 1) -> float:
    return odd(depth)
"""


@pytest.mark.slow
def test_runs_that_failed_and_numbers_that_are_none_have_their_place(project: Path, browser: Browser) -> None:
    (project / "odd_of_tests.py").write_text(ODD)
    for depth in (1, 2, 3):
        code = main(["run", "odd_of_tests.py", "--engine", "inline", "--quiet", "--set", f"depth={depth}"])
        assert code == (1 if depth == 3 else 0)
    page = solvent.report("latest~2", "latest~1", "latest").save(project / "page.html")
    text = page.read_text("utf-8")
    assert "depth 3 &lt;b&gt;never&lt;/b&gt; works" in text
    only = text.partition('<th scope="row">odd.only 2</th>')[2].partition("</tr>")[0]
    assert only.count(">none<") == 2
    assert "the same" not in only
    with browser.open(page) as seen:
        assert seen.messages == []  # among these would be a path that can't be drawn
        assert seen.violations() == []


@pytest.mark.slow
def test_a_text_that_a_spreadsheet_would_run_is_a_text_in_the_table(project: Path) -> None:
    (project / "shop_of_tests.py").write_text(PIPELINE)
    ran("country='=1+1'")
    ran("country='-2'", "shift=-1.5")
    main(["report", "compare", "latest~1", "latest", "-o", "page.html", "--csv", "table.csv"])
    text = (project / "table.csv").read_text()
    assert "config,country,yes,'=1+1," in text
    assert "config,shift,yes,0.0,-1.5" in text


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_it_reads_well_on_any_screen_and_axe_finds_nothing(
    shop: Path, browser: Browser, width: int, dark: bool
) -> None:
    page = solvent.report("latest~3", "latest~2", "latest~1", "latest").save(shop / "page.html")
    with browser.open(page, width=width, dark=dark) as seen:
        assert seen.too_wide <= 0
        assert seen.messages == []
        for each in seen.page.locator("summary").all():
            each.click()
        assert seen.page.get_by_role("rowheader", name="country").is_visible()
        assert seen.violations() == []


@pytest.mark.slow
def test_many_runs_are_rows_and_fit_on_screen_and_paper(store: Path, project: Path, browser: Browser) -> None:
    shutil.copytree(store, project, dirs_exist_ok=True)
    for at in range(16):
        ran(f"depth={at + 20}")
    page = solvent.report(*(f"latest~{at}" for at in range(20))).save(project / "page.html")
    assert '<th scope="col">depth</th>' in page.read_text("utf-8")
    with browser.open(page, width=NARROW) as seen:
        assert seen.too_wide <= 0
        assert seen.violations() == []
        assert seen.page.locator("#differences-config + .scroll tbody tr").count() == 20
    assert browser.pdf(page).startswith(b"%PDF")


DRAWING = """
import os

from matplotlib.figure import Figure

from solvent import log, pipeline, step


@step
def draw(width: int) -> int:
    figure = Figure(figsize=(width, 2))
    figure.subplots().plot(range(5000), [n * n % 997 for n in range(5000)])
    log.figure("line", figure)
    return width


@pipeline
def drawing(width: int = 3) -> int:
    return draw(width)
"""


@pytest.mark.slow
def test_no_step_is_executed_to_show_pictures_whose_bytes_are_gone(project: Path) -> None:
    (project / "drawing_of_tests.py").write_text(DRAWING)
    for sets in (["width=3"], ["width=4"]):
        ran(*sets, file="drawing_of_tests.py")
    gone = [file for file in (project / ".solvent" / "objects").rglob("*") if file.is_file()]
    for file in gone:
        file.chmod(0o600)
        file.unlink()
    page = solvent.report("latest~1", "latest").html
    assert "can&#39;t be read" in page
    assert not [file for file in gone if file.exists()]
