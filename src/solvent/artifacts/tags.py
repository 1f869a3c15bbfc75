"""The tags: how each type of the standard library, and a user's records and enums, become JSON and come back.

Encoders are found by the name of a type, so that no module is imported for a type that does not occur. An encoder may
return None: this one value then is a leaf.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from datetime import UTC
from typing import Any

from solvent.artifacts.tagged import Decoder, Encoder, tagged
from solvent.errors import FormatError

Encode = Callable[[Any, Encoder], Any]
Decode = Callable[[Any, Decoder], Any]

_found: dict[type, Encode | None] = {}


def find_encoder(kind: type) -> Encode | None:
    """Give the encoder for a type, or None if its values are leaves."""
    try:
        return _found[kind]
    except KeyError:
        name = f"{kind.__module__}.{kind.__qualname__}"
        return _found.setdefault(kind, ENCODERS.get(name) or _find_structure(kind))


def find_decoder(tag: str) -> Decode:
    """Give the decoder for a tag."""
    decoder = DECODERS.get(tag)
    if decoder is None:
        from solvent.artifacts.scalars import DECODERS as more

        decoder = more.get(tag)
    if decoder is None:
        raise FormatError(f"the tag {tag!r} is not known", hint="update Solvent: a newer version wrote this value")
    return decoder


def _find_structure(kind: type) -> Encode | None:
    package = kind.__module__.partition(".")[0]
    if package in ("numpy", "pandas"):
        from solvent.artifacts.scalars import find_scalar_encoder

        return find_scalar_encoder(kind)
    from solvent.artifacts.records import find_record_encoder

    return find_record_encoder(kind)


def class_name(kind: Any) -> str | None:
    """Give "module:qualname" if importing that name gives back this very class or function, else None."""
    module, name = getattr(kind, "__module__", None), getattr(kind, "__qualname__", None)
    found: Any = sys.modules.get(module or "")
    if found is None or name is None:
        return None
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is kind else None


def find_class(name: str) -> Any:
    """Give the class or function called "module:qualname"."""
    module, _, path = name.partition(":")
    try:
        found: Any = sys.modules.get(module) or __import__(module, fromlist=["_"])
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        hint = f"make {path} importable from {module} again"
        if module == "__main__":
            hint = f"define {path} in a module: what is defined in a script is known to that script only"
        raise FormatError(f"{path} of module {module} is needed to read this value and is gone", hint=hint) from error
    return found


def _bytes(value: Any, _: Encoder) -> Any:
    return tagged("bytes", base64.b64encode(value).decode())


def _bytearray(value: Any, _: Encoder) -> Any:
    return tagged("bytearray", base64.b64encode(value).decode())


def _set(tag: str) -> Encode:
    def encode(value: Any, encoder: Encoder) -> Any:
        # Sorted, because the order of a set depends on the process.
        return tagged(tag, sorted(encoder.items(value), key=repr))

    return encode


def _texted(tag: str) -> Encode:
    return lambda value, _: tagged(tag, str(value))


def _path(value: Any, _: Encoder) -> Any:
    return tagged("path", [type(value).__name__, str(value)])


def _datetime(value: Any, encoder: Encoder) -> Any:
    return tagged("datetime", [value.replace(tzinfo=None).isoformat(), value.fold, encoder.at(".tzinfo", value.tzinfo)])


def _time(value: Any, encoder: Encoder) -> Any:
    return tagged("time", [value.replace(tzinfo=None).isoformat(), value.fold, encoder.at(".tzinfo", value.tzinfo)])


def _timezone(value: Any, encoder: Encoder) -> Any:
    arguments = value.__getinitargs__()
    return tagged("timezone", [encoder.items(arguments)])


def _zoneinfo(value: Any, _: Encoder) -> Any:
    return tagged("zoneinfo", value.key) if value.key else None


def _ordered(tag: str) -> Encode:
    def encode(value: Any, encoder: Encoder) -> Any:
        tree = tagged(tag, encoder.pairs(value))
        state = vars_of(value)
        return tagged("attributed", [tree, encoder.fields(state)]) if state else tree

    return encode


def _defaultdict(value: Any, encoder: Encoder) -> Any:
    factory = value.default_factory
    if factory is not None and class_name(factory) is None:
        return None
    return tagged("defaultdict", [factory and class_name(factory), encoder.pairs(value)])


def _reference(value: Any, _: Encoder) -> Any:
    name = class_name(value)
    return tagged("reference", name) if name and not name.startswith("__main__:") else None


def vars_of(value: Any) -> dict[str, Any]:
    """Give an object's own attributes, or nothing."""
    return getattr(value, "__dict__", None) or {}


ENCODERS: dict[str, Encode] = {
    "builtins.tuple": lambda value, encoder: tagged("tuple", encoder.items(value)),
    "builtins.set": _set("set"),
    "builtins.frozenset": _set("frozenset"),
    "builtins.bytes": _bytes,
    "builtins.bytearray": _bytearray,
    "builtins.complex": lambda value, encoder: tagged("complex", encoder.items((value.real, value.imag))),
    "builtins.range": lambda value, encoder: tagged("range", encoder.items((value.start, value.stop, value.step))),
    "builtins.slice": lambda value, encoder: tagged("slice", encoder.items((value.start, value.stop, value.step))),
    "builtins.ellipsis": lambda value, _: tagged("constant", "Ellipsis"),
    "builtins.NotImplementedType": lambda value, _: tagged("constant", "NotImplemented"),
    "builtins.type": _reference,
    "builtins.function": _reference,
    "builtins.builtin_function_or_method": _reference,
    "datetime.date": lambda value, _: tagged("date", value.isoformat()),
    "datetime.datetime": _datetime,
    "datetime.time": _time,
    "datetime.timedelta": lambda value, _: tagged("timedelta", [value.days, value.seconds, value.microseconds]),
    "datetime.timezone": _timezone,
    "zoneinfo.ZoneInfo": _zoneinfo,
    "decimal.Decimal": _texted("decimal"),
    "uuid.UUID": _texted("uuid"),
    "fractions.Fraction": _texted("fraction"),
    "pathlib.PosixPath": _path,
    "pathlib.WindowsPath": _path,
    "pathlib.PurePosixPath": _path,
    "pathlib.PureWindowsPath": _path,
    "pathlib._local.PosixPath": _path,
    "pathlib._local.WindowsPath": _path,
    "pathlib._local.PurePosixPath": _path,
    "pathlib._local.PureWindowsPath": _path,
    "collections.OrderedDict": _ordered("ordereddict"),
    "collections.Counter": _ordered("counter"),
    "collections.defaultdict": _defaultdict,
    "collections.deque": lambda value, encoder: tagged("deque", [encoder.items(value), value.maxlen]),
    "types.SimpleNamespace": lambda value, encoder: tagged("namespace", encoder.pairs(vars(value))),
}


def _read_datetime(payload: Any, decoder: Decoder) -> Any:
    from datetime import datetime

    text, fold, zone = payload
    return datetime.fromisoformat(text).replace(fold=fold, tzinfo=decoder.value(zone))


def _read_time(payload: Any, decoder: Decoder) -> Any:
    from datetime import time

    text, fold, zone = payload
    return time.fromisoformat(text).replace(fold=fold, tzinfo=decoder.value(zone))


def _read_timezone(payload: Any, decoder: Decoder) -> Any:
    from datetime import timezone

    arguments = decoder.value(payload[0])
    return timezone(*arguments) if arguments[0] or len(arguments) > 1 else UTC


def _read_path(payload: Any, _: Decoder) -> Any:
    import pathlib

    name, text = payload
    kind = getattr(pathlib, name) if name.startswith("Pure") else pathlib.Path
    return kind(text)


def _read_constant(payload: Any, _: Decoder) -> Any:
    return {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}[payload]


def _read_defaultdict(payload: Any, decoder: Decoder) -> Any:
    from collections import defaultdict

    factory, pairs = payload
    return defaultdict(factory and find_class(factory), _pairs(pairs, decoder))


def _read_attributed(payload: Any, decoder: Decoder) -> Any:
    value = decoder.value(payload[0])
    vars(value).update({name: decoder.value(item) for name, item in payload[1].items()})
    return value


def _read_deque(payload: Any, decoder: Decoder) -> Any:
    from collections import deque

    return deque(decoder.value(payload[0]), payload[1])


def _pairs(payload: Any, decoder: Decoder) -> dict[Any, Any]:
    return {decoder.value(key): decoder.value(item) for key, item in payload}


def _called(name: str, *, spread: bool = False) -> Decode:
    """Read by calling a class of the standard library, imported when it is needed."""

    def decode(payload: Any, decoder: Decoder) -> Any:
        value = decoder.value(payload)
        return find_class(name)(*value) if spread else find_class(name)(value)

    return decode


def _paired(name: str) -> Decode:
    return lambda payload, decoder: find_class(name)(_pairs(payload, decoder))


def _record(name: str) -> Decode:
    def decode(payload: Any, decoder: Decoder) -> Any:
        from solvent.artifacts import records

        return getattr(records, name)(payload, decoder)

    return decode


DECODERS: dict[str, Decode] = {
    "int": lambda payload, _: int(payload, 16),
    "float": lambda payload, _: float(payload),
    "dict": _pairs,
    "tuple": _called("builtins:tuple"),
    "set": _called("builtins:set"),
    "frozenset": _called("builtins:frozenset"),
    "bytes": lambda payload, _: base64.b64decode(payload),
    "bytearray": lambda payload, _: bytearray(base64.b64decode(payload)),
    "complex": _called("builtins:complex", spread=True),
    "range": _called("builtins:range", spread=True),
    "slice": _called("builtins:slice", spread=True),
    "constant": _read_constant,
    "reference": lambda payload, _: find_class(payload),
    "date": lambda payload, _: find_class("datetime:date").fromisoformat(payload),
    "datetime": _read_datetime,
    "time": _read_time,
    "timedelta": _called("datetime:timedelta", spread=True),
    "timezone": _read_timezone,
    "zoneinfo": _called("zoneinfo:ZoneInfo"),
    "decimal": _called("decimal:Decimal"),
    "uuid": _called("uuid:UUID"),
    "fraction": _called("fractions:Fraction"),
    "path": _read_path,
    "ordereddict": _paired("collections:OrderedDict"),
    "counter": _paired("collections:Counter"),
    "defaultdict": _read_defaultdict,
    "deque": _read_deque,
    "attributed": _read_attributed,
    "namespace": lambda payload, decoder: find_class("types:SimpleNamespace")(**_pairs(payload, decoder)),
    "namedtuple": _record("read_namedtuple"),
    "dataclass": _record("read_fields"),
    "enum": _record("read_enum"),
    "pydantic": _record("read_pydantic"),
}
