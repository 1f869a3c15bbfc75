"""The data page, read as a reader does: its texts, and what a browser makes of it."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import solvent
from solvent.cli.main import main
from solvent.config.project import Project
from solvent.errors import NotFoundError, SolventError
from solvent.metadata.profiles import add_findings
from solvent.model import Finding
from solvent.runs.datasets import find_version
from solvent.runs.stores import Stores
from tests.browser import NARROW, WIDE, Browser
from tests.reports.tables import hostile, moved

PIPELINE = """
import pandas as pd
from solvent import pipeline, step
from tests.reports.tables import moved

@step(dataset="delays")
def load(shift: float) -> pd.DataFrame:
    return moved(2000, shift)

@step
def average(table: pd.DataFrame) -> float:
    return float(table.delay.mean())

@pipeline
def main(shift: float = 0.0) -> float:
    return average(load(shift))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose dataset has three versions, the last of which moved."""
    folder = tmp_path_factory.mktemp("delays")
    (folder / "solvent.toml").write_text("")
    (folder / "delays_of_tests.py").write_text(PIPELINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.path", list(sys.path))
        for shift in ("0.0", "0.1", "8.0"):
            command = ["run", "delays_of_tests.py", "--engine", "inline", "--quiet", "--set", f"shift={shift}"]
            assert main(command) == 0
    return folder


@pytest.fixture
def shop(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That project as the working folder, and a folder to write to."""
    monkeypatch.chdir(store)
    return tmp_path


def test_the_page_of_a_version_says_what_moved_where_it_came_from_and_what_used_it(shop: Path) -> None:
    page = solvent.report("delays@3").html
    assert "delays@3" in page
    assert "moved against delays@2" in page
    assert 'href="#c0">delay</a>' in page
    assert "3 versions, @1 to @3" in page
    assert "step <b>average</b>" in page
    assert "step <b>load</b>" in page


def test_the_first_version_stands_alone(shop: Path) -> None:
    page = solvent.report("delays@1").html
    assert "There is no other version to compare it with." in page
    assert ">drift<" not in page


def test_a_version_may_be_laid_over_any_other(shop: Path) -> None:
    assert "moved against delays@1" in solvent.report("delays@3", against="delays@1").html


def test_columns_that_moved_most_come_first_and_bring_their_numbers(shop: Path) -> None:
    page = solvent.report("delays@3").html
    order = [page.index(f'<span class="name">{name}</span>') for name in ("delay", "carrier", "always")]
    assert order == sorted(order)
    assert "half of the values from" in page


def test_sensitive_columns_show_no_value(project: Path) -> None:
    (project / "solvent.toml").write_text('sensitive_columns = ["carrier"]')
    table = moved()
    table.insert(2, "carrier", table["carrier"], allow_duplicates=True)
    page = solvent.report(table).html
    assert page.count("•••") == 20
    assert ">UA<" not in page
    assert "values are masked" in page


def test_the_command_writes_a_file_and_says_how_large(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["report", "data", "delays@3", "-o", str(shop / "page.html")]) == 0
    assert "page.html: " in capsys.readouterr().out
    assert (shop / "page.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.slow
def test_a_page_is_named_after_what_it_shows(store: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(store, project, dirs_exist_ok=True)
    assert main(["report", "delays", "--json"]) == 0
    assert '"path": "delays-3.html"' in capsys.readouterr().out
    assert (project / "delays-3.html").exists()


def test_a_table_at_hand_has_a_page_too(project: Path) -> None:
    page = solvent.report(moved(shift=9), against=moved())
    assert "the other table" in page.html
    assert page._repr_html_().startswith("<iframe sandbox ")


def test_what_has_no_page_is_refused(shop: Path) -> None:
    with pytest.raises(SolventError, match="no page for a dict"):
        solvent.report({})
    with pytest.raises(SolventError, match="is a float: only tables"):
        solvent.report("latest/average")
    with pytest.raises(NotFoundError, match="did you mean 'delays'"):
        solvent.report("delay")


def test_a_file_that_cant_be_written_is_named(shop: Path) -> None:
    with pytest.raises(SolventError, match="can't write the report to nowhere"):
        solvent.report("delays").save("nowhere/page.html")


def empty() -> Any:
    import pandas as pd

    return pd.DataFrame({"a": pd.Series([], dtype="float64"), "b": pd.Series([], dtype="string")})


@pytest.mark.slow
def test_tables_with_little_to_show_have_pages(project: Path) -> None:
    import numpy as np
    import pandas as pd

    assert "The table has no rows." in solvent.report(empty()).html
    assert (
        "can&#39;t be compared with the other table: the new table has no rows"
        in solvent.report(empty(), against=moved()).html
    )
    assert "every value is null" in solvent.report(pd.DataFrame({"x": [None, None]})).html
    assert "always 3" in solvent.report(pd.DataFrame({"x": [3, 3]})).html
    assert "500 × 4" in solvent.report(np.zeros((500, 4))).html
    assert "3 × 8 × 8" in solvent.report(np.zeros((3, 8, 8))).html
    mixed = pd.DataFrame({"x": [1, "a", {"b": 2}, None], "y": [object()] * 4})
    assert "First rows" in solvent.report(mixed).html
    odd = pd.DataFrame({"x": [np.inf, -np.inf, np.nan], "y": [10**18, 10**18 + 1, 5], "z": [[1], [2, 3], None]})
    assert "infinite" in solvent.report(odd).html


@pytest.mark.slow
def test_a_version_whose_rows_are_gone_keeps_its_page(store: Path, project: Path) -> None:
    shutil.copytree(store, project, dirs_exist_ok=True)
    for file in (project / ".solvent" / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o600)
            file.unlink()
    page = solvent.report("delays@3").html
    assert "The rows can&#39;t be read" in page or "are gone" in page
    assert "moved against delays@2" in page


@pytest.mark.slow
def test_checks_and_findings_come_first_with_what_to_do(store: Path, project: Path) -> None:
    shutil.copytree(store, project, dirs_exist_ok=True)
    with Stores(Project.find(), create=False) as stores:
        version = find_version("delays@3", stores)
        assert version.run is not None
        found = [
            Finding(
                "anomaly", "warn", "delays", "carrier has a new value AA", "solvent accept delays@3 carrier.domain"
            ),
            Finding("anomaly", "alert", "delays@3", "delay is text", "cast it in load"),
            Finding("anomaly", "alert", "other", "is about another dataset"),
        ]
        stores.metadata.write(lambda: add_findings(stores.metadata, version.run.id, found))
    page = solvent.report("delays@3").html
    order = [page.index(words) for words in ("delay is text", "cast it in load", "carrier has a new value AA")]
    assert order == sorted(order)
    assert "<code>solvent accept delays@3 carrier.domain</code>" in page
    assert page.index("carrier has a new value AA") < page.index('id="columns"')
    assert "another dataset" not in page


@pytest.mark.slow
def test_a_profile_that_failed_is_told(store: Path, project: Path) -> None:
    shutil.copytree(store, project, dirs_exist_ok=True)
    with Stores(Project.find(), create=False) as stores:
        stores.metadata.write(
            lambda: stores.metadata.execute("UPDATE profiles SET status = 'failed', record = NULL, problem = '<b>'")
        )
    page = solvent.report("delays@3").html
    assert "Its profile failed: &lt;b&gt;" in page
    assert "UA" in page  # the first rows are there all the same


@pytest.mark.slow
def test_a_notebook_shows_the_page_in_a_frame_without_scripts(shop: Path, browser: Browser) -> None:
    cell = shop / "cell.html"
    cell.write_text(f"<!doctype html><title>cell</title>{solvent.report('delays@3')._repr_html_()}", "utf-8")
    with browser.open(cell) as seen:
        frame = seen.page.frame_locator("iframe")
        assert frame.locator("h1").inner_text() == "delays@3"
        frame.locator("summary").first.click()
        assert frame.locator("tr.more").first.is_visible()
        assert frame.locator("[role=button]").count() == 0
        assert seen.dialogs == []


@pytest.mark.slow
@pytest.mark.parametrize("scripts", [True, False])
def test_markup_in_names_and_values_does_nothing(project: Path, browser: Browser, scripts: bool) -> None:
    page = solvent.report(hostile(), against=hostile().iloc[:40]).save(project / "page.html")
    with browser.open(page, scripts=scripts) as seen:
        assert seen.dialogs == []
        assert seen.messages == []
        assert seen.requests == [page.as_uri()]
        if scripts:
            seen.page.locator("summary").first.click()
            names = seen.page.locator(".name").all_inner_texts()
            assert len(names) == len(hostile().columns)
            assert seen.page.locator("script, style, iframe, base, img, object").count() == 2
            assert seen.page.locator("tbody [onerror], [onfocus], [autofocus]").count() == 0


@pytest.mark.slow
def test_a_policy_forbids_what_is_not_ours(project: Path, browser: Browser) -> None:
    page = project / "page.html"
    forged = solvent.report(moved()).html.replace(
        "</main>", "<script>alert(1)</script><img src=https://example.com/x.png></main>"
    )
    page.write_text(forged, "utf-8")
    with browser.open(page) as seen:
        assert seen.dialogs == []
        assert len([each for each in seen.messages if "Content Security Policy" in each]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_everybody_can_read_the_page(shop: Path, browser: Browser, dark: bool, width: int) -> None:
    page = solvent.report("delays@3", against="delays@1").save(shop / "page.html")
    with browser.open(page, width=width, dark=dark) as seen:
        for row in seen.page.locator("summary").all():
            row.click()
        assert seen.violations() == []
        assert seen.too_wide == 0


@pytest.mark.slow
def test_keys_open_a_row_and_sort_the_table(shop: Path, browser: Browser) -> None:
    page = solvent.report("delays@3").save(shop / "page.html")
    with browser.open(page) as seen:
        row = seen.page.locator("tr.more").first
        assert not row.is_visible()
        seen.page.locator("summary").first.focus()
        seen.page.keyboard.press("Enter")
        assert row.is_visible()
        seen.page.locator("th[data-key=name] span").focus()
        seen.page.keyboard.press("Enter")
        names = seen.page.locator(".name").all_inner_texts()
        assert names == sorted(names)
        assert seen.page.locator("th[data-key=name]").get_attribute("aria-sort") == "ascending"


@pytest.mark.slow
def test_without_scripts_rows_open_and_paper_shows_the_table(shop: Path, browser: Browser) -> None:
    page = solvent.report("delays@3").save(shop / "page.html")
    with browser.open(page, scripts=False) as seen:
        seen.page.locator("summary").first.click()
        assert seen.page.locator("tr.more").first.is_visible()
    assert browser.pdf(page).startswith(b"%PDF")


@pytest.mark.slow
def test_50_columns_are_under_1_mb_and_under_1_second(project: Path) -> None:
    import numpy as np
    import pandas as pd

    from solvent.profiles.make import make_profile
    from solvent.reports.data import render_data
    from solvent.reports.samples import sample_of
    from solvent.reports.subjects import Past, Subject

    rng = np.random.default_rng(1)

    def wide(shift: float) -> Any:
        numbers = {f"number_{at}": rng.normal(shift, at + 1, 5000) for at in range(30)}
        texts = {f"text_{at}": rng.choice([f"category {n}" for n in range(40)], 5000) for at in range(20)}
        return pd.DataFrame({**numbers, **texts})

    tables = [wide(at / 10) for at in range(12)]
    profiles = [make_profile(each) for each in tables]
    past = [Past(at, "ab" * 32, 0.0, each) for at, each in enumerate(profiles)]
    sides = [Subject(f"wide@{at}", profiles[at], dataset="wide", number=at, past=past) for at in (11, 0)]
    began = time.process_time()
    made = render_data(sides[0], sides[1], sample_of(tables[11]))
    seconds = time.process_time() - began
    assert made.size_bytes < 1_000_000
    assert seconds < 1
