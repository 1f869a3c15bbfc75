"""What a metadata store must tell of where data came from and went."""

from __future__ import annotations

from solvent.metadata.lineage import ArtifactNode, Edge, FileNode, LiteralNode, StepNode
from solvent.metadata.store import MetadataStore
from solvent.model import ArtifactRef, Input, Observation
from solvent.testing.records import INT, add, artifact, digest, execution, run, step_run, stored, taken


def node(of: ArtifactRef) -> ArtifactNode:
    return ArtifactNode(of.digest, of.type)


RAW, TRAIN, TEST, MODEL, SCORE = (stored(name) for name in ("raw", "train", "test", "model", "score"))


LOAD, SPLIT, FIT, JUDGE = (StepNode("r1", n, name) for n, name in enumerate(("load", "split", "fit", "judge")))


def training(store: MetadataStore, id: str = "r1") -> None:
    """load -> split -> (train, test) -> fit -> judge"""
    seen = (Observation("file", "y.csv", "2"), Observation("file", "z.csv", "absent"), Observation("seed", "", "1"))
    parts = '{"externals": {"x.csv": "1"}}'
    add(
        store,
        run(id),
        step_run(id, 0, "load", parts=parts, execution=execution({"": RAW}, observations=seen)),
        step_run(
            id, 1, "split", inputs=(taken("table", RAW, id, 0), Input("share", digest(0.2), "builtins:float")),
            execution=execution({"train": TRAIN, "test": TEST}),
        ),
        step_run(id, 2, "fit", inputs=(taken("train", TRAIN, id, 1, "train"),), execution=execution({"": MODEL})),
        step_run(
            id, 3, "judge", inputs=(taken("model", MODEL, id, 2), taken("test", TEST, id, 1, "test")),
            execution=execution({"": SCORE}),
        ),
    )  # fmt: skip


TO_MODEL = [
    Edge(FIT, node(MODEL), ""),
    Edge(node(TRAIN), FIT, "train"),
    Edge(SPLIT, node(TRAIN), "train"),
    Edge(node(RAW), SPLIT, "table"),
    Edge(LOAD, node(RAW), ""),
    Edge(LiteralNode(digest(0.2), "builtins:float"), SPLIT, "share"),
    Edge(FileNode("x.csv", "1"), LOAD, ""),
    Edge(FileNode("y.csv", "2"), LOAD, "file"),
]


class LineageContract:
    """What a metadata store must tell of where data came from and went. Give a fixture `store`: an open, empty one."""

    def test_the_walk_up_ends_at_files_and_literals(self, store: MetadataStore) -> None:
        training(store)
        assert store.walk_up(MODEL.digest, MODEL.type) == TO_MODEL

    def test_the_walk_down_meets_every_consumer(self, store: MetadataStore) -> None:
        training(store)
        assert store.walk_down(TRAIN.digest, TRAIN.type) == [
            Edge(node(TRAIN), FIT, "train"),
            Edge(FIT, node(MODEL), ""),
            Edge(node(MODEL), JUDGE, "model"),
            Edge(JUDGE, node(SCORE), ""),
        ]

    def test_reused_step_runs_count_as_the_execution_that_they_reuse(self, store: MetadataStore) -> None:
        training(store)
        add(store, run("r2"), step_run("r2", 0, "load", status="reused", source=("r1", 0)))
        add(
            store, step_run("r2", 1, "split", status="reused", source=("r1", 1), inputs=(taken("table", RAW, "r2", 0),))
        )
        again = step_run(
            "r2", 2, "fit", inputs=(taken("train", TRAIN, "r2", 1, "train"),), execution=execution({"": artifact(2)})
        )
        add(store, again)
        fit = StepNode("r2", 2, "fit")
        up = store.walk_up(artifact(2).digest, INT)
        assert up[:3] == [
            Edge(fit, node(artifact(2)), ""),
            Edge(node(TRAIN), fit, "train"),
            Edge(SPLIT, node(TRAIN), "train"),
        ]
        assert up[3:] == TO_MODEL[3:]
        down = store.walk_down(RAW.digest, RAW.type)
        assert Edge(node(TRAIN), fit, "train") in down
        assert [edge for edge in down if edge.end == SPLIT] == [Edge(node(RAW), SPLIT, "table")]

    def test_an_artifact_made_twice_comes_from_its_newest_making_or_from_every(self, store: MetadataStore) -> None:
        training(store)
        add(store, run("r2"), step_run("r2", 0, "download", finished_at=5.0, execution=execution({"": RAW})))
        newest = Edge(StepNode("r2", 0, "download"), node(RAW), "")
        assert store.walk_up(RAW.digest, RAW.type) == [newest]
        every = store.walk_up(RAW.digest, RAW.type, every=True)
        assert every[:2] == [newest, Edge(LOAD, node(RAW), "")]
        assert Edge(FileNode("x.csv", "1"), LOAD, "") in every

    def test_equal_values_of_unrelated_steps_are_not_mixed_up(self, store: MetadataStore) -> None:
        one = artifact(1)
        add(
            store,
            run("r1"),
            step_run("r1", 0, "a", execution=execution({"": one})),
            step_run("r1", 1, "b", execution=execution({"": one})),
            step_run("r1", 2, "after_b", inputs=(taken("x", one, "r1", 1),), execution=execution({"": artifact(2)})),
            step_run("r1", 3, "after_a", inputs=(taken("x", one, "r1", 0),), execution=execution({"": artifact(3)})),
        )
        up = store.walk_up(artifact(2).digest, INT)
        assert Edge(StepNode("r1", 1, "b"), node(one), "") in up
        assert Edge(StepNode("r1", 0, "a"), node(one), "") not in up

    def test_what_took_an_element_of_a_collection_is_met(self, store: MetadataStore) -> None:
        leaf = stored("leaf")
        whole = artifact("whole", "builtins:list", children=(leaf, stored("other")))
        each = step_run("r1", 1, "each", inputs=(taken("x", leaf, "r1", 0),), execution=execution({"": artifact(1)}))
        add(store, run("r1"), step_run("r1", 0, "split", execution=execution({"": whole})), each)
        at = StepNode("r1", 1, "each")
        assert store.walk_down(leaf.digest, leaf.type) == [Edge(node(leaf), at, "x"), Edge(at, node(artifact(1)), "")]
        assert store.walk_down(stored("other").digest, stored("other").type) == []
        assert Edge(StepNode("r1", 0, "split"), node(leaf), "") in store.walk_up(artifact(1).digest, INT)

    def test_an_unknown_artifact_has_no_lineage(self, store: MetadataStore) -> None:
        assert store.walk_up(digest("x"), INT) == []
        assert store.walk_down(digest("x"), INT) == []
