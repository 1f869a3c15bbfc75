"""Several processes on one socket: started, restarted, stopped together, and refused in words."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from solvent.errors import BundleError
from solvent.serving.launch import News, count_workers, words_of
from solvent.serving.sockets import bind, bind_file, url_of
from tests.servers import wait_until
from tests.serving.fleet import fleet, is_alive, post
from tests.serving.tiny import write_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "bundle", 100.0)


def start(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "solvent.serving", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_the_others_answer_meanwhile(tiny: Path) -> None:
    with fleet(str(tiny), "--port", "0", "--workers", "2") as served:
        served.wait_for("ready")
        before = wait_until(lambda: len(found := served.workers()) == 2 and found)
        os.kill(before[0], signal.SIGKILL)
        assert served.ask()["predictions"] == [121.0]
        served.wait_for("died", pid=before[0], code=-signal.SIGKILL)
        wait_until(lambda: len(served.workers()) == 2)
        assert before[0] not in served.workers()
        workers = served.workers()
        assert served.stop() == 0
        assert not any(is_alive(pid) for pid in workers)
        assert served.of("stopped")


@pytest.mark.slow
def test_workers_end_with_a_supervisor_that_was_killed(tiny: Path) -> None:
    with fleet(str(tiny), "--port", "0", "--workers", "2") as served:
        served.wait_for("ready")
        workers = wait_until(lambda: len(found := served.workers()) == 2 and found)
        assert served.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_until(lambda: not any(is_alive(pid) for pid in workers), 10)


@pytest.mark.slow
def test_a_request_in_flight_is_answered_before_the_server_stops(tmp_path: Path) -> None:
    # The step says that it has begun, and waits until it may end.
    steps = (
        "import os, time\nfrom solvent import step\n@step\ndef predict(model, rows):\n"
        f"    if rows[0, 0] == 7.0:\n        open({str(tmp_path / 'begun')!r}, 'w').close()\n"
        f"        while not os.path.exists({str(tmp_path / 'go')!r}):\n            time.sleep(0.01)\n"
        "    return rows @ model"
    )
    bundle = write_tiny(tmp_path / "bundle", 0.0, steps)
    with fleet(str(bundle), "--port", "0") as served:
        connection = served.connect()
        connection.request(
            "POST", "/predict", b'{"columns":{"a":[7.0],"b":[0.0]}}', {"content-type": "application/json"}
        )
        wait_until((tmp_path / "begun").exists)
        served.process.send_signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        assert b"7.0" in connection.getresponse().read()
        assert served.process.wait(20) == 0
        connection.close()


@pytest.mark.slow
def test_idle_connections_don_t_keep_a_server_from_stopping(tiny: Path) -> None:
    with fleet(str(tiny), "--port", "0") as served:
        idle = served.connect()
        assert post(idle, {"columns": {"a": [1.0], "b": [2.0]}})[0] == 200
        assert served.stop(signal.SIGINT) == 0
        idle.close()


@pytest.mark.slow
def test_what_can_t_be_served_is_said_and_ends_with_exit_code_2(tmp_path: Path, tiny: Path) -> None:
    broken = write_tiny(tmp_path / "broken", 1.0)
    (broken / "code" / "tiny_rates.py").write_text("OFFSET = 2.0\n")
    failing = write_tiny(tmp_path / "failing", 1.0, "import tiny_absent")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        found = [
            (start(str(tiny), "--port", port), f"127.0.0.1:{port} is in use"),
            (start(str(broken), "--port", "0"), "tiny_rates.py was altered"),
            (start(str(failing), "--port", "0", "--workers", "2"), "tiny_absent"),
            (start(str(tmp_path / "none")), "no bundle at"),
        ]
    for done, words in found:
        assert (done.returncode, done.stdout) == (2, ""), done
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_sockets_are_bound_on_ipv6_and_in_files_and_a_stale_file_is_replaced(tmp_path: Path) -> None:
    with bind("::1", 0) as listening:
        assert url_of(listening).startswith("http://[::1]:")
    path = str(tmp_path / "socket")
    bind_file(path).close()
    with bind_file(path) as listening:
        assert url_of(listening) == f"unix:{path}"
        with pytest.raises(BundleError, match="in use"):
            bind_file(path)


@pytest.mark.parametrize(
    ("host", "words"), [("203.0.113.7", "this machine has no address"), ("no host", "no address of this machine")]
)
def test_an_address_that_can_t_be_had_is_refused_in_words(host: str, words: str) -> None:
    with pytest.raises(BundleError, match=words):
        bind(host, 0)


def test_the_number_of_workers_is_what_was_measured(tmp_path: Path) -> None:
    from solvent.serving.control import Control, Place, write_control

    path = str(tmp_path / "control.json")
    write_control(path, Control((Place("tiny", str(tmp_path), "d"),)))
    assert count_workers(path) == 1
    (tmp_path / "annotations.json").write_text('{"serving": {"workers": 2}}')
    assert count_workers(path) == min(2, os.cpu_count() or 1)


def test_what_all_workers_tell_is_told_once() -> None:
    news = News()
    one: dict[str, Any] = {"name": "champion", "version": "3", "digest": "a" * 64, "percent": 0.0}
    two = {**one, "version": "4"}
    refused = {"event": "refused", "name": "champion", "version": "5", "error": "no"}
    found = [
        news.take({"pid": pid, **event})
        for pid, event in [
            (1, {"event": "serving", "models": [one]}),
            (1, {"event": "ready"}),
            (2, {"event": "serving", "models": [one]}),
            (2, {"event": "ready"}),
            (1, {"event": "serving", "models": [two]}),
            (2, {"event": "serving", "models": [two]}),
            (1, refused),
            (2, refused),
        ]
    ]
    assert [[each["event"] for each in events] for events in found] == [
        [], ["ready"], [], [], [], ["serving"], ["refused"], [],
    ]  # fmt: skip
    assert words_of(found[1][0], "URL") == f"serving champion 3 (bundle {'a' * 12}) at URL"
    assert words_of(found[5][0], "URL") == f"now serving champion 4 (bundle {'a' * 12})"
