"""The URL of an artifact store elsewhere: which driver reads it, where in it the objects are, and with what options."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from solvent.errors import StoreError, nearest


class Driver(NamedTuple):
    """A kind of store: its fsspec protocol, what to install, and what is shown as an example."""

    protocol: str
    install: str
    example: str


S3 = Driver("s3", "solvent[s3]", "s3://bucket/folder")
GCS = Driver("gs", "solvent[gcs]", "gs://bucket/folder")
AZURE = Driver("az", "solvent[azure]", "az://container/folder")
DRIVERS = {"s3": S3, "s3a": S3, "gs": GCS, "gcs": GCS, "az": AZURE, "abfs": AZURE, "abfss": AZURE}
SCHEMES = ("s3", "gs", "az", "file")
PATIENCE_SECONDS = 30.0


class Address(NamedTuple):
    """Where a store is. `path` is bucket and folder; `options` go to the driver and may hold secrets; `shown` never does.

    A lost connection is tried again for `patience_seconds`.
    """

    driver: Driver
    path: str
    options: dict[str, Any]
    shown: str
    patience_seconds: float = PATIENCE_SECONDS

    @property
    def bucket(self) -> str:
        return self.path.partition("/")[0]


def parse_address(url: str) -> Address | str:
    """Read a URL: the address of an object store, or for file:// the local path. StoreError says what is wrong with it."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    scheme, found, _ = url.partition("://")
    if not found:
        raise StoreError(f"setting `artifacts`: {shown(url)!r} is no URL", hint=f"write one such as {S3.example}")
    parts = urlsplit(url, allow_fragments=False)
    if scheme == "file":
        return _local_path(unquote(parts.path), parts.netloc)
    driver = DRIVERS.get(scheme)
    if driver is None:
        raise _unknown(scheme)
    # A container of Azure may come with its account: abfss://container@account.dfs.core.windows.net/folder
    user, _, host = parts.netloc.rpartition("@")
    options = {name: _read(text) for name, text in parse_qsl(parts.query, keep_blank_values=True)}
    if driver is AZURE and user:
        options.setdefault("account_name", host.partition(".")[0])
        host = user
    elif user:
        raise StoreError(
            f"setting `artifacts`: {shown(url)} has a user name before the bucket",
            hint="leave it out; credentials come from the environment or from the files that the cloud's own tools write",
        )
    path = f"{host}/{unquote(parts.path).strip('/')}".strip("/")
    if not host:
        raise StoreError(f"setting `artifacts`: {shown(url)} names no bucket", hint=f"write {driver.example}")
    patience = _patience(options.pop("patience_seconds", PATIENCE_SECONDS))
    return Address(driver, path, _arranged(driver, options), f"{scheme}://{path}", patience)


def shown(url: str) -> str:
    """Give a URL as it may be shown: without user, password and query."""
    head, found, rest = url.partition("://")
    place = (rest if found else head).partition("?")[0].rpartition("@")[2]
    return f"{head}://{place}" if found else place


def _local_path(path: str, host: str) -> str:
    if host not in ("", "localhost") or not path.startswith("/"):
        raise StoreError(
            f"setting `artifacts`: file://{host}{path} names no absolute path",
            hint="write three slashes: file:///mnt/share/folder",
        )
    return path


def _unknown(scheme: str) -> StoreError:
    if scheme == "memory":
        return StoreError(
            "setting `artifacts`: a memory:// store is in one process, and the next run would not find it",
            hint="leave the setting out to use the project's folder",
        )
    return StoreError(
        f"setting `artifacts`: no artifact store for {scheme}:// URLs{nearest(scheme, SCHEMES)}",
        hint=f"a store needs writes that never replace; these have them: {', '.join(f'{each}://' for each in SCHEMES)}",
    )


def _read(text: str) -> Any:
    """Read an option's value as JSON where it is JSON: a number, true, false or a mapping; else it is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _patience(value: Any) -> float:
    if type(value) not in (int, float) or value < 0:
        raise StoreError(
            "setting `artifacts`: patience_seconds is no number of seconds", hint="write ?patience_seconds=30"
        )
    return float(value)


def _arranged(driver: Driver, options: dict[str, Any]) -> dict[str, Any]:
    """Put options where the driver looks for them: botocore's region is an option of its client."""
    region = options.pop("region", None) if driver is S3 else None
    if region is not None:
        options["client_kwargs"] = {**options.get("client_kwargs", {}), "region_name": region}
    return {name: str(value) if _is_text(name) else value for name, value in options.items()}


def _is_text(name: str) -> bool:
    """Whether an option is text also where it looks like a number: names and keys."""
    return name in ("key", "secret", "token", "profile", "account_name", "account_key", "sas_token", "project")
