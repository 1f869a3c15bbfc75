import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from solvent.errors import ConfigError
from solvent.serving.requestlog import LEAST_BYTES, ROWS, WAITING_ROWS, Logged, RequestLog, list_segments
from tests.servers import wait_until


def logged(number: int = 0, values: Sequence[Any] = (1.5,), **changed: Any) -> Logged:
    columns = {"distance": list(values), "ssn": ["secret"] * len(values)}
    return Logged(
        at=time.time(),
        id=f"r{number}",
        model="3",
        bundle="ab12",
        rows=len(values),
        columns=lambda: columns,
        answer=lambda: {"value": [0.25] * len(values)},
        seconds=0.001,
    )._replace(**changed)


def lines(folder: Path) -> list[dict[str, Any]]:
    texts = [Path(each.path).read_text() for each in list_segments(str(folder))]
    return [each for text in texts for line in text.splitlines() if "counts" not in (each := json.loads(line))]


def counts(folder: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for segment in list_segments(str(folder)):
        for line in Path(segment.path).read_text().splitlines():
            for kind, number in json.loads(line).get("counts", {}).items():
                found[kind] = found.get(kind, 0) + number
    return found


def test_an_answered_request_is_one_line_with_model_columns_and_answer(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path / "log"))
    log.add(logged(1, [1.5, float("nan")], left_out=("ssn",)))
    log.close()
    (found,) = lines(tmp_path / "log")
    assert found["columns"] == {"distance": [1.5, None]}
    assert found["answer"] == {"value": [0.25, 0.25]}
    assert (found["id"], found["model"], found["bundle"], found["rows"], found["status"]) == ("r1", "3", "ab12", 2, 200)
    assert "secret" not in Path(list_segments(str(tmp_path / "log"))[0].path).read_text()


def test_a_key_is_always_in_the_sample_or_never_and_the_share_is_kept(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path), share=0.1)
    wanted = [log.wants(f"customer {number}") for number in range(20_000)]
    assert wanted == [log.wants(f"customer {number}".encode()) for number in range(20_000)]
    assert 0.09 < sum(wanted) / len(wanted) < 0.11
    log.close()


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0), (1.0, 500)])
def test_all_or_none_can_be_logged(tmp_path: Path, share: float, wanted: int) -> None:
    log = RequestLog(str(tmp_path), share=share)
    assert sum(log.wants(str(number)) for number in range(500)) == wanted
    log.close()


def test_the_oldest_segments_go_when_the_log_is_full(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path), limit_bytes=LEAST_BYTES)
    for number in range(2000):
        log.add(logged(number, [1.5] * 10))
    log.close()
    found = lines(tmp_path)
    assert sum(each.size_bytes for each in list_segments(str(tmp_path))) <= LEAST_BYTES
    assert log.written == 2000
    assert [each["id"] for each in found] == [f"r{number}" for number in range(2000 - len(found), 2000)]


def test_segments_of_two_workers_stand_side_by_side(tmp_path: Path) -> None:
    logs = [RequestLog(str(tmp_path)) for _ in range(2)]
    for number, log in enumerate(logs):
        log.add(logged(number))
        log.close()
    assert sorted(each["id"] for each in lines(tmp_path)) == ["r0", "r1"]


def test_a_segment_ends_with_its_time(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path), segment_seconds=0.0)
    for number in range(3):
        log.add(logged(number))
    log.close()
    assert len(list_segments(str(tmp_path))) == 3


def test_of_refused_requests_only_numbers_are_kept(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path))
    log.refuse(["missing_column", "missing_column", "wrong_type"])
    log.refuse(["wrong_type"])
    log.close()
    assert counts(tmp_path) == {"requests": 2, "missing_column": 1, "wrong_type": 2}


def test_answered_requests_are_counted_whether_they_are_in_the_sample_or_not(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path), share=0.5)
    wanted = sum(log.wants(str(number)) for number in range(100))
    log.close()
    assert 0 < wanted < 100
    assert counts(tmp_path) == {"answered": 100}


def test_a_bulk_request_is_logged_with_its_first_rows(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path))
    log.add(logged(1, [0.5] * (ROWS + 5)))
    log.close()
    (found,) = lines(tmp_path)
    assert found["rows"] == ROWS + 5
    assert len(found["columns"]["distance"]) == len(found["answer"]["value"]) == ROWS


def test_what_does_not_wait_any_more_is_counted_as_lost(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path))
    log.close()
    for number in range(3):
        log.add(logged(number, rows=WAITING_ROWS // 2))
    assert log.lost == 1


def test_what_is_no_json_is_lost_and_the_rest_is_written(tmp_path: Path) -> None:
    def broken() -> Any:
        raise ValueError("no columns")

    log = RequestLog(str(tmp_path))
    log.add(logged(1, columns=broken))
    log.add(logged(2))
    log.close()
    assert [each["id"] for each in lines(tmp_path)] == ["r2"]
    assert (log.written, log.lost) == (1, 1)


def test_a_folder_that_is_gone_is_made_good_when_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    log = RequestLog(str(folder), segment_seconds=0.0)
    folder.rmdir()
    log.add(logged(1))
    wait_until(lambda: log.lost > 0)
    folder.mkdir()
    log.add(logged(2))
    log.close()
    assert [each["id"] for each in lines(folder)] == ["r2"]


def test_only_the_owner_may_read_the_log(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path / "log"))
    log.add(logged())
    log.close()
    (segment,) = list_segments(str(tmp_path / "log"))
    assert os.stat(segment.path).st_mode & 0o077 == 0
    assert os.stat(tmp_path / "log").st_mode & 0o077 == 0


def test_a_log_that_can_not_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for given, told in [
        ({"share": 1.5}, "share"),
        ({"limit_bytes": 10}, "holds no requests"),
        ({"folder": str(tmp_path / "file")}, "no log can be written"),
    ]:
        with pytest.raises(ConfigError, match=told):
            RequestLog(**{"folder": str(tmp_path), **given})  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_fails_no_request(tmp_path: Path) -> None:
    log = RequestLog(str(tmp_path))
    log._segments._path = "/dev/full"
    log._segments._file = open("/dev/full", "ab")  # noqa: SIM115
    log._segments._begun = time.monotonic()
    log.add(logged(1))
    wait_until(lambda: log.lost == 1)
    log.add(logged(2))
    log.close()
    assert [each["id"] for each in lines(tmp_path)] == ["r2"]


@pytest.mark.slow
def test_the_log_needs_no_heavy_library(tmp_path: Path) -> None:
    code = "import sys, solvent.serving.requestlog; print({'pandas', 'numpy', 'pyarrow', 'sqlite3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
