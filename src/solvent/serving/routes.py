"""The routes of a server: which handler answers a path and a method, and what is near a path that there is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from solvent.serving.exchange import Exchange, Refusal

Handler = Callable[[Exchange], Awaitable[None]]


class Route(NamedTuple):
    """A place on the server: its name in the metrics, and a handler for each method. One that is `open` asks for no key."""

    name: str
    methods: Mapping[str, Handler]
    open: bool = False

    @property
    def allowed(self) -> bytes:
        """The methods as `Allow` has them."""
        known = set(self.methods) | {"OPTIONS"}
        if "GET" in known:
            known.add("HEAD")
        return ", ".join(sorted(known)).encode()

    def handler(self, method: str) -> Handler:
        """Give the handler of a method; Refusal 405 tells the methods that there are."""
        found = self.methods.get(method) or (self.methods.get("GET") if method == "HEAD" else None)
        if found is None:
            raise Refusal(
                405,
                f"{self.name} knows {self.allowed.decode()}, and not {method[:20]}",
                headers=[(b"allow", self.allowed)],
            )
        return found


class Routes:
    """All routes: `{}` in a path stands for one part, which the exchange gets as `rest`."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.all = {each.name: each for each in routes}
        self._exact = {name: each for name, each in self.all.items() if "{" not in name}
        self._parts = [(name.split("/"), each) for name, each in self.all.items() if "{" in name]

    def find(self, exchange: Exchange) -> Route:
        """Give the route of a path; Refusal 404 names the nearest."""
        path = exchange.path
        found = self._exact.get(path)
        if found is not None:
            return found
        parts = path.split("/")
        for wanted, route in self._parts:
            if _fits(wanted, parts):
                exchange.rest = [part for want, part in zip(wanted, parts, strict=True) if want.startswith("{")]
                return route
        raise Refusal(404, f"nothing at {path[:100]}{self._near(path)}")

    def _near(self, path: str) -> str:
        if path != "/" and path.rstrip("/") in self._exact:
            return f"; did you mean {path.rstrip('/')}?"
        near = get_close_matches(path[:100], self.all, n=1, cutoff=0.5)
        return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(self._exact))}"


def _fits(wanted: Sequence[str], parts: Sequence[str]) -> bool:
    return len(wanted) == len(parts) and all(
        part if want.startswith("{") else want == part for want, part in zip(wanted, parts, strict=True)
    )
