import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from solvent import dataset, runs
from solvent.cli.main import main
from solvent.deploy.recompute import recompute
from solvent.serving.requestlog import RequestLog, list_segments
from tests.deploy.mails import expected, like_training, serve

pytestmark = pytest.mark.slow


def monitored(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    found_code = main(["monitor", "bundle", "--json", *words])
    told = capsys.readouterr()
    assert found_code == code, told
    found: dict[str, Any] = json.loads(told.out)
    return found


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["verdict"] for each in found["drift"]["columns"]}


def test_traffic_like_the_training_data_alerts_nothing(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(600))
    found = monitored(capsys, "--log", "log")
    assert (found["verdict"], found["requests"], found["answered"]) == ("ok", 600, 600)
    assert set(verdicts(found).values()) == {"ok"}
    assert found["parity"]["rows"] == 600
    assert found["parity"]["different"] == 0
    assert found["latency"]["p50"] == pytest.approx(0.001)


def test_the_column_that_moved_alerts_and_no_other(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def longer(mail: dict[str, Any]) -> dict[str, Any]:
        return {**mail, "words": mail["words"] * 3 + 50}

    serve(mailbox / "bundle", mailbox / "log", like_training(600), change=longer)
    found = monitored(capsys, "--log", "log", "-o", "page.html", code=1)
    told = verdicts(found)
    assert told.pop("words") == "alert"
    assert set(told.values()) == {"ok"}
    assert any("column words drifted" in each for each in found["alerts"])
    assert "words" in (mailbox / "page.html").read_text()
    assert main(["monitor", "bundle"]) == 1
    assert "words" in capsys.readouterr().out


def test_a_category_that_training_never_saw_alerts(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def klingon(mail: dict[str, Any]) -> dict[str, Any]:
        return {**mail, "language": "tlh" if mail["links"] == 3 else mail["language"]}

    serve(mailbox / "bundle", mailbox / "log", like_training(600), change=klingon)
    found = monitored(capsys, "--log", "log", code=1)
    assert verdicts(found)["language"] == "alert"


def test_an_answer_that_is_another_one_offline_is_a_skew(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(600))
    serve(mailbox / "bundle", mailbox / "log", like_training(3), first=5000, off_by=1e-6)
    found = monitored(capsys, "--log", "log", code=1)
    assert found["parity"]["different"] == 3
    assert {each["request"] for each in found["parity"]["told"]} == {"r5000", "r5001", "r5002"}
    assert found["parity"]["largest"] == pytest.approx(1e-6)


def test_each_line_of_a_log_is_taken_once(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(40))
    assert monitored(capsys, "--log", "log")["requests"] == 40
    assert monitored(capsys, "--log", "log")["requests"] == 40
    serve(mailbox / "bundle", mailbox / "log", like_training(10), first=40)
    (older, _) = list_segments(str(mailbox / "log"))
    assert monitored(capsys, "--log", "log")["requests"] == 50
    Path(older.path).unlink()
    assert monitored(capsys)["requests"] == 50
    assert [len(each.value()) for each in dataset("spam-requests").versions] == [40, 10]
    assert len(runs("gather")) == 2


def test_a_torn_line_is_taken_when_it_is_whole(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(5))
    (segment,) = list_segments(str(mailbox / "log"))
    whole = Path(segment.path).read_bytes()
    lines = whole.splitlines(keepends=True)
    Path(segment.path).write_bytes(b"".join(lines[:3]) + lines[3][:40])
    found = monitored(capsys, "--log", "log")
    assert found["requests"] == 3
    assert "40 bytes" in found["notes"][0]
    Path(segment.path).write_bytes(whole)
    assert monitored(capsys, "--log", "log")["requests"] == 5
    with open(segment.path, "ab") as file:
        file.write(b'{"at": 1, "colu\n[1, 2]\n')
    assert monitored(capsys, "--log", "log")["requests"] == 5


@pytest.mark.parametrize("requests", [0, 1])
def test_of_few_requests_nothing_is_said(mailbox: Path, capsys: pytest.CaptureFixture[str], requests: int) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(requests))
    found = monitored(capsys, "--log", "log")
    assert (found["requests"], found["verdict"]) == (requests, "ok" if requests else "unknown")
    assert main(["monitor", "bundle", "--log", "log"]) == 0


def test_requests_that_another_bundle_answered_are_counted_apart(
    mailbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(30))
    serve(
        mailbox / "bundle",
        mailbox / "log",
        like_training(7),
        first=30,
        fields={"bundle": "c0ffee" * 10, "model": "spam@2"},
    )
    other = {
        "bundle": "dead" * 16,
        "columns": lambda: {"subject": ["hello"], "words": ["ten"]},
        "answer": lambda: {"value": ["ham"]},
    }
    serve(mailbox / "bundle", mailbox / "log", like_training(2), first=60, fields=other)
    found = monitored(capsys, "--log", "log")
    assert found["requests"] == 30
    assert found["others"] == {"spam@2 c0ffeec0ffee": 7, "deaddeaddead": 2}


def test_requests_of_the_future_are_noted(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(3), fields={"at": time.time() + 900})
    found = monitored(capsys, "--log", "log")
    assert found["requests"] == 3
    assert any("clocks differ" in each for each in found["notes"])


def test_columns_that_nobody_may_see_are_not_in_the_log_and_said_to_be_missing(
    mailbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(30), fields={"left_out": ("language",)})
    found = monitored(capsys, "--log", "log")
    assert "language" not in verdicts(found)
    assert any("not in the log: language" in each for each in found["notes"])
    assert "language" in found["parity"]["problem"]


def test_many_refused_requests_alert(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(100))
    log = RequestLog(str(mailbox / "log"))
    for _ in range(25):
        log.refuse(["missing_column"])
    log.close()
    found = monitored(capsys, "--log", "log", code=1)
    assert found["refused"] == {"requests": 25, "missing_column": 25}
    assert found["alerts"] == ["20% of the requests were refused"]


@pytest.mark.parametrize(("wrong", "verdict", "code"), [(0.0, "same", 0), (0.5, "worse", 1)])
def test_labels_that_come_later_tell_the_live_quality(
    mailbox: Path, capsys: pytest.CaptureFixture[str], wrong: float, verdict: str, code: int
) -> None:
    given = like_training(600)
    serve(mailbox / "bundle", mailbox / "log", given)
    came = [bool(spam) != (row % 10 < wrong * 10) for row, spam in enumerate(given["spam"])]
    labels = pd.DataFrame({"mail": [f"r{row}" for row in range(600)], "spam": came, "by": "reader"})
    labels.to_csv("labels.csv", index=False)
    found = monitored(
        capsys, "--log", "log", "--labels", "labels.csv", "--key", "mail=request_id", "--label", "spam", code=code
    )
    quality = found["quality"]
    assert (quality["rows"], quality["answered"], quality["chief"]) == (600, 600, "roc_auc")
    assert quality["verdict"] == verdict
    assert quality["recorded"]["roc_auc"]["low"] < quality["recorded"]["roc_auc"]["value"]
    main(["monitor", "bundle", "--labels", "labels.csv", "--key", "mail=request_id", "--label", "spam"])
    assert f"live quality: {verdict} by roc_auc" in capsys.readouterr().out


def test_labels_of_nobody_tell_nothing(mailbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(3))
    pd.DataFrame({"request_id": ["x"], "spam": [True]}).to_csv("labels.csv", index=False)
    found = monitored(capsys, "--log", "log", "--labels", "labels.csv", "--key", "request_id")
    assert (found["quality"]["verdict"], found["quality"]["rows"]) == ("unknown", 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["bundle"], "--log FOLDER"),
        (["bundle", "--log", "nowhere"], "no log in nowhere"),
        (["bundel", "--log", "log"], "bundel"),
        (["bundle", "--log", "log", "--labels", "labels.csv"], "--key"),
        (["bundle", "--log", "log", "--labels", "labels.csv", "--key", "requestid"], "did you mean 'request_id'"),
        (["bundle", "--log", "log", "--labels", "labels.csv", "--key", "request_id"], "--label COLUMN"),
        (["bundle", "--log", "log", "--labels", "labels.csv", "--key", "spam=mail", "--label", "by"], "'mail'"),
        (["bundle", "--since", "yesterday"], "expected a duration"),
    ],
)
def test_what_is_wrong_is_said(mailbox: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    if "labels.csv" in words:
        serve(mailbox / "bundle", mailbox / "log", like_training(3))
        pd.DataFrame({"request_id": ["r0"], "spam": [True], "by": ["me"]}).to_csv("labels.csv", index=False)
    assert main(["monitor", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_bundle_from_elsewhere_has_no_training_data_to_compare_with(
    mailbox: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(mailbox / "bundle", mailbox / "log", like_training(30))
    monkeypatch.setenv("SOLVENT_HOME", str(tmp_path / "other"))
    found = monitored(capsys, "--log", "log")
    assert found["drift"]["verdict"] == "unknown"
    assert any("not in this store" in each for each in found["notes"])
    assert found["parity"]["rows"] == 30


def test_the_expected_scores_are_those_of_the_endpoint(mailbox: Path) -> None:
    given = like_training(20)
    columns = {str(name): given[name].tolist() for name in given.columns}
    assert recompute(str(mailbox / "bundle"), columns)["value"] == pytest.approx(expected(given), abs=1e-12)
