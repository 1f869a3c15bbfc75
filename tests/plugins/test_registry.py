"""A plugin is imported when its name is asked for, and a name that is not known is answered with the nearest."""

from __future__ import annotations

import sys

import pytest

from solvent.errors import FormatError
from solvent.plugins.registry import Plugin, Registry


@pytest.fixture
def formats() -> Registry:
    plugins = {
        "csv": Plugin("csv:DictReader"),
        "odd": Plugin("not_there.at_all:X", "not-there"),
        "bad": Plugin("csv:Nope"),
    }
    return Registry("solvent.formats", plugins, FormatError)


def test_a_name_gives_its_object(formats: Registry) -> None:
    import csv

    assert formats.load("csv") is csv.DictReader
    assert formats.names() == ["bad", "csv", "odd"]


def test_a_missing_library_says_what_to_install(formats: Registry) -> None:
    with pytest.raises(FormatError, match="the format 'odd' can't be loaded") as caught:
        formats.load("odd")
    assert caught.value.hint == formats.install_hint("odd") == "pip install not-there"
    with pytest.raises(FormatError, match="'bad' can't be loaded"):
        formats.load("bad")


def test_an_unknown_name_is_answered_with_the_nearest(formats: Registry) -> None:
    with pytest.raises(FormatError, match="there is no format 'cvs'; did you mean 'csv'"):
        formats.load("cvs")


def test_a_registered_plugin_wins(formats: Registry) -> None:
    formats.load("csv")
    formats.register("csv", "json:dumps")
    assert formats.load("csv") is sys.modules["json"].dumps


def test_an_installed_distribution_can_announce_a_plugin(formats: Registry, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    info = tmp_path / "more-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[solvent.formats]\nmore = json:loads\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert formats.load("more") is sys.modules["json"].loads
    assert [name for name, _ in formats.load_announced()] == ["more"]
