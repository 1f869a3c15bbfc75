"""Which calls are live, which are refused, and what is said: small pipelines, run and then traced as recorded."""

import itertools
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import solvent
from solvent.config.project import Project
from solvent.deploy.live import check_live
from solvent.deploy.slice import Slice, cut
from solvent.deploy.slicing import Declaration
from solvent.errors import BundleError
from solvent.pipelines.endpoint import Contract
from solvent.runs.reenact import Reenactment, Request
from solvent.runs.stores import Stores
from solvent.runs.target import load_pipeline

pytestmark = pytest.mark.slow

HEAD = """
from typing import NamedTuple
import datetime, os, random, time, uuid
from pathlib import Path
from solvent import File, each, log, pipeline, rng, seed, step, value

class Parts(NamedTuple):
    train: list
    test: list

@step
def load() -> list:
    return [1.0, 2.0, 3.0, 4.0]

@step
def split(rows: list) -> Parts:
    return Parts(rows[:2], rows[2:])

@step
def fit(rows: list, k: int = 1) -> float:
    return sum(rows) * k

@step
def scale(rows: list, by: float = 1.0) -> list:
    return [each / by for each in rows]

@step
def predict(model: float, rows: list) -> list:
    return [model * each for each in rows]

@step
def evaluate(answers: list, rows: list) -> float:
    return sum(answers) - sum(rows)
"""

_numbers = itertools.count()

Cut = Callable[..., Slice]


@pytest.fixture
def cut_of(project: Path) -> Cut:
    """Runs a pipeline and cuts the slice between two outputs out of the record."""

    def cut_of(body: str, request: str = "split.test", response: str = "predict") -> Slice:
        name = f"sliced_{next(_numbers)}"
        (project / "notes.txt").write_text("a")
        (project / f"{name}.py").write_text(HEAD + textwrap.dedent(body), "utf-8")
        run = solvent.run(load_pipeline(f"{name}.py:main"))
        found = Project.find()
        declaration = Declaration("e", request, response, Contract(), None, (), "python")
        with Stores(found, create=False) as stores:
            traced = Reenactment(Request(found, run.id, (), False, False, ""), stores).trace()
            slice = cut(declaration, traced.demand, traced.result)
            for call in slice.live:
                assert traced.demand.key(traced.demand.states[call.index]) == ()
            check_live("e", slice, traced)
        return slice

    return cut_of


def names(found: Slice) -> list[str]:
    return [f"{call.step.spec.name}[{call.occurrence}]" for call in found.live]


PLAIN = """
@pipeline
def main() -> float:
    parts = split(load())
    model = fit(scale(parts.train))
    return evaluate(predict(model, scale(parts.test)), parts.test)
"""


def test_what_depends_on_the_request_is_live_and_dependence_is_by_field(cut_of: Cut) -> None:
    assert names(cut_of(PLAIN)) == ["scale[1]", "predict[0]"]


def test_of_many_models_the_one_that_the_result_is_made_of_is_served(cut_of: Cut) -> None:
    body = """
    @pipeline
    def main() -> float:
        parts = split(load())
        models = [fit(parts.train, k) for k in (1, 5, 3)]
        scores = [evaluate(predict(model, parts.test), parts.test) for model in models]
        best = max(range(3), key=lambda at: value(scores[at]))
        return scores[best]
    """
    assert names(cut_of(body)) == ["predict[1]"]


def test_a_model_as_result_leads_to_its_predictions(cut_of: Cut) -> None:
    body = """
    @pipeline
    def main() -> float:
        parts = split(load())
        models = [fit(parts.train, k) for k in (1, 5, 3)]
        scores = [evaluate(predict(model, parts.test), parts.test) for model in models]
        best = max(range(3), key=lambda at: value(scores[at]))
        return models[best]
    """
    assert names(cut_of(body)) == ["predict[1]"]


def test_calls_that_the_result_does_not_tell_apart_are_listed_and_an_index_chooses(cut_of: Cut) -> None:
    body = """
    @pipeline
    def main() -> list:
        parts = split(load())
        return [predict(fit(parts.train, k), parts.test) for k in (1, 2)]
    """
    with pytest.raises(BundleError, match="stands for 2 calls") as refused:
        cut_of(body)
    assert "predict[0]" in str(refused.value)
    assert "took fit[1], split.test" in str(refused.value)
    assert names(cut_of(body, response="predict[1]")) == ["predict[1]"]


def test_lists_and_nested_pipelines_and_each_are_followed(cut_of: Cut) -> None:
    body = """
    @step
    def blend(answers: list) -> list:
        return [sum(each) for each in zip(*answers)]

    @step
    def parts_of(rows: list) -> list:
        return [rows[:1], rows[1:]]

    @pipeline
    def answers(model: float, rows: list) -> list:
        return predict(model, scale(rows))

    @pipeline
    def main() -> list:
        parts = split(load())
        models = [fit(part) for part in each(parts_of(parts.train))]
        return blend([answers(model, parts.test) for model in models])
    """
    assert names(cut_of(body, response="blend")) == ["scale[0]", "predict[0]", "scale[1]", "predict[1]", "blend[0]"]


def test_a_branch_and_an_early_end_make_nothing_live(cut_of: Cut) -> None:
    body = """
    @pipeline
    def main() -> object:
        parts = split(load())
        answers = predict(fit(parts.train), parts.test)
        if value(evaluate(answers, parts.test)) > 1e9:
            return fit(parts.train, 7)
        return None
    """
    assert names(cut_of(body)) == ["predict[0]"]


@pytest.mark.parametrize(
    ("request_", "response", "said"),
    [
        ("splt.test", "predict", "no step 'splt', did you mean 'split'"),
        ("split.tst", "predict", "did you mean 'test'"),
        ("split.test", "predict[4]", "the run has 1 calls of 'predict'"),
        ("split.test", "predict.x", "declares no fields"),
        ("split.test", "fit", "does not depend on the request"),
        ("predict", "split.test", "the wrong way round"),
    ],
)
def test_wrong_names_are_answered_with_the_nearest(cut_of: Cut, request_: str, response: str, said: str) -> None:
    with pytest.raises(BundleError) as refused:
        cut_of(PLAIN, request_, response)
    assert said.replace(", did", "").split(" did")[0].split("'")[0] in str(refused.value)
    assert said.rpartition("'")[0].rpartition("'")[2] in str(refused.value)


LIVE = """
@step
def live(rows: list{more}) -> {kind}:
    {code}

@pipeline
def main() -> object:
    parts = split(load())
    model = fit(parts.train)
    return predict(model, live(parts.test{given}))
"""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("return [datetime.datetime.now().year + each for each in rows]", "reads the clock: datetime.datetime.now at"),
        ("return [datetime.date.today().day + each for each in rows]", "reads the clock: datetime.date.today at"),
        ("return [random.random() + each for each in rows]", "draws random numbers"),
        ("return [rng().normal() + each for each in rows]", "draws random numbers"),
        ("return [seed() % 7 + each for each in rows]", "draws random numbers"),
        ("return [uuid.uuid4().int % 3 + each for each in rows]", "without a seed: uuid.uuid4 at"),
        ("return [os.urandom(1)[0] + each for each in rows]", "without a seed: os.urandom at"),
        ("import numpy as np; return [np.random.default_rng().normal() for each in rows]", "np.random.default_rng at"),
        ("import numpy as np; return [np.random.rand() for each in rows]", "draws random numbers"),
        ("from random import choice; return [choice([1, 2]) for each in rows]", "draws random numbers"),
        ("return [len(Path('notes.txt').read_text()) + each for each in rows]", "reads the file"),
    ],
)
def test_a_live_step_that_answers_by_more_than_its_request_is_refused(cut_of: Cut, code: str, said: str) -> None:
    with pytest.raises(BundleError) as refused:
        cut_of(LIVE.format(more="", kind="list", code=code, given=""))
    assert said in str(refused.value)
    assert "live step `live`" in str(refused.value)


@pytest.mark.parametrize(
    "code",
    [
        "return [datetime.datetime.fromisoformat('2020-01-01').year + each for each in rows]",
        "began = time.perf_counter(); log.metric('seconds', time.perf_counter() - began); return rows",
        "import numpy as np; return [np.random.default_rng(7).normal() + each for each in rows]",
        "return [random.Random(3).random() + each for each in rows]",
        "return [uuid.UUID(int=3).int + each for each in rows]",
    ],
)
def test_what_only_looks_like_it_is_served(cut_of: Cut, code: str) -> None:
    assert names(cut_of(LIVE.format(more="", kind="list", code=code, given=""))) == ["live[0]", "predict[0]"]


def test_a_file_that_a_live_step_takes_is_refused(cut_of: Cut, project: Path) -> None:
    (project / "table.csv").write_text("1")
    body = LIVE.format(more=", table: File", kind="list", code="return rows", given=", File('table.csv')")
    with pytest.raises(BundleError, match=r"takes the file .*table\.csv"):
        cut_of(body)


def test_the_path_from_the_request_to_the_response_is_drawn(cut_of: Cut) -> None:
    with pytest.raises(BundleError) as refused:
        cut_of(LIVE.format(more="", kind="list", code="return [uuid.uuid4().int % 3 for each in rows]", given=""))
    drawn = [line.split()[0] for line in refused.value.problem.splitlines()[1:]]
    assert drawn == ["split", "live", "predict"]
    assert all(len(line) <= 100 for line in refused.value.problem.splitlines())


FORCED = """
@pipeline
def main(cutoff: float = 2.5) -> object:
    parts = split(load())
    model = fit(parts.train)
    answers = predict(model, parts.test)
    score = value(evaluate(answers, parts.test))
    if score < -1e9:
        return None
    return scale(answers, {by})
"""


@pytest.mark.parametrize("by", ["cutoff", "4.0", "by=1.0"])
def test_a_plain_value_of_config_body_or_default_may_come_after_a_value_was_asked_for(cut_of: Cut, by: str) -> None:
    assert names(cut_of(FORCED.format(by=by), response="scale")) == ["predict[0]", "scale[0]"]


def test_a_plain_value_that_was_computed_of_the_request_is_refused(cut_of: Cut) -> None:
    with pytest.raises(BundleError, match=r"takes by=.*which the body computed after it asked for the value of"):
        cut_of(FORCED.format(by="score / 2"), response="scale")


def test_rows_beside_the_request_are_two_requests(cut_of: Cut) -> None:
    body = """
    class Both(NamedTuple):
        test: list
        weights: list

    @step
    def halves(rows: list) -> Both:
        return Both(rows[:2], rows[2:])

    @step
    def weigh(rows: list, weights: list) -> list:
        return [a * b for a, b in zip(rows, weights)]

    @pipeline
    def main() -> list:
        both = halves(load())
        return weigh(both.test, both.weights)
    """
    with pytest.raises(BundleError, match="has a row for each row of the request"):
        cut_of(body, "halves.test", "weigh")


def test_two_calls_that_both_lead_to_the_response_are_two_requests(cut_of: Cut) -> None:
    body = """
    @step
    def join(one: list, other: list) -> list:
        return one + other

    @pipeline
    def main() -> list:
        parts = split(load())
        return join(scale(parts.train), scale(parts.test, 2.0))
    """
    with pytest.raises(BundleError, match="two requests are mixed"):
        cut_of(body, "scale", "join")


def test_a_live_step_that_fits_is_refused(cut_of: Cut) -> None:
    body = """
    @step
    def refit(rows: list) -> object:
        from sklearn.linear_model import LinearRegression
        return LinearRegression().fit([[each] for each in rows], rows)

    @step
    def answer(model: object, rows: list) -> list:
        return model.predict([[each] for each in rows]).tolist()

    @pipeline
    def main() -> list:
        parts = split(load())
        return answer(refit(parts.test), parts.test)
    """
    with pytest.raises(BundleError, match="gives an estimator: LinearRegression"):
        cut_of(body, response="answer")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("return [time.time() + each for each in rows]", "reads the clock: time.time at"),
        ("return [int(time.strftime('%H')) + each for each in rows]", "reads the clock: time.strftime at"),
        (
            "now = datetime.datetime.now; return [now().year for each in rows]",
            "reads the clock: datetime.datetime.now at",
        ),
        ("import pandas as pd; return [pd.Timestamp('now').year for each in rows]", "reads the clock: pd.Timestamp at"),
        ("import pandas as pd; return [pd.Timestamp.now().year for each in rows]", "the clock: pd.Timestamp.now at"),
        ("return sorted(rows, key=lambda each: random.random())", "random.random at"),
        ("return [len(os.environ.get('HOME', '')) + each for each in rows]", "reads the environment of the process"),
        ("return [float(os.getenv('FACTOR', '1')) * each for each in rows]", "reads the environment of the process"),
        ("import urllib.request; return rows if True else urllib.request.urlopen('http://x')", "asks the network"),
        ("import subprocess; return rows or subprocess.run(['ls'])", "asks the network or another program"),
        ("from secrets import token_hex; return [len(token_hex(2)) for each in rows]", "token_hex at"),
    ],
)
def test_the_clock_chance_environment_and_network_are_read_in_the_code(cut_of: Cut, code: str, said: str) -> None:
    with pytest.raises(BundleError) as refused:
        cut_of(LIVE.format(more="", kind="list", code=code, given=""))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np; np.random.seed(3); return [np.random.rand() + each for each in rows]",
        "random.seed(3); return [random.random() + each for each in rows]",
        "return [time.strftime('%H', time.gmtime(each)) and each for each in rows]",
        "import pandas as pd; return [pd.Timestamp('2024-01-02').day + each for each in rows]",
        "import pandas as pd; return [pd.to_datetime('2024-01-02').day + each for each in rows]",
        "random = 3; time = 4; return [random + time + each for each in rows]",
        "os.environ['OMP_NUM_THREADS'] = '1'; return rows",
        "from datetime import datetime as clock; return [clock(2024, 1, 2).day + each for each in rows]",
    ],
)
def test_names_that_are_sound_or_used_soundly_are_served(cut_of: Cut, code: str) -> None:
    assert names(cut_of(LIVE.format(more="", kind="list", code=code, given=""))) == ["live[0]", "predict[0]"]


MODEL = """
class Model:
    def __init__(self):
        self.key = uuid.uuid4().hex[:0]

    def fit(self, rows):
        self.fitted_at = datetime.datetime.now().year * 0
        self.level = stamp() * 0 + sum(rows)
        return self

    def predict(self, rows):
        return [self.level{more} for each in rows]

    def age(self):
        return time.time()

def stamp():
    return time.time()

@step
def train(rows: list) -> Model:
    return Model().fit(rows)

@step
def answer(model: Model, rows: list) -> list:
    return model.predict(rows)

@pipeline
def main() -> list:
    parts = split(load())
    return answer(train(parts.train), parts.test)
"""


def test_how_a_model_of_ones_own_was_fitted_is_no_part_of_its_prediction(cut_of: Cut) -> None:
    assert names(cut_of(MODEL.format(more=""), response="answer")) == ["answer[0]"]


def test_what_its_prediction_uses_is_followed(cut_of: Cut) -> None:
    with pytest.raises(BundleError, match=r"reads the clock: time\.time at"):
        cut_of(MODEL.format(more=" + self.age()"), response="answer")


@pytest.mark.parametrize(
    "constant", ["HANDLERS = {'a': lambda: time.time()}", "HANDLERS = {'a': stamp}", "HANDLERS = [random.Random()]"]
)
def test_constants_of_the_module_are_followed(cut_of: Cut, constant: str) -> None:
    body = f"""
    def stamp():
        return time.time()

    {constant}

    @step
    def live(rows: list) -> list:
        return rows if HANDLERS else []

    @pipeline
    def main() -> list:
        parts = split(load())
        return predict(fit(parts.train), live(parts.test))
    """
    with pytest.raises(BundleError, match="live step `live`"):
        cut_of(body)


BOTH = """
class Both(NamedTuple):
    {fields}

@step
def halves(rows: list) -> Both:
    return Both(rows[:2], rows[2:], 3.0)

@step
def join(one: list, other: list) -> list:
    return [a * b for a, b in zip(one, other)]

@step
def whole(both: Both) -> list:
    return [each * both.factor for each in both.test]

@step
def middle(rows: list) -> list:
    return rows[1:3]

@pipeline
def main() -> list:
    {body}
"""


@pytest.mark.parametrize(
    ("beside", "request_", "body"),
    [
        ("y_test", "halves.X_test", "b = halves(load()); return join(b.X_test, b.y_test)"),
        ("y_test", "halves.X_test", "b = halves(load()); return join(b.X_test, scale(b.y_test))"),
        ("y_test", "scale", "b = halves(load()); return join(scale(b.X_test), b.X_test)"),
        ("y_test", "scale", "r = middle(load()); return join(scale(r), scale(r, 3.0)) if False else join(r, scale(r))"),
    ],
)
def test_other_rows_of_the_same_request_are_not_frozen(cut_of: Cut, beside: str, request_: str, body: str) -> None:
    fields = f"X_test: list\n    {beside}: list\n    factor: float"
    with pytest.raises(BundleError, match="has a row for each row of the request"):
        cut_of(BOTH.format(fields=fields, body=body), request_, "join")


def test_a_train_part_that_is_as_long_as_the_request_is_frozen(cut_of: Cut) -> None:
    body = BOTH.format(
        fields="train: list\n    test: list\n    factor: float",
        body="b = halves(load()); return join(b.test, b.train)",
    )
    assert names(cut_of(body, "halves.test", "join")) == ["join[0]"]


def test_a_step_that_takes_a_whole_with_the_request_in_it_is_live(cut_of: Cut) -> None:
    fields = "test: list\n    train: list\n    factor: float"
    body = BOTH.format(fields=fields, body="return whole(halves(load()))")
    assert names(cut_of(body, "halves.test", "whole")) == ["whole[0]"]


@pytest.mark.parametrize("given", ["model", "parts.train, 2.0 * 3", "limit"])
def test_what_the_body_was_told_of_the_train_part_may_come_after_the_score_was_asked_for(
    cut_of: Cut, given: str
) -> None:
    body = """
    @pipeline
    def main() -> object:
        parts = split(load())
        limit = value(fit(parts.train, 2))
        model = value(fit(parts.train))
        if value(evaluate(predict(model, parts.test), parts.test)) < -1e9:
            return None
        return scale(predict(model, parts.test), limit)
    """
    assert names(cut_of(body, response="scale")) == ["predict[1]", "scale[0]"]


@pytest.mark.parametrize(
    ("given", "shown"), [("[score]", "takes by="), ("dict(a=score + 1)", "takes by="), ("len(rows) + 40", "by=42")]
)
def test_values_inside_containers_and_those_made_of_the_request_itself_are_refused(
    cut_of: Cut, given: str, shown: str
) -> None:
    body = f"""
    @step
    def use(answers: list, by: object) -> list:
        return answers

    @pipeline
    def main() -> object:
        parts = split(load())
        rows = value(parts.test)
        answers = predict(fit(parts.train), parts.test)
        score = value(evaluate(answers, parts.test))
        return use(answers, {given})
    """
    with pytest.raises(BundleError) as refused:
        cut_of(body, response="use")
    assert shown in str(refused.value)


def test_a_whole_of_several_fields_is_no_request(cut_of: Cut) -> None:
    with pytest.raises(BundleError, match="'split' has the fields train, test") as refused:
        cut_of(PLAIN, "split")
    assert refused.value.hint == 'name one: request="split.test"'


def test_drawings_fit_eighty_columns(cut_of: Cut) -> None:
    with pytest.raises(BundleError) as refused:
        cut_of(LIVE.format(more="", kind="list", code="return [time.time() for each in rows]", given=""))
    assert max(map(len, refused.value.problem.splitlines()[1:])) <= 80
