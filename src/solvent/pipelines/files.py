"""Declared files and folders: paths whose content, not whose name, decides whether a step runs again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing import Self

    Concrete = Path
else:
    # Path itself can't be subclassed before Python 3.12.
    Concrete = type(Path())


class _Declared(Concrete):
    """A path that keeps its kind when it is made absolute, and gives plain paths when another is derived from it.

    `Folder("data") / "x.csv"` is no folder, and the parent of a `File` is no file.
    """

    def with_segments(self, *segments: Any) -> Path:
        return Path(*segments)

    @classmethod
    def _from_parsed_parts(cls, *parts: Any) -> Path:
        made: Path = Concrete._from_parsed_parts(*parts)  # type: ignore[attr-defined]
        return made

    def absolute(self) -> Self:
        return type(self)(super().absolute())

    def resolve(self, strict: bool = False) -> Self:
        return type(self)(super().resolve(strict))

    def expanduser(self) -> Self:
        return type(self)(super().expanduser())


class File(_Declared):
    """A file that a step reads: its bytes are part of the cache key of every step that takes it."""

    __solvent_kind__: ClassVar[str] = "file"


class Folder(_Declared):
    """A folder that a step reads: the names and bytes of all files in it are part of the cache key."""

    __solvent_kind__: ClassVar[str] = "folder"
