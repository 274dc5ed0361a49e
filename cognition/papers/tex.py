"""Sections of a paper's TeX source. Formulas stay as they are written; nothing is ever run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from cognition.papers.errors import NoText
from cognition.store.records import Section

MOST_TEX = 2**21
"""Characters of a source that are read, after its files are put together."""

_DEEPEST = 8
_COMMENT = re.compile(r"(?<!\\)%.*")
_INPUT = re.compile(r"\\(?:input|include|subfile)\s*\{([^{}\n]{1,200})\}")
_LEVELS = {"chapter": 0, "section": 1, "subsection": 2, "subsubsection": 3, "paragraph": 4}
_HEADING = re.compile(rf"\\({'|'.join(_LEVELS)})\*?\s*(?:\[[^\]\n]{{0,200}}\])?\s*\{{")
_MARK = re.compile(r"\\(begin|end)\s*\{([A-Za-z]{1,20})\*?\}")
_SILENT = frozenset({"figure", "table", "tikzpicture", "thebibliography", "tabular", "lstlisting", "wrapfigure"})
_DROPPED = re.compile(
    r"~?\\(?:[cC]ite[a-z]{0,10}|label|[a-zA-Z]{0,8}ref|footnotemark|vspace|hspace|includegraphics|bibliography"
    r"|bibliographystyle|thanks)\*?(?:\[[^\]]{0,200}\]){0,2}\{[^{}]{0,400}\}"
)
_STYLED = re.compile(r"\\(?:emph|text(?:bf|it|tt|sc|rm|sf)?|underline|mbox)\s*\{([^{}]{0,400})\}")


def read_tex(files: Mapping[str, str]) -> list[Section]:
    """Every section of the document that the files hold, with the files that it includes put in.

    Raises NoText where none is a document.
    """
    plain = {name: _COMMENT.sub("", text) for name, text in files.items()}
    mains = [n for n, text in plain.items() if "\\documentclass" in text or "\\documentstyle" in text]
    whole = [name for name in mains or plain if "\\begin{document}" in plain[name]] or mains
    if not whole:
        raise NoText("a source without a TeX document")
    main = max(whole, key=lambda name: (len(plain[name]), name))
    pieces: list[str] = []
    left = MOST_TEX
    for piece in _assembled(plain, main, (main,)):
        pieces.append(piece[:left])
        left -= len(pieces[-1])
        if left <= 0:
            break
    text = "".join(pieces).partition("\\begin{document}")[2].partition("\\end{document}")[0]
    return list(_sections("".join(_loud(text))))


def _assembled(files: Mapping[str, str], name: str, opened: tuple[str, ...]) -> Iterator[str]:
    """A file's text with those it includes; one that is missing, open already or too deep is left out."""
    text, at = files[name], 0
    for match in _INPUT.finditer(text):
        yield text[at : match.start()]
        at = match.end()
        written = match[1].strip()
        places = [posixpath.join(posixpath.dirname(where), written) for where in (opened[0], name)]
        names = [posixpath.normpath(place + ending) for place in places for ending in ("", ".tex")]
        found = next((one for one in names if one in files), None)
        if found is not None and found not in opened and len(opened) < _DEEPEST:
            yield from _assembled(files, found, (*opened, found))
    yield text[at:]


def _loud(text: str) -> Iterator[str]:
    """The text outside of figures, tables, drawings and the bibliography."""
    depth, at = 0, 0
    for mark in _MARK.finditer(text):
        if mark[2] not in _SILENT:
            continue
        if not depth:
            yield text[at : mark.start()]
        depth = depth + 1 if mark[1] == "begin" else max(0, depth - 1)
        at = mark.end()
    if not depth:
        yield text[at:]


def _sections(text: str) -> Iterator[Section]:
    title, level, at = "", 1, 0
    for match in _HEADING.finditer(text):
        if match.start() < at:
            continue
        yield Section(title, _readable(text[at : match.start()]), level)
        end = _closing(text, match.end())
        title, level, at = _readable(text[match.end() : end]), _LEVELS[match[1]], end + 1
    yield Section(title, _readable(text[at:]), level)


def _closing(text: str, start: int) -> int:
    """Where the brace that was opened before `start` closes, at most 400 characters on."""
    depth = 1
    for at in range(start, min(len(text), start + 400)):
        depth += {"{": 1, "}": -1}.get(text[at], 0) if text[at - 1] != "\\" else 0
        if not depth:
            return at
    return min(len(text), start + 400)


def _readable(text: str) -> str:
    """Without citations, labels and the commands that only change letters; "~" is a space."""
    return _STYLED.sub(r"\1", _DROPPED.sub("", text)).replace("~", " ")
