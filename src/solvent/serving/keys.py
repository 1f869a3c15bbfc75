"""API keys: who may ask. They are kept as digests, compared in constant time, and never written anywhere."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Mapping
from hashlib import sha256

from solvent.errors import ConfigError
from solvent.serving.exchange import Refusal

VARIABLE = "SOLVENT_SERVE_KEYS"
_SHORTEST = 16
_HINT = (
    "one key a line, at least 16 characters without spaces, then a name if you like: `openssl rand -hex 16` makes one"
)


class Keys:
    """The keys of a server, with the name of each for the log."""

    def __init__(self, keys: Iterable[tuple[str, str]]) -> None:
        self._digests = [(sha256(key.encode()).digest(), name) for key, name in keys]

    def __len__(self) -> int:
        return len(self._digests)

    def check(self, headers: Mapping[bytes, bytes]) -> str:
        """Give the name of the key that a request has; Refusal 401 if it has none of ours."""
        found = sha256(_key(headers)).digest()
        name = None
        # Every key is compared, whichever it is.
        for digest, known in self._digests:
            if hmac.compare_digest(digest, found):
                name = known
        if name is None:
            raise Refusal(
                401,
                "this endpoint asks for an API key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
                headers=[(b"www-authenticate", b'Bearer realm="solvent"')],
            )
        return name


def _key(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"").strip()


def read_keys(path: str | None = None, environ: Mapping[str, str] = os.environ) -> Keys | None:
    """Read keys from a file, or from SOLVENT_SERVE_KEYS; None if there are none to read.

    ConfigError if a file can't be read or holds no key: a server that was to have keys does not start without.
    """
    if path is not None:
        try:
            with open(path, encoding="utf-8") as file:
                return _parse(file.read(), path)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"the keys in {path} can't be read: {getattr(error, 'strerror', error)}", hint=_HINT
            ) from None
    given = environ.get(VARIABLE)
    return None if given is None else _parse(given, VARIABLE)


def _parse(text: str, where: str) -> Keys:
    keys: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        key, _, name = line.strip().partition(" ")
        if not key or key.startswith("#"):
            continue
        if len(key) < _SHORTEST or not key.isascii():
            raise ConfigError(
                "a key is too short, or has signs that no header can have", where=f"{where}:{number}", hint=_HINT
            )
        keys.append((key, name.strip() or f"key {len(keys) + 1}"))
    if not keys:
        raise ConfigError("there is no key to be read", where=where, hint=_HINT)
    return Keys(keys)


def require_keys(host: str, keys: Keys | None, *, allow_anyone: bool) -> None:
    """Refuse to open an endpoint to the network without keys; ConfigError says how to."""
    if keys is None and not allow_anyone and not is_loopback(host):
        raise ConfigError(
            f"whoever reaches {host} could ask this endpoint: it has no API keys",
            hint="give --keys-file FILE (or SOLVENT_SERVE_KEYS), leave out --host,"
            " or say --allow-anyone-on-the-network",
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    import ipaddress

    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
