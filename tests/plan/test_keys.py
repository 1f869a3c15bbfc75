import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from solvent.errors import AuthoringError, IdentityError
from solvent.fingerprint.values import identify
from solvent.model import CodeFingerprint, Identity, Input
from solvent.pipelines.files import File, Folder
from solvent.pipelines.ref import Ref
from solvent.pipelines.step import Step, step
from solvent.plan.graph import CallLog
from solvent.plan.keys import Keyed, key_parts

CODE = CodeFingerprint("c0de", (), (), (), ())


@dataclass(frozen=True)
class Config:
    depth: Any = 3


class Hidden:
    def __init__(self, content: Any) -> None:
        self.content = content


@step
def fit(train: Any, depth: int = 3) -> int: ...


@step(salt="1")
def salted(train: Any, depth: int = 3) -> int: ...


class Trace:
    """Calls with the results that their producers had."""

    def __init__(self, root: Path) -> None:
        self.log = CallLog()
        self.root = str(root)
        self.results: dict[int, Any] = {}

    def result(self, given: Any) -> Any:
        call = self.log.note(fit, (0,), {})
        self.results[call.index] = given
        return Ref(self, call)  # type: ignore[arg-type]

    def identify(self, ref: Ref) -> Identity:
        return identify(self.results[ref._call.index])

    def key(self, *args: Any, called: Step[..., Any] = fit, code: CodeFingerprint = CODE, **kwargs: Any) -> Keyed:
        environment = {"python": "3.11", "pandas": "3.0.0"}
        call = self.log.note(called, args, kwargs)
        return key_parts(call, code, self.identify, environment, self.root, run_id="run")


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trace:
    monkeypatch.chdir(tmp_path)
    return Trace(tmp_path)


def test_equal_calls_have_equal_keys_however_they_are_written(trace: Trace) -> None:
    assert trace.key(1).key == trace.key(depth=3, train=1).key
    assert trace.key(1).key != trace.key(1, 4).key
    assert trace.key(1).key != trace.key(1.0).key
    assert trace.key(1).key != trace.key(True).key
    assert trace.key({"a": 1, "b": 2}).key == trace.key({"b": 2, "a": 1}).key


def test_a_result_and_the_literal_equal_to_it_have_one_key(trace: Trace) -> None:
    assert trace.key(trace.result(5)).key == trace.key(5).key
    assert trace.key(trace.result([1, 2])).key == trace.key([1, 2]).key


@pytest.mark.parametrize(
    "wrap",
    [
        lambda given: [given, 1],
        lambda given: (given,),
        lambda given: {"a": [given]},
        lambda given: Config(given),
        lambda given: {"a": Config((given, 2))},
    ],
)
def test_a_result_inside_a_container_makes_the_container_of_the_literal(
    trace: Trace, wrap: Callable[[Any], Any]
) -> None:
    assert trace.key(wrap(trace.result("x"))).key == trace.key(wrap("x")).key
    assert trace.key(wrap(trace.result({"k": 1.5}))).key == trace.key(wrap({"k": 1.5})).key


def test_code_salt_and_environment_are_in_the_key(trace: Trace) -> None:
    other = CodeFingerprint("0ther", (), (), (), ())
    assert trace.key(1).key != trace.key(1, code=other).key
    assert trace.key(1).key != trace.key(1, called=salted).key
    keyed = trace.key(1)
    assert keyed.with_code(CODE, {"python": "3.12"}).key != keyed.key
    assert keyed.with_code(other, {"python": "3.11", "pandas": "3.0.0"}).key == trace.key(1, code=other).key


def test_the_parts_can_be_read(trace: Trace) -> None:
    parts = json.loads(trace.key(trace.result(1), depth=7).parts)
    assert parts["step"] == "fit"
    assert parts["arguments"]["depth"][1:] == ["builtins:int", "7"]
    assert parts["arguments"]["train"][2] == ""
    assert parts["environment"] == {"python": "3.11", "pandas": "3.0.0"}


def test_inputs_name_argument_and_producer(trace: Trace) -> None:
    one, two = trace.result(1), trace.result(2)
    keyed = trace.key([one, {"a": two}])
    assert keyed.inputs == (
        Input("train[0]", identify(1).digest, "builtins:int", "run", 0, ""),
        Input("train[1]['a']", identify(2).digest, "builtins:int", "run", 1, ""),
    )
    assert trace.key(1).inputs == ()


def test_the_identity_of_each_argument_is_given(trace: Trace) -> None:
    assert trace.key(trace.result(4)).arguments == {"train": identify(4), "depth": identify(3)}


def test_the_content_of_a_named_file_is_in_the_key(trace: Trace, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("1")
    before = trace.key(File("x.csv"))
    as_text, inside = trace.key("x.csv"), trace.key(Config([File("x.csv")]))
    file.write_text("2")
    assert trace.key(File("x.csv")).key != before.key
    assert trace.key("x.csv").key != as_text.key
    assert trace.key(Config([File("x.csv")])).key != inside.key
    assert before.files == (str(file),)
    assert json.loads(before.parts)["externals"].keys() == {"x.csv"}


def test_the_content_of_a_named_folder_is_in_the_key(trace: Trace, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    before = trace.key(Folder("data"))
    (tmp_path / "data" / "new").write_text("")
    assert trace.key(Folder("data")).key != before.key


def test_files_beside_a_result_are_found(trace: Trace, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1")
    assert trace.key([trace.result(1), File("x.csv")]).files == (str(tmp_path / "x.csv"),)


def test_a_missing_file_is_named_with_step_argument_line_and_nearest(trace: Trace, tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text("1")
    with pytest.raises(IdentityError) as caught:
        trace.key(File("flihgts.csv"))
    told = str(caught.value)
    assert "step 'fit', argument train: no file 'flihgts.csv'" in told
    assert "did you mean 'flights.csv'" in told
    assert "test_keys.py:" in told


def test_what_has_no_fingerprint_is_named_with_its_path(trace: Trace) -> None:
    with open(__file__) as opened, pytest.raises(IdentityError) as caught:
        trace.key({"source": [opened]})
    assert "step 'fit', argument train['source'][0]: an open file" in str(caught.value)


def test_a_result_hidden_in_an_object_is_refused(trace: Trace) -> None:
    with pytest.raises(AuthoringError, match="a Hidden hides <Ref to fit"):
        trace.key(Hidden(trace.result(1)))


def test_classes_of_literals_are_told_unless_results_brought_them(trace: Trace) -> None:
    name = f"{__name__}:Hidden"
    assert trace.key(Hidden(1)).classes == (name,)
    assert trace.key(trace.result(Hidden(1))).classes == ()
    assert trace.key(trace.result(Hidden(1)), Config()).classes == tuple(sorted((name, f"{__name__}:Config")))
    assert trace.key(1).classes == ()


def test_long_and_odd_values_show_short_texts(trace: Trace) -> None:
    (text,) = (json.loads(trace.key("é" * 10_000).parts)["arguments"]["train"][2],)
    assert len(text) == 80
    assert json.loads(trace.key(10**5000).parts)["arguments"]["train"][2] == ""
    assert json.loads(trace.key([1, "a"]).parts)["arguments"]["train"][2] == "[1, 'a']"
    assert json.loads(trace.key(Config()).parts)["arguments"]["train"][2] == ""
