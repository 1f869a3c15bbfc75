"""A program for the tests: N processes that each open the store, perhaps make it, and write runs to it at once.

    python -m tests.metadata.writers PATH PROCESSES RUNS

Each process also reads while the others write, and checks that what it sees is whole.
"""

import os
import sys
import traceback

from solvent.metadata.store import MetadataStore
from tests.metadata.records import add, artifact, digest, execution, run, step_run, stored

STEPS = 3


def write_runs(path: str, process: int, runs: int) -> None:
    with MetadataStore.open(path) as store:
        for number in range(runs):
            id = f"p{process:02}-{number:03}"
            add(store, run(id, float(number)))
            for position in range(STEPS):
                outputs = {"": artifact((id, position)), "shared": stored("shared")}
                add(store, step_run(id, position, key=digest("key", number), execution=execution(outputs)))
            with store.transaction():
                store.end_run(id, "done", float(number + 1))
            look(store)


def look(store: MetadataStore, limit: int = 5) -> None:
    """Check that every step run of the newest runs is there with all its outputs."""
    for seen in store.list_runs(limit=limit):
        records = store.list_step_runs(seen.id)
        assert len(records) == STEPS or seen.status == "running", seen
        for record in records:
            assert record.execution is not None
            assert set(record.execution.outputs) == {"", "shared"}, record


def main(path: str, processes: int, runs: int) -> int:
    start, go = os.pipe()
    children = []
    for process in range(processes):
        pid = os.fork()
        if pid == 0:
            try:
                os.close(go)
                os.read(start, 1)
                write_runs(path, process, runs)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(pid)
    os.close(go)
    return sum(os.waitpid(pid, 0)[1] != 0 for pid in children)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
