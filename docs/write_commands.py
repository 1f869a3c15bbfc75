"""Write the options of each command into the reference: `python docs/write_commands.py`; a test calls `updated`."""

import os
import re
from pathlib import Path

from solvent.cli.main import COMMANDS, make_parser

PAGE = Path(__file__).parent / "reference" / "commands.md"


def help_of(name: str) -> str:
    from importlib import import_module

    os.environ["COLUMNS"] = "100"
    parser = make_parser(name)
    import_module(f"solvent.cli.{COMMANDS[name][0]}").add_arguments(parser, name)
    return parser.format_help().rstrip()


def updated(page: str) -> str:
    """Give the page with the help of each command as it is now."""
    for name in COMMANDS:
        pattern = rf"(## `solvent {name}`\n.*?```text norun\n).*?(\n```)"
        page = re.sub(pattern, lambda m, name=name: m[1] + help_of(name) + m[2], page, count=1, flags=re.DOTALL)
    return page


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text("utf-8")), "utf-8")
