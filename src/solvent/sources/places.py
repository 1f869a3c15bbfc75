"""From an entry of the catalogue to what can read it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from solvent.config.secrets import Secret, is_reference, read_url
from solvent.errors import SourceError
from solvent.sources.catalogue import Entry, guess_format, is_function
from solvent.sources.options import OPTIONS
from solvent.sources.records import Reader

if TYPE_CHECKING:
    from solvent.model import FileMemo


def reader_of(entry: Entry, root: str, memo: FileMemo | None = None) -> Reader:
    """Give what reads a source."""
    location = entry.location
    if is_reference(location) and not location.startswith("file://"):
        location = read_url(location)
    form = entry.format or guess_format(location)
    if form == "sql":
        from solvent.sources.databases import Database

        return Database(entry, location, root)
    if form == "function" or is_function(location):
        from solvent.sources.functions import Function

        return Function(entry, location, root)
    scheme, found, rest = location.partition("://")
    if found and scheme in ("http", "https"):
        from solvent.sources.web import WebFile

        return WebFile(entry, location, form or _unknown(entry))
    if found and scheme != "file":
        from solvent.sources.objects import Objects

        return Objects(entry, location, form or "")
    from solvent.sources.files import Files

    path = os.path.join(root, os.path.expanduser(rest if found else location))
    return Files(entry, path, form or "", root, memo)


def format_of(entry: Entry, name: str) -> str:
    """Tell the format by the name of a file, where the location does not say it."""
    return guess_format(name) or _unknown(entry)


def _unknown(entry: Entry) -> Any:
    raise SourceError(
        f"source `{entry.name}`: its format can't be told by its location",
        where=entry.where,
        hint=f"write `format:`, one of: {', '.join(OPTIONS)}",
    )


def revealed(value: Any) -> Any:
    """Give an option with the references to secrets in it replaced by the secrets: for those who use it at once."""
    if isinstance(value, dict):
        return {key: revealed(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [revealed(each) for each in value]
    if isinstance(value, str) and is_reference(value) and not value.startswith("file://"):
        return Secret(value).reveal()
    return value
