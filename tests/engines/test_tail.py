from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from solvent.engines import tail as tail_module
from solvent.engines.tail import _AT_ONCE_BYTES, LogTail
from solvent.model import Execution
from solvent.runs.boundedlog import KEPT_BYTES, BoundedLog, read


def execution(log_bytes: int) -> Execution:
    return Execution({}, 0.0, 0.0, 0.0, 0, "step", log_bytes=log_bytes)


def test_lines_come_when_they_are_whole(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    tail.follow(3, str(log))
    assert tail.lines() == []
    log.write_text("one\ntw")
    assert tail.lines() == [(3, "one")]
    with log.open("a") as file:
        file.write("o\n\n")
    assert tail.lines() == [(3, "two"), (3, "")]
    assert tail.lines() == []


def test_rest_comes_when_the_step_has_ended_and_the_file_goes(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    tail.follow(3, str(log))
    log.write_text("one\nrest")
    tail.finish(3, execution(8))
    assert tail.lines() == [(3, "one"), (3, "rest")]
    assert not log.exists()


def test_file_of_a_crashed_step_stays(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    tail.follow(3, str(log))
    log.write_text("last words\n")
    tail.finish(3, None)
    assert tail.lines() == [(3, "last words")]
    assert log.exists()


def test_what_an_earlier_attempt_wrote_is_not_shown_again(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    log.write_text("first attempt\n")
    tail.follow(3, str(log))
    with log.open("a") as file:
        file.write("second attempt\n")
    assert tail.lines() == [(3, "second attempt")]


def test_bytes_that_are_no_text_are_shown_as_far_as_they_are(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    tail.follow(3, str(log))
    log.write_bytes(b"\xff\xe9t\xc3\xa9\r\n10%\r20%\n")
    assert tail.lines() == [(3, "\ufffd\ufffdté"), (3, "20%")]


def test_lines_that_nobody_asks_for_are_dropped_oldest_first(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    tail.follow(3, str(log))
    log.write_text("".join(f"{number}\n" for number in range(30_000)))
    tail.finish(3, execution(1))
    lines = tail.lines()
    assert len(lines) == 10_000
    assert lines[-1] == (3, "29999")


def test_of_what_comes_too_fast_the_newest_is_shown_and_the_rest_is_said_to_be_skipped(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    tail.follow(3, str(log))
    log.write_text("".join(f"{number:099}\n" for number in range(30_000)))
    (_, word), *lines = tail.lines()
    assert word == f"[... {3_000_000 - _AT_ONCE_BYTES} bytes came too fast to be shown ...]"
    assert [int(text) for _, text in lines] == list(range(30_000 - len(lines), 30_000)), "whole lines, to the last"
    assert len(lines) > 1000
    assert tail.lines() == []


def test_a_line_without_an_end_does_not_grow(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    tail.follow(3, str(log))
    for _ in range(20):
        with log.open("ab") as file:
            file.write(b"x" * 100_000)
        assert tail.lines() == []
    assert len(tail._files[3].rest) <= 8192
    tail.finish(3, execution(1))
    assert tail.lines() == [(3, "x" * 8192)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives the space of a part of a file back")
def test_the_middle_of_a_long_log_takes_no_room_and_its_record_is_whole(tmp_path: Path) -> None:
    log, tail = tmp_path / "log", LogTail()
    tail.follow(3, str(log))
    kept = BoundedLog()
    with log.open("ab", buffering=0) as file:
        for number in range(40):
            data = b"%d" % (number % 10) * (1 << 20)
            file.write(data)
            kept.add(data)
            tail.lines()
        state = os.fstat(file.fileno())
    if state.st_blocks * 512 > 30 << 20:
        pytest.skip("this disk can't give the space back")
    with log.open("rb") as file:
        assert read(file.fileno()) == (kept.bytes(), 40 << 20)
    assert KEPT_BYTES == 2 * tail_module.KEPT_BYTES, "what a record takes is never given back"
