from __future__ import annotations

from pathlib import Path

from solvent.engines.tail import LogTail
from solvent.model import Execution


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
