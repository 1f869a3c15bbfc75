from pathlib import Path

import pandas as pd
import pytest

from solvent.cli.main import main
from solvent.deploy.statistics import column_statistics
from solvent.profiles.make import make_profile
from solvent.serving.app import Served
from solvent.serving.folder import open_bundle
from solvent.serving.model import Model
from solvent.serving.recording import open_recorder, statistics_of
from solvent.serving.requestlog import list_segments


def test_ids_and_times_tell_no_bins_for_they_are_others_each_time() -> None:
    table = pd.DataFrame({"id": range(500), "day": pd.date_range("2026-01-01", periods=500), "nothing": [None] * 500})
    found = {each.name: column_statistics(each) for each in make_profile(table).columns}
    assert found["id"].shares == found["day"].shares == found["nothing"].shares == ()
    assert found["nothing"].missing == 1.0


@pytest.mark.slow
def test_a_bundle_tells_of_the_table_that_its_model_was_fitted_on(spam: Path) -> None:
    found = statistics_of(str(spam / "bundle"))
    assert (found.training.output, found.training.rows) == ("split.train", 300)
    assert (found.asked.output, found.asked.rows) == ("split.test", 100)
    assert (found.answers.output, found.answers.rows) == ("score", 100)
    assert {each.name for each in found.request} == {"words", "links", "language"}
    (language,) = (each for each in found.request if each.name == "language")
    assert set(language.categories) == {"en", "de", "fr", "nl"}
    assert language.complete
    assert sum(language.shares) == pytest.approx(1.0)


@pytest.mark.slow
def test_of_sensitive_columns_neither_statistics_nor_log_tell_a_value(
    mailbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLVENT_SENSITIVE_COLUMNS", '["lang*"]')
    assert main(["bundle", "spam", "-o", "discreet"]) == 0
    found = statistics_of("discreet")
    assert found.sensitive == ("language",)
    (language,) = (each for each in found.request if each.name == "language")
    assert (language.categories, language.shares) == ((), ())

    model = Model(open_bundle("discreet"))
    recorder = open_recorder(str(mailbox / "log"), 1.0, 1.0)
    for number in range(30):
        body = b'{"records":[{"words":%d.5,"links":3,"language":"nl"}]}' % number
        answer = model.predict(body, "application/json", b"r%d" % number, lambda decoded: None)
        recorder.served(Served(model, b"r%d" % number, b"r%d" % number, answer.decoded, answer.value, 0.001))
    told = {sample.name: sample.value for _, _, _, samples in recorder.families() for sample in samples}
    assert told["solvent_window_rows"] <= 30
    recorder.close()
    (segment,) = list_segments(str(mailbox / "log"))
    text = Path(segment.path).read_text()
    assert text.count('"columns":{"words":') == 30
    assert '"nl"' not in text
    assert "language" not in text
