"""20 secrets, every place where a run leaves text, and five ways to write each: none is found anywhere afterwards."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.stories.conftest import Shop

pytestmark = pytest.mark.slow

SECRETS = [
    "hunter2hunter2",
    "correct horse battery staple",
    'quote"inside',
    "it's single",
    "back\\slash\\n",
    "p@ss:w/rd?&=#%",
    "Pässwörter-Straße",
    "密码密码密码",
    "1234567890123",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_def",
    "tab\tinside it",
    "$(rm -rf) `x` ${y}",
    "<b>bold&amp;</b>",
    "ends with space then dot .",
    "emoji 🔑 key",
    "a+b+c+d+e+f",
    "%41%42%43%44",
    "{'a': [1, 2]}",
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----",
]

WAYS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "url": lambda text: quote(text, safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "json": lambda text: json.dumps(text)[1:-1],
    "hex": lambda text: text.encode().hex(),
}

PIPELINE = '''
import base64, json, logging, os, subprocess, sys
from urllib.parse import quote
from solvent import Secret, log, pipeline, step, value


def ways(text):
    return [
        text, quote(text, safe=""), base64.b64encode(text.encode()).decode(), json.dumps(text)[1:-1], text.encode().hex(),
        repr(text)[1:-1], base64.b64encode(b"user:" + text.encode()).decode(),
    ]


def all_ways(secrets):
    return [way for each in secrets for way in ways(each.reveal())]


@step
def talk(secrets: tuple[Secret, ...]) -> int:
    for way in all_ways(secrets):
        print("stdout", way)
        print("stderr", way, file=sys.stderr)
        logging.getLogger("shop").warning("record %s", way)
        print("in two ", end=""), print(way[:3], end=""), print(way[3:])
    log.text("text", "\\n".join(all_ways(secrets)))
    for way in all_ways(secrets):
        log.metric(f"metric {way}", 1.0)
        log.text(f"name {way}", way)
    return len(secrets)


@step
def child(secrets: tuple[Secret, ...]) -> int:
    text = "\\n".join(all_ways(secrets))
    subprocess.run([sys.executable, "-c", "import sys; print(sys.stdin.read())"], input=text, text=True, check=True)
    return len(secrets)


@step
def typed(text: str) -> int:
    return len(text)


@step
def listed(texts: list[str]) -> int:
    return len(texts)


@step
def fail(secrets: tuple[Secret, ...]) -> int:
    raise ValueError("failed with " + " ".join(all_ways(secrets)))


@step(retries=1)
def crash(secrets: tuple[Secret, ...]) -> int:
    print("\\n".join(all_ways(secrets)), flush=True)
    os.kill(os.getpid(), 9)


@step
def own(count: int, names: list[str]) -> int:
    """Secrets that no argument names: the step makes them itself."""
    for name in names:
        print("\\n".join(ways(Secret(name).reveal())), flush=True)
    return count


@pipeline
def good(secrets: tuple[Secret, ...] = (), database: str = "", api_token: str = "", names: list[str] = []) -> list[str]:
    value(talk(secrets)), value(own(1, names))
    if "IN_CHILD" in os.environ:
        value(child(secrets))
    for each in secrets:
        value(typed(each.reveal()))
    value(listed([each.reveal() for each in secrets]))
    return [each.reveal() for each in secrets]


@pipeline
def bad(secrets: tuple[Secret, ...] = ()) -> int:
    return fail(secrets)


@pipeline
def crashing(secrets: tuple[Secret, ...] = ()) -> int:
    return crash(secrets)


@pipeline
def body(secrets: tuple[Secret, ...] = ()) -> int:
    raise RuntimeError("body failed with " + " ".join(all_ways(secrets)))
'''


class Vault:
    """A project in a repository, and secrets in the environment and in files."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        shop.write("p.py", PIPELINE)
        self.env = {f"SHOP_{number}": text for number, text in enumerate(SECRETS[:10])}
        self.references = [f"env:{name}" for name in self.env]
        for number, text in enumerate(SECRETS[10:]):
            (shop.root.parent / f"secret{number}").write_text(text + "\n", "utf-8")
            self.references.append(f"file:{shop.root.parent / f'secret{number}'}")
        self._dirty_repository()

    def _dirty_repository(self) -> None:
        shop = self.shop
        (shop.root / ".gitignore").write_text(".solvent/\n__pycache__/\n")
        shop.write("notes.txt", "nothing\n")
        shop.write(".env", "A=1\n")
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
            name = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
            done = subprocess.run(["git", *name, *words], cwd=shop.root, capture_output=True, check=False)
            if done.returncode:
                pytest.skip("no git here")
        shop.write("notes.txt", "\n".join(way(text) for text in SECRETS for way in WAYS.values()))
        shop.write(".env", "UNKNOWN_TO_ALL=secret-of-dot-env\n")

    def run(self, pipeline: str, engine: str, *words: str, secrets: bool = True) -> bytes:
        given = ["--set", f"secrets={json.dumps(self.references)}"] if secrets else []
        done = subprocess.run(
            self.command("run", f"p.py:{pipeline}", "--engine", engine, *given, *words),
            cwd=self.shop.root,
            env=self.shop.environment(self._environment(engine)),
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr or pipeline in ("bad", "body"), done.stderr.decode()
        return done.stdout + done.stderr

    def _environment(self, engine: str) -> dict[str, str]:
        # What a child process of an inline step prints goes to the terminal by itself.
        child = {"IN_CHILD": "1"} if engine == "processes" else {}
        return {**self.env, **child, "PGPASSWORD": "pg-password-1", "AWS_SECRET_ACCESS_KEY": "aws/secret+1"}

    def command(self, *words: str) -> list[str]:
        import sys

        return [sys.executable, "-m", "solvent", *words]

    def kept(self) -> dict[str, bytes]:
        """All that the store holds, by where it is: every column of every table, every blob, every other file."""
        found: dict[str, bytes] = {}
        home = self.shop.root / ".solvent"
        with closing(sqlite3.connect(home / "metadata.sqlite")) as store:
            for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                rows = store.execute(f"SELECT * FROM {table}")
                names = [each[0] for each in rows.description]
                for row in rows:
                    for name, value in zip(names, row, strict=True):
                        data = value if isinstance(value, bytes) else str(value).encode()
                        found[f"{table}.{name}"] = found.get(f"{table}.{name}", b"") + b"\0" + data
        for path in home.rglob("*"):
            if path.is_file() and not path.name.startswith("metadata.sqlite"):
                found[str(path.relative_to(home))] = path.read_bytes()
        return found


def leaks(places: dict[str, bytes], more: tuple[str, ...] = ()) -> list[str]:
    """Name each secret that is found, how it is written and where."""
    looked_for = {(text, how): write(text).encode() for text in (*SECRETS, *more) for how, write in WAYS.items()}
    for line in SECRETS[-1].splitlines():
        looked_for[line, "line"] = line.encode()
    return [
        f"{text!r} {how} in {place}"
        for place, data in places.items()
        for (text, how), form in looked_for.items()
        if form in data
    ]


@pytest.fixture
def vault(shop: Shop) -> Vault:
    return Vault(shop)


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_no_secret_is_found_in_anything_that_a_run_leaves_or_shows(vault: Vault, engine: str) -> None:
    said = vault.run(
        "good",
        engine,
        "--json",
        *("--set", "database=postgresql://shop:db-password-1@host/shop"),
        *("--set", "api_token=typed-token-1"),
    )
    assert b"stdout ***" in said, said.decode()
    said += b"".join(vault.run(pipeline, engine) for pipeline in ("bad", "body"))
    kept = vault.kept()
    for place in ("step_runs.log", "step_runs.failure_message", "step_runs.failure_traceback", "step_runs.parts"):
        assert b"***" in kept[place], place
    for place in ("runs.config", "runs.command", "runs.error", "runs.result", "metrics.name", "attachments.name"):
        assert b"***" in kept[place], place
    more = ("db-password-1", "pg-password-1", "aws/secret+1", "secret-of-dot-env")
    assert leaks({**kept, "the terminal": said}, more) == []
    assert b"typed-token-1" not in kept["runs.command"]
    diffs = [data for place, data in kept.items() if place.startswith("objects") and b"diff --git" in data]
    assert diffs
    assert all(b"***" in data for data in diffs)


def test_what_a_crashed_worker_printed_is_masked(vault: Vault) -> None:
    said = vault.run("crashing", "processes")
    kept = vault.kept()
    assert b"***" in kept["step_runs.log"]
    assert leaks({**kept, "the terminal": said}) == []


def test_secrets_that_only_the_step_knows_of_are_masked_while_it_prints(vault: Vault) -> None:
    names = json.dumps(vault.references)
    said = vault.run("good", "processes", "--set", f"names={names}", secrets=False)
    assert b"own | ***" in said, said.decode()
    assert leaks({**vault.kept(), "the terminal": said}) == []


def test_reading_a_secret_is_no_observation_and_a_new_one_runs_no_step_again(vault: Vault) -> None:
    vault.run("good", "inline", "--set", f"names={json.dumps(vault.references)}", secrets=False)
    kept = vault.kept()
    assert b"secret0" not in kept.get("observations.subject", b"")
    assert b"secret0" not in kept.get("file_memos.path", b"")


def test_config_explain_shows_references_and_no_passwords(vault: Vault) -> None:
    done = vault.shop.command(
        *("config", "explain", "p.py:good", "--json"),
        *("--set", 'secrets=["env:SHOP_1"]', "--set", "database=postgresql://shop:db-password-1@host/shop"),
        env=vault.env,
    )
    assert "env:SHOP_1" in done.stdout
    assert leaks({"explain": done.stdout.encode()}, ("db-password-1",)) == []
