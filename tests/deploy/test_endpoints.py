"""Which endpoint a name means, and which run it is cut out of."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import solvent
from solvent.config.project import Project
from solvent.deploy.endpoints import choose_run, find_endpoint
from solvent.errors import AuthoringError, BundleError, NotFoundError, SolventError
from solvent.pipelines.endpoint import Endpoint, Output
from solvent.runs.stores import Stores
from solvent.runs.target import load_pipeline

MODULE = """
from solvent import Endpoint, pipeline, step

@step
def ask(fail: bool) -> int:
    if fail:
        raise ValueError("no rows")
    return 1

@pipeline(name="{pipeline}")
def main(fail: bool = False) -> int:
    return ask(fail)

served = Endpoint("{name}", pipeline=main, request="ask", response="{response}")
"""

Write = Callable[..., str]


@pytest.fixture
def write(project: Path) -> Iterator[Write]:
    """Writes a module with a pipeline and an endpoint, and runs it."""
    before = set(sys.modules)

    def write(file: str, name: str, pipeline: str = "", response: str = "ask", run: bool = True) -> str:
        text = MODULE.format(name=name, pipeline=pipeline or name, response=response)
        (project / file).write_text(text, "utf-8")
        return solvent.run(load_pipeline(f"{file}:main")).id if run else ""

    yield write
    for name in set(sys.modules) - before:
        if str(project) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def stores(project: Path) -> Iterator[Stores]:
    with Stores(Project.find()) as found:
        yield found


@pytest.mark.slow
def test_a_name_is_looked_for_in_the_modules_of_the_pipelines_that_were_run(write: Write, stores: Stores) -> None:
    write("one_ep.py", "one")
    write("two_ep.py", "two")
    assert find_endpoint("one", stores).pipeline.name == "one"
    with pytest.raises(NotFoundError, match="did you mean 'two'") as refused:
        find_endpoint("tow", stores)
    assert "declared there: two, one" in str(refused.value)


@pytest.mark.slow
def test_a_module_that_is_broken_now_hides_no_other(write: Write, stores: Stores, project: Path) -> None:
    write("sound_ep.py", "sound")
    write("broken_ep.py", "broken")
    (project / "broken_ep.py").write_text("import absent_module_of_no_one\n")
    del sys.modules["broken_ep"]
    assert find_endpoint("sound", stores).name == "sound"
    with pytest.raises(NotFoundError, match=r"broken_ep\.py could not be looked into: .*absent_module_of_no_one"):
        find_endpoint("broken", stores)


@pytest.mark.slow
def test_a_file_or_a_module_says_where_to_look_without_any_run(write: Write, stores: Stores) -> None:
    write("apart_ep.py", "apart", run=False)
    assert find_endpoint("apart_ep.py:apart", stores) is find_endpoint("apart_ep:apart", stores)
    with pytest.raises(NotFoundError, match=r"no endpoint 'aprt' in apart_ep\.py; did you mean 'apart'"):
        find_endpoint("apart_ep.py:aprt", stores)


@pytest.mark.slow
def test_two_modules_that_declare_one_name_are_listed(write: Write, stores: Stores) -> None:
    write("first_ep.py", "same", "first")
    write("second_ep.py", "same", "second")
    with pytest.raises(BundleError, match="2 endpoints are called 'same'") as refused:
        find_endpoint("same", stores)
    assert "first_ep.py" in refused.value.problem
    assert "second_ep.py" in refused.value.problem
    assert find_endpoint("first_ep.py:same", stores).pipeline.name == "first"


@pytest.mark.slow
def test_an_endpoint_that_another_module_imports_is_one(write: Write, stores: Stores, project: Path) -> None:
    write("home_ep.py", "home")
    write("guest_ep.py", "guest")
    (project / "guest_ep.py").write_text("from home_ep import served\n")
    del sys.modules["guest_ep"]
    assert find_endpoint("home", stores).name == "home"


@pytest.mark.slow
def test_a_script_that_runs_its_pipeline_is_not_run_again(write: Write, stores: Stores, project: Path) -> None:
    id = write("script_ep.py", "script")
    with (project / "script_ep.py").open("a") as file:
        file.write("\nimport solvent\nsolvent.run(main)\nlater = Endpoint('later', 3, '', '')\n")
    stores.metadata.execute("UPDATE runs SET command = 'script_ep.py' WHERE id = ?", (id,))
    run = solvent.run
    assert find_endpoint("script", stores).name == "script"
    assert len(stores.metadata.list_runs()) == 1
    assert solvent.run is run


@pytest.mark.slow
def test_the_newest_run_that_is_done_is_cut_and_a_newer_one_that_failed_is_told(write: Write, stores: Stores) -> None:
    done = write("runs_ep.py", "runs")
    endpoint = find_endpoint("runs", stores)
    assert choose_run(endpoint, None, stores)[0].id == done
    with pytest.raises(SolventError) as failed:
        solvent.run(load_pipeline("runs_ep.py:main"), fail=True)
    bad = failed.value.run.id  # type: ignore[attr-defined]
    run, told = choose_run(endpoint, None, stores)
    assert (run.id, told) == (done, f"run {bad} failed; the newest that is done is {done}")
    with pytest.raises(BundleError, match=f"run {bad} of pipeline 'runs' failed"):
        choose_run(endpoint, bad, stores)


@pytest.mark.slow
def test_a_pipeline_that_never_came_to_its_end_has_no_endpoint(write: Write, stores: Stores) -> None:
    id = write("never_ep.py", "never")
    endpoint = find_endpoint("never", stores)
    stores.metadata.execute("UPDATE runs SET status = 'running' WHERE id = ?", (id,))
    with pytest.raises(BundleError, match="was interrupted"):
        choose_run(endpoint, None, stores)
    stores.metadata.execute("DELETE FROM runs", ())
    with pytest.raises(NotFoundError, match="no run of pipeline 'never'"):
        choose_run(endpoint, None, stores)


@pytest.mark.parametrize("text", ["", "split.", "split..test", "split test", "split[x]", "split[-1]", ".test", "a.b.c"])
def test_what_names_no_output_is_refused(text: str) -> None:
    with pytest.raises(AuthoringError, match="names no output"):
        Output(text)


def test_an_output_has_a_step_a_place_and_a_field() -> None:
    found = Output("split[2].test")
    assert (found.step, found.index, found.field) == ("split", 2, "test")
    assert (Output("predict").index, Output("predict").field) == (None, "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "a b"}, "can't be an endpoint's name"),
        ({"name": "../x"}, "can't be an endpoint's name"),
        ({"pipeline": print}, "expected a pipeline"),
        ({"backend": "torch"}, "backend='torch'"),
        ({"columns": "abc"}, "columns"),
        ({"columns": ("a", "a")}, "columns"),
        ({"label": 3}, "label"),
        ({"contract": {"auc": 0.9}}, "contract"),
        ({"request": None}, "names no output"),
    ],
)
def test_a_declaration_that_is_not_valid_is_refused_at_its_line(given: dict[str, object], said: str) -> None:
    @solvent.pipeline
    def some() -> int:
        return 1

    with pytest.raises(AuthoringError, match=said) as refused:
        Endpoint(**{"name": "some", "pipeline": some, "request": "a", "response": "b", **given})  # type: ignore[arg-type]
    assert "test_endpoints.py" in str(refused.value.where)
