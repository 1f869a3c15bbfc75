"""The name of a project, by which a store that several share tells them apart."""

from __future__ import annotations

import os

_NAME = r"""(?m)^name[ \t]*=[ \t]*(["'])([^"'\\\n]+)\1[ \t]*(?:#.*)?$"""
_MENTIONED = r"""(?m)^[ \t]*\[?[ \t]*["']?project\b"""
_TABLE = r"(?m)^[ \t]*\["


def name_of(root: str, given: str | None) -> str:
    """Give the name that is set, else the one in pyproject.toml, else that of the folder.

    It is text that any store takes as it is: what is not valid UTF-8 in it stands there in escapes.
    """
    name = given or declared_name(root) or os.path.basename(root.rstrip(os.sep)) or "root"
    return name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def declared_name(root: str) -> str | None:
    """Give the name that the project's pyproject.toml says, if it has one."""
    try:
        with open(os.path.join(root, "pyproject.toml"), encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return None
    import re

    return (_written_plainly(text) or _parsed(text)) if re.search(_MENTIONED, text) else None


def _written_plainly(text: str) -> str | None:
    """Find the name as nearly everyone writes it, without reading all of the TOML."""
    if '"""' in text or "'''" in text:
        return None
    import re

    after = f"\n{text}".partition("\n[project]\n")[2]
    end = re.search(_TABLE, after)
    name = re.search(_NAME, after[: end.start()] if end else after)
    return name[2] if name else None


def _parsed(text: str) -> str | None:
    import tomllib

    try:
        table = tomllib.loads(text).get("project")
    except tomllib.TOMLDecodeError:
        return None
    name = table.get("name") if isinstance(table, dict) else None
    return name if isinstance(name, str) and name else None
