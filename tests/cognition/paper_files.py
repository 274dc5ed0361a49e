"""Papers in the forms that arXiv has: LaTeXML's HTML, TeX sources as archives, small PDFs, and listings."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

METHOD = "We replace softmax attention with Hyena in every layer. " * 10


def html(sections: Sequence[tuple[str, str]]) -> bytes:
    """A page of LaTeXML's shape."""
    parts = "".join(
        f'<section class="ltx_section" id="S{number}"><h2 class="ltx_title ltx_title_section">'
        f'<span class="ltx_tag">{number} </span>{escape(title)}</h2>'
        f'<div class="ltx_para"><p class="ltx_p">{text}</p></div></section>'
        for number, (title, text) in enumerate(sections, 1)
    )
    page = (
        '<!DOCTYPE html><html lang="en"><head><title>T</title><script>alert("script")</script></head><body>'
        '<nav>Navigation</nav><article class="ltx_document"><h1 class="ltx_title ltx_title_document">Zebra</h1>'
        f'<div class="ltx_abstract"><h6 class="ltx_title">Abstract</h6><p>An abstract.</p></div>{parts}</article>'
        "<footer>Footer</footer></body></html>\n"
    )
    return page.encode()


def tex(sections: Sequence[tuple[str, str]], before: str = "") -> str:
    """A TeX document."""
    parts = "\n".join(f"\\section{{{title}}}\n{text}\n" for title, text in sections)
    return f"\\documentclass{{article}}\n{before}\\begin{{document}}\n{parts}\n\\end{{document}}\n"


def archive(files: Mapping[str, str | tarfile.TarInfo]) -> bytes:
    """A gzipped tar file; a member that is no text is added as it is, without content."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as target:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                target.addfile(content)
                continue
            member = tarfile.TarInfo(name)
            data = content.encode()
            member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    """A link as a member of an archive."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def single(text: str) -> bytes:
    """A source of one file, as arXiv serves it."""
    return gzip.compress(text.encode())


def pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """A PDF of lines of text, written by hand: a catalogue, pages, one font and their cross-references."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for lines in pages:
        shown = " ".join(f"({line}) Tj T*" for line in lines)
        stream = f"BT /F1 10 Tf 12 TL 40 780 Td {shown} ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    body, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(body)
    size = len(objects) + 1
    body += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return f"{body}startxref\n{start}\n%%EOF\n".encode("latin-1")


def listing(items: Sequence[tuple[str, str]]) -> bytes:
    """arXiv's RSS of a category: ids and kinds of announcement."""
    parts = "".join(
        f"<item><title>T</title><link>https://arxiv.org/abs/{identifier}</link>"
        f"<description>arXiv:{identifier}v1 Announce Type: {kind} \nAbstract: A.</description>"
        f'<guid isPermaLink="false">oai:arXiv.org:{identifier}v1</guid><category>cs.LG</category>'
        f"<arxiv:announce_type>{kind}</arxiv:announce_type></item>"
        for identifier, kind in items
    )
    text = (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">'
        f"<channel><title>cs.LG updates on arXiv.org</title>{parts}</channel></rss>"
    )
    return text.encode()
