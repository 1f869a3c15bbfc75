"""What is wrong with a file that can't be read, with its line where it has lines."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from solvent.config.masking import masked
from solvent.errors import SourceError
from solvent.sources.catalogue import Entry


def fault(entry: Entry, form: str, paths: Sequence[str], error: Exception, *, local: bool) -> SourceError:
    """Put an error of a reader into words; broken CSV and JSON Lines are searched for the line."""
    text = str(error).partition("\n")[0]
    found = None
    if local and form == "csv":
        found = _in_csv(entry, paths, text)
    elif local and form == "jsonl":
        found = _in_json_lines(paths)
    if found is None:
        return SourceError(
            masked(f"source `{entry.name}` can't be read as {form}: {text}"),
            where=entry.where,
            hint="is the format right? look at the file, or at `options:` of the catalogue",
        )
    path, line, what = found
    return SourceError(
        masked(f"source `{entry.name}`: line {line} of {os.path.basename(path)} {what}"),
        where=f"{path}:{line}",
        hint="correct the line, or say the type in `columns:` and the words for nothing in `options: {nulls: [...]}`",
    )


Found = tuple[str, int, str]


def _in_csv(entry: Entry, paths: Sequence[str], text: str) -> Found | None:
    """Find the first row of another length, else the first value that does not fit the type of its column."""
    conversion = re.search(r"In CSV column #(\d+): .*?conversion error to ([^:]+): invalid value '(.*)'", text)
    for path in paths:
        width = 0
        for line, row in _rows(entry, path):
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                return path, line, f"has {len(row)} values, and {width} were expected"
            if conversion and _value(row, int(conversion[1])) == conversion[3]:
                return path, line, f"has {conversion[3]!r} in a column of {conversion[2]}"
    return None


def _value(row: list[str], at: int) -> str | None:
    return row[at] if at < len(row) else None


def _rows(entry: Entry, path: str) -> Iterator[tuple[int, list[str]]]:
    options: dict[str, Any] = dict(entry.options)
    tabs = path.lower().removesuffix(".gz").endswith(".tsv")
    try:
        with _opened(path, options.get("encoding", "utf-8")) as file:
            reader = csv.reader(
                file,
                delimiter=options.get("delimiter", "\t" if tabs else ","),
                quotechar=options.get("quote", '"') or None,
                escapechar=options.get("escape") or None,
            )
            begin = 1
            for number, row in enumerate(reader):
                if number >= options.get("skip_rows", 0):
                    yield begin, row
                begin = reader.line_num + 1
    except (OSError, csv.Error, UnicodeDecodeError):
        return


def _in_json_lines(paths: Sequence[str]) -> Found | None:
    import json

    for path in paths:
        try:
            with _opened(path, "utf-8") as file:
                for line, text in enumerate(file, 1):
                    try:
                        if text.strip() and not isinstance(json.loads(text), dict):
                            return path, line, "is no JSON object"
                    except ValueError as error:
                        return path, line, f"is no JSON: {error}"
        except (OSError, UnicodeDecodeError):
            continue
    return None


def _opened(path: str, encoding: str) -> Any:
    if path.endswith(".gz"):
        import gzip

        return gzip.open(path, "rt", encoding=encoding, errors="replace", newline="")
    return open(path, encoding=encoding, errors="replace", newline="")
