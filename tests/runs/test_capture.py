from __future__ import annotations

import code
import io
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from solvent.runs import capture
from solvent.runs.capture import StepOutput, WorkerOutput


@pytest.fixture(autouse=True)
def _a_run_goes_on() -> Iterator[None]:
    before = sys.stdout.__dict__.copy()
    capture.install()
    yield
    capture.uninstall()
    assert sys.stdout.__dict__ == before


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger on its own, so that pytest's handlers play no part."""
    made = logging.Logger("weather")
    yield made
    for handler in made.handlers:
        handler.close()


def test_print_is_kept_and_passed_through(capsys: pytest.CaptureFixture[str]) -> None:
    with StepOutput() as output:
        print("to out")
        print("to err", file=sys.stderr)
    assert output.log == b"to out\nto err\n"
    assert output.log_bytes == 14
    assert capsys.readouterr() == ("to out\n", "to err\n")


def test_output_beside_steps_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with StepOutput() as first:
        print("inside")
    print("between")
    with StepOutput() as second:
        pass
    assert (first.log, second.log) == (b"inside\n", b"")
    assert capsys.readouterr().out == "inside\nbetween\n"


def test_bytes_and_text_are_kept_once_and_in_order(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with StepOutput() as output:
        sys.stdout.write("a")
        sys.stdout.flush()
        sys.stdout.buffer.write(b"\xff|")
        sys.stdout.writelines(["b", "c\n"])
        print("d", flush=True)
    sys.stdout.flush()
    assert output.log == b"a\xff|bc\nd\n"
    assert capfdbinary.readouterr().out == b"a\xff|bc\nd\n"


def test_text_before_the_step_is_not_taken_for_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write("before")
    with StepOutput() as output:
        sys.stdout.flush()
        print(" in")
    assert output.log == b" in\n"


def test_write_gives_back_what_the_real_stream_would() -> None:
    with StepOutput(lambda line: None):
        assert sys.stdout.write("four") == 4
        with pytest.raises(TypeError):
            sys.stdout.write(5)  # type: ignore[arg-type]


def test_lone_surrogates_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with StepOutput(lambda line: None) as output:
        sys.stdout.write("\udc80é\n")
    assert output.log == b"\\udc80\xc3\xa9\n"


def test_whole_lines_are_shown_in_place_of_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []
    with StepOutput(shown.append) as output:
        print("one\ntw", end="")
        assert shown == ["one"]
        print("o")
        print("10%\r50%\r100%")
        print("rest", end="")
    assert shown == ["one", "two", "100%", "rest"]
    assert output.log == b"one\ntwo\n10%\r50%\r100%\nrest"
    assert capsys.readouterr().out == ""


def test_what_shows_the_output_may_print(capsys: pytest.CaptureFixture[str]) -> None:
    with StepOutput(lambda line: print(f"fit | {line}")) as output:
        print("loss 0.3")
    assert output.log == b"loss 0.3\n"
    assert capsys.readouterr().out == "fit | loss 0.3\n"


def test_progress_bar_without_an_end_does_not_grow() -> None:
    shown: list[str] = []
    with StepOutput(shown.append) as output:
        for number in range(20_000):
            sys.stderr.write(f"\r{number}")
    assert shown == ["19999"]
    assert output._live is not None
    assert len(output._live._partial) <= 8192
    assert output.log_bytes > 100_000


def test_threads_of_the_step_count_and_those_of_others_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    begin, done = threading.Event(), threading.Event()

    def display() -> None:
        begin.wait()
        print("display")
        done.set()

    other = threading.Thread(target=display)
    other.start()
    with StepOutput() as output:
        begin.set()
        done.wait()
        own = threading.Thread(target=print, args=("own",))
        own.start()
        own.join()
    other.join()
    assert output.log == b"own\n"


def test_thread_of_an_earlier_step_counts_in_a_later_one(capsys: pytest.CaptureFixture[str]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        with StepOutput() as first:
            pool.submit(print, "first").result()
        with StepOutput() as second:
            pool.submit(print, "second").result()
    assert (first.log, second.log) == (b"first\n", b"second\n")


def test_two_runs_in_two_threads_keep_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    gate = threading.Barrier(2)
    logs: dict[str, bytes] = {}

    def run(name: str) -> None:
        with StepOutput() as output:
            gate.wait()
            print(name)
            gate.wait()
        logs[name] = output.log

    runs = [threading.Thread(target=run, args=(name,)) for name in ("a", "b")]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert logs == {"a": b"a\n", "b": b"b\n"}


def test_redirected_output_belongs_to_the_step_alone() -> None:
    with StepOutput() as output, redirect_stdout(io.StringIO()) as mine:
        print("mine")
    assert (output.log, mine.getvalue()) == (b"", "mine\n")


def test_stream_that_was_replaced_between_steps_is_heard() -> None:
    replacement = io.StringIO()
    with redirect_stdout(replacement), StepOutput() as output:
        print("heard")
    assert output.log == b"heard\n"
    assert replacement.getvalue() == "heard\n"


def test_large_output_keeps_its_beginning_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    with StepOutput(lambda line: None) as output:
        sys.stdout.write("first\n")
        for _ in range(10):
            sys.stdout.write("x" * 2_000_000)
        sys.stdout.write("\nlast\n")
    assert output.log_bytes == 20_000_012
    assert output.log.startswith(b"first\n")
    assert output.log.endswith(b"\nlast\n")
    assert b"\n[... 11611404 bytes of output were cut here ...]\n" in output.log


def test_notes_are_kept_but_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with StepOutput() as output:
        output.note("Traceback ...")
    assert output.log == b"Traceback ...\n"
    assert capsys.readouterr().out == ""


def test_warnings_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    def plain(*given: Any) -> None:  # pytest has its own
        sys.stderr.write(warnings.formatwarning(*given[:4]))

    with StepOutput() as output, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = plain
        warnings.warn("careful", UserWarning, stacklevel=1)
    assert b": UserWarning: careful\n" in output.log


def test_record_of_an_early_handler_is_kept_once(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s | %(message)s"))
    logger.addHandler(handler)
    with StepOutput() as output:
        logger.warning("rain")
    assert output.log == b"WARNING | rain\n"
    assert capsys.readouterr().err == "WARNING | rain\n"


def test_record_is_kept_once_however_many_handlers_show_it(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for handler in (
        logging.StreamHandler(sys.__stderr__),
        logging.StreamHandler(sys.stderr),
        logging.FileHandler(tmp_path / "log"),
    ):
        logger.addHandler(handler)
    with StepOutput() as output:
        logger.addHandler(logging.StreamHandler(sys.stdout))
        logger.warning("rain")
    assert output.log == b"rain\n"
    assert (tmp_path / "log").read_text() == "rain\n"


def test_record_that_nobody_shows_is_kept(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    logger.addHandler(logging.FileHandler(tmp_path / "log"))
    with StepOutput() as output:
        logger.info("drizzle %d", 3)
    assert output.log == b"INFO:weather:drizzle 3\n"
    assert capsys.readouterr() == ("", "")


def test_last_resort_still_shows_records_without_handlers(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    with StepOutput() as output:
        logger.warning("rain")
    assert output.log == b"WARNING:weather:rain\n"
    assert capsys.readouterr().err == "rain\n"


def test_records_below_the_level_are_not_kept(logger: logging.Logger) -> None:
    logger.setLevel(logging.ERROR)
    with StepOutput() as output:
        logger.warning("rain")
    assert output.log == b""


def test_record_with_wrong_arguments_does_not_break_the_step(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.addHandler(logging.StreamHandler(sys.stderr))
    with StepOutput() as output:
        logger.warning("%d", "rain")
    assert output.log == b"WARNING:weather:'%d' ('rain',)\n"
    assert "Logging error" in capsys.readouterr().err


def test_logging_is_left_as_it_was() -> None:
    hooked = logging.Logger.callHandlers
    capture.uninstall()
    try:
        assert logging.Logger.callHandlers is not hooked
        assert logging.Logger.callHandlers.__module__ == "logging"
    finally:
        capture.install()


def test_logging_that_is_loaded_by_the_step_is_heard() -> None:
    script = """
import sys
from solvent.runs import capture
assert "logging" not in sys.modules
capture.install()
with capture.StepOutput() as output:
    import logging
    logging.basicConfig(level="INFO", stream=open("/dev/null", "w"))
    logging.info("heard")
capture.uninstall()
assert logging.Logger.callHandlers.__module__ == "logging"
print(output.log)
"""
    source = Path(capture.__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(source)}
    shown = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert shown.stdout == b"b'INFO:root:heard\\n'\n"


def test_debugger_keeps_its_streams_and_is_not_part_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []
    stopped: list[bool] = []
    with StepOutput(shown.append, on_debugger=lambda: stopped.append(True)) as output:
        print("before")
        code.InteractiveConsole().write("(Pdb) ")
        print("after")
    assert (shown, stopped) == (["before"], [True])
    assert output.log == b"before\nafter\n"
    assert capsys.readouterr() == ("after\n", "(Pdb) ")


def test_breakpoint_stops_in_the_users_frame(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = """
from solvent.runs import capture
def step():
    here = 41
    breakpoint()
    print("went on")
with capture.StepOutput(lambda line: None) as output:
    step()
print(output.log)
"""
    path = tmp_path / "script.py"
    path.write_text(script)
    environment = os.environ | {"PYTHONPATH": str(Path(capture.__file__).parents[2])}
    shown = subprocess.run(
        [sys.executable, path], env=environment, input=b"p here + 1\nc\n", capture_output=True, check=True
    )
    lines = shown.stdout.decode().splitlines()
    assert "step()" in lines[0]
    assert "(Pdb) 42" in lines
    assert lines[-1] == "b'went on\\n'"


def test_step_that_prints_nothing_costs_microseconds() -> None:
    def seconds() -> float:
        began = time.perf_counter()
        with StepOutput():
            pass
        return time.perf_counter() - began

    assert sorted(seconds() for _ in range(101))[50] < 100e-6  # 3 us on an idle machine


def test_closed_or_missing_streams_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", None)
    with StepOutput() as output, pytest.raises(ValueError, match="closed file"):
        print("nowhere")
    assert output.log == b""


WORKER = """
import logging, os, subprocess, sys, warnings
from solvent.runs.capture import WorkerOutput
early = logging.StreamHandler(sys.stderr)
def step(path, action):
    with WorkerOutput(path) as output:
        action()
    return output
"""


def in_worker(body: str, tmp_path: Path) -> tuple[Any, str]:
    """Run a script as a worker would; it prints what it evaluates to, and what got out beside the log is given too."""
    environment = os.environ | {"PYTHONPATH": str(Path(capture.__file__).parents[2])}
    shown = subprocess.run(
        [sys.executable, "-c", WORKER + body], env=environment, cwd=tmp_path, capture_output=True, check=True
    )
    *outside, last = shown.stdout.decode().splitlines()
    return eval(last), "\n".join(outside) + shown.stderr.decode()


def test_worker_sends_python_native_and_child_output_to_the_file(tmp_path: Path) -> None:
    body = """
import ctypes
def action():
    print("python")
    os.write(1, b"native\\n")
    ctypes.CDLL(None).printf(b"c library\\n")
    subprocess.run(["echo", "child"])
    print("error", file=sys.stderr)
output = step("log", action)
print((sorted(output.log.split()), output.log_bytes, open("log", "rb").read() == output.log))
"""
    (words, count, same), outside = in_worker(body, tmp_path)
    assert words == sorted(b"python native c library child error".split())
    assert count == 36
    assert same
    assert outside == ""


def test_worker_lets_go_of_the_streams_after_each_step(tmp_path: Path) -> None:
    body = """
first = step("one", lambda: print("in one"))
os.write(1, b"between\\n")
second = step("two", lambda: print("in two"))
print((first.log, second.log))
"""
    found, outside = in_worker(body, tmp_path)
    assert found == (b"in one\n", b"in two\n")
    assert outside == "between"


def test_worker_removes_the_file_of_a_silent_step(tmp_path: Path) -> None:
    body = """
output = step("log", lambda: None)
print((output.log, output.log_bytes, os.path.exists("log")))
"""
    assert in_worker(body, tmp_path)[0] == (b"", 0, False)


def test_worker_keeps_each_record_once(tmp_path: Path) -> None:
    body = """
logger = logging.getLogger("weather")
logger.setLevel("INFO")
def action():
    logger.warning("last resort")
    logger.info("shown by none")
    logger.addHandler(early)
    logger.info("early")
    logger.removeHandler(early)
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.info("late")
print(step("log", action).log)
"""
    found, outside = in_worker(body, tmp_path)
    assert found == b"last resort\nINFO:weather:shown by none\nearly\nlate\n"
    assert outside == ""


def test_worker_notes_are_in_the_log_and_not_in_the_file(tmp_path: Path) -> None:
    body = """
with WorkerOutput("log") as output:
    print("shown")
    output.note("Traceback")
print((output.log, output.log_bytes, open("log").read()))
"""
    assert in_worker(body, tmp_path)[0] == (b"shown\nTraceback\n", 16, "shown\n")


def test_worker_without_a_path_captures_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with WorkerOutput("") as output:
        os.write(1, b"free\n")
    assert output.log == b""
    assert capfd.readouterr().out == "free\n"


def test_worker_shortens_a_large_log(tmp_path: Path) -> None:
    body = """
def action():
    print("first")
    for _ in range(10):
        os.write(1, b"x" * 1_000_000)
    print("last")
output = step("log", action)
print((output.log[:6], output.log[-5:], output.log_bytes, len(output.log) < 9_000_000, b"cut here" in output.log))
"""
    assert in_worker(body, tmp_path)[0] == (b"first\n", b"last\n", 10_000_011, True, True)
