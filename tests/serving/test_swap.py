"""Models exchanged in a running server: no request fails, what fails is said, what was before stays."""

import gc
import json
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from solvent.errors import BundleError
from solvent.serving.control import Control, Place, read_control, write_control
from solvent.serving.folder import open_bundle
from solvent.serving.process import Loader
from solvent.serving.swap import Swap
from solvent.serving.traffic import Traffic
from tests.servers import wait_until
from tests.serving.apps import run
from tests.serving.fleet import fleet, post
from tests.serving.tiny import write_tiny

BODY = b'{"columns":{"a":[1.0],"b":[2.0]}}'


def place(folder: Path, version: str = "", name: str = "champion", percent: float = 0.0) -> Place:
    return Place(name, str(folder), open_bundle(str(folder)).digest, version, percent)


class Bench:
    """A swap in this process, with all that it told."""

    def __init__(self, folder: Path, *places: Place, kept_seconds: float = 60.0) -> None:
        self.path = str(folder / "control.json")
        self.told: list[Mapping[str, Any]] = []
        self.traffic = Traffic()
        write_control(self.path, Control(places))
        self.swap = Swap(self.path, self.traffic, Loader(), self.told.append, kept_seconds)

    def ask(self, key: bytes = b"") -> float:
        value: float = self.traffic.model(key).predict(BODY, "application/json", b"1", lambda _: None).value[0]
        return value

    def refusals(self) -> list[Mapping[str, Any]]:
        return [each for each in self.told if each["event"] == "refused"]


@pytest.fixture(scope="module")
def tinies(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Bundles that answer 21, 121 and 221."""
    root = tmp_path_factory.mktemp("tinies")
    return [write_tiny(root / str(at), 100.0 * at) for at in range(3)]


def test_a_control_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = str(tmp_path / "control.json")
    control = Control(
        (Place("champion", "a", "1", "3"), Place("challenger", "b", "2", "4", 5.0)),
        Place("shadow", "c", "3"),
        "header:customer",
        (Place("champion", "z", "0", "2"),),
    )
    write_control(path, control)
    assert read_control(path) == control
    (tmp_path / "control.json").write_text('{"live": []}')
    with pytest.raises(BundleError, match="names no model"):
        read_control(path)


def test_another_version_with_modules_of_the_same_names_takes_over(tmp_path: Path, tinies: list[Path]) -> None:
    bench = Bench(tmp_path, place(tinies[0], "1"))
    bench.swap.start()
    former = bench.traffic.model()
    bench.swap.follow(Control((place(tinies[1], "2"),)))
    assert bench.ask() == 121.0
    # A request that began with the former one ends with it.
    assert former.predict(BODY, "application/json", b"1", lambda _: None).value[0] == 21.0
    assert [each["models"][0]["version"] for each in bench.told] == ["1", "2"]


def test_a_model_that_fails_is_told_and_the_former_one_stays(tmp_path: Path, tinies: list[Path]) -> None:
    bench = Bench(tmp_path, place(tinies[0], "1"))
    bench.swap.start()
    wrong = write_tiny(tmp_path / "wrong", 7.0)
    examples = json.loads((wrong / "examples.json").read_text())
    raising = write_tiny(tmp_path / "raising", 8.0, "raise RuntimeError('no')")
    altered = write_tiny(tmp_path / "altered", 9.0)
    exiting = write_tiny(tmp_path / "exiting", 8.0, "raise SystemExit('bye')")
    places = [place(raising, "2"), place(altered, "3"), place(exiting, "5")]
    (altered / "code" / "tiny_rates.py").write_text("OFFSET = 1.0")
    for each in places:
        bench.swap.follow(Control((each,)))
        assert bench.ask() == 21.0
    assert [each["version"] for each in bench.refusals()] == ["2", "3", "5"]
    assert "SystemExit: bye" in bench.refusals()[2]["error"]
    assert ["no" in bench.refusals()[0]["error"], "was altered" in bench.refusals()[1]["error"]] == [True, True]
    assert list(bench.traffic.refused) == ["champion"]
    assert examples["response"]["value"][0] == 17.5
    bench.swap.follow(Control((place(tinies[1], "4"),)))
    assert (bench.ask(), bench.traffic.refused) == (121.0, {})


def test_a_process_that_starts_while_the_new_model_fails_serves_the_former_one(
    tmp_path: Path, tinies: list[Path]
) -> None:
    broken = write_tiny(tmp_path / "broken", 7.0, "import tiny_absent")
    bench = Bench(tmp_path, place(broken, "2"))
    write_control(bench.path, Control((place(broken, "2"),), former=(place(tinies[0], "1"),)))
    bench.swap.start()
    assert bench.ask() == 21.0
    assert bench.refusals()[0]["version"] == "2"
    write_control(bench.path, Control((place(broken, "2"),)))
    with pytest.raises(BundleError, match="tiny_absent"):
        Bench(tmp_path / "broken", place(broken, "2")).swap.start()


def test_a_challenger_that_fails_leaves_its_share_to_the_champion(tmp_path: Path, tinies: list[Path]) -> None:
    broken = write_tiny(tmp_path / "broken", 7.0, "import tiny_absent")
    bench = Bench(tmp_path, place(tinies[0], "1"))
    bench.swap.start()
    bench.swap.follow(Control((place(tinies[1], "2"), place(broken, "3", "challenger", 50.0))))
    assert {bench.ask(str(at).encode()) for at in range(20)} == {121.0}
    assert bench.refusals()[0]["name"] == "challenger"


@pytest.mark.slow
def test_a_model_that_answers_nobody_is_kept_for_a_while_and_then_freed(tmp_path: Path, tinies: list[Path]) -> None:
    bench = Bench(tmp_path, place(tinies[0], "1"), kept_seconds=0.0)
    bench.swap.start()
    former = weakref.ref(bench.traffic.model())
    module = weakref.ref(bench.traffic.model().program.code.modules["tiny_rates"])
    bench.swap.follow(Control((place(tinies[1], "2"),)))
    assert former() is not None
    bench.swap.drop_idle()
    gc.collect()
    assert (former(), module()) == (None, None)


@pytest.mark.slow
def test_an_application_that_asked_a_model_lets_go_of_it(tmp_path: Path, tinies: list[Path]) -> None:
    from solvent.serving.app import App
    from solvent.serving.recording import Recorder
    from solvent.serving.watching import TrafficWatch

    bench = Bench(tmp_path, place(tinies[0], "1"), kept_seconds=0.0)
    bench.swap.start()
    app = App(bench.traffic, None, None, [TrafficWatch(bench.traffic), Recorder()])
    assert run(answer(app)) == [200, 200]
    former = weakref.ref(bench.traffic.model())
    bench.swap.follow(Control((place(tinies[1], "2"),)))
    assert run(answer(app)) == [200, 200]
    bench.swap.drop_idle()
    gc.collect()
    assert former() is None


async def answer(app: Any) -> list[int]:
    """Ask for a prediction and for the metrics; give the statuses."""
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": BODY}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    for method, path in (("POST", "/predict"), ("GET", "/metrics")):
        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": b""}
        await app(scope, receive, send)
    return [message["status"] for message in sent if "status" in message]


def test_a_library_that_was_updated_since_the_process_began_is_refused(
    tmp_path: Path, tinies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import version

    bundle = write_tiny(tmp_path / "bundle", 1.0, packages={"numpy": version("numpy")})
    assert Loader()(place(bundle)).endpoint == "tiny"
    (tmp_path / "site" / "numpy-1.0.dist-info").mkdir(parents=True)
    with monkeypatch.context() as former:
        former.syspath_prepend(tmp_path / "site")
        loaders = Loader(), Loader(replay=True)
    with pytest.raises(BundleError, match=r"began with numpy 1\.0") as refused:
        loaders[0](place(bundle))
    assert "restart" in str(refused.value)
    assert loaders[1](place(bundle)).endpoint == "tiny"


def test_going_back_to_a_model_that_is_still_warm_loads_nothing(tmp_path: Path, tinies: list[Path]) -> None:
    bench = Bench(tmp_path, place(tinies[0], "1"))
    bench.swap.start()
    first = bench.traffic.model()
    bench.swap.follow(Control((place(tinies[1], "2"),)))
    bench.swap.follow(Control((place(tinies[0], "1"),)))
    assert bench.traffic.model() is first


@pytest.mark.slow
def test_a_running_server_follows_its_control_file_without_a_failed_request(tmp_path: Path, tinies: list[Path]) -> None:
    path = str(tmp_path / "control.json")
    write_control(path, Control((place(tinies[0], "0"),)))
    with fleet("--control", path, "--port", "0", "--workers", "2") as served:
        served.wait_for("ready")
        wrong: list[Any] = []
        count, ending = [0], threading.Event()

        def ask() -> None:
            connection = served.connect()
            while not ending.is_set():
                status, answer = post(connection, json.loads(BODY))
                version = answer.get("model", "").rpartition("@")[2]
                if status != 200 or answer["predictions"] != [21.0 + 100 * int(version)]:
                    wrong.append((status, answer))
                count[0] += 1
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for at in (1, 2, 0, 2):
            write_control(path, Control((place(tinies[at], str(at)),)))
            wait_until(
                lambda at=at: served.of("serving") and served.of("serving")[-1]["models"][0]["version"] == str(at)
            )
        ending.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert count[0] > 50
