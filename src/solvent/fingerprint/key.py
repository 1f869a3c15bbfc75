"""The cache key: one digest over everything that decides what a step gives back.

Retries, timeouts, resources, engine and tags are not in it. A change of what is in it is always a decision: golden
tests hold every byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import dumps
from types import MappingProxyType
from typing import NamedTuple

from solvent.fingerprint.structure import digest, digest_mapping

KEY_VERSION = 2


class Argument(NamedTuple):
    """An argument of a call as the key sees it: digest and type; `text` is for people and no part of it."""

    digest: str
    type: str
    text: str = ""


class KeyParts(NamedTuple):
    """The parts of a cache key, each kept so that `why` can compare it with a former call.

    `externals` maps the relative path of a declared file to its digest, `environment` the name of a distribution (or
    "python") to its version, `checks` what a check is of to its digest and its text for people.
    """

    step: str
    code: str
    arguments: Mapping[str, Argument]
    externals: Mapping[str, str]
    environment: Mapping[str, str]
    salt: str | None = None
    checks: Mapping[str, tuple[str, str]] = MappingProxyType({})


def cache_key(parts: KeyParts) -> tuple[str, str]:
    """Return the key (hex) and the JSON text of its parts; the order of names makes no difference."""
    key = digest(
        "key",
        str(KEY_VERSION),
        parts.step,
        parts.code,
        digest("arguments", *_flat(parts.arguments)),
        digest_mapping("externals", parts.externals.items()),
        digest_mapping("environment", parts.environment.items()),
        *(() if parts.salt is None else (parts.salt,)),
        *(() if not parts.checks else ("checks", digest_mapping("checks", _digests(parts.checks)))),
    )
    return key, parts_json(parts)


def parts_json(parts: KeyParts) -> str:
    """Return the parts as one line of JSON with sorted names."""
    arguments = {name: list(argument) for name, argument in parts.arguments.items()}
    record = {"version": KEY_VERSION, **parts._asdict(), "arguments": arguments}
    if parts.checks:
        record["checks"] = {name: list(check) for name, check in parts.checks.items()}
    else:
        del record["checks"]
    return dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _digests(checks: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((name, content) for name, (content, _) in checks.items())


def _flat(arguments: Mapping[str, Argument]) -> list[str]:
    return [text for name in sorted(arguments) for text in (name, arguments[name].digest, arguments[name].type)]
