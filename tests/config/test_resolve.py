import json
import pickle
import subprocess
import sys
from dataclasses import dataclass, field, fields
from datetime import date
from enum import Enum
from inspect import Parameter
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import solvent.config as config_package
from solvent.config.resolve import Resolved, explain, resolve_config
from solvent.config.secrets import Secret
from solvent.errors import ConfigError


class Color(Enum):
    RED = "blue"
    BLUE = "red"


@dataclass(frozen=True)
class Model:
    depth: int = 3
    rate: float = 0.1


@dataclass(frozen=True)
class Config:
    source: Path = Path("data/flights.parquet")
    share: float = 0.2
    depths: tuple[int, ...] = (3, 5, 8)
    gate: float | None = None
    model: Model = Model(depth=5)
    token: Secret | None = None


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def resolve(project: Path, **options: Any) -> Resolved:
    return resolve_config(options.pop("schema", Config), project_root=project, base_folder=project, **options)


def refusal(project: Path, **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        resolve(project, **options)
    return caught.value


def test_defaults_alone_are_a_config(project: Path) -> None:
    assert resolve(project).value == Config()
    assert set(resolve(project).sources.values()) == {"default"}


def test_layers_lie_over_each_other_in_their_order(project: Path) -> None:
    write(project / "configs/base.yaml", "share: 0.3\nmodel:\n  depth: 6\n  rate: 0.2\ngate: 0.5\n")
    write(project / "configs/team.yaml", "model: {rate: 0.3}\ngate: 0.6\n")
    write(project / "more.yaml", "gate: 0.7\ndepths: [1]\n")
    write(project / "most.yaml", "depths: [2]\n")
    resolved = resolve(
        project,
        profile="team",
        config_files=["more.yaml", Path("most.yaml")],
        sets=["gate=0.8", "gate=0.9"],
        given={"share": 0.4},
    )
    assert resolved.value == Config(share=0.4, depths=(2,), gate=0.9, model=Model(6, 0.3))
    assert resolved.sources == {
        "source": "default",
        "share": "argument",
        "depths": "most.yaml:1",
        "gate": "--set",
        "model.depth": "configs/base.yaml:3",
        "model.rate": "configs/team.yaml:1",
        "token": "default",
    }


def test_explain_has_a_row_for_each_value(project: Path) -> None:
    write(project / "configs/base.yaml", "model: {rate: 0.2}\n")
    assert explain(resolve(project, sets=["depths.1=6", "token=env:TOKEN"])) == [
        ("source", "data/flights.parquet", "default"),
        ("share", "0.2", "default"),
        ("depths.0", "3", "default"),
        ("depths.1", "6", "--set"),
        ("depths.2", "8", "default"),
        ("gate", "null", "default"),
        ("model.depth", "5", "default"),
        ("model.rate", "0.2", "configs/base.yaml:1"),
        ("token", "env:TOKEN", "--set"),
    ]


def test_the_record_is_json(project: Path) -> None:
    form = resolve(project, sets=["gate=.nan", "token=file:a/b"]).as_json
    assert json.loads(json.dumps(form, allow_nan=False)) == {
        "source": "data/flights.parquet",
        "share": 0.2,
        "depths": [3, 5, 8],
        "gate": ".nan",
        "model": {"depth": 5, "rate": 0.1},
        "token": "file:a/b",
    }


def test_a_mapping_forgotten_by_null_starts_anew(project: Path) -> None:
    assert resolve(project, sets=["model=null", "model.rate=1"]).value.model == Model(3, 1.0)
    assert resolve(project, sets=["model.rate=1"]).value.model == Model(5, 1.0)


def test_an_unknown_key_is_named_with_file_and_line_and_the_nearest(project: Path) -> None:
    write(project / "configs/base.yaml", "share: 0.3\n\nmodel:\n  dept: 6\n")
    error = refusal(project)
    assert str(error) == (
        "unknown config key `model.dept`; did you mean 'depth'?\n"
        "  at: configs/base.yaml:4\n"
        "  try: Model has: depth, rate"
    )


def test_a_wrong_type_is_named_with_file_and_line(project: Path) -> None:
    write(project / "configs/base.yaml", "depths:\n  - 3\n  - five\n")
    assert str(refusal(project)) == (
        "config value `depths.1`: expected int, found 'five' (str)\n  at: configs/base.yaml:3"
    )


def test_a_mistake_in_a_lower_layer_that_is_overridden_is_no_mistake(project: Path) -> None:
    write(project / "configs/base.yaml", "depths: five\n")
    assert resolve(project, sets=["depths=[5]"]).value.depths == (5,)


def test_a_check_of_the_users_own_names_the_places_of_the_values(project: Path) -> None:
    @dataclass
    class Span:
        low: int = 0
        high: int = 9

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low lies above high")

    write(project / "configs/base.yaml", "high: 5\n")
    error = refusal(project, schema=Span, sets=["low=7"])
    assert error.problem == "the config: Span refuses it: low lies above high"
    assert error.where == "configs/base.yaml:1, --set"


def test_a_missing_value_is_named(project: Path) -> None:
    @dataclass
    class Needy:
        source: Path

    error = refusal(project, schema=Needy)
    assert error.problem == "config value `source` is missing: Needy gives it no default"
    assert "--set source=" in str(error.hint)


def test_a_config_file_outside_the_project_is_named_as_it_was_given(tmp_path: Path, project: Path) -> None:
    write(project / "inner/solvent.toml", "")
    write(project / "elsewhere.yaml", "shar: 1\n")
    path = str(project / "elsewhere.yaml")
    error = refusal(project / "inner", config_files=[path])
    assert error.where == f"{path.replace(chr(92), '/')}:1"


def test_the_pipeline_may_have_a_folder_of_its_own(project: Path) -> None:
    write(project / "configs/base.yaml", "other: 1\n")
    write(project / "configs/delays/base.yaml", "share: 0.5\n")
    assert resolve(project, pipeline="delays").value.share == 0.5
    assert refusal(project, pipeline="chain").where == "configs/base.yaml:1"


def test_a_config_object_in_code_is_the_whole_config(project: Path) -> None:
    write(project / "configs/base.yaml", "share: 0.3\n")
    given = Config(share=0.9)
    resolved = resolve(project, given=given)
    assert resolved.value is given
    assert resolved.as_json["share"] == 0.9
    assert set(resolved.sources.values()) == {"argument"}
    assert [row[0] for row in explain(resolved)][:3] == ["source", "share", "depths"]


@pytest.mark.parametrize("options", [{"sets": ["share=1"]}, {"config_files": ["a.yaml"]}])
def test_what_a_whole_config_object_would_hide_is_refused(project: Path, options: dict[str, Any]) -> None:
    assert "has no effect" in refusal(project, given=Config(), **options).problem


def test_a_profile_must_exist_even_where_no_file_of_it_is_read(project: Path) -> None:
    write(project / "configs/team.yaml", "share: 0.3\n")
    assert resolve(project, given=Config(), profile="team").value == Config()
    assert keywords(project, {}, profile="team").value == {}
    assert "no profile `taem`; did you mean 'team'?" in refusal(project, given=Config(), profile="taem").problem
    with pytest.raises(ConfigError, match="no profile `taem`"):
        keywords(project, {}, profile="taem")


def test_an_object_of_another_class_is_no_config(project: Path) -> None:
    assert "expected a Config or a mapping, found a Model" in refusal(project, given=Model()).problem


def test_objects_may_stand_in_a_mapping_given_in_code(project: Path) -> None:
    resolved = resolve(project, given={"model": Model(1, 2.0), "source": Path("x")})
    assert resolved.value == Config(source=Path("x"), model=Model(1, 2.0))
    assert resolved.sources["model.depth"] == "argument"


def test_a_wrong_argument_in_code_is_named(project: Path) -> None:
    error = refusal(project, given={"shares": 0.3})
    assert (error.problem, error.where) == ("unknown config key `shares`; did you mean 'share'?", "argument")


SIGNATURE = {"n": (int, 100), "path": (Path | None, None), "model": (Model, Model(7))}


def keywords(project: Path, parameters: Any = SIGNATURE, **options: Any) -> Resolved:
    return resolve_config(None, parameters, project_root=project, base_folder=project, **options)


def test_keyword_parameters_are_reached_just_the_same(project: Path) -> None:
    write(project / "configs/base.yaml", "path: a/b\n")
    resolved = keywords(project, sets=["n=10", "model.rate=1"])
    assert resolved.value == {"n": 10, "path": Path("a/b"), "model": Model(7, 1.0)}
    assert resolved.as_json == {"n": 10, "path": "a/b", "model": {"depth": 7, "rate": 1.0}}
    assert resolved.sources["n"] == "--set"
    assert keywords(project, given={"n": 3}).value["n"] == 3


def test_keyword_parameters_are_checked_just_the_same(project: Path) -> None:
    with pytest.raises(ConfigError, match="`n`: expected int, found 'abc'"):
        keywords(project, sets=["n=abc"])
    with pytest.raises(ConfigError, match=r"unknown config key `pat`; did you mean 'path'\?"):
        keywords(project, sets=["pat=1"])
    with pytest.raises(ConfigError, match="`n` is missing: the pipeline gives it no default"):
        keywords(project, {"n": (int, Parameter.empty)})


def test_a_parameter_without_a_type_takes_anything(project: Path) -> None:
    parameters = {"n": (None, 1), "m": (Parameter.empty, 2), "xs": (Any, ())}
    value = keywords(project, parameters, sets=["n=a", "m=1.5", "xs=[1, b]"]).value
    assert value == {"n": "a", "m": 1.5, "xs": [1, "b"]}


def test_defaults_of_a_signature_are_not_shared_with_the_run(project: Path) -> None:
    default = {"a": 1}
    assert keywords(project, {"n": (dict[str, int], default)}, sets=["n.b=2"]).value == {"n": {"a": 1, "b": 2}}
    assert default == {"a": 1}


def test_a_pipeline_without_parameters_takes_no_config(project: Path) -> None:
    write(project / "configs/base.yaml", "a: 1\n")
    write(project / "more.yaml", "a: 1\n")
    assert keywords(project, {}) == ({}, {}, {})
    assert keywords(project, None) == ({}, {}, {})
    for options in ({"sets": ["a=1"]}, {"given": {"a": 1}}, {"config_files": ["more.yaml"]}):
        with pytest.raises(ConfigError, match="unknown config key `a`") as caught:
            keywords(project, {}, **options)
        assert caught.value.hint == "the pipeline has no values to set"


def test_a_config_class_must_be_a_dataclass(project: Path) -> None:
    class Plain:
        depth: int = 3

    assert "must be a dataclass, found 'Plain'" in refusal(project, schema=Plain).problem


def test_a_secret_stays_a_reference_everywhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    write(project / "configs/base.yaml", "token: env:TOKEN\n")
    resolved = resolve(project)
    assert resolved.value.token.reveal() == "hunter2"
    shown = [repr(resolved), str(explain(resolved)), json.dumps(resolved.as_json), repr(pickle.dumps(resolved))]
    assert not any("hunter2" in each for each in shown)


def test_a_secret_written_out_is_refused_not_shown_and_not_kept(project: Path) -> None:
    write(project / "configs/base.yaml", "token: hunter2\n")
    cache = project / "cache"
    error = refusal(project, cache_folder=cache)
    assert error.where == "configs/base.yaml:1"
    assert "hunter2" not in str(error)
    assert not cache.exists()


def test_a_file_is_kept_once_its_values_are_known_to_be_good(project: Path) -> None:
    write(project / "configs/base.yaml", "share: 0.3\n")
    cache = project / "cache"
    first = resolve(project, cache_folder=cache)
    assert len(list(cache.iterdir())) == 1
    assert resolve(project, cache_folder=cache) == first


def test_a_default_in_code_that_can_not_be_recorded_is_refused(project: Path) -> None:
    @dataclass
    class Odd:
        lock: Any = field(default_factory=object)

    assert "`lock`: a builtins.object can't be recorded" in refusal(project, schema=Odd).problem


@dataclass(frozen=True)
class Everything:
    count: int = 1
    ratio: float = 0.5
    name: str = "x"
    flag: bool = False
    maybe: int | None = None
    either: str | int | None = "auto"
    mode: Literal["a", "b", 3] = "a"
    color: Color = Color.RED
    path: Path = Path("x")
    day: date = date(2013, 1, 1)
    depths: tuple[int, ...] = (3, 5)
    pair: tuple[int, str] = (1, "a")
    floats: list[float] = field(default_factory=list)
    names: frozenset[str] = frozenset()
    table: dict[str, int] = field(default_factory=dict)
    colors: dict[Color, float] = field(default_factory=dict)
    model: Model = Model(9)
    models: tuple[Model, ...] = (Model(1), Model(2))
    token: Secret | None = None


SOURCE = str(Path(config_package.__file__).parents[2])
TEXTS = st.text(max_size=8).filter(lambda text: text == text.strip())
PATHS = st.text("ab./ -1", min_size=1, max_size=8).map(Path)
MODELS = st.builds(Model, st.integers(), st.floats(allow_nan=False))
EVERYTHING = st.builds(
    Everything,
    count=st.integers(),
    ratio=st.floats(allow_nan=False),
    name=TEXTS,
    flag=st.booleans(),
    maybe=st.none() | st.integers(),
    either=st.none() | st.integers() | TEXTS,
    mode=st.sampled_from(["a", "b", 3]),
    color=st.sampled_from(Color),
    path=PATHS,
    day=st.dates(),
    depths=st.lists(st.integers(), max_size=3).map(tuple),
    pair=st.tuples(st.integers(), TEXTS),
    floats=st.lists(st.floats(allow_nan=False), max_size=3),
    names=st.frozensets(TEXTS, max_size=3),
    table=st.dictionaries(TEXTS, st.integers(), max_size=3),
    colors=st.dictionaries(st.sampled_from(Color), st.floats(allow_nan=False), max_size=2),
    model=MODELS,
    models=st.lists(MODELS, max_size=2).map(tuple),
    token=st.none() | st.just(Secret("env:TOKEN")),
)


@given(EVERYTHING)
def test_a_recorded_config_resolves_to_the_same_config(config: Everything) -> None:
    recorded = json.loads(json.dumps(resolve_config(Everything, given=config).as_json, allow_nan=False))
    again = resolve_config(Everything, given=recorded)
    assert again.value == config
    assert again.as_json == recorded


@given(EVERYTHING)
def test_what_explain_shows_can_be_given_by_set(config: Everything) -> None:
    rows = explain(resolve_config(Everything, given=config))
    # A list or mapping that got shorter than its default must be given as a whole.
    sets = [f"{name}=null" for name in ("models", "table", "colors")]
    sets += [f"models={json.dumps([{} for _ in config.models])}"]
    sets += [f"{name}={text}" for name, text, _ in rows if not (name == "models" and text == "[]")]
    assert resolve_config(Everything, sets=sets).value == config


def test_every_field_of_everything_is_in_the_property() -> None:
    names = {each.name for each in fields(Everything)}
    assert names == set(resolve_config(Everything).as_json)


def test_without_config_files_neither_yaml_nor_toml_nor_pydantic_is_imported(project: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {SOURCE!r}); from dataclasses import dataclass;"
        "from solvent.config.resolve import resolve_config;"
        "resolve_config(None, {'n': (int, 100)}, sets=['n=10', 'n=[1'][:1]);"
        "print({'yaml', 'tomllib', 'pydantic', 'pathlib', 'hashlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@given(
    st.sampled_from(sorted(each.name for each in fields(Everything))),
    st.text(max_size=12) | st.from_regex(r"[\[\]{}:,a1 .]{1,12}"),
)
def test_any_text_given_by_set_is_taken_or_refused_by_name(name: str, text: str) -> None:
    problem = f"`{name}"
    try:
        assert isinstance(resolve_config(Everything, sets=[f"{name}={text}"]).value, Everything)
    except ConfigError as error:
        problem = error.problem
    assert f"`{name}" in problem
