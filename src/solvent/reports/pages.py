"""The frame of every page: one file that asks for nothing, in which no text is markup and no script but ours can run."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from solvent.errors import SolventError, way_out
from solvent.runs.words import seconds_text, short_type, size_text

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_FRAME_HEIGHT = 640


class Alert(NamedTuple):
    """Something that a reader should know first: `severity` is alert, warn, ok or note; `fix` says what to do about it.

    `command` is what to type, where that is the way; `href` names the place on the page that shows more.
    """

    severity: str
    subject: str
    message: str
    fix: str = ""
    command: str = ""
    href: str = ""


class Fact(NamedTuple):
    """One labelled line at the head of a page; `more` is what it was before, or a detail."""

    label: str
    value: str
    more: str = ""
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A finished page: `save` writes it, a notebook shows it. `html` is the whole file, which opens without a network."""

    title: str
    html: str = field(repr=False)

    @property
    def size_bytes(self) -> int:
        return len(self.html.encode("utf-8", "replace"))

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, in place of one that is there; SolventError if that can't be."""
        target = Path(path)
        try:
            target.write_text(self.html, "utf-8", errors="replace", newline="\n")
        except OSError as error:
            raise SolventError(
                f"can't write the report to {target}: {error.strerror}",
                hint=way_out(error) or "name a file in a folder that is there",
            ) from error
        return target

    def _repr_html_(self) -> str:
        """Give the page for a notebook: in a frame of its own, where neither its looks nor its texts reach the notebook."""
        return (
            f'<iframe sandbox title="{escape(self.title)}" srcdoc="{escape(self.html)}" width="100%"'
            f' height="{_FRAME_HEIGHT}" style="border:1px solid #8884;border-radius:4px"></iframe>'
        )


def render(template: str, title: str, *, kind: str, command: str = "", **context: Any) -> Report:
    """Fill a template that extends `frame.html`.

    `kind` is the word over the title (data, run, comparison), `command` makes the same page again. Every text of the context
    is escaped; only drawings (`profiles.svg.Svg`) go in as they are.
    """
    page = _environment().get_template(template)
    frame = {"kind": kind, "title": title, "command": command, "made": _now(), **_assets()}
    return Report(title, page.render(**frame, **context))


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime())


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from solvent.profiles import numbers

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        number=numbers.number_text,
        share=numbers.share_text,
        change=numbers.change_text,
        size=size_text,
        seconds=seconds_text,
        moment=moment,
        short_type=short_type,
        digest=lambda text: (text or "")[:12],
    )
    return made


def moment(at: float | None) -> str:
    """Show when something happened, in local time, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if at is not None else "–"


@cache
def _assets() -> dict[str, Any]:
    """Give the style and the script with the policy that allows these two and nothing else."""
    from markupsafe import Markup

    from solvent import __version__

    style = (_TEMPLATES / "style.css").read_text("utf-8")
    script = (_TEMPLATES / "sort.js").read_text("utf-8")
    allowed = {"style-src": _hashed(style), "script-src": _hashed(script), "img-src": "data:"}
    policy = "; ".join(["default-src 'none'", *(f"{name} {value}" for name, value in allowed.items())])
    policy += "; base-uri 'none'; form-action 'none'"
    # Markup: both are files of ours, and the policy holds no text of the user's.
    return {"style": Markup(style), "script": Markup(script), "policy": Markup(policy), "version": __version__}


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def worst(severities: Sequence[str]) -> str:
    """Give the gravest of some severities; ok for none."""
    return next((each for each in ("alert", "warn") if each in severities), "ok")
