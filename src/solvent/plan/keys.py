"""The cache key of one call, from its code, its arguments, the files they name and the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from solvent.config.masking import masked, masked_bytes
from solvent.errors import AuthoringError, IdentityError
from solvent.fingerprint.externals import externals
from solvent.fingerprint.files import process_memo, relative
from solvent.fingerprint.key import Argument, KeyParts, cache_key
from solvent.fingerprint.values import identify, type_name
from solvent.model import WHOLE, CodeFingerprint, FileMemo, Identity, Input
from solvent.pipelines.containers import LEAVES, replace_refs
from solvent.pipelines.places import shorten
from solvent.pipelines.ref import Ref, call_of, path_of
from solvent.plan.graph import Call

TEXT_LENGTH = 80
NAMELESS = LEAVES - {str}
"""Types that can't name a file."""


class Keyed(NamedTuple):
    """A call with its key.

    `parts` is the JSON text of what the key is made of; `inputs` are the results that the call takes; `arguments` has
    the identity of each argument; `files` are absolute paths of the files and folders that they name; `classes` are
    the user classes met, if some came in literals: their code is not yet in the key, `with_code` puts it in.
    """

    key: str
    parts: str
    inputs: tuple[Input, ...]
    arguments: Mapping[str, Identity]
    files: tuple[str, ...]
    classes: tuple[str, ...]
    made_of: KeyParts

    def with_code(self, code: CodeFingerprint, environment: Mapping[str, str]) -> Keyed:
        """Give the same call with another fingerprint of its code."""
        made_of = self.made_of._replace(code=code.digest, environment=environment)
        key, parts = cache_key(made_of)
        return self._replace(key=key, parts=parts, made_of=made_of, classes=())


def key_parts(
    call: Call,
    code: CodeFingerprint,
    identify_ref: Callable[[Ref], Identity],
    environment: Mapping[str, str],
    root: str,
    memo: FileMemo | None = process_memo,
    run_id: str | None = None,
    checks: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> Keyed:
    """Give the key of a call whose producers are known; IdentityError names the step, the argument and the line."""
    known = {id(ref): identify_ref(ref) for _, ref in call.refs}
    found = _externals(call, root, memo)  # first: of a missing file it says more than a fingerprint could
    arguments = {
        name: _identify(call, name, given, known, (lambda path: found.get(relative(path, root))) if found else None)
        for name, given in call.arguments.items()
    }
    spec = call.step.spec
    made_of = KeyParts(
        step=spec.name,
        code=code.digest,
        arguments={name: Argument(it.digest, it.type, _text(call.arguments[name])) for name, it in arguments.items()},
        externals=found,
        environment=environment,
        salt=spec.salt,
        checks=checks,
    )
    key, parts = cache_key(made_of)
    files = tuple(os.path.join(root, path) for path in found)
    return Keyed(key, parts, _inputs(call, known, run_id), arguments, files, _new_classes(arguments, known), made_of)


def _identify(
    call: Call, name: str, given: Any, known: Mapping[int, Identity], digest_of: Callable[[Any], str | None] | None
) -> Identity:
    if type(given) is Ref:
        return known[id(given)]

    def resolve(met: Any) -> Identity | None:
        if type(met) is not Ref:
            # Read once: a file that changes between two readings would get a key that fits neither.
            content = digest_of(met) if digest_of and type(met).__module__ == "solvent.pipelines.files" else None
            return None if content is None else Identity(content, type_name(type(met)))
        if id(met) not in known:
            raise AuthoringError(
                f"step {call.step.spec.name!r}, argument {name!r}: a {type(given).__name__} hides {met!r}",
                where=shorten(call.line),
                hint="put it in a list, tuple, dict or dataclass, or pass value(...)",
            )
        return known[id(met)]

    try:
        return identify(given, resolve=resolve, path=name)
    except IdentityError as error:
        raise _at(call, error) from None


def _externals(call: Call, root: str, memo: FileMemo | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, given in call.arguments.items():
        if type(given) in NAMELESS or type(given) is Ref:
            continue
        try:
            found.update(externals(replace_refs(given, lambda ref: None), root, memo))
        except IdentityError as error:
            error.problem = f"{name}: {error.problem}"
            raise _at(call, error) from None
    return found


def _inputs(call: Call, known: Mapping[int, Identity], run_id: str | None) -> tuple[Input, ...]:
    return tuple(
        Input(path, known[id(ref)].digest, known[id(ref)].type, run_id, call_of(ref).index, _output(ref))
        for path, ref in call.refs
    )


def _output(ref: Ref) -> str:
    path = path_of(ref)
    return path[0] if path and isinstance(path[0], str) else WHOLE


def _new_classes(arguments: Mapping[str, Identity], known: Mapping[int, Identity]) -> tuple[str, ...]:
    """Give all user classes met, or none if each came with a result of a step: those are in the code already."""
    given = {name for identity in known.values() for name in identity.classes}
    met = given.union(*(identity.classes for identity in arguments.values()))
    return tuple(sorted(met)) if met != given else ()


def _text(given: Any) -> str:
    """Show a plain value as people wrote it; what is long is cut, and what isn't plain shows by its digest alone."""
    kind = type(given)
    if kind in (str, bytes):
        # Before it is cut: nobody would know the beginning of a secret again.
        given = (masked(given) if kind is str else masked_bytes(given))[:TEXT_LENGTH]
    elif kind in (tuple, list):
        if len(given) > TEXT_LENGTH or not LEAVES.issuperset(map(type, given)):
            return ""
    elif kind not in LEAVES and (kind is Ref or not isinstance(given, os.PathLike)):
        return ""
    try:
        return repr(given)[:TEXT_LENGTH]
    except ValueError:  # Python writes no numbers of more than 4,300 digits
        return ""


def _at(call: Call, error: IdentityError) -> IdentityError:
    problem = f"step {call.step.spec.name!r}, argument {error.problem}"
    return IdentityError(problem, where=error.where or shorten(call.line), hint=error.hint)
