"""The report as one HTML file that needs nothing else: style, script and data are inside it.

Whatever comes from the search (names, reasons, sources) is data and never markup: it travels as JSON in which no
character can end the script element, and the page's script puts it on the page as text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from runs.report.data import Report

DIGITS = 6
"""Significant digits of a number on the page."""

SCRIPTS = ("drawing.js", "genealogy.js", "learnt.js", "page.js", "live.js", "start.js")


def page(report: Report) -> str:
    """The whole file as text: the same report gives the same bytes."""
    return page_of(report.name, data_text(report))


def page_of(title: str, data: str, revision: str | None = None) -> str:
    """The page of a title and what `data_text` gives.

    With a `revision`, the page of a server that has this one: it asks the server for later ones, and nobody else.
    """
    live = "" if revision is None else f' data-revision="{escape(revision)}"'
    policy = "" if revision is None else "; connect-src 'self'"
    return rendered("page.html", SCRIPTS, title=title, data=data, live=live, policy=policy)


def data_text(report: Report) -> str:
    """What the page draws, as JSON that may stand in a script element."""
    return embedded(report)


def rendered(frame: str, scripts: Sequence[str], *, title: str, **values: str) -> str:
    """A page of this folder with the common style, its scripts, a title as text, and values as markup."""
    folder = files("runs.report")
    style, text, *parts = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", frame, *scripts))
    return Template(text).substitute(title=escape(title), style=style, script="\n".join(parts), **values)


def embedded(value: Any) -> str:
    """JSON, also of dataclasses, that may stand in a script element.

    "<" is escaped, and so are the two line ends JavaScript knows more.
    """
    text = json.dumps(_rounded(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if fields := getattr(value, "__dataclass_fields__", None):
        return {name: _rounded(getattr(value, name)) for name in fields}
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
