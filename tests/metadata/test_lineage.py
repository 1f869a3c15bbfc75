from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from solvent.metadata.lineage import StepNode
from solvent.metadata.store import MetadataStore
from tests.metadata.records import INT, artifact, execution, run, step_run, taken


@given(links=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=30))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_walks_end_whatever_the_graph_and_each_is_the_others_mirror(
    store: MetadataStore, links: list[tuple[int, int]]
) -> None:
    """Damaged stores may hold circles: the walks meet each step run once."""
    made = [artifact(("node", number)) for number in range(8)]
    with store.transaction():
        if not store.list_runs():
            store.add_run(run("r1"))
        for number in range(8):
            inputs = tuple(taken(f"x{a}", made[a], "r1", a) for a, b in sorted(set(links)) if b == number)
            store.add_step_run(step_run("r1", number, inputs=inputs, execution=execution({"": made[number]})))
    for start in range(8):
        down = _reached(links, start)
        walked = store.walk_down(made[start].digest, INT)
        assert {edge.end.position for edge in walked if isinstance(edge.end, StepNode)} == down
        up = store.walk_up(made[start].digest, INT)
        climbed = {edge.start.position for edge in up if isinstance(edge.start, StepNode)}
        assert climbed == _reached([(b, a) for a, b in links], start) | {start}


def _reached(links: list[tuple[int, int]], start: int) -> set[int]:
    found: set[int] = set()
    waiting = [start]
    while waiting:
        at = waiting.pop()
        onward = {b for a, b in links if a == at} - found
        found |= onward
        waiting.extend(onward)
    return found
