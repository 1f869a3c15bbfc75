"""A bundle is verified with what its run recorded: steps row by row, answers over HTTP, and its contract."""

from pathlib import Path

import pytest

from solvent.deploy.verify import verify
from solvent.pipelines.endpoint import Contract
from solvent.serving.verification import Verification, read_verification
from tests.deploy.recorded import Recorded, recorded_beside

METRICS = {"evaluate.auc": 0.99}
CONTRACT = Contract(metrics={"auc": 0.9, "evaluate.auc": (None, 0.5)}, memory_mb=1, p99_ms=0.001)


@pytest.fixture(scope="module")
def recorded(cancer: Path) -> Recorded:
    return recorded_beside(cancer)


@pytest.fixture(scope="module")
def found(recorded: Recorded) -> Verification:
    said: list[str] = []
    folder = str(recorded.folder)
    made = verify(folder, recorded.request, recorded.response, CONTRACT, METRICS, seconds=0.3, tell=said.append)
    assert len(said) == 3
    return made


@pytest.mark.slow
def test_an_untouched_bundle_answers_to_the_last_bits(found: Verification) -> None:
    assert [(each.step, each.problem) for each in found.steps] == [("scale", ""), ("predict", "")]
    assert found.replay is not None
    assert found.replay.ok
    assert (found.replay.single_rows, found.replay.batch_rows, found.replay.flips) == (169, 169, 0)
    assert found.replay.largest <= 1e-12
    assert read_verification(found.to_json()) == found


@pytest.mark.slow
def test_bounds_of_the_contract_refuse_or_warn(found: Verification) -> None:
    assert not found.ok
    assert [each.partition(":")[0] for each in found.failures] == ["evaluate.auc", "memory_mb"]
    assert found.failures[0] == "evaluate.auc: 0.99, at most 0.5: 0.49 too much"
    assert found.failures[1].endswith("MB too much")
    assert [each.partition(":")[0] for each in found.warnings] == ["p99_ms"]


@pytest.mark.slow
def test_a_row_of_a_batch_costs_less_and_each_step_has_its_time(found: Verification) -> None:
    assert [each.rows for each in found.batches] == [1, 8, 32, 128]
    assert found.batches[-1].cpu_ms_per_row < found.batches[0].cpu_ms_per_row
    assert [each.step for each in found.times] == ["decode", "scale", "predict", "encode"]
    assert all(each.cpu_ms > 0 for each in found.times)
    names = {each.name for each in found.measures}
    assert {"bundle_mb", "memory_mb", "cpu_ms", "p50_ms_1", "p99_ms_8", "import_seconds"} <= names
    assert set(found.settings) == {"thread", "workers", "batch"}


@pytest.mark.slow
def test_a_step_that_ends_the_process_is_told(recorded: Recorded, tmp_path: Path) -> None:
    from solvent.deploy.checking import check_steps
    from solvent.errors import BundleError
    from tests.deploy.recorded import Altered

    bundle = Altered(recorded.folder, tmp_path)
    bundle.code("return scaler.transform", "import os; os._exit(7)\n    return scaler.transform")
    with pytest.raises(BundleError, match="the process that checks the steps ended with exit code 7"):
        check_steps(bundle.sign(), recorded.request)
