"""An endpoint is watched: what it is asked and answers is logged, and what moves is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from solvent.cli.main import main
from solvent.serving.requestlog import list_segments
from tests.deploy.mails import expected, like_training, mailbox, spam
from tests.serving.servers import Server, serving

__all__ = ["mailbox", "spam"]

pytestmark = pytest.mark.slow


def ask(server: Server, mails: pd.DataFrame, *, first: int = 0) -> list[float]:
    """Ask for one mail at a time, without the label that no request needs, and give the answers."""
    names = [each["name"] for each in json.loads((Path("bundle") / "bundle.json").read_text())["request"]["columns"]]
    found = []
    for number, row in enumerate(mails.to_dict("records"), first):
        record = {name: row[name] for name in names}
        answer = server.post("/predict", {"records": [record]}, **{"x-request-id": f"mail-{number}"})
        assert answer.status == 200
        found += answer.body["predictions"]
    return found


def monitor(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["monitor", "bundle", "--log", "log", "--json", *words]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_traffic_that_moves_is_named_by_its_column_in_metrics_and_by_monitor(
    mailbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = like_training(360)
    with serving(mailbox / "bundle", "--log", str(mailbox / "log")) as server:
        assert ask(server, given) == pytest.approx(expected(given), abs=1e-9)
        for wrong in ({"records": [{}]}, b"no json"):
            assert server.post("/predict", wrong).status in (400, 422)
        told = server.get("/metrics").body.decode()
    assert 'solvent_missing_share{model="spam",version="",column="words"} 0' in told
    found = monitor(capsys, code=0)
    assert (found["requests"], found["answered"], found["refused"]["requests"]) == (360, 360, 2)
    assert (found["parity"]["rows"], found["parity"]["different"]) == (360, 0)

    with serving(mailbox / "bundle", "--log", str(mailbox / "log")) as server:
        ask(server, given.assign(words=given["words"] * 4 + 200), first=1000)
    found = monitor(capsys, code=1)
    moved = [each["name"] for each in found["drift"]["columns"] if each["verdict"] not in ("ok", "unknown")]
    assert moved == ["words"]
    assert found["parity"]["different"] == 0

    labels = pd.DataFrame({"id": [f"mail-{number}" for number in range(360)], "spam": given["spam"]})
    labels.to_csv("labels.csv", index=False)
    found = monitor(capsys, "--labels", "labels.csv", "--key", "id=request_id", code=1)
    assert (found["quality"]["rows"], found["quality"]["answered"]) == (360, 720)
    assert found["quality"]["live"]["roc_auc"]["value"] == pytest.approx(_auc(expected(given), given["spam"]), abs=1e-9)


def _auc(scores: list[float], truth: pd.Series) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))


def test_answers_that_are_not_those_of_the_slice_are_a_skew_and_scoring_gives_the_endpoint_s(
    mailbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = like_training(90)
    with serving(mailbox / "bundle", "--log", str(mailbox / "log")) as server:
        answered = ask(server, given)
    given.to_parquet("mails.parquet")
    assert main(["score", "bundle", "--source", "mails.parquet", "-o", "scores.parquet", "--quiet"]) == 0
    assert list(pd.read_parquet("scores.parquet")["prediction"]) == pytest.approx(answered, abs=1e-12)

    plant(mailbox / "log", {"rounded": (30, 60, lambda answer: round(answer, 4)), "noise": (60, 90, _noise)})
    found = monitor(capsys, code=1)
    assert 25 < found["parity"]["different"] <= 30
    assert all(30 <= int(each["request"].removeprefix("mail-")) < 60 for each in found["parity"]["told"])


def _noise(answer: float) -> float:
    return answer + 1e-12


def plant(log: Path, skews: dict[str, tuple[int, int, Callable[[float], float]]]) -> None:
    """Change what was answered to some requests, as something between the endpoint and its clients might."""
    (segment,) = list_segments(str(log))
    lines = [json.loads(line) for line in Path(segment.path).read_text().splitlines()]
    for line in lines:
        for low, high, change in skews.values():
            if low <= int(line.get("id", "-1").removeprefix("mail-")) < high:
                line["answer"]["value"] = [change(each) for each in line["answer"]["value"]]
    Path(segment.path).write_text("".join(json.dumps(line) + "\n" for line in lines))
