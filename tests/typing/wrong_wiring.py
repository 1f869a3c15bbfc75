"""Each line with `# error` must be refused by both checkers, and no other line by any."""

from solvent import File, each, pipeline, step, value
from tests.typing.right_wiring import Config, Model, Table, best, chain, delays, fit, load, pair, score, shards, split


@pipeline
def calls(config: Config) -> None:
    load("data/x.csv")  # error: a text is no File
    load()  # error: an argument is missing
    load(config.source, 1)  # error: one argument too many
    fit(load(config.source), dept=3)  # error: no such parameter
    split(load(config.source), 0.2, 7)  # error: the seed goes by keyword
    pair("c")  # error: only "a" or "b"


@pipeline
def results(config: Config) -> Table:
    table = load(config.source)
    score(table, table)  # error: a Table where a Model is due
    score(fit(table, 3), split(table, 0.5))  # error: the whole where a part is due
    table.columns  # error: no such attribute
    split(table, 0.5).trian  # error: no such field
    return fit(table, 3)  # error: a Model is no Table


@pipeline
def unpacking(config: Config) -> None:
    model, table = pair("a")
    score(table, model)  # error: swapped
    train, test = split(table, 0.5)
    score(train, test)  # error: a Table where a Model is due
    one, two, three = pair("a")  # error: two parts, three names


@pipeline
def comprehensions(config: Config) -> list[float]:
    parts = split(load(config.source), 0.5)
    models = [fit(parts.train, depth) for depth in ("3", "5")]  # error: texts where numbers are due
    scores = [score(parts.test, model) for model in models]  # error: swapped
    wrong = [score(model, parts.test) for model in [parts.train]]  # error: a Table where a Model is due
    best(scores, {})  # error: a list of numbers where one of Models is due
    best(models, {name: fit(parts.train, 3) for name in "ab"})  # error: Models where numbers are due
    [fit(shard, 3) for shard in each(load(config.source))]  # error: a Table is no list
    [score(shard, shard) for shard in each(shards(parts.train))]  # error: a Table where a Model is due
    return wrong


@pipeline
def values(config: Config) -> int:
    found = value(score(fit(load(config.source), 3), load(config.source)))
    found.append(1)  # error: a float has no append
    return value(fit(load(config.source), 3))  # error: a Model is no int


@pipeline
def nested() -> Model:
    chain(n="3")  # error: a text where a number is due
    delays()  # error: the config is missing
    return delays(Config())  # error: it may be None


@step(retires=2)  # error: no such option
def misspelt(x: int) -> int:
    return x


@step(retries="2")  # error: a text where a number is due
def mistyped(x: int) -> int:
    return x
