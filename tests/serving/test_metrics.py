"""What /metrics says, read as Prometheus reads it."""

import re
from pathlib import Path

import pytest

from solvent.serving.metrics import BOUNDS, Metrics, Sample, text
from tests.serving.apps import ROW, Client, tiny_app, tiny_model

LINE = re.compile(r'(?P<name>[a-z_]+)(\{(?P<labels>([a-z_]+="([^"\\\n]|\\[\\n"])*",?)*)\})? (?P<value>\S+)')


def read(body: str) -> dict[str, float]:
    """Read the text format strictly: each family has one HELP and one TYPE before its samples."""
    found: dict[str, float] = {}
    declared: list[str] = []
    for line in body.splitlines():
        if line.startswith("# TYPE "):
            declared.append(line.split()[2])
            assert line.split()[3] in ("counter", "gauge", "histogram")
        elif not line.startswith("# HELP "):
            matched = LINE.fullmatch(line)
            assert matched, line
            assert matched["name"].startswith(declared[-1])
            key = line.rsplit(" ", 1)[0]
            assert key not in found
            found[key] = float(matched["value"])
    assert len(declared) == len(set(declared))
    return found


def test_requests_rows_steps_and_models_are_counted(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "bundle")
    client = Client(tiny_app(model))
    for _ in range(3):
        client.post("/predict", {"records": [ROW, ROW]})
    client.post("/predict", {"records": [{}]})
    client.get("/nothing")
    found = read(client.get("/metrics").body.decode())
    assert found['solvent_requests_total{route="/predict",status="200"}'] == 3
    assert found['solvent_requests_total{route="/predict",status="422"}'] == 1
    assert found['solvent_requests_total{route="other",status="404"}'] == 1
    assert found['solvent_rows_total{model="tiny@3"}'] == 6
    assert found['solvent_program_runs_total{model="tiny",version="3"}'] == 3
    assert found['solvent_step_seconds_total{model="tiny",version="3",step="price"}'] > 0
    assert found[f'solvent_model_info{{model="tiny",version="3",bundle="{model.digest}"}}'] == 1
    assert found["solvent_in_flight"] == 1
    assert found["process_resident_memory_bytes"] > 1e7


def test_latency_is_a_histogram_whose_buckets_add_up() -> None:
    metrics = Metrics()
    for seconds in (0.0001, BOUNDS[0], 0.0006, 99.0):
        metrics.count("/predict", 200, seconds)
    found = read(text(metrics, (), 0).decode())
    bucket = 'solvent_request_seconds_bucket{route="/predict",le="%s"}'
    assert [found[bucket % le] for le in ("0.0005", "0.001", "10", "+Inf")] == [2, 3, 3, 4]
    assert found['solvent_request_seconds_count{route="/predict"}'] == 4
    assert found['solvent_request_seconds_sum{route="/predict"}'] == pytest.approx(99.0012)


def test_labels_may_hold_anything() -> None:
    odd = Sample("solvent_odd", {"column": 'a "b"\\\nc'}, 1)
    body = text(Metrics(), (), 0, [("solvent_odd", "gauge", "Odd.", [odd])]).decode()
    assert read(body)['solvent_odd{column="a \\"b\\"\\\\\\nc"}'] == 1
