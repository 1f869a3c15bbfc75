"""`solvent load`: a dataset version or an output, its first rows on the screen or all of it in a file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from solvent.cli.choices import add_json, open_stores
from solvent.cli.output import cut, print_json, printable, table, width
from solvent.cli.parsing import whole_number
from solvent.errors import FormatError
from solvent.runs.words import short_type, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from solvent.runs.stores import Stores
    from solvent.runs.views import Artifact

_CELL = 24


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        help="a dataset version: flights, flights@7, flights@latest~1, flights@ab12cd; or RUN/STEP.FIELD, or the beginning"
        " of an artifact's digest",
    )
    parser.add_argument(
        "-o", dest="path", metavar="FILE", help="write it to a new file: .parquet, .csv, .jsonl or .arrow"
    )
    parser.add_argument("--rows", type=whole_number(0), default=10, metavar="N", help="how many rows to show (10)")
    add_json(parser)


def execute(arguments: Namespace, name: str) -> int:
    from solvent.profiles.files import check_extension
    from solvent.runs.references import find_output
    from solvent.runs.tables import read_tables

    if arguments.path:
        check_extension(arguments.path)
    with open_stores() as stores:
        artifact = find_output(arguments.what, stores)
        facts = {"what": arguments.what, "digest": artifact.digest, "type": artifact.type}
        if arguments.path:
            _save(facts, artifact, stores, arguments)
        elif (tables := read_tables(artifact, stores, loose=True)) is None:
            _show_value(facts, artifact, arguments)
        else:
            _show_table(facts, tables, artifact, arguments)
    return 0


def _save(facts: dict[str, Any], artifact: Artifact, stores: Stores, arguments: Namespace) -> None:
    import os

    from solvent.profiles.files import write_file
    from solvent.runs.tables import read_tables

    def tables() -> Iterator[Any]:
        found = read_tables(artifact, stores)
        if found is None:
            raise FormatError(
                f"a {short_type(artifact.type)} has no rows to write",
                hint=f"`solvent artifacts {artifact.digest[:12]} --save PATH` gives its bytes",
            )
        return found

    rows, columns = write_file(tables, arguments.path)
    size_bytes = os.path.getsize(arguments.path)
    if arguments.json:
        print_json({**facts, "rows": rows, "columns": columns, "saved": arguments.path, "size_bytes": size_bytes})
    else:
        print(f"saved {arguments.path}: {rows:,} rows of {columns} columns, {size_text(size_bytes)}")


def _show_value(facts: dict[str, Any], artifact: Artifact, arguments: Namespace) -> None:
    value = artifact.value()
    if arguments.json:
        print_json({**facts, "value": repr(value)})
    else:
        print(f"{short_type(artifact.type)} {artifact.digest[:12]}")
        print(cut(repr(value), 2000))


def _show_table(facts: dict[str, Any], tables: Iterator[Any], artifact: Artifact, arguments: Namespace) -> None:
    from solvent.profiles.files import plain

    first = next(tables)
    profile = artifact.known_profile
    rows = profile.rows if profile else first.num_rows + sum(table.num_rows for table in tables)
    head = [plain(row) for row in first.slice(0, arguments.rows).to_pylist()]
    if arguments.json:
        types = {field.name: str(field.type) for field in first.schema}
        print_json({**facts, "rows": rows, "columns": types, "head": head})
        return
    print(f"{short_type(artifact.type)} {artifact.digest[:12]}: {rows:,} rows of {first.num_columns} columns")
    print("\n".join(grid(first.schema.names, head)))
    if rows > len(head):
        print(f"... {rows - len(head):,} more rows; -o FILE writes all")


def grid(names: list[str], head: list[dict[str, Any]]) -> list[str]:
    """Lay the rows out, with as many columns as fit, the rest by name."""
    shown: list[str] = []
    room = width()
    for name in names:
        cells = [_cell(row[name]) for row in head]
        room -= min(_CELL, max(map(len, [name, *cells]))) + 2
        if room < 0 and shown:
            break
        shown.append(name)
    if not shown:
        return []
    lines = [table([_cell(name) for name in shown], [[_cell(row[name]) for name in shown] for row in head])]
    rest = names[len(shown) :]
    more = f"and {len(rest)} more columns: {', '.join(map(printable, rest))}"
    return [*lines, cut(more, width())] if rest else lines


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return cut(printable(text), _CELL)
