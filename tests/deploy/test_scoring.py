import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from solvent import load, runs
from solvent.cli.main import main
from solvent.serving.folder import open_bundle
from solvent.serving.model import Model
from solvent.serving.requestlog import Logged, RequestLog
from solvent.serving.tables import to_columns
from tests.deploy.mails import expected, mails
from tests.serving.servers import make_bundle

pytestmark = pytest.mark.slow


def score(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["score", "bundle", *words, "--json"]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_file_a_source_and_a_dataset_version_are_scored_alike_whatever_the_batches(
    mailbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mails().to_parquet("mails.parquet")
    mails().to_csv("mails.csv", index=False)
    (mailbox / "configs").mkdir()
    (mailbox / "configs" / "sources.yaml").write_text("sources: {new-mails: {location: mails.csv}}")
    score(capsys, "--source", "mails.parquet", "--keep", "id", "--dataset", "scores", "-o", "1.parquet")
    score(capsys, "--source", "new-mails", "--keep", "id", "--batch-rows", "7", "-o", "2.parquet")
    score(capsys, "--source", "mails.csv", "--batch-rows", "1", "-o", "3.parquet")
    found = [pd.read_parquet(f"{number}.parquet") for number in (1, 2, 3)]
    for each in found:
        assert list(each["prediction"]) == pytest.approx(expected(mails()), abs=1e-12)
    assert list(found[0]["id"]) == list(found[1]["id"]) == list(range(50))
    told = score(capsys, "--source", "mails@1")
    assert (told["rows"], told["scored"], told["refused"]) == (400, 400, 0)
    assert main(["data", "show", "scores@1"]) == 0


def test_scoring_is_a_run_and_the_same_rows_and_model_are_reused(
    mailbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mails().to_parquet("mails.parquet")
    first = score(capsys, "--source", "mails.parquet")
    assert not first["reused"]
    again = score(capsys, "--source", "mails.parquet")
    assert again["reused"]
    mails(51).to_parquet("mails.parquet")
    changed = score(capsys, "--source", "mails.parquet")
    assert (changed["reused"], changed["rows"]) == (False, 51)
    recorded = runs("score")
    assert [each.id for each in recorded] == [changed["run"], again["run"], first["run"]]
    assert main(["lineage", "latest/score.rows"]) == 0
    told = capsys.readouterr().out
    assert "file bundle " in told
    assert "file mails.parquet " in told
    assert told.count("file ") == 2


def test_bad_rows_are_refused_with_row_and_column_or_put_aside(
    mailbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = mails()
    given.loc[[3, 9], "words"] = None
    given.to_csv("mails.csv", index=False)
    assert main(["score", "bundle", "--source", "mails.csv", "--batch-rows", "4"]) == 2
    told = capsys.readouterr().err
    assert "row 3, words" in told
    assert "--skip-bad" in told
    counts = score(
        capsys, "--source", "mails.csv", "--skip-bad", "--keep", "id", "--batch-rows", "4", "-o", "scored.csv"
    )
    assert (counts["rows"], counts["scored"], counts["refused"]) == (50, 48, 2)
    scored = pd.read_csv("scored.csv")
    good = mails().drop(index=[3, 9])
    assert list(scored["id"]) == list(good["id"])
    assert list(scored["prediction"]) == pytest.approx(expected(good), abs=1e-12)
    refused = runs("score")[0]["score"][0].output.refused.to_pylist()
    assert [(each["row"], each["column"]) for each in refused] == [(3, "words"), (9, "words")]


@pytest.mark.parametrize(
    ("rows", "words", "told"),
    [
        (mails().drop(columns="words").rename(columns={"links": "link"}), [], "'words'"),
        (mails().assign(words="many"), [], "row 0, words"),
        (mails(), ["--keep", "idd"], "did you mean 'id'"),
        (mails().assign(prediction=1), ["--keep", "prediction"], "can't be kept"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_by_name(
    mailbox: Path, capsys: pytest.CaptureFixture[str], rows: pd.DataFrame, words: list[str], told: str
) -> None:
    rows.to_parquet("mails.parquet")
    assert main(["score", "bundle", "--source", "mails.parquet", *words]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["bundle", "--source", "mail.csv"], "no file mail.csv"),
        (["bundle", "--source", "mail@1"], "did you mean 'mails'"),
        (["bundle", "--source", "mails@9"], "mails@9"),
        (["bundel", "--source", "mails@1"], "bundel"),
        (["bundle", "--source", "mails@1", "-o", "scores.xls"], ".parquet"),
        (["bundle", "--source", "mails@1", "--batch-rows", "0"], "at least 1"),
    ],
)
def test_what_is_not_there_is_named_and_no_run_begins(
    mailbox: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["score", *words]) == 2
    assert told in capsys.readouterr().err
    assert runs("score") == []


def test_a_table_without_rows_gives_one_without_rows(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mails(0).astype({"language": "str"}).to_parquet("mails.parquet")
    counts = score(capsys, "--source", "mails.parquet", "-o", "scored.parquet")
    assert counts["rows"] == 0
    assert list(pd.read_parquet("scored.parquet").columns) == ["prediction"]


def test_columns_of_every_kind_are_scored_and_watched_as_the_endpoint_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_bundle(tmp_path / "kinds", "kinds.py", "kinds")
    monkeypatch.chdir(bundle.parent)
    rows: pd.DataFrame = load("latest/load")
    rows.to_parquet("rows.parquet")
    score(capsys, "--source", "rows.parquet", "-o", "scored.parquet", "--keep", "day", "--batch-rows", "700")
    scored = pd.read_parquet("scored.parquet")
    model = Model(open_bundle(str(bundle)))
    manifest = model.bundle.manifest
    columns = to_columns(rows, manifest.request.names)
    log = RequestLog("log")
    for row in range(len(rows)):
        body = json.dumps({"columns": {name: values[row : row + 1] for name, values in columns.items()}}).encode()
        answer = model.predict(body, "application/json", b"", lambda decoded: None)
        assert answer.value["number"].item() == scored["number"][row]
        assert (answer.value["word"].item(), answer.value["at"].item()) == (scored["word"][row], scored["at"][row])
        answered = partial(to_columns, answer.value, manifest.response.names)
        log.add(Logged(time.time(), f"r{row}", "", model.digest, 1, answer.decoded.columns, answered, 0.001))
    log.close()
    assert main(["monitor", "bundle", "--log", "log", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["parity"]["rows"], found["parity"]["different"]) == ("ok", len(rows), 0)
    assert found["notes"] == ["logged as text, and not compared: took"]
