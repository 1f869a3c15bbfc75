"""Secrets by value: what this process knows of them is replaced in every text that is kept or shown.

A value is known once a `Secret` that names it was made, or once it stood where passwords stand: in a URL, in the
environment under a name that says so. Until then nothing is done and nothing costs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from re import Match

MASK = "***"
LEAST = 4
"""Shorter values are not masked: they would be found in everything."""

_LEAST_UNASKED = 8
_ENDINGS = ("PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "API_KEY", "SECRET_KEY", "ACCESS_KEY", "ACCESS_KEY_ID")
_SINGLE = ("AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING")
_NAMES = frozenset(
    [
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "credential",
        "credentials",
        "apikey",
        "api_key",
        "access_key",
        "secret_key",
    ]
)
_IN_URL = r"(?<![^/\s'\"=,(\[])([^\s/:@'\"]*):([^\s/@'\"]+)@(?=[^\s/@])"
_TOKEN_IN_URL = r"(?<=://)([^\s/:@'\"]{16,})(?=@)"
_QUERY = r"(?i)(?<=[?&])((?:password|passwd|secret|token|sig)=)([^\s&'\"]+)"
_CUT = rb"\n\[\.\.\. \d+ bytes of output were cut here \.\.\.\]\n"

_UNQUOTED = frozenset(b"-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

_known: set[str] = set()
_forms: list[str] = []
_byte_forms: list[bytes] = []


def learn(value: str, least: int = LEAST) -> None:
    """Mask a value from now on, in every way in which it is commonly written."""
    global _forms, _byte_forms
    value = value.strip()
    if len(value) < least or value in _known:
        return
    _known.add(value)
    forms = {form for line in _lines(value) for form in _written(line) if len(form) >= LEAST}
    _forms = sorted(forms.union(_forms), key=len, reverse=True)
    _byte_forms = [form.encode("utf-8", "surrogatepass") for form in _forms]


def learn_environment() -> None:
    """Mask the keys and passwords that the environment holds under names that say so."""
    for name, value in os.environ.items():
        if name.upper().endswith(_ENDINGS) or name in _SINGLE:
            learn(value, _LEAST_UNASKED)


def learn_urls(text: str) -> None:
    """Mask the passwords of the URLs in a text; one that is no more than a word stays known by its place alone."""
    if "://" not in text and "@" not in text:
        return
    import re

    found = [password for user, password in re.findall(_IN_URL, text) if password != user]
    found += [*re.findall(_TOKEN_IN_URL, text), *(value for _, value in re.findall(_QUERY, text))]
    for password in found:
        learn(password, _LEAST_UNASKED)
        learn(unquoted(password), _LEAST_UNASKED)


def masked(text: str) -> str:
    """Give a text without any known secret."""
    for form in _forms:
        if form in text:
            text = text.replace(form, MASK)
    return text


def masked_bytes(data: bytes) -> bytes:
    """Give bytes without any known secret, also none of which a part alone is left beside a cut."""
    if not _byte_forms:
        return data
    for form in _byte_forms:
        if form in data:
            data = data.replace(form, MASK.encode())
    if b" were cut here ..." not in data:
        return data
    import re

    found = re.search(_CUT, data)
    if found is None:
        return data
    return _without_beginning(data[: found.start()]) + found[0] + _without_end(data[found.end() :])


def masked_json(text: str) -> str:
    """Give JSON whose texts hold no known secret; digests stay, and all of it does if there is none."""
    if not _forms:
        return text
    import json

    tree = json.loads(text)
    clean = _masked_tree(tree)
    return text if clean == tree else json.dumps(clean, sort_keys=True)


def masked_words(words: Sequence[str]) -> list[str]:
    """Give the words of a command without secrets: known ones, passwords in URLs, what follows a name such as `token`."""
    found: list[str] = []
    hide_next = False
    for word in words:
        name, equals, value = word.partition("=")
        if hide_next and not word.startswith("-"):
            word = _hidden(word)
        elif equals and _is_secret(name):
            word = f"{name}={_hidden(value)}"
        hide_next = not equals and word.startswith("-") and _is_secret(word)
        found.append(masked(without_passwords(word)))
    return found


def without_passwords(text: str) -> str:
    """Give a text whose URLs hold no password, whatever it is."""
    if "@" not in text and "?" not in text:
        return text
    import re

    for pattern, shown in ((_IN_URL, rf"\1:{MASK}@"), (_TOKEN_IN_URL, MASK), (_QUERY, rf"\1{MASK}")):
        text = re.sub(pattern, shown, text)
    return text


def _is_secret(name: str) -> bool:
    words = name.lower().replace("-", "_").replace(".", "_")
    return any(words == each or words.endswith(f"_{each}") for each in _NAMES)


def _hidden(value: str) -> str:
    from solvent.config.secrets import is_reference

    plain = is_reference(value) or value.lower() in ("", "null", "true", "false") or value.replace(".", "").isdigit()
    return value if plain else MASK


def _masked_tree(tree: object) -> object:
    if isinstance(tree, dict):
        return {masked(key): _masked_tree(each) for key, each in tree.items()}
    if isinstance(tree, list):
        return [_masked_tree(each) for each in tree]
    if isinstance(tree, str):
        return tree if len(tree) == 64 and tree.isalnum() else masked(tree)
    if isinstance(tree, int | float) and not isinstance(tree, bool) and masked(str(tree)) != str(tree):
        return MASK
    return tree


def _lines(value: str) -> Iterator[str]:
    """A value of several lines, such as a key, may be shown line by line."""
    yield value
    if "\n" in value:
        yield from (line.strip() for line in value.split("\n") if len(line.strip()) >= _LEAST_UNASKED)


def _written(value: str) -> Iterator[str]:
    """Give a value as it is written plainly, in URLs, in base64, in JSON, in hex and by `repr`."""
    data = value.encode("utf-8", "surrogatepass")
    yield value
    yield data.hex()
    yield data.hex().upper()
    yield from _in_base64(data)
    if _UNQUOTED.issuperset(data):
        return
    import json
    import re

    for safe in ("-._~", "-._~/"):
        quoted = "".join(chr(each) if each in _UNQUOTED or chr(each) in safe else f"%{each:02X}" for each in data)
        yield quoted
        yield quoted.replace("%20", "+")
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
    for plain in (True, False):
        once = json.dumps(value, ensure_ascii=plain)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=plain)[1:-1]
    yield repr(value)[1:-1]
    yield ascii(value)[1:-1]
    yield repr(data)[2:-1]


def _in_base64(data: bytes) -> Iterator[str]:
    """Give what stays the same of a value in base64, wherever it stands in what is encoded."""
    from binascii import b2a_base64

    for before in range(3):
        text = b2a_base64(b"\0" * before + data, newline=False).decode()
        whole, rest = divmod(before + len(data), 3)
        inner = text[(0, 2, 3)[before] : whole * 4 + (0, 1, 2)[rest]]
        for each in (text, inner) if before == 0 else (inner,):
            if len(each) >= 6:
                yield each
                yield each.replace("+", "-").replace("/", "_")
                yield each.rstrip("=")


def unquoted(text: str) -> str:
    import re

    def decoded(found: Match[str]) -> str:
        return bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace")

    return re.sub(r"(?:%[0-9A-Fa-f]{2})+", decoded, text)


def _without_beginning(data: bytes) -> bytes:
    """Drop the beginning of a secret at the end of what is left before a cut."""
    longest = max((n for form in _byte_forms for n in range(3, len(form)) if data.endswith(form[:n])), default=0)
    return data[:-longest] + MASK.encode() if longest else data


def _without_end(data: bytes) -> bytes:
    longest = max((n for form in _byte_forms for n in range(3, len(form)) if data.startswith(form[-n:])), default=0)
    return MASK.encode() + data[longest:] if longest else data
