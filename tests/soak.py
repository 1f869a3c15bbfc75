"""Where the large tests leave what they measured: one row for each, with date, commit and seed."""

from __future__ import annotations

import os
import subprocess
import time


def record(what: str, found: str, seed: int | str = "-") -> None:
    """Print a row, and add it to the table in the file that SOAK_TABLE names, where the row of the same test is replaced."""
    commit = subprocess.run(
        ["git", "-C", os.path.dirname(__file__), "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    row = f"| {what} | {found} | {seed} | {time.strftime('%Y-%m-%d')} | {commit or '-'} |"
    print(row)
    path = os.environ.get("SOAK_TABLE")
    if not path:
        return
    with open(path, encoding="utf-8") as file:
        text = file.read()
    begin, end = text.index("<!-- soak -->"), text.index("<!-- end of soak -->")
    lines = text[begin:end].splitlines()
    lines = [line for line in lines if not line.startswith(f"| {what} |")]
    with open(path, "w", encoding="utf-8") as file:
        file.write(text[:begin] + "\n".join([*lines, row]) + "\n" + text[end:])
