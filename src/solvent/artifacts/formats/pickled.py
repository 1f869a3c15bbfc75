"""The last resort: cloudpickle, protocol 5. Every artifact written so is marked, and a project can forbid it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from solvent.artifacts.sink import Sink, Source
from solvent.errors import FormatError, StoreError

PROTOCOL = 5


class _Pickle:
    def accepts(self, value: Any) -> bool:
        return True

    def write(self, value: Any, sink: Sink) -> Mapping[str, Any]:
        import cloudpickle

        try:
            with sink.open() as out:
                cloudpickle.dump(value, out, protocol=PROTOCOL)
        except (FormatError, StoreError):
            raise
        except Exception as error:
            where, part = find_culprit(value, sink.path)
            kind = type(part)
            raise FormatError(
                f"a {kind.__module__}.{kind.__qualname__} can't be stored: {error}",
                where=where,
                hint="leave it out of what the step returns, or make it again in the step that needs it",
            ) from error
        return {}

    def read(self, source: Source) -> Any:
        import pickle

        try:
            return pickle.loads(source.view())
        except (ImportError, AttributeError) as error:
            raise FormatError(
                f"this {source.ref.type} needs code that is gone: {error}",
                hint="make that name importable again, or run the step that makes it once more",
            ) from error


PICKLE = _Pickle()


def find_culprit(value: Any, path: str) -> tuple[str, Any]:
    """Give the path and the innermost part of a value that can't be pickled."""
    seen: set[int] = set()
    while id(value) not in seen:
        seen.add(id(value))
        bad = next(((step, part) for step, part in _parts(value) if not _picklable(part)), None)
        if bad is None:
            break
        path, value = path + bad[0], bad[1]
    return path, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    for name, item in (getattr(value, "__dict__", None) or {}).items():
        yield f".{name}", item


def _picklable(value: Any) -> bool:
    import cloudpickle

    try:
        cloudpickle.dumps(value, protocol=PROTOCOL)
    except Exception:
        return False
    return True
