import json
from pathlib import Path
from typing import Any

import pytest

from solvent.config.resolve import Resolved, resolve_config
from solvent.errors import ConfigError

pydantic = pytest.importorskip("pydantic")


class Tree(pydantic.BaseModel):
    depth: int = 3
    rate: float = pydantic.Field(0.1, gt=0)


class Config(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)

    source: Path = Path("data/x.parquet")
    name: str = "a"
    depths: tuple[int, ...] = (3, 5)
    tree: Tree = Tree(depth=7)
    other: Tree | None = None
    made: Tree = pydantic.Field(default_factory=lambda: Tree(depth=9))
    many: dict[str, Tree] = pydantic.Field(default_factory=dict)
    row: list[Tree] = pydantic.Field(default_factory=list)


class Aliased(pydantic.BaseModel):
    share: float = pydantic.Field(0.2, alias="testShare")
    needed: int


def resolve(project: Path, schema: Any = Config, **options: Any) -> Resolved:
    return resolve_config(schema, project_root=project, base_folder=project, **options)


def refusal(project: Path, schema: Any = Config, **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        resolve(project, schema, **options)
    return caught.value


def test_a_model_is_a_config(project: Path) -> None:
    resolved = resolve(project, sets=["source=a/b", "depths=[1]", "name=12", "tree.rate=2", "many={x: {depth: 1}}"])
    assert resolved.value == Config(
        source=Path("a/b"), depths=(1,), name="12", tree=Tree(depth=7, rate=2.0), many={"x": Tree(depth=1)}
    )
    assert resolved.as_json["tree"] == {"depth": 7, "rate": 2.0}
    assert resolved.sources["tree.rate"] == "--set"
    assert resolved.sources["tree.depth"] == "default"


def test_a_mapping_changes_only_the_fields_it_names(project: Path) -> None:
    value = resolve(project, sets=["made.rate=2", "other.rate=3"]).value
    assert value.made == Tree(depth=9, rate=2.0)
    assert value.other == Tree(rate=3.0)


def test_a_recorded_model_resolves_to_the_same_model(project: Path) -> None:
    resolved = resolve(project, sets=["other.depth=1"])
    recorded = json.loads(json.dumps(resolved.as_json, allow_nan=False))
    assert resolve(project, given=recorded).value == resolved.value


def test_unknown_keys_are_refused_though_the_model_would_ignore_them(project: Path) -> None:
    (project / "configs").mkdir()
    (project / "configs/base.yaml").write_text("name: b\ntree:\n  dept: 3\n")
    error = refusal(project)
    assert error.problem == "unknown config key `tree.dept`; did you mean 'depth'?"
    assert error.where == "configs/base.yaml:3"
    assert "`many.x.dept`; did" in refusal(project, sets=["many={x: {dept: 1}}", "tree=null"]).problem
    assert "`row.1.dept`; did" in refusal(project, sets=["row=[{}, {dept: 1}]", "tree=null"]).problem
    assert "`nam`; did you mean 'name'?" in refusal(project, sets=["nam=3", "tree=null"]).problem


def test_a_model_that_allows_more_takes_more(project: Path) -> None:
    class Open(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        a: int = 1

    assert resolve(project, Open, sets=["b=2"]).as_json == {"a": 1, "b": 2}


def test_what_the_model_refuses_is_told_with_its_place(project: Path) -> None:
    (project / "configs").mkdir()
    (project / "configs/base.yaml").write_text("depths:\n  - 1\n  - x\n")
    error = refusal(project)
    assert error.problem.startswith("config value `depths.1`: input should be a valid integer")
    assert error.problem.endswith("found 'x' (str)")
    assert error.where == "configs/base.yaml:3"
    error = refusal(project, sets=["depths=[1]", "tree.rate=-1"])
    assert error.problem == "config value `tree.rate`: input should be greater than 0, found -1 (int)"
    assert "expected Config" not in str(error)


def test_aliases_are_the_names_of_a_config(project: Path) -> None:
    resolved = resolve(project, Aliased, sets=["testShare=0.3", "needed=1"])
    assert resolved.as_json == {"testShare": 0.3, "needed": 1}
    assert "unknown config key `share`" in refusal(project, Aliased, sets=["share=0.3", "needed=1"]).problem


def test_a_missing_value_is_named(project: Path) -> None:
    assert refusal(project, Aliased).problem == "config value `needed` is missing: Aliased gives it no default"


def test_a_secret_of_pydantic_is_never_shown(project: Path) -> None:
    class Login(pydantic.BaseModel):
        token: pydantic.SecretStr = pydantic.Field(min_length=20)

    assert "hunter2" not in str(refusal(project, Login, sets=["token=hunter2"]))


def test_models_stand_inside_dataclasses_and_signatures(project: Path) -> None:
    resolved = resolve_config(None, {"tree": (Tree, Tree(depth=4))}, base_folder=project, sets=["tree.rate=2"])
    assert resolved.value == {"tree": Tree(depth=4, rate=2.0)}
    assert resolved.as_json == {"tree": {"depth": 4, "rate": 2.0}}
    with pytest.raises(ConfigError, match="`tree`: expected Tree, found 3"):
        resolve_config(None, {"tree": (Tree, Tree())}, base_folder=project, sets=["tree=3"])


def test_a_whole_model_in_code_is_the_config(project: Path) -> None:
    config = Config(name="z")
    assert resolve(project, given=config).value is config


def test_a_check_of_the_users_own_is_told_as_an_error_of_the_config(project: Path) -> None:
    class Picky(pydantic.BaseModel):
        a: int = 1

        @pydantic.model_validator(mode="after")
        def check(self) -> "Picky":
            if self.a == 2:
                raise ValueError("two is not allowed")
            return self

    assert refusal(project, Picky, sets=["a=2"]).problem == "the config: value error, two is not allowed"
