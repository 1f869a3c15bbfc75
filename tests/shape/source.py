"""Reading the source tree for the shape tests."""

import ast
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "src" / "solvent"


@cache
def modules() -> dict[str, ast.Module]:
    """Each source file, by its path below `src/solvent`, parsed."""
    found = sorted(SOURCE.rglob("*.py"))
    return {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text("utf-8")) for path in found}


def functions() -> list[tuple[str, int]]:
    """Every function of the source, nested ones too, as ("file:line name", number of lines)."""
    return [
        (f"{file}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)
        for file, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


def folder_of(file: str) -> str:
    """The part of the house that a file belongs to: its top folder, or its own name at the top."""
    return file.partition("/")[0].removesuffix(".py")


def imports(file: str) -> set[str]:
    """Absolute names of what a file imports from Solvent: at the top, deferred, or for types only."""
    found: set[str] = set()
    package = ["solvent", *file.split("/")[:-1]]
    for node in ast.walk(modules()[file]):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*start, *([node.module] if node.module else [])])
            found.update(f"{origin}.{name.name}" for name in node.names)
    return {name for name in found if name.split(".")[0] == "solvent"}
