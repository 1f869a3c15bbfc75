"""From a value to its artifact and back: which format a value gets, and what happens when none fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from solvent.artifacts.sink import Sink, Source, Unsuitable
from solvent.artifacts.tagged import PLAIN, SAFE_INT, decode, loads
from solvent.errors import FormatError
from solvent.fingerprint.files import digest_manifest
from solvent.model import ArtifactRef, Blobs, Identity
from solvent.plugins.registry import Plugin, Registry

_HERE = "solvent.artifacts.formats"

FORMATS = Registry(
    "solvent.formats",
    {
        "json": Plugin(f"{_HERE}.json:JSON"),
        "collection": Plugin(f"{_HERE}.json:JSON"),
        "text": Plugin(f"{_HERE}.raw:TEXT"),
        "bytes": Plugin(f"{_HERE}.raw:BYTES"),
        "markup": Plugin(f"{_HERE}.raw:MARKUP"),
        "file": Plugin(f"{_HERE}.files:FILE"),
        "folder": Plugin(f"{_HERE}.files:FOLDER"),
        "pandas": Plugin(f"{_HERE}.pandas_tables:PANDAS", "solvent[data]"),
        "polars": Plugin(f"{_HERE}.polars_tables:POLARS", "solvent[data]"),
        "arrow": Plugin(f"{_HERE}.arrow_tables:ARROW", "solvent[data]"),
        "npy": Plugin(f"{_HERE}.arrays:NPY", "solvent[data]"),
        "sparse": Plugin(f"{_HERE}.arrays:SPARSE", "scipy"),
        "skops": Plugin(f"{_HERE}.estimators:SKOPS", "skops"),
        "lightgbm": Plugin(f"{_HERE}.boosters:LIGHTGBM", "lightgbm"),
        "xgboost": Plugin(f"{_HERE}.boosters:XGBOOST", "xgboost"),
        "onnx": Plugin(f"{_HERE}.onnx_models:ONNX", "solvent[onnx]"),
        "safetensors": Plugin(f"{_HERE}.torch_modules:SAFETENSORS", "torch safetensors"),
        "figure": Plugin(f"{_HERE}.pictures:FIGURE"),
        "image": Plugin(f"{_HERE}.pictures:IMAGE", "pillow"),
        "pickle": Plugin(f"{_HERE}.pickled:PICKLE", "cloudpickle"),
    },
    FormatError,
)

_BY_PACKAGE: dict[str, tuple[str, ...]] = {
    "pandas": ("pandas",),
    "polars": ("polars",),
    "pyarrow": ("arrow",),
    "numpy": ("npy",),
    "scipy": ("sparse",),
    "lightgbm": ("lightgbm",),
    "xgboost": ("xgboost",),
    "sklearn": ("skops",),
    "solvent": ("onnx",),
    "torch": ("safetensors",),
    "matplotlib": ("figure",),
    "PIL": ("image",),
    "IPython": ("markup",),
}
"""Which formats may fit the classes of a package and what derives from them, best first."""

LARGE_BYTES = 32 << 20
"""A table that takes more in the store is read in pieces where that will do."""

_IN_PIECES = ("table", "batch", "dataframe", "series")
_TOKENS = {True: b"true", False: b"false", None: b"null"}
_NO_META: dict[str, Any] = {}


def save(
    value: Any, identity: Identity, blobs: Blobs, *, allow_pickle: bool = True, path: str = "value"
) -> ArtifactRef:
    """Write a value; reading the artifact gives back an equal value of the same type, or this raises FormatError."""
    kind = type(value)
    if kind in PLAIN and kind is not str:
        data = _scalar(value)
        if data is not None:
            return ArtifactRef(identity, "json", len(data), data, (), _NO_META)
    name = find_format(value)
    if name == "pickle":
        return _write(name, value, identity, blobs, allow_pickle, path, {})
    try:
        return _write(name, value, identity, blobs, allow_pickle, path, {})
    except Unsuitable as reason:
        why = {"reason": str(reason), **({"hint": reason.hint} if reason.hint else {})}
        return _write("pickle", value, identity, blobs, allow_pickle, path, why)


def load(ref: ArtifactRef, blobs: Blobs, *, allow_pickle: bool = True) -> Any:
    """Read an artifact, with the very format that wrote it and none weaker."""
    if ref.format == "json" and ref.inline is not None:
        return decode(ref.inline)
    if ref.format == "pickle" and not allow_pickle:
        raise FormatError(
            f"reading this {ref.type} means running pickle, which this project forbids", hint="set allow_pickle = true"
        )
    if ref.children:
        blobs.fetch(ref.all_blobs())
    source = Source(ref, blobs, lambda child: load(child, blobs, allow_pickle=allow_pickle))
    return FORMATS.load(ref.format).read(source)


def load_pieces(ref: ArtifactRef, blobs: Blobs, rows: int) -> Iterator[Any] | None:
    """Read a table or array as ones of at most so many rows; None if it is small, or its format gives only the whole."""
    if ref.size_bytes < LARGE_BYTES or ref.format not in ("pandas", "polars", "arrow", "npy"):
        return None
    if ref.meta.get("class", "ndarray") != "ndarray" or ref.meta.get("as", "table") not in _IN_PIECES:
        return None
    source = Source(ref, blobs, lambda child: load(child, blobs))
    found: Iterator[Any] = FORMATS.load(ref.format).pieces(source, rows)
    return found


def runs_code(ref: ArtifactRef) -> bool:
    """Whether reading an artifact can run code that it names itself: pickle, or types that its writer called safe."""
    if ref.format == "pickle" or (ref.format == "skops" and ref.meta.get("trusted")):
        return True
    return any(map(runs_code, ref.children))


def element(ref: ArtifactRef, index: int) -> ArtifactRef | None:
    """Give the artifact of one element of a list or tuple, if it is an artifact of its own."""
    if ref.format != "collection" or ref.inline is None:
        return None
    tree = loads(ref.inline)
    if isinstance(tree, dict):
        tree = tree.get("v") if tree.get("$") == "tuple" else None
    part = tree[index] if isinstance(tree, list) and -len(tree) <= index < len(tree) else None
    return ref.children[part["v"]] if isinstance(part, dict) and part.get("$") == "child" else None


def content_digest(ref: ArtifactRef) -> str | None:
    """Give the identity of a stored File or Folder, from the digests of its bytes; None for any other value."""
    if ref.format == "file":
        return ref.blobs[0].digest
    if ref.format == "folder":
        return digest_manifest((blob.role, str(blob.size_bytes), blob.digest) for blob in ref.blobs)
    return None


def find_format(value: Any) -> str:
    """Name the format that a value is written in."""
    kind = type(value)
    if kind is str:
        return "text"
    if kind is bytes or kind is bytearray:
        return "bytes"
    if kind in PLAIN or kind is list or kind is dict or kind is tuple:
        return "json"
    if marker := getattr(kind, "__solvent_kind__", None):
        return str(marker)
    for package in {base.__module__.partition(".")[0]: None for base in kind.__mro__}:
        for name in _BY_PACKAGE.get(package, ()):
            if FORMATS.load(name).accepts(value):
                return name
    if FORMATS.load("json").accepts(value):
        return "json"
    return next((name for name, format in FORMATS.load_announced() if format.accepts(value)), "pickle")


def register_format(name: str, target: str, packages: tuple[str, ...] = (), install: str = "") -> None:
    """Add a format ("module:object") for the classes of some top-level packages, asked before the built-in ones."""
    FORMATS.register(name, target, install)
    for package in packages:
        _BY_PACKAGE[package] = (name, *(known for known in _BY_PACKAGE.get(package, ()) if known != name))


def _write(
    name: str, value: Any, identity: Identity, blobs: Blobs, allow_pickle: bool, path: str, why: dict[str, Any]
) -> ArtifactRef:
    if name == "pickle" and not allow_pickle:
        raise FormatError(_no_safe_format(value, why), where=path, hint=why.get("hint") or _PICKLE_HINT)
    sink = Sink(blobs, _child_saver(blobs, allow_pickle), path)
    meta = {**FORMATS.load(name).write(value, sink), **why}
    if sink.parts:
        meta["parts"] = sink.parts
    if sink.children and name == "json":
        name = "collection"
    size = len(sink.inline or b"") + sum(blob.size_bytes for blob in sink.stored)
    size += sum(child.size_bytes for child in sink.children)
    return ArtifactRef(identity, name, size, sink.inline, tuple(sink.stored), meta, tuple(sink.children))


_PICKLE_HINT = "return plain data, arrays or tables, or set allow_pickle = true for this project"


def _no_safe_format(value: Any, why: dict[str, Any]) -> str:
    kind = type(value)
    reason = f" ({why['reason']})" if "reason" in why else ""
    return f"only pickle can store a {kind.__module__}.{kind.__qualname__}{reason}, and this project forbids it"


def _child_saver(blobs: Blobs, allow_pickle: bool) -> Callable[[Any, str], ArtifactRef]:
    def save_child(value: Any, path: str) -> ArtifactRef:
        from solvent.fingerprint.values import identify

        return save(value, identify(value, path=path), blobs, allow_pickle=allow_pickle, path=path)

    return save_child


def _scalar(value: Any) -> bytes | None:
    """Write a JSON scalar by hand, which is faster; None for one that needs a tag."""
    if value is None or value is True or value is False:
        return _TOKENS[value]
    if type(value) is int:
        return b"%d" % value if -SAFE_INT < value < SAFE_INT else None
    return repr(value).encode() if math.isfinite(value) else None
