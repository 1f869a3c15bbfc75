"""A bundle is verified with what its run recorded: steps row by row, answers over HTTP."""

from pathlib import Path

import pytest

from solvent.deploy.verify import verify
from solvent.pipelines.endpoint import Contract
from solvent.serving.verification import read_verification
from tests.deploy.recorded import recorded_beside


@pytest.mark.slow
def test_an_untouched_bundle_passes_to_the_last_bits(cancer: Path) -> None:
    recorded = recorded_beside(cancer)
    said: list[str] = []
    found = verify(
        str(cancer), recorded.request, recorded.response, Contract(), {"evaluate.auc": 0.99}, tell=said.append
    )
    assert found.failures == []
    assert [each.step for each in found.steps] == ["scale", "predict"]
    assert found.replay is not None
    assert (found.replay.single_rows, found.replay.batch_rows, found.replay.flips) == (169, 169, 0)
    assert found.replay.largest <= 1e-12
    assert len(said) == 3
    assert read_verification(found.to_json()) == found
