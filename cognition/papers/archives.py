"""Taking a paper's source apart in memory: nothing is written, links are not followed, every size is bounded."""

from __future__ import annotations

import io
import posixpath
import tarfile
import zlib

from cognition.papers.errors import NoText, UnreadableAnswer

MOST_UNPACKED = 128 * 2**20
MOST_MEMBERS = 5_000
MOST_OF_MEMBER, MOST_OF_TEX = 4 * 2**20, 16 * 2**20
"""Bytes of one TeX file and of all; larger ones are left out."""

_GZIP = b"\x1f\x8b"
_ENDINGS = (".tex", ".ltx", ".latex")


def tex_files(content: bytes) -> dict[str, str]:
    """Texts of the TeX files of a source by their path in it, whether it is a tar file or one TeX file, gzipped or not.

    Members that are links, devices or folders, or whose path leads out of the archive, are left out. Raises
    UnreadableAnswer for what was cut short, NoText for what is no TeX or larger than is accepted.
    """
    data = _unzipped(content) if content.startswith(_GZIP) else content
    if data.startswith(b"%PDF"):
        raise NoText("the source is a PDF")
    try:
        return _members(data)
    except tarfile.ReadError as error:
        if data[257:262] == b"ustar":
            raise UnreadableAnswer(f"the archive is cut short: {error}") from None
        text = _decoded(data[:MOST_OF_MEMBER])
        if "\\begin{document}" not in text:
            raise NoText("the source is no TeX") from None
        return {"main.tex": text}


def _members(data: bytes) -> dict[str, str]:
    files: dict[str, str] = {}
    left = MOST_OF_TEX
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for count, member in enumerate(archive):
            if count >= MOST_MEMBERS:
                raise NoText(f"the source has more than {MOST_MEMBERS} files")
            name = posixpath.normpath(member.name)
            inside = not name.startswith(("/", "..")) and "\0" not in name
            wanted = member.isreg() and not member.issparse() and inside and name.lower().endswith(_ENDINGS)
            if not wanted or member.size > min(MOST_OF_MEMBER, left):
                continue
            stream = archive.extractfile(member)
            if stream is not None:
                files[name] = _decoded(stream.read(member.size))
                left -= member.size
    return files


def _unzipped(content: bytes) -> bytes:
    packed = zlib.decompressobj(31)
    try:
        data = packed.decompress(content, MOST_UNPACKED)
    except zlib.error as error:
        raise UnreadableAnswer(f"the source cannot be unpacked: {error}") from None
    if packed.unconsumed_tail:
        raise NoText(f"the source is larger than {MOST_UNPACKED} bytes")
    if not packed.eof:
        raise UnreadableAnswer("the source is cut short")
    return data


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
