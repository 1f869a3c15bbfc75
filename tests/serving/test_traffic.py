"""Traffic split by a key, and a shadow beside it."""

import json
import math
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from solvent.serving.control import Place
from solvent.serving.exchange import to_json
from solvent.serving.folder import open_bundle
from solvent.serving.model import Model
from solvent.serving.process import Loader
from solvent.serving.shadow import WAITING, Shadow, differ
from solvent.serving.traffic import Share, Traffic, bucket_of, key_of
from solvent.serving.watching import TrafficWatch
from tests.serving.tiny import write_tiny

ROWS = [{"a": float(at), "b": float(at % 7)} for at in range(2000)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """Models that add 0, 100 and 200."""
    root = tmp_path_factory.mktemp("models")
    folders = [write_tiny(root / str(at), 100.0 * at) for at in range(3)]
    return [Loader()(Place("", str(each), open_bundle(str(each)).digest, str(at))) for at, each in enumerate(folders)]


def split(models: list[Model], percent: float, key: str = "") -> Traffic:
    traffic = Traffic()
    traffic.change([Share("champion", models[0]), Share("challenger", models[1], percent)], key)
    return traffic


def body(row: dict[str, float]) -> bytes:
    return json.dumps({"records": [row]}).encode()


def test_a_share_of_the_keys_goes_to_the_challenger_and_always_the_same(models: list[Model]) -> None:
    keys = [f"customer {at}".encode() for at in range(4_000)]
    few, many = split(models, 5), split(models, 20)
    five = {key for key in keys if few.model(key) is models[1]}
    twenty = {key for key in keys if many.model(key) is models[1]}
    # Three standard deviations of a binomial of 4,000.
    assert abs(len(five) / len(keys) - 0.05) < 3 * math.sqrt(0.05 * 0.95 / len(keys))
    assert abs(len(twenty) / len(keys) - 0.20) < 3 * math.sqrt(0.2 * 0.8 / len(keys))
    assert five < twenty


def test_three_models_share_all_keys(models: list[Model]) -> None:
    traffic = Traffic()
    traffic.change([Share("a", models[0]), Share("b", models[1], 50), Share("c", models[2], 50)])
    found = {traffic.model(str(at).encode()).version for at in range(200)}
    assert found == {"1", "2"}


@pytest.mark.slow
def test_another_process_gives_a_key_the_same_bucket() -> None:
    script = (
        "from solvent.serving.traffic import bucket_of; print([bucket_of(b'%d' % at, b'tiny') for at in range(50)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [bucket_of(b"%d" % at, b"tiny") for at in range(50)]


def test_a_key_is_a_header_a_column_or_the_row(models: list[Model]) -> None:
    by_header, by_column, by_row = (split(models, 50, key) for key in ("header:Customer", "b", ""))
    for row in ROWS[:100]:
        chosen = by_column.choose({}, body(row), "application/json")
        assert chosen is by_column.model(str(row["b"]).encode())
        named = by_header.choose({b"customer": b"x"}, body(row), "application/json")
        assert named is by_header.model(b"x")
        columns = {name: [value] for name, value in row.items()}
        swapped = json.dumps({"columns": dict(reversed(columns.items()))}).encode()
        one = by_row.choose({}, body(row), "application/json")
        assert one is by_row.choose({}, swapped, "application/json") is by_row.model(key_of(columns, ""))
        assert by_row.choose({b"solvent-key": b"y"}, body(row), "application/json") is by_row.model(b"y")
    assert len({by_row.choose({}, body(row), "application/json").version for row in ROWS[:100]}) == 2


def test_a_request_that_nobody_can_read_has_a_model_too(models: list[Model]) -> None:
    assert split(models, 50, "b").choose({}, b"{", "application/json") in models[:2]
    with pytest.raises(LookupError):
        Traffic().model()


def ask(traffic: Traffic, watch: TrafficWatch, row: dict[str, float]) -> None:
    model = traffic.model()
    answer = model.predict(body(row), "application/json", b"1", lambda decoded: None)
    watch.served(_Served(model, answer))


class _Served:
    def __init__(self, model: Model, answer: Any) -> None:
        self.model, self.decoded, self.answer = model, answer.decoded, answer.value


def test_a_shadow_is_asked_and_its_differences_are_counted(models: list[Model]) -> None:
    traffic = Traffic(models[0])
    traffic.shadow = shadow = Shadow("challenger", models[1])
    watch = TrafficWatch(traffic)
    for row in ROWS[:20]:
        ask(traffic, watch, row)
    assert shadow.wait(10)
    assert (shadow.found.compared, shadow.found.agreed, shadow.found.failed) == (20, 0, 0)
    assert shadow.found.largest == pytest.approx(100)
    shadow.stop()
    shown = {family[0]: family[3] for family in watch.families()}
    assert shown["solvent_shadow_compared_total"][0].value == 20
    assert shown["solvent_share_percent"][0].value == 100


def test_a_shadow_that_is_slow_or_fails_is_noticed_by_nobody(models: list[Model], tmp_path: Path) -> None:
    failing = "from solvent import step\n@step\ndef predict(model, rows):\n    return rows['none']"
    model = Model(open_bundle(str(write_tiny(tmp_path, 0.0, failing))))
    traffic = Traffic(models[0])
    traffic.shadow = shadow = Shadow("challenger", model)
    for row in ROWS[:5]:
        ask(traffic, TrafficWatch(traffic), row)
    assert shadow.wait(10)
    assert (shadow.found.failed, shadow.found.compared) == (5, 0)
    shadow.stop()
    # Nobody takes from the queue any more: it fills up, and what is offered is dropped at once.
    begun = time.monotonic()
    answer = models[0].predict(body(ROWS[0]), "application/json", b"1", lambda decoded: None)
    for _ in range(WAITING + 50):
        shadow.offer(answer.decoded, answer.value)
    assert shadow.found.dropped == 50
    assert time.monotonic() - begun < 1
    assert not any(thread.name == "shadow challenger" for thread in threading.enumerate())


def test_answers_differ_by_their_numbers_and_by_all_else() -> None:
    assert differ({"p": [1.0, 2.0]}, {"p": [1.0, 2.5]}) == (0.5, True)
    assert differ({"p": ["a"]}, {"p": ["b"]}) == (0.0, False)
    assert differ({"p": [[1, 2]]}, {"p": [[1, 4]]}) == (2, True)
    assert differ({"p": [math.nan]}, {"p": [math.nan]}) == (0.0, True)
    assert differ({"p": [1.0]}, {"p": [math.nan]}) == (0.0, False)
    assert differ({"p": [1.0]}, {"p": [1.0, 2.0]}) == (0.0, False)
    assert differ({"p": [1.0]}, {"q": [1.0]})[1] is False
    assert to_json({"p": 1}) == b'{"p":1}'
