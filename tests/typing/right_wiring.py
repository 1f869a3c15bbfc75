"""What must pass both checkers as it is. Every step call is typed as what the step returns."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, assert_type

from solvent import File, Folder, Step, each, log, pipeline, seed, step, value


@dataclass(frozen=True)
class Config:
    source: File = File("data/x.csv")
    folder: Folder = Folder("data")
    share: float = 0.2
    depths: tuple[int, ...] = (3, 5)


class Table:
    rows: int = 0


class Model:
    depth: int = 0


class Parts(NamedTuple):
    train: Table
    test: Table


@step
def load(source: File) -> Table:
    return Table()


@step
def split(table: Table, share: float, *, seed: int = 0) -> Parts:
    return Parts(table, table)


@step(retries=2, timeout_seconds=1800)
def fit(train: Table, depth: int) -> Model:
    log(loss=0.5)
    log.metric("loss", 0.5, step=seed())
    return Model()


@step
def score(model: Model, test: Table) -> float:
    return 0.0


@step
def shards(table: Table) -> list[Table]:
    return [table]


@step
def pair(kind: Literal["a", "b"]) -> tuple[Model, Table]:
    return Model(), Table()


@step
def best(models: list[Model], scores: dict[str, float]) -> Model:
    return models[0]


@pipeline
def delays(config: Config) -> Model | None:
    parts = split(load(config.source), config.share, seed=7)
    assert_type(parts, Parts)
    assert_type(parts.train, Table)
    models = [fit(parts.train, depth) for depth in config.depths]
    assert_type(models, list[Model])
    scores = {str(place): score(model, parts.test) for place, model in enumerate(models)}
    assert_type(scores, dict[str, float])
    train, test = parts
    assert_type(train, Table)
    model, table = pair("a")
    assert_type(model, Model)
    assert_type(table, Table)
    assert_type(each(shards(table)), Iterator[Table])
    more = [fit(shard, 3) for shard in each(shards(table))]
    assert_type(value(score(model, test)), float)
    if value(scores["0"]) < 0.5:
        return None
    return best([*models, *more], scores)


@pipeline(name="with parameters")
def chain(n: int = 100, label: str = "x") -> list[Table]:
    return [load(File(label)) for _ in range(n)]


@dataclass(frozen=True)
class Choices:
    scorer: Step[[Model, Table], float] = score


@pipeline
def chosen(config: Choices) -> float:
    found = config.scorer(fit(load(File("x")), 3), load(File("y")))
    assert_type(found, float)
    return found


@pipeline
def outer() -> Model | None:
    assert_type(delays(Config()), Model | None)
    assert_type(chain(n=3), list[Table])
    return delays(Config(share=0.1))
