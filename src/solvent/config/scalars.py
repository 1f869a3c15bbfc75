"""What a bare word means, alike in YAML files, in `--set` and in environment variables.

The rules are those of YAML 1.2: only true and false are booleans (`no` and `on` are text), `1e-3` is a number, and a
date is text until the schema asks for a date. A number with a leading zero is text: it is a code, not a count.
"""

from __future__ import annotations

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_SPECIAL = {".nan": "nan", ".inf": "inf", "+.inf": "inf", "-.inf": "-inf"}
_FLOAT_LETTERS = frozenset("0123456789.eE+-_")


def read_scalar(text: str) -> Scalar:
    """Give the value that a bare word stands for; what is nothing else is text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        return _read_number(text)
    return text


def _read_number(text: str) -> Scalar:
    body = text[1:] if text[0] in "+-" else text
    if text.lower() in _SPECIAL:
        return float(_SPECIAL[text.lower()])
    if not body.isascii() or body[:1] not in "0123456789." or body == "":
        return text
    try:
        return _read_integer(text, body) if _looks_integer(body) else _read_float(text, body)
    except ValueError:
        return text


def _looks_integer(body: str) -> bool:
    return body.replace("_", "").isdecimal() or body[:2] in ("0x", "0o")


def _read_integer(text: str, body: str) -> Scalar:
    if body[:2] in ("0x", "0o"):
        return int(text, 0)
    return text if body[0] == "0" and len(body) > 1 else int(text)


def _read_float(text: str, body: str) -> Scalar:
    if not _FLOAT_LETTERS.issuperset(body) or (body[0] == "0" and body[1:2].isdecimal()):
        return text
    number = float(text)
    return text if number in (float("inf"), float("-inf")) else number


def float_text(number: float) -> str | float:
    """Give a float as JSON can hold it: the three that it can't are written as YAML writes them."""
    if number != number:
        return ".nan"
    if number in (float("inf"), float("-inf")):
        return ".inf" if number > 0 else "-.inf"
    return number


def show(value: object) -> str:
    """Write a JSON value so that `--set name=<text>` gives it back."""
    if isinstance(value, str) and (value in (".nan", ".inf", "-.inf") or _is_plain(value)):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    """Whether a text reads as itself without quotes."""
    if not text or text != text.strip() or text[0] in "[{\"'":
        return False
    return read_scalar(text) is text and text.isprintable()
