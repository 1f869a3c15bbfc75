"""Accepted schemas are numbered by dataset, and the newest counts."""

from solvent.metadata.schemas import add_schema, list_schemas, newest_schema
from solvent.metadata.store import MetadataStore


def test_the_newest_schema_counts(store: MetadataStore) -> None:
    assert newest_schema(store, "shop", "flights") is None
    for record, version in (("{}", 1), ('{"rows": 2}', None)):
        store.write(
            lambda record=record, version=version: add_schema(store, "shop", "flights", record, version, "why", "zoe")
        )
    found = newest_schema(store, "shop", "flights")
    assert found is not None
    assert found[:5] == (2, '{"rows": 2}', None, "why", "zoe")
    assert [each.number for each in list_schemas(store, "shop", "flights")] == [1, 2]


def test_each_dataset_of_each_project_has_numbers_of_its_own(store: MetadataStore) -> None:
    for line in (("shop", "flights"), ("shop", "weather"), ("bank", "flights")):
        assert store.write(lambda line=line: add_schema(store, *line, "{}", 1, "", "zoe")) == 1
