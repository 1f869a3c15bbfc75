import json
from pathlib import Path

import pytest

from tests.serving.servers import serving


@pytest.mark.slow
def test_a_bundle_answers_what_the_run_recorded(cancer: Path) -> None:
    examples = json.loads((cancer / "examples.json").read_text())
    with serving(cancer) as server:
        answer = server.post("/predict", {"columns": examples["request"]})
    assert answer.status == 200
    assert answer.body["predictions"] == pytest.approx(examples["response"]["value"], abs=1e-9)
