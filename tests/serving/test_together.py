"""Numbers of several processes, told by any of them."""

import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from solvent.serving.together import Together
from tests.servers import wait_until
from tests.serving.fleet import fleet
from tests.serving.tiny import write_tiny

TEXT = """# HELP solvent_requests_total Answered requests.
# TYPE solvent_requests_total counter
solvent_requests_total{{route="/predict",status="200"}} {count}
# HELP solvent_in_flight Requests that are being answered.
# TYPE solvent_in_flight gauge
solvent_in_flight 1
# HELP solvent_swaps_refused Something of each process.
# TYPE solvent_swaps_refused gauge
solvent_swaps_refused {count}
"""


def numbers(text: bytes) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.decode().splitlines() if not line.startswith("#")]
    return {series: float(value) for series, _, value in lines}


def test_counters_of_all_are_added_and_gauges_of_those_that_live(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / f"{os.getppid()}.prom").write_text(TEXT.format(count=5))
    (tmp_path / f"{ended.pid}.prom").write_text(TEXT.format(count=7))
    found = numbers(Together(str(tmp_path)).gather(TEXT.format(count=1).encode()))
    assert found == {
        'solvent_requests_total{route="/predict",status="200"}': 13.0,
        "solvent_in_flight": 2.0,
        "solvent_swaps_refused": 1.0,
    }


def test_a_folder_that_is_gone_costs_nothing(tmp_path: Path) -> None:
    text = TEXT.format(count=1).encode()
    assert numbers(Together(str(tmp_path / "gone")).gather(text)) == numbers(text)


@pytest.mark.slow
def test_any_worker_tells_what_all_have_counted(tmp_path: Path) -> None:
    bundle = write_tiny(tmp_path / "bundle", 0.0)
    with fleet(str(bundle), "--port", "0", "--workers", "2") as served:
        wait_until(lambda: len(served.workers()) == 2)
        for _ in range(40):
            served.ask()

        def counted() -> float:
            with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/metrics", timeout=20) as answer:
                return numbers(answer.read()).get('solvent_requests_total{route="/predict",status="200"}', 0)

        wait_until(lambda: counted() == 40)
        assert {counted() for _ in range(10)} == {40.0}
