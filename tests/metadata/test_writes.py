from dataclasses import fields

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from solvent.metadata.rows import RUN_FIELDS
from solvent.metadata.store import MetadataStore
from solvent.model import Metric, Observation, RunRecord
from tests.metadata.records import artifact, execution, run, step_run


def test_the_columns_of_a_run_are_the_fields_of_its_record() -> None:
    assert list(RUN_FIELDS) == [field.name for field in fields(RunRecord)]


text = st.text(st.characters(codec=None), max_size=20)


@given(subjects=st.lists(text, max_size=5), name=text, log=st.binary(max_size=50))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_written_and_names_of_files_come_back_exactly(
    store: MetadataStore, subjects: list[str], name: str, log: bytes
) -> None:
    seen = tuple(Observation("file", subject, "x") for subject in subjects)
    metrics = (Metric(name, 1.0, None, 1.0), Metric("m", 2.0, None, 1.0))
    done = execution({name: artifact(1)}, observations=seen, metrics=metrics, log=log, log_bytes=len(log))
    with store.transaction():
        if not store.list_runs():
            store.add_run(run("r1"))
        store.add_step_run(step_run("r1", 0, execution=done))
    read = store.step_run("r1", 0).execution
    assert read is not None
    assert (read.observations, read.log, len(read.metrics), len(read.outputs)) == (seen, log, 2, 1)
