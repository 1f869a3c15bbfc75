"""The page for people, in a real browser: the form asks the endpoint and shows what it says, to everybody."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from solvent.serving.pages import page
from tests.browser import Browser, Seen
from tests.serving.apps import tiny_bundle, tiny_model
from tests.serving.servers import Server, serving

KEY = "0123456789abcdef"

Opened = Callable[..., AbstractContextManager[Any]]


def test_nothing_of_a_bundle_can_end_the_script(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "bundle")
    model.annotations = {"run": "</script><script>alert(1)</script>{{style}}"}
    text = page(model, keyed=False).decode()
    assert text.count("<script") == 2
    assert "\\u003c/script>" in text
    assert "{{" not in text.replace("{{style}}", "")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tiny_bundle(tmp_path_factory.mktemp("pages") / "bundle")) as server:
        yield server


@pytest.fixture
def opened(browser: Browser) -> Opened:
    """Opens an address; everything that the page complains about fails the test."""

    @contextmanager
    def opened(url: str, **context: Any) -> Iterator[Any]:
        around = browser._driven.new_context(**context)
        page = around.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        yield page
        around.close()
        assert [each for each in complaints if "the server responded with a status" not in each] == []

    return opened


@pytest.mark.slow
def test_the_form_is_filled_asks_shows_the_answer_and_marks_the_field_that_is_wrong(
    opened: Opened, server: Server
) -> None:
    with opened(server.url) as page:
        assert [page.input_value("#c0"), page.input_value("#c1")] == ["1", "1"]
        page.fill("#c0", "20")
        page.click("#send")
        page.wait_for_selector("#said:not(:empty)")
        assert page.inner_text("#big") == "41"
        assert json.loads(page.inner_text("#raw"))["predictions"] == [41.0]
        page.fill("#c1", "many")
        page.click("#send")
        page.wait_for_selector("#c1[aria-invalid=true]")
        assert page.inner_text("#c1-wrong")
        assert page.evaluate("document.activeElement.id") == "c1"
        assert Seen(page).violations() == []
        page.click("#another")
        assert page.input_value("#c0") == "10"
        assert page.query_selector("[aria-invalid]") is None


@pytest.mark.slow
def test_the_curl_command_gives_what_the_page_shows(opened: Opened, server: Server) -> None:
    with opened(server.url) as page:
        page.fill("#c0", "12345678.000000001")
        command = page.inner_text("#curl")
    assert "12345678.000000001" in command
    done = subprocess.run(
        ["sh", "-c", command.replace("curl ", "curl -s ", 1)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["predictions"] == [pytest.approx(24691357)]


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_everybody_can_read_it(opened: Opened, server: Server, dark: bool) -> None:
    look = {"viewport": {"width": 360, "height": 700}, "color_scheme": "dark" if dark else "light"}
    with opened(server.url, **look) as page:
        page.click("#send")
        page.wait_for_selector("#said:not(:empty)")
        seen = Seen(page)
        assert seen.too_wide <= 0
        assert seen.violations() == []


@pytest.mark.slow
def test_its_policy_lets_nothing_in_but_its_own_script(server: Server) -> None:
    answer = server.get("/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(rb"https?://", answer.body)


@pytest.mark.slow
def test_with_keys_the_form_is_shown_to_those_who_have_one(opened: Opened, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    with serving(tiny_bundle(tmp_path / "bundle"), "--keys-file", str(keys)) as server, opened(server.url) as page:
        assert page.is_hidden("#form")
        page.fill("#key", "a wrong key, 123")
        page.click("#door button")
        page.wait_for_selector("#key-wrong:not(:empty)")
        page.fill("#key", KEY)
        page.click("#door button")
        page.wait_for_selector("#form", state="visible")
        page.click("#send")
        page.wait_for_selector("#said:not(:empty)")
        assert page.inner_text("#big") == "3"
        assert KEY not in page.inner_text("#curl")
