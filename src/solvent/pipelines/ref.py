"""A Ref stands for the result of a step before it exists. Whoever needs the real thing says `value(...)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar, cast

from solvent.errors import RefError
from solvent.model import Tracer
from solvent.pipelines.declared import element_of, fields_of, unpacks
from solvent.pipelines.places import user_line

T = TypeVar("T")
Path = tuple[str | int, ...]


class Ref:
    """The result of a call in a run, or the part of it at `path`: declared fields by name, list elements by number.

    Attributes of a Ref are the declared fields of the step's output and nothing else, so what it is made of has private
    names; the tracers read it through `tracer_of`, `call_of`, `path_of` and `annotation_of`.
    """

    __slots__ = ("__weakref__", "_annotation", "_call", "_path", "_tracer")
    _tracer: Tracer
    _call: Any
    _path: Path
    _annotation: Any

    def __init__(self, tracer: Tracer, call: Any, path: Path = (), annotation: Any = None) -> None:
        _set_tracer(self, tracer)
        _set_call(self, call)
        _set_path(self, path)
        _set_annotation(self, annotation)

    def __getattr__(self, name: str) -> Ref:
        if name.startswith("_"):
            # Probes of notebooks, inspect, copy and pandas ask for such names and must go on unharmed.
            raise AttributeError(name)
        fields = fields_of(self._annotation)
        if fields is None or name not in fields or name.isdigit():
            raise _refusal(self, f"attribute {name!r} was asked for", _declared_hint(self, name, fields))
        return part_of(self, name, fields[name])

    def __iter__(self) -> Iterator[Ref]:
        fields = fields_of(self._annotation)
        if fields is None or not unpacks(self._annotation):
            raise _refusal(self, "it was iterated over or unpacked", "each(...) gives one element at a time")
        return iter([part_of(self, name, hint) for name, hint in fields.items()])

    def __repr__(self) -> str:
        return f"<Ref to {describe(self)}>"

    def __hash__(self) -> int:
        return id(self) >> 4

    def __dir__(self) -> list[str]:
        return [name for name in fields_of(self._annotation) or () if not name.isdigit()]

    def __setattr__(self, name: str, new: Any) -> NoReturn:
        raise _refusal(self, f"attribute {name!r} was set")

    def __delattr__(self, name: str) -> NoReturn:
        raise _refusal(self, f"attribute {name!r} was deleted")


# Setting an attribute of a Ref is refused, so its own go in through their slots.
_slots: Any = vars(Ref)
_set_tracer = _slots["_tracer"].__set__
_set_call = _slots["_call"].__set__
_set_path = _slots["_path"].__set__
_set_annotation = _slots["_annotation"].__set__


def value(x: T) -> T:
    """Wait for the result of a step and give the real value, also for results inside a list, tuple, dict or dataclass.

    Anything else is given back as it is, so a pipeline that is called as a plain function works the same.
    """
    if isinstance(x, Ref):
        return cast(T, x._tracer.value(x))
    from solvent.pipelines.containers import replace_refs

    return cast(T, replace_refs(x, lambda ref: ref._tracer.value(ref)))


def each(x: Iterable[T]) -> Iterator[T]:
    """Wait for the length of a list that a step gives and yield its elements, each one ready to be passed on."""
    if isinstance(x, Ref):
        parts: Iterator[Any] = iter(x) if unpacks(x._annotation) else x._tracer.each(x)
        return parts
    return iter(x)


def part_of(ref: Ref, part: str | int, annotation: Any = None) -> Ref:
    """Give the Ref to a declared field (by name) or to an element of a list (by number)."""
    if isinstance(part, int) and annotation is None:
        annotation = element_of(ref._annotation)
    return Ref(ref._tracer, ref._call, (*ref._path, part), annotation)


def tracer_of(ref: Ref) -> Tracer:
    return ref._tracer


def call_of(ref: Ref) -> Any:
    """Give the call whose result this is."""
    return ref._call


def path_of(ref: Ref) -> Path:
    """Give the way from the whole result to this part; empty for the whole."""
    return ref._path


def annotation_of(ref: Ref) -> Any:
    """Give the type that this part is declared to have, or None."""
    return ref._annotation


def describe(ref: Ref) -> str:
    """Name a Ref as its user would: step, place among its calls, and part, such as "fit[2].train"."""
    call = ref._call
    step, occurrence = getattr(call, "step", None), getattr(call, "occurrence", "?")
    name = step.spec.name if step is not None else "?"
    parts = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in ref._path)
    return f"{name}[{occurrence}]{parts}"


def _refusal(ref: Ref, what: str, hint: str | None = None) -> RefError:
    problem = f"the result of step {describe(ref)} isn't there yet, and {what}"
    wait = "value(...) waits and gives the real value"
    return RefError(problem, where=user_line(), hint=f"{hint}; {wait}" if hint else wait)


def _declared_hint(ref: Ref, name: str, fields: dict[str, Any] | None) -> str | None:
    from solvent.errors import nearest

    if fields is not None:
        return f"declared fields are {', '.join(fields)}{nearest(name, fields)}"
    if ref._annotation is None:
        return "its type isn't annotated, or the annotation can't be resolved at run time (TYPE_CHECKING?)"
    return None


def _refusing(what: str) -> Callable[..., NoReturn]:
    def refuse(self: Ref, *args: object, **kwargs: object) -> NoReturn:
        raise _refusal(self, what)

    return refuse


def _refuse_all(uses: dict[str, str]) -> None:
    for names, what in uses.items():
        refuse = _refusing(what)
        for name in names.split():
            setattr(Ref, f"__{name}__", refuse)


_refuse_all(
    {
        "bool": "its truth was asked for (if, while, and, or, not)",
        "eq ne lt le gt ge": "it was compared",
        "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv": "it was computed with",
        "mod rmod divmod rdivmod pow rpow": "it was computed with",
        "matmul rmatmul and rand or ror xor rxor lshift rlshift rshift rrshift": "it was computed with",
        "neg pos abs invert round trunc floor ceil": "it was computed with",
        "int float complex index": "it was turned into a number",
        "str format bytes": "it was formatted as text",
        "getitem setitem delitem": "it was indexed",
        "len": "its length was asked for",
        "contains": "it was searched with `in`",
        "next reversed": "it was iterated over",
        "call": "it was called",
        "enter exit aenter aexit": "it was used in a with statement",
        "await aiter anext": "it was awaited",
        "array fspath": "it was handed to a library as a value",
        "reduce reduce_ex copy deepcopy": "it was pickled or copied",
    }
)
