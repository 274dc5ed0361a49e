"""Which sections of a paper are kept: what says how something is built, not what it was compared with."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cognition.papers.errors import NoText
from cognition.store.records import Section

MOST_CHARACTERS, MOST_OF_SECTION = 80_000, 20_000
"""Of a paper and of one section of it; what is beyond is cut off."""

LEAST_CHARACTERS = 400
"""A paper with less text than that was not read: most often it is a page that says why there is none."""

_LEFT_OUT = re.compile(
    r"\b(?:references|bibliography|acknowledge?ments?|related works?|prior work|author contributions?|funding"
    r"|ethics?|(?:broader|societal) impacts?|impact statement|reproducibility|checklist|conflicts? of interest"
    r"|experiments?|experimental (?:results|set-?up)|results|evaluations?|conclusions?|limitations|future work)\b",
    re.IGNORECASE,
)


def kept_sections(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Sections worth reading, with single spaces, none empty, within the limits; what is inside of one that is left
    out goes with it.

    Raises NoText where the paper as a whole has next to none.
    """
    whole = [Section(" ".join(one.title.split())[:200], _paragraphs(one.text), one.level) for one in sections]
    count = sum(len(one.text) for one in whole)
    if count < LEAST_CHARACTERS:
        raise NoText(f"{count} characters of text")
    kept: list[Section] = []
    left = MOST_CHARACTERS
    silent: int | None = None
    for section in whole:
        if silent is not None and section.level > silent:
            continue
        silent = section.level if _LEFT_OUT.search(section.title) else None
        if not section.text or silent is not None:
            continue
        text = section.text[: min(MOST_OF_SECTION, left)]
        if text:
            kept.append(Section(section.title, text, section.level))
        left -= len(text)
    if not kept:
        raise NoText("no section says how something is built")
    return tuple(kept)


def _paragraphs(text: str) -> str:
    """Paragraphs of single-spaced printable text."""
    parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return "\n\n".join("".join(c for c in part if c.isprintable()) for part in parts if part)
