"""The list of installed distributions as requirements text that installs the same again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvent.environments.packages import Distribution


def lock_text(distributions: Iterable[Distribution]) -> str:
    """Write one requirement for each distribution: pinned, or by the address that it was installed from."""
    return "".join(f"{_requirement(each)}\n" for each in distributions)


def _requirement(one: Distribution) -> str:
    if one.origin:
        return _from_address(one.name, one.origin)
    if not one.version:
        return f"# {one.name}: its metadata names no version"
    return f"{one.name}=={one.version}"


def _from_address(name: str, origin: dict[str, Any]) -> str:
    url = _without_password(str(origin["url"]))
    inner = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
    if origin.get("dir_info", {}).get("editable"):
        return f"-e {url}{inner}"
    vcs = origin.get("vcs_info")
    if vcs:
        return f"{name} @ {vcs['vcs']}+{url}@{vcs.get('commit_id', 'HEAD')}{inner}"
    return f"{name} @ {url}{inner or _hash_of(origin)}"


def _hash_of(origin: dict[str, Any]) -> str:
    archive = origin.get("archive_info", {})
    hashes = archive.get("hashes") or dict([archive["hash"].split("=", 1)] if archive.get("hash") else [])
    return f"#sha256={hashes['sha256']}" if "sha256" in hashes else ""


def _without_password(url: str) -> str:
    """Drop user and password from an address: a lock is shown and shared."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else url
