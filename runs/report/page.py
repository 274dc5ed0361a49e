"""The report as one HTML file that needs nothing else: style, script and data are inside it.

Whatever comes from the search (names, reasons, sources) is data and never markup: it travels as JSON in which no
character can end the script element, and the page's script puts it on the page as text.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from runs.report.data import Report

DIGITS = 6
"""Significant digits of a number on the page."""


def page(report: Report) -> str:
    """The whole file as text: the same report gives the same bytes."""
    folder = files("runs.report")
    style, script, frame = (
        (folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js", "page.html")
    )
    return Template(frame).substitute(title=escape(report.name), style=style, script=script, data=embedded(report))


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
