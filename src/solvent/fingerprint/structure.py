"""Canonical hashing: every digest begins with a tag that says what kind of thing it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from struct import Struct
from typing import Any

DIGEST_VERSION = 1

_double = Struct(">d").pack


def digest(tag: str, *parts: bytes | str) -> str:
    """Return the SHA-256 (hex) over the tag and the parts; no two different lists of parts share their bytes."""
    content = [_head(tag)]
    for part in parts:
        if isinstance(part, str):
            part = part.encode("utf-8", "surrogatepass")
            content.append(b"s%d:" % len(part))
        else:
            content.append(b"b%d:" % len(part))
        content.append(part)
    return sha256(b"".join(content)).hexdigest()


def digest_mapping(tag: str, parts: Iterable[tuple[str, str]]) -> str:
    """Return the digest of named parts, whatever order they come in."""
    return digest(tag, *(text for pair in sorted(parts) for text in pair))


def _head(tag: str) -> bytes:
    return b"solvent/%d:%b;" % (DIGEST_VERSION, tag.encode())


# Numbers and texts come by the million: each kind has a function of its own that builds the bytes of `digest` at once.

_INT, _FLOAT, _STR, _BYTES = (_head(tag) for tag in ("int", "float", "str", "bytes"))
_NONE_DIGEST = digest("none")
_BOOL_DIGESTS = (digest("bool", b"0"), digest("bool", b"1"))
_NAN_DIGEST = digest("float", b"nan")


def digest_none(value: None) -> str:
    return _NONE_DIGEST


def digest_bool(value: bool) -> str:
    return _BOOL_DIGESTS[value]


def digest_int(value: int) -> str:
    """Return the digest of an int; in hexadecimal, because decimal text is limited to some thousand digits."""
    text = b"%x" % value
    return sha256(b"%bb%d:%b" % (_INT, len(text), text)).hexdigest()


def digest_float(value: float) -> str:
    """Return the digest of a float: all NaN are one value, 0.0 and -0.0 are two."""
    return sha256(b"%bb8:%b" % (_FLOAT, _double(value))).hexdigest() if value == value else _NAN_DIGEST


def digest_complex(value: complex) -> str:
    return digest("complex", digest_float(value.real), digest_float(value.imag))


def digest_str(value: str) -> str:
    text = value.encode("utf-8", "surrogatepass")
    return sha256(b"%bs%d:%b" % (_STR, len(text), text)).hexdigest()


def digest_bytes(value: bytes) -> str:
    return sha256(b"%bb%d:%b" % (_BYTES, len(value), value)).hexdigest()


SCALARS: dict[type, tuple[Callable[[Any], str], str]] = {
    type(None): (digest_none, "builtins:NoneType"),
    bool: (digest_bool, "builtins:bool"),
    int: (digest_int, "builtins:int"),
    float: (digest_float, "builtins:float"),
    complex: (digest_complex, "builtins:complex"),
    str: (digest_str, "builtins:str"),
    bytes: (digest_bytes, "builtins:bytes"),
}
"""For each exact type of scalar: how it is digested and the name of its type."""
