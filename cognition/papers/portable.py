"""Sections of a paper's PDF, read by pypdf in a process of its own: a hostile file costs its time and memory, no more.

As a program it reads a PDF from standard input and writes its text as JSON.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec

from cognition.papers.errors import NoText, UnreadableAnswer
from cognition.store.records import CognitionError, Section

MOST_PAGES = 80
MOST_TEXT = 2_000_000
SECONDS = 60.0
MEMORY = 2 * 2**30
"""Bytes of address space of the process that reads a PDF."""

_HEADING = re.compile(
    r"^(?:\d{1,2}(?:\.\d{1,2}){0,2}\.?|[A-Z](?:\.\d{1,2})?\.?)\s+[A-Z][^.\n]{2,80}$"
    r"|^(?:Abstract|Introduction|Background|Methods?|Approach|Conclusions?|References|Acknowledge?ments?)$",
    re.MULTILINE,
)
_PROGRAM = (sys.executable, "-I", "-m", "cognition.papers.portable")


def read_pdf(content: bytes) -> list[Section]:
    """Every section, told by headings that stand alone on a line.

    Raises UnreadableAnswer for a file that was cut short, NoText for one that cannot be read within 60 seconds,
    and CognitionError without the package pypdf.
    """
    if find_spec("pypdf") is None:
        raise CognitionError(
            "reading PDF needs the package pypdf; install it with: pip install 'archevolve[arxiv]'"
        )
    if not content.startswith(b"%PDF"):
        raise NoText("not a PDF")
    if b"%%EOF" not in content[-2048:]:
        raise UnreadableAnswer("the PDF is cut short")
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    try:
        done = subprocess.run(
            _PROGRAM, input=content, capture_output=True, timeout=SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoText(f"a PDF that is not read within {SECONDS:g} s") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise NoText(f"a PDF that cannot be read: {' '.join(last)[:200]}")
    return _sections(json.loads(done.stdout))


def _sections(text: str) -> list[Section]:
    joined = re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text)
    sections: list[Section] = []
    title, level, at = "", 1, 0
    for match in _HEADING.finditer(joined):
        sections.append(Section(title, joined[at : match.start()], level))
        title, at = match.group(), match.end()
        level = 1 + title.split()[0].rstrip(".").count(".")
    return [*sections, Section(title, joined[at:], level)]


def main() -> None:
    """Write the text of the PDF on standard input."""
    with suppress(ValueError, OSError):  # macOS accepts no bound below what is reserved already
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from pypdf import PdfReader

    text = ""
    for page in PdfReader(io.BytesIO(sys.stdin.buffer.read())).pages[:MOST_PAGES]:
        text += page.extract_text() + "\n"
        if len(text) > MOST_TEXT:
            break
    json.dump(text[:MOST_TEXT], sys.stdout)


if __name__ == "__main__":
    main()
