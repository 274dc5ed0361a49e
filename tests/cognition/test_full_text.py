"""Texts of papers from a real server on loopback: the best form that can be read, whatever else is served."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.papers.archives import MOST_UNPACKED, tex_files
from cognition.papers.client import ArxivClient
from cognition.papers.errors import ArxivUnavailable, NoText, UnreadableAnswer
from cognition.papers.full_text import FullText, ingest_texts
from cognition.papers.hypertext import read_html
from cognition.papers.ingestion import ingest_identifiers
from cognition.papers.listing import new_papers, read_listing
from cognition.papers.portable import read_pdf
from cognition.papers.sections import kept_sections
from cognition.papers.tex import read_tex
from cognition.papers.transport import Manners, Transport
from cognition.store.records import CognitionError, Section
from cognition.store.store import CognitionStore
from tests.cognition.arxiv_server import Arxiv, Fault
from tests.cognition.paper_files import METHOD, archive, html, link, listing, pdf, single, tex

QUICK = Manners(pause=0.0, timeout=0.5, backoff=0.01, tries=3, patience=5.0)
PAPER = [("Method", METHOD), ("Experiments", "We compare. " * 50), ("References", "[1] A. [2] B.")]
LINES = ["1 Introduction", *["Sequences are long and memory is short."] * 8, "2 Method", *[METHOD[:56]] * 20]


def with_abstracts(arxiv: Arxiv, store: CognitionStore, *identifiers: str) -> None:
    for identifier in identifiers:
        arxiv.add(identifier, f"Paper {identifier}", "An abstract.")
    client = ArxivClient(Transport(store.path.parent / "pages", QUICK), arxiv.url)
    list(ingest_identifiers(store, client, identifiers))


def texts(
    arxiv: Arxiv, store: CognitionStore, *wanted: str, limit: int | None = None, manners: Manners = QUICK
) -> list[FullText]:
    transport = Transport(store.path.parent / "pages", manners)
    return list(ingest_texts(store, transport, arxiv.site, wanted, limit))


def test_the_html_is_read_first_and_only_sections_that_build_are_kept(arxiv: Arxiv, store: CognitionStore) -> None:
    with_abstracts(arxiv, store, "2401.00001")
    formula = 'state <math alttext="S_{t}=S_{t-1}+k v"><mi>S</mi></math> &amp; more. '
    formula += '<table class="ltx_equation ltx_eqn_table"><tr><td><math alttext="y=qS"></math></td></tr></table>'
    formula += '<table class="ltx_tabular"><tr><td>96.5</td></tr></table>'
    arxiv.files["/html/2401.00001"] = html([("Our Layer", formula + METHOD), *PAPER[1:]])
    (text,) = texts(arxiv, store, "2401.00001")
    assert text.method == "html"
    assert [section.title for section in text.sections] == ["Abstract", "1 Our Layer"]
    assert "state $S_{t}=S_{t-1}+k v$ & more." in text.sections[1].text
    assert "$y=qS$" in text.sections[1].text
    assert "96.5" not in text.sections[1].text
    assert arxiv.paths == ["/html/2401.00001"]
    assert store.statistics()["text method"] == {"html": 1}
    assert texts(arxiv, store, "2401.00001") == []


def test_without_html_the_source_is_read_and_without_that_the_pdf(arxiv: Arxiv, store: CognitionStore) -> None:
    with_abstracts(arxiv, store, "2401.00001", "2401.00002", "cs/0112017")
    arxiv.files["/e-print/2401.00001"] = archive({"main.tex": tex(PAPER)})
    arxiv.files["/e-print/2401.00002"] = pdf([LINES])
    arxiv.files["/pdf/2401.00002"] = pdf([LINES, ["3 Results", "We win."]])
    arxiv.files["/html/cs/0112017"] = html([("Empty", "No conversion.")])
    arxiv.files["/e-print/cs/0112017"] = b"neither one nor the other"
    found = {text.arxiv: text for text in texts(arxiv, store, "2401.00001", "2401.00002", "cs/0112017")}
    assert found["2401.00001"].method == "source"
    assert found["2401.00002"].method == "pdf"
    assert [section.title for section in found["2401.00002"].sections] == ["1 Introduction", "2 Method"]
    assert "source: the source is a PDF" in found["2401.00002"].reason
    assert found["cs/0112017"].method == ""
    assert "html: 26 characters of text; source: the source is no TeX" in found["cs/0112017"].reason
    asked = len(arxiv.paths)
    assert [text.arxiv for text in texts(arxiv, store, limit=1)] != ["cs/0112017"]
    assert not any("0112017" in path for path in arxiv.paths[asked:])


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503),
        Fault(status=429, headers=(("Retry-After", "0"),)),
        Fault(silent_seconds=0.7),
        Fault(cut=True),
        Fault(text="<!DOCTYPE html><html><body>half"),
    ],
    ids=["503", "429", "silent", "cut", "half a page"],
)
def test_a_passing_fault_costs_nothing(arxiv: Arxiv, store: CognitionStore, fault: Fault) -> None:
    with_abstracts(arxiv, store, "2401.00001")
    arxiv.files["/html/2401.00001"] = html(PAPER)
    arxiv.faults = [fault]
    assert [text.method for text in texts(arxiv, store, "2401.00001")] == ["html"]
    assert arxiv.paths == ["/html/2401.00001"] * 2


def test_a_server_that_is_away_is_told_and_one_broken_file_is_not(arxiv: Arxiv, store: CognitionStore) -> None:
    with_abstracts(arxiv, store, "2401.00001")
    arxiv.files["/html/2401.00001"] = b"<!DOCTYPE html><html><body>never ends"
    arxiv.files["/e-print/2401.00001"] = single(tex(PAPER))
    arxiv.faults = [Fault(status=500)] * 3
    with pytest.raises(ArxivUnavailable, match="status 500; asked 3 times"):
        texts(arxiv, store, "2401.00001")
    (text,) = texts(arxiv, store, "2401.00001")
    assert text.method == "source"
    assert "html: " in text.reason
    assert "cut short" in text.reason


def test_the_pause_holds_between_forms(arxiv: Arxiv, store: CognitionStore) -> None:
    with_abstracts(arxiv, store, "2401.00001")
    arxiv.files["/pdf/2401.00001"] = pdf([LINES])
    arxiv.began.clear()
    assert texts(arxiv, store, "2401.00001", manners=Manners(pause=0.2, backoff=0.0))[0].method == "pdf"
    gaps = [later - earlier for earlier, later in zip(arxiv.began, arxiv.began[1:], strict=False)]
    assert len(gaps) == 2
    assert min(gaps) >= 0.2


def test_files_of_a_source_are_put_together_and_comments_and_tables_left_out() -> None:
    main = "\\input{parts/method}\n\\section{More \\emph{of} it}\n\\begin{table}a & b\\end{table}\n100\\% of $x_1$ % no"
    files = {
        "paper/main.tex": "\\documentclass{article}\\begin{document}" + main + "\n\\end{document} after",
        "paper/parts/method.tex": "\\section*{Method}\nIt is \\textbf{new}~\\cite{a,b}. "
        "\\input{../main} \\input{/etc/passwd}",
        "paper/old.tex": "\\section{Old}",
    }
    sections = {section.title: section.text.strip() for section in read_tex(files)}
    assert sections[""] == ""
    assert sections["Method"].split() == ["It", "is", "new."]
    assert sections["More of it"].split() == ["100\\%", "of", "$x_1$"]
    with pytest.raises(NoText, match="TeX"):
        read_tex({"a.tex": "nothing"})


def test_an_archive_gives_its_files_and_nothing_else() -> None:
    files = {
        "../../outside.tex": "x",
        "/absolute.tex": "x",
        "link.tex": link("link.tex", "/etc/passwd"),
        "hard.tex": link("hard.tex", "main.tex", tarfile.LNKTYPE),
        "device.tex": link("device.tex", "", tarfile.CHRTYPE),
        "figure.png": "x",
        "huge.tex": "x" * (5 * 2**20),
        "./a/main.tex": tex(PAPER),
    }
    before = set(Path("/tmp").glob("outside*"))
    assert list(tex_files(archive(files))) == ["a/main.tex"]
    assert set(Path("/tmp").glob("outside*")) == before


def test_bombs_and_cut_archives_are_refused() -> None:
    whole = archive({"main.tex": tex(PAPER)})
    with pytest.raises(UnreadableAnswer, match="cut short"):
        tex_files(whole[: len(whole) // 2])
    with pytest.raises(NoText, match="larger than"):
        tex_files(gzip.compress(b"\0" * (MOST_UNPACKED + 1), 1))
    with pytest.raises(NoText, match="files"):
        tex_files(archive({f"{number}.tex": "" for number in range(5001)}))
    with pytest.raises(NoText, match="PDF"):
        tex_files(gzip.compress(pdf([LINES])))


def test_what_is_inside_of_a_section_that_is_left_out_goes_with_it() -> None:
    source = (
        "\\documentclass{article}\\begin{document}\\section{Method}"
        + METHOD
        + "\\subsection{Gate}"
        + METHOD
        + "\\section{Experiments}x\\subsection{Setup}y\\subsubsection{Data}z\\section{A Layer}w\\end{document}"
    )
    assert [one.title for one in kept_sections(read_tex({"a.tex": source}))] == ["Method", "Gate", "A Layer"]
    lines = ["1 Method", *["We build on it slowly."] * 20, "2 Results", "x", "2.1 Data", "y", "3 A Layer", "w"]
    assert [one.title for one in kept_sections(read_pdf(pdf([lines])))] == ["1 Method", "3 A Layer"]


def test_a_pdf_that_cannot_be_read_says_so() -> None:
    whole = pdf([LINES])
    with pytest.raises(UnreadableAnswer, match="cut short"):
        read_pdf(whole[: len(whole) // 2])
    with pytest.raises(NoText, match="cannot be read"):
        read_pdf(b"%PDF-1.4\nnothing of one\n%%EOF")
    joined = "".join(section.text for section in read_pdf(pdf([["a gated connec-", "tion and"]])))
    assert "connection" in joined


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes, text: str) -> None:
    for content in (data, f"<!DOCTYPE html>{text}</html>".encode()):
        for read in (read_html, tex_files, read_listing):
            try:
                read(content)
            except (NoText, UnreadableAnswer):
                continue
    hostile = tex([(text, "\\input{" * 20 + text + "\\begin{figure}" * 20)])
    assert isinstance(read_tex({"main.tex": hostile, text: text}), list)


def test_long_papers_are_cut_and_hostile_text_is_plain() -> None:
    kept = kept_sections([Section(f"S{n}", "word \x1b[2J\u202e" * 9000) for n in range(9)])
    assert sum(len(section.text) for section in kept) <= 80_000
    assert all(c.isprintable() or c == "\n" for section in kept for c in section.text)
    deep = ("<!DOCTYPE html>" + "<div>" * 100_000 + METHOD + "</html>").encode()
    started = time.monotonic()
    read_html(deep)
    assert time.monotonic() - started < 10


def test_a_listing_names_what_is_new_and_is_asked_for_every_day(arxiv: Arxiv, store: CognitionStore) -> None:
    kinds = [("2401.00001", "new"), ("2401.00002", "replace"), ("2401.00003", "cross"), ("2401.00001", "new")]
    arxiv.files["/rss/cs.LG"] = listing(kinds)
    transport = Transport(store.path.parent / "pages", QUICK)
    arxiv.faults = [Fault(text="<rss><channel>"), Fault(text="<html></html>")]
    assert new_papers(transport, arxiv.site, "cs.LG") == ("2401.00001", "2401.00003")
    arxiv.files["/rss/cs.LG"] = listing([])
    assert new_papers(transport, arxiv.site, "cs.LG") == ()
    with pytest.raises(CognitionError, match="no arXiv category"):
        new_papers(transport, arxiv.site, "../api")


def test_a_killed_process_continues_and_asks_for_no_text_twice(arxiv: Arxiv, tmp_path: Path) -> None:
    path = tmp_path / "cognition.db"
    names = [f"2401.0000{number}" for number in range(4)]
    with CognitionStore.open(path) as store:
        with_abstracts(arxiv, store, *names)
    for name in names:
        arxiv.files[f"/html/{name}"] = html(PAPER)
    arguments = [
        "--full-text",
        "--ids",
        ",".join(names),
        "--url",
        arxiv.url,
        "--pause",
        "0.7",
        "--store",
        str(path),
    ]
    command = [sys.executable, "-m", "evolve", "cognition", "ingest", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(arxiv.paths) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "texts stored, 0 refused" in done.stdout
    assert set(arxiv.paths) == {f"/html/{name}" for name in names}
    # The request in whose answer the process died may be made again, no other.
    assert len(arxiv.paths) <= len(names) + 1
    with CognitionStore.open(path) as store:
        assert store.statistics()["text method"] == {"html": 4}
