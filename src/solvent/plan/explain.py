"""Why a call has another key than a former one, in words, most telling first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from solvent.model import CodeFingerprint, Symbol
from solvent.pipelines.places import shorten

Parts = Mapping[str, Any]


def explain(
    new: str | Parts, new_code: CodeFingerprint | None, old: str | Parts, old_code: CodeFingerprint | None
) -> list[str]:
    """Give one phrase for each thing that differs between two calls, from their key parts and code; none if equal."""
    ours, theirs = _parts(new), _parts(old)
    return [
        *_code(ours, new_code, theirs, old_code),
        *_arguments(ours["arguments"], theirs["arguments"], ours["externals"] != theirs["externals"]),
        *_externals(ours["externals"], theirs["externals"]),
        *_salt(ours, theirs),
        *_checks(ours.get("checks", {}), theirs.get("checks", {})),
        *_environment(ours["environment"], theirs["environment"]),
        *_other(ours, theirs),
    ]


def closest(new: str | Parts, former: Sequence[str | Parts]) -> int | None:
    """Give the place of the former call that differs in the fewest parts; of equally near ones the first."""
    ours = _parts(new)
    distances = [_distance(ours, _parts(old)) for old in former]
    return distances.index(min(distances)) if distances else None


def _parts(given: str | Parts) -> Parts:
    found: Parts = json.loads(given) if isinstance(given, str) else given
    return found


def _distance(new: Parts, old: Parts) -> int:
    groups = sum(_differing(new[group], old[group]) for group in ("arguments", "externals", "environment"))
    groups += _differing(new.get("checks", {}), old.get("checks", {}))
    return groups + _differing(
        *({part: parts.get(part) for part in ("code", "salt", "version")} for parts in (new, old))
    )


def _differing(new: Mapping[str, Any], old: Mapping[str, Any]) -> int:
    return len([name for name in new.keys() | old.keys() if new.get(name) != old.get(name)])


def _code(new: Parts, new_code: CodeFingerprint | None, old: Parts, old_code: CodeFingerprint | None) -> Iterator[str]:
    if new["code"] == old["code"] or _python(new) != _python(old):
        # Another Python compiles the same source to other code: naming the symbols would accuse the user.
        return
    changes = list(_symbols(new_code.symbols, old_code.symbols)) if new_code and old_code else []
    yield from changes or ["its code changed"]


def _symbols(new: Sequence[Symbol], old: Sequence[Symbol]) -> Iterator[str]:
    ours = {(symbol.name, symbol.kind): symbol for symbol in new}
    theirs = {(symbol.name, symbol.kind): symbol for symbol in old}
    for told, names in (
        ("changed", [name for name in ours if name in theirs and ours[name].digest != theirs[name].digest]),
        ("is new", [name for name in ours if name not in theirs]),
    ):
        for symbol in (ours[name] for name in names):
            yield f"`{symbol.name}` {told}{_place(symbol)}"
    for name in theirs:
        if name not in ours:
            yield f"`{theirs[name].name}` isn't used any more"


def _place(symbol: Symbol) -> str:
    line = f":{symbol.line}" if symbol.line else ""
    return f" ({shorten(symbol.file)}{line})" if symbol.file else ""


def _arguments(new: Mapping[str, Any], old: Mapping[str, Any], files_differ: bool) -> Iterator[str]:
    for name, (digest, kind, text) in new.items():
        if name not in old:
            yield f"new argument `{name}`{' ' + text if text else ''}"
        elif [digest, kind] != old[name][:2] and not (files_differ and text and [kind, text] == old[name][1:]):
            # An argument that names a file as before has another digest with the file, which is told by itself.
            yield _change_of(name, kind, text, *old[name][1:])
    for name in old:
        if name not in new:
            yield f"argument `{name}` is gone"


def _change_of(name: str, kind: str, text: str, old_kind: str, old_text: str) -> str:
    if not text and not old_text:
        return f"input `{name}` changed{_kinds(kind, old_kind)}"
    if text == old_text:
        return f"argument `{name}` changed{_kinds(kind, old_kind)}"
    return f"argument `{name}` {old_text or 'a result'} -> {text or 'a result'}"


def _kinds(kind: str, old_kind: str) -> str:
    new, old = kind.rpartition(":")[2], old_kind.rpartition(":")[2]
    return f" from {old} to {new}" if new != old else ""


def _externals(new: Mapping[str, str], old: Mapping[str, str]) -> Iterator[str]:
    for path in new:
        if path not in old:
            yield f"new file {path}"
        elif new[path] != old[path]:
            yield f"file {path} changed"
    yield from (f"file {path} is gone" for path in old if path not in new)


def _salt(new: Parts, old: Parts) -> Iterator[str]:
    if new.get("salt") != old.get("salt"):
        yield f"salt {old.get('salt')!r} -> {new.get('salt')!r}"


def _checks(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[str]:
    for place, (digest, text) in new.items():
        if place not in old:
            yield f"new check {text}"
        elif digest != old[place][0]:
            was = old[place][1]
            yield f"check {was} -> {text}" if was != text else f"check {text} changed"
    yield from (f"check {text} is gone" for place, (_, text) in old.items() if place not in new)


def _environment(new: Mapping[str, str], old: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(new.keys() | old.keys()):
        if name not in old:
            yield f"now uses {name} {new[name]}"
        elif name not in new:
            yield f"no longer uses {name} {old[name]}"
        elif new[name] != old[name]:
            yield f"{name} {old[name]} -> {new[name]}"


def _other(new: Parts, old: Parts) -> Iterator[str]:
    if new["step"] != old["step"]:
        yield f"step {old['step']} -> {new['step']}"
    if new["version"] != old["version"]:
        yield f"cache keys are made in another way since this version of Solvent ({old['version']} -> {new['version']})"


def _python(parts: Parts) -> str | None:
    found: str | None = parts["environment"].get("python")
    return found
