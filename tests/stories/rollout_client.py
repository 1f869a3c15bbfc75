"""A client for the story of rollouts, as a program: `rollout_client.py PORT COUNT SEED OFFSETS STOP`.

It asks at least COUNT times, and until the file STOP is there, on one connection, one request in a hundred malformed, checks every answer against the model version that it
names, and asks again when its connection breaks. It prints its progress, and last what it found, as JSON.
"""

import http.client
import json
import os
import random
import sys
import time
from typing import Any

MALFORMED = (
    b"{",
    b"\xff\xfe",
    b'{"columns":{"a":[1.0]}}',
    b'{"columns":{"a":[null],"b":[1.0]}}',
    b'{"columns":{"a":["x"],"b":[1.0]}}',
    b'{"columns":{"a":[NaN],"b":[1.0]}}',
    b'{"columns":{"a":[1.0],"b":[1.0],"c":[1.0]}}',
    b'{"records":[{"a":1.0}]}',
    b'{"columns":{"a":[1.0,2.0],"b":[1.0]}}',
    b"[]",
)
TOLD = 250
LONGEST_SECONDS = 60.0


class Client:
    """One connection, and what came of the requests on it."""

    def __init__(self, port: int, offsets: dict[str, float]) -> None:
        self.port = port
        self.offsets = offsets
        self.connection = self._connect()
        self.found: dict[str, Any] = {"answered": 0, "refused": 0, "wrong": [], "broken": [], "versions": {}}

    def ask(self, body: bytes, expected: float | None) -> None:
        """Ask until there is an answer; None expects a refusal."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            try:
                self.connection.request("POST", "/predict", body, {"content-type": "application/json"})
                answer = self.connection.getresponse()
                status, text = answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.found["broken"].append(time.time())
                self.connection.close()
                self.connection = self._connect()
                continue
            self._check(status, text, expected)
            return
        self.found["wrong"].append([0, f"no answer within {LONGEST_SECONDS} s"])

    def _check(self, status: int, text: bytes, expected: float | None) -> None:
        if expected is None:
            self.found["refused"] += 1
            if status not in (400, 422):
                self.found["wrong"].append([status, text.decode()])
            return
        tree = json.loads(text)
        version = tree.get("model", "").rpartition("@")[2]
        self.found["answered"] += 1
        self.found["versions"][version] = self.found["versions"].get(version, 0) + 1
        if status != 200 or abs(tree["predictions"][0] - expected - self.offsets[version]) > 1e-9:
            self.found["wrong"].append([status, text.decode()])

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_SECONDS)


def main() -> None:
    port, count, seed, offsets = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
    client, chance = Client(port, offsets), random.Random(seed)
    number = 0
    while number < count or not os.path.exists(sys.argv[5]):
        if number % 100 == 99:
            client.ask(MALFORMED[number // 100 % len(MALFORMED)], None)
        else:
            a, b = chance.uniform(-5, 5), chance.uniform(-5, 5)
            client.ask(_body(a, b), a + 10 * b)
        number += 1
        if number % TOLD == 0:
            print(TOLD, flush=True)
    client.connection.close()
    print(json.dumps(client.found), flush=True)


def _body(a: float, b: float) -> bytes:
    return f'{{"columns":{{"a":[{a!r}],"b":[{b!r}]}}}}'.encode()


if __name__ == "__main__":
    main()
