"""The catalogue: what it may say, and how a slip of the pen is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from solvent.errors import ConfigError, NotFoundError
from solvent.sources.catalogue import guess_format
from tests.sources.conftest import Open

FLIGHTS = """
sources:
  flights:
    location: data/flights.csv
    owner: ann
    description: All departures of 2013
    key: [carrier, flight]
    options: {delimiter: ";"}
    columns: {delay: double}
"""


def test_an_entry_has_all_that_is_written(opened: Open) -> None:
    entry = opened(FLIGHTS).catalogue.find("flights")
    assert (entry.location, entry.format, entry.owner) == ("data/flights.csv", "csv", "ann")
    assert entry.key == ("carrier", "flight")
    assert dict(entry.options) == {"delimiter": ";"}
    assert entry.where == "configs/sources.yaml:3"


def test_a_profile_changes_single_values_of_an_entry(opened: Open) -> None:
    over = "sources: {flights: {location: data/few.parquet, format: parquet, options: null}}"
    with pytest.raises(ConfigError, match="options"):
        opened(FLIGHTS, "small", small=over)
    over = "sources: {flights: {location: data/few.csv}}"
    assert opened(FLIGHTS, "small", small=over).catalogue.find("flights").location == "data/few.csv"
    assert opened(FLIGHTS, "other", small=over).catalogue.find("flights").location == "data/flights.csv"


def test_an_unknown_source_names_the_nearest(opened: Open) -> None:
    with pytest.raises(NotFoundError, match="no source 'flight'; did you mean 'flights'"):
        opened(FLIGHTS).catalogue.find("flight")


def test_without_a_catalogue_the_error_says_how_to_write_one(project: Path) -> None:
    from solvent import source

    with pytest.raises(NotFoundError, match=r"configs/sources\.yaml does not exist") as caught:
        source("flights")
    assert "sources: {flights: {location: data/flights.csv}}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        ("source: {}", "unknown config key `source`; did you mean 'sources'", "sources.yaml:1"),
        ("sources:\n  a:\n    locatoin: x.csv", "`sources.a.locatoin`; did you mean 'location'", "sources.yaml:3"),
        ("sources:\n  a: {owner: x}", "`sources.a.location` is missing", None),
        ("sources:\n  a:\n    location: x\n    format: parqet", "did you mean 'parquet'", "sources.yaml:4"),
        (
            "sources:\n  a:\n    location: x.csv\n    options: {delimeter: x}",
            "did you mean 'delimiter'",
            "sources.yaml:4",
        ),
        ("sources:\n  a:\n    location: x.csv\n    options:\n      skip_rows: one", "a whole number", "sources.yaml:5"),
        ("sources:\n  a:\n    location: x.csv\n    version: contents", "did you mean 'content'", "sources.yaml:4"),
        ("sources:\n  a:\n    location: x.csv\n    version: {query: select 1}", "this is csv", "sources.yaml:4"),
        ("sources:\n  a:\n    location: x.csv\n    version: {qurey: x}", "did you mean 'query'", "sources.yaml:4"),
        ("sources:\n  a: {location: 3}", "expected str, found 3", "sources.yaml:2"),
    ],
)
def test_a_slip_is_told_with_its_line(opened: Open, text: str, told: str, line: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(text)
    assert told in caught.value.problem
    assert line is None or str(caught.value.where).endswith(line)


@pytest.mark.parametrize(
    ("location", "form"),
    [
        ("data/x.csv", "csv"),
        ("data/x.csv.gz", "csv"),
        ("data/X.TSV", "csv"),
        ("https://host/x.jsonl?token=1", "jsonl"),
        ("s3://bucket/year=2013/*.parquet", "parquet"),
        ("postgresql+psycopg://host/db", "sql"),
        ("sqlite:///x.db", "sql"),
        ("package.module:function", "function"),
        ("env:FLIGHTS_URL", None),
        ("data/folder", None),
        ("data/x.xlsx", None),
    ],
)
def test_the_format_is_told_by_the_location(location: str, form: str | None) -> None:
    assert guess_format(location) == form


def test_the_catalogue_is_no_profile_and_its_override_is_one(project: Path, opened: Open) -> None:
    from solvent.config.folders import ConfigFolder

    opened(FLIGHTS, small="sources: {}")
    folder = ConfigFolder(str(project), str(project), "configs", None, None)
    assert folder.profiles() == ["small"]
    folder.check_profile("small", ())
    with pytest.raises(ConfigError, match="no profile `sources`"):
        folder.check_profile("sources", ())
