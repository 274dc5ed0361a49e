"""Sections of a paper's HTML as arXiv makes it with LaTeXML; formulas come as the TeX in their alternative text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cognition.papers.errors import NoText, UnreadableAnswer
from cognition.store.records import Section

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_SILENT = frozenset({"script", "style", "nav", "header", "footer", "svg", "button", "template", "head"})
_BLOCKS = frozenset({"p", "div", "li", "section", "figcaption", "blockquote", "dd", "dt", "br", "tr"})


def read_html(content: bytes) -> list[Section]:
    """Every section, from one heading to the next.

    Raises UnreadableAnswer for a page that was cut short, and NoText for what is no HTML.
    """
    from lxml import html  # pyright: ignore[reportAttributeAccessIssue]

    start = content[:1024].lstrip().lower()
    if not start.startswith((b"<!doctype html", b"<html", b"<?xml")):
        raise NoText("not HTML")
    if b"</html>" not in content[-1024:].lower():
        raise UnreadableAnswer("the page is cut short")
    try:
        root = html.document_fromstring(content, parser=html.HTMLParser(encoding="utf-8", no_network=True))
    except (ValueError, AssertionError) as error:
        raise NoText(f"HTML that cannot be read: {error}") from None
    except Exception as error:  # lxml's own errors share no base with Python's
        raise NoText(f"HTML that cannot be read: {type(error).__name__}") from None
    article = root.find(".//article")
    sections: list[Section] = []
    title, level, parts = "", 1, []
    for piece, heading in _pieces(root if article is None else article):
        if heading:
            sections.append(Section(title, "".join(parts), level))
            title, level, parts = piece, heading, []
        else:
            parts.append(piece)
    return [*sections, Section(title, "".join(parts), level)]


def _is_table(one: Any) -> bool:
    """Whether an element is a table of numbers: LaTeXML lays displayed formulas out as tables too."""
    return one.tag == "table" and "ltx_eq" not in one.get("class", "")


def _pieces(root: Any) -> Iterator[tuple[str, int]]:
    """Text in order, and the level of a heading, 0 for other text. A list walks the elements: nesting may be deep."""
    waiting: list[Any] = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one, 0
            continue
        name = one.tag if isinstance(one.tag, str) else ""
        tail = [one.tail] if one.tail and one is not root else []
        if name in _HEADINGS:
            yield one.text_content(), int(name[1])
        elif name == "math":
            yield f" ${one.get('alttext') or one.text_content()}$ ", 0
        elif name and name not in _SILENT and not _is_table(one):
            gap = ["\n\n"] if name in _BLOCKS else []
            inside = [*gap, *([one.text] if one.text else []), *one, *gap]
            waiting += reversed([*inside, *tail])
            continue
        waiting += tail
