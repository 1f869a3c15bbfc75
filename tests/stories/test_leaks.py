"""The zoo of leaks: each leaky pipeline is found to be so, no sound one is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import solvent
from solvent.config.project import Project
from solvent.metadata.profiles import list_findings
from solvent.model import Finding
from solvent.runs.stores import Stores
from tests.stories import leak_zoo_code
from tests.stories.leak_zoo import LEAKY
from tests.stories.leak_zoo_sound import SOUND


@pytest.fixture(scope="module", autouse=True)
def _project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One project for the whole zoo: what its pipelines have in common runs once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("zoo")
        (folder / "solvent.toml").write_text("")
        patch.chdir(folder)
        yield


def found_in(pipeline: Any) -> list[Finding]:
    run = solvent.run(pipeline, engine="inline")
    with Stores(Project.find()) as stores:
        return list_findings(stores.metadata, run.id)


@pytest.mark.slow
def test_the_zoo_is_as_large_as_it_says() -> None:
    assert leak_zoo_code.scaled_inside_a_step in [pipeline for _, pipeline in LEAKY]
    assert len(LEAKY) >= 25
    assert len(SOUND) >= 25


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "pipeline"), LEAKY, ids=lambda each: getattr(each, "name", ""))
def test_a_leak_is_found(kind: str, pipeline: Any) -> None:
    found = found_in(pipeline)
    assert kind in [each.kind for each in found]
    for each in found:
        assert each.message
        assert each.fix
        assert json.loads(each.detail)


@pytest.mark.slow
@pytest.mark.parametrize("pipeline", SOUND, ids=lambda each: each.name)
def test_a_sound_pipeline_raises_no_alarm(pipeline: Any) -> None:
    assert found_in(pipeline) == []
