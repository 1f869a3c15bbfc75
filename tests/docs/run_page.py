"""Run the examples of one page in the working folder: `run_page.py PAGE`.

    ```python              runs, all blocks of a page in one namespace
    ```python file=NAME    is written to a file first; so is a block in any other language
    ```console             each line after `$ ` runs through the shell; lines below it are what it prints
    ```text output         is what the python block before it printed
    ... norun              shown only;  `... fails`: must end with an error

In what is printed, `...` stands for anything.
"""

import contextlib
import io
import linecache
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block of a page."""

    language: str
    words: tuple[str, ...]
    body: str
    line: int

    @property
    def file(self) -> str | None:
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)


def blocks_of(text: str) -> list[Block]:
    """All fenced blocks of a page, in order."""
    found = []
    for match in _FENCE.finditer(text):
        language, *words = match["info"].split() or [""]
        indent = len(match["indent"])
        body = "".join(line[indent:] if line.strip() else "\n" for line in match["body"].splitlines(keepends=True))
        found.append(Block(language, tuple(words), body, text.count("\n", 0, match.start()) + 2))
    return found


def matches(expected: str, printed: str) -> bool:
    """Whether the output is as written; `...` stands for anything, trailing blanks never count."""
    pattern = r"[\s\S]*?".join(re.escape(part) for part in _trimmed(expected).split("..."))
    return re.fullmatch(pattern, _trimmed(printed)) is not None


def run_page(page: Path) -> None:
    """Run every block; the first that does not do what the page says raises."""
    namespace: dict[str, Any] = sys.modules["__main__"].__dict__
    printed = ""
    for block in blocks_of(page.read_text("utf-8")):
        where = f"{page}:{block.line}"
        if "norun" in block.words:
            continue
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.body, "utf-8")
        elif block.language == "python":
            printed = _run_python(block, where, namespace)
        elif block.language == "console":
            _run_console(block, where)
        elif "output" in block.words:
            _compare(where, block.body, printed)


def _run_python(block: Block, where: str, namespace: dict[str, Any]) -> str:
    name = f"<{where}>"
    linecache.cache[name] = (len(block.body), None, block.body.splitlines(keepends=True), name)
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(block.body, name, "exec"), namespace)
    except Exception as error:
        if "fails" not in block.words:
            raise AssertionError(f"{where}\n{out.getvalue()}\n{traceback.format_exc()}") from None
        return f"{out.getvalue()}{type(error).__name__}: {error}\n"
    if "fails" in block.words:
        raise AssertionError(f"{where}: this was to fail")
    return out.getvalue()


def _run_console(block: Block, where: str) -> None:
    for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        taken = 1
        while lines[taken - 1].endswith("\\\n"):
            taken += 1
        command, expected = "".join(lines[:taken]), "".join(lines[taken:])
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        printed = done.stdout + done.stderr
        if bool(done.returncode) != ("fails" in block.words):
            raise AssertionError(f"{where}\n$ {command}exit code {done.returncode}\n{printed}")
        if expected.strip():
            _compare(f"{where}\n$ {command.rstrip()}", expected, printed)


def _compare(where: str, expected: str, printed: str) -> None:
    if not matches(expected, printed):
        raise AssertionError(f"{where}\n--- the page says\n{expected}\n--- it printed\n{printed}")


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


if __name__ == "__main__":
    # A page may import what it has written, as a script in that folder may.
    sys.path[0] = os.getcwd()
    try:
        run_page(Path(sys.argv[1]))
    except AssertionError as error:
        sys.exit(str(error))
