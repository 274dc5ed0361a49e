"""Python text as formatters write it: names, lines below a limit, lists, docstrings."""

from __future__ import annotations

import builtins
import keyword
import re
import textwrap
from collections.abc import Iterable, Sequence

LIMIT = 88
"""Characters of a line: the default of the usual formatters."""

INDENT = "    "

RESERVED = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "self", "config"})


class Names:
    """Names that are free, in one scope."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {*RESERVED, *taken}

    def fresh(self, name: str) -> str:
        """The name, or the name with the first free number; it is taken from then on."""
        candidate, count = name, 1
        while candidate in self.taken:
            count += 1
            candidate = f"{name}_{count}"
        self.taken.add(candidate)
        return candidate


def camel(name: str) -> str:
    """`rms_norm` as RmsNorm."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def identifier(text: str) -> str:
    """Any text as a name."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower()
    return name if name and not name[0].isdigit() else f"value_{name}".rstrip("_")


def bracketed(head: str, items: Sequence[str], tail: str, depth: int = 2) -> list[str]:
    """`head`, items separated by commas, `tail`: on one line where it fits, else an item a line."""
    line = f"{INDENT * depth}{head}{', '.join(items)}{tail}"
    if len(line) <= LIMIT or not items:
        return [line]
    inner = [f"{INDENT * (depth + 1)}{item}," for item in items]
    return [f"{INDENT * depth}{head}", *inner, f"{INDENT * depth}{tail}"]


def statement(line: str, comment: str = "", depth: int = 2) -> list[str]:
    """A statement with a comment behind it, or above it; one that is too long has an argument a line."""
    whole = f"{INDENT * depth}{line}"
    if comment and len(whole) + len(comment) + 4 <= LIMIT:
        return [f"{whole}  # {comment}"]
    above = [f"{INDENT * depth}# {comment}"] if comment else []
    if len(whole) <= LIMIT or not line.endswith(")"):
        return [*above, whole]
    start = _opening(line)
    return [*above, *bracketed(line[: start + 1], _arguments(line[start + 1 : -1]), ")", depth)]


def docstring(paragraphs: Sequence[str], depth: int) -> list[str]:
    """A docstring; lines of a paragraph are kept, and what is too long is wrapped under its own start."""
    lines: list[str] = []
    width = LIMIT - len(INDENT) * depth
    for number, paragraph in enumerate(paragraphs):
        if number:
            lines.append("")
        for line in paragraph.split("\n"):
            clean = _plain(line)
            start = len(clean) - len(clean.lstrip())
            own = textwrap.wrap(
                clean,
                width - 6 if not lines else width,
                subsequent_indent=" " * (start + 2) if start else "",
                break_on_hyphens=False,
            )
            lines += own or [""]
    pad = INDENT * depth
    if len(lines) == 1:
        return [f'{pad}"""{lines[0]}"""']
    body = [f"{pad}{line}".rstrip() for line in lines[1:]]
    return [f'{pad}"""{lines[0]}', *body, f'{pad}"""']


def _plain(line: str) -> str:
    """Text that cannot end or bend a docstring, whoever wrote it."""
    printable = "".join(c if c.isprintable() else " " for c in line)
    return printable.replace("\\", "/").replace('"', "'").rstrip()


def _opening(line: str) -> int:
    """Where the bracket opens that the last character closes."""
    depth = 0
    for index in range(len(line) - 1, -1, -1):
        depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(line[index], 0)
        if depth == 0:
            return index
    raise ValueError(f"brackets do not match: {line}")


def _arguments(text: str) -> list[str]:
    """Arguments of a call, cut at its own commas."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += {")": -1, "]": -1, "(": 1, "[": 1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]
