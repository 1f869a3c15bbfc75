from pathlib import Path

from solvent.metadata.store import MetadataStore
from tests.metadata.records import run


def test_the_newest_of_many_runs_are_listed_without_reading_the_others(store: MetadataStore, tmp_path: Path) -> None:
    with store.transaction():
        for number in range(2000):
            store.add_run(run(f"r{number:05}", float(number), pipeline="rare" if number % 50 == 0 else "delays"))
    steps = _steps_of(store, lambda: store.list_runs())
    assert steps < _steps_of(store, lambda: store.list_runs(limit=2000)) / 20
    assert _steps_of(store, lambda: store.list_runs("rare", limit=20)) < steps * 2
    assert _steps_of(store, lambda: store.list_runs(before="r01000")) < steps * 3


def _steps_of(store: MetadataStore, read: object) -> int:
    """Count, in hundreds, the instructions that the database needs: a measure that a busy machine does not change."""
    count = 0

    def one_more() -> None:
        nonlocal count
        count += 1

    store.connection.set_progress_handler(one_more, 10)
    try:
        read()  # type: ignore[operator]
    finally:
        store.connection.set_progress_handler(None, 10)
    return count
