"""Reading a corpus: a file, a folder, a Hugging Face dataset, or the Python standard library itself."""

from __future__ import annotations

import hashlib
import importlib
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

Level = Literal["auto", "character", "byte"]

CHARACTER_LIMIT = 250
"""`auto` reads text with at most this many distinct characters by character, else by byte."""

STANDARD_LIBRARY_BYTES = 4_000_000
"""Size limit of the standard library's sources, so that a start takes a fraction of a second."""

DATASET_BYTES = 256_000_000
"""Size limit of text taken from a Hugging Face dataset: the rows that come first."""

_ACCEPTED = "a UTF-8 text file, a folder of such files, or hf:NAME[@CONFIGURATION][:SPLIT[:COLUMN]]"


class CorpusError(ValueError):
    """A corpus that cannot be used; the message is one line."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """One stream of N token ids, and the characters they stand for (None at byte level)."""

    ids_N: np.ndarray = field(repr=False)
    characters: tuple[str, ...] | None

    @property
    def vocabulary(self) -> int:
        return 256 if self.characters is None else len(self.characters)

    @property
    def digest(self) -> str:
        """Hash of the stream and of what its ids mean."""
        alphabet = "bytes" if self.characters is None else "".join(self.characters)
        return hashlib.sha256(alphabet.encode() + self.ids_N.tobytes()).hexdigest()[:16]

    def encode(self, text: str) -> np.ndarray:
        """Token ids [N] of a text. Raises CorpusError for characters that the corpus does not have."""
        if self.characters is None:
            return np.frombuffer(text.encode(), np.uint8)
        ids = {character: token for token, character in enumerate(self.characters)}
        unknown = [character for character in dict.fromkeys(text) if character not in ids]
        if unknown:
            named, known = " ".join(map(repr, unknown)), "".join(self.characters)
            raise CorpusError(f"the corpus has no character {named}: choose from {known!r}")
        return np.array([ids[character] for character in text], np.int64)

    def decode(self, ids_N: np.ndarray) -> str:
        """The text of token ids; bytes that are not UTF-8 become the replacement character."""
        if self.characters is None:
            return bytes(ids_N.tolist()).decode(errors="replace")
        return "".join(self.characters[token] for token in ids_N)


def read_corpus(source: str | Path | None = None, level: Level = "auto") -> Corpus:
    """Read a corpus whole.

    Args:
        source: a text file; a folder, whose text files are joined in the order of their paths (hidden and
            binary files are left out); `hf:NAME[@CONFIGURATION][:SPLIT[:COLUMN]]`, a dataset or a local
            dataset folder for the `datasets` package, by default its `train` split and `text` column, up to
            `DATASET_BYTES`; or None for the top-level modules of the Python standard library in the order of
            their names, up to `STANDARD_LIBRARY_BYTES`.
        level: what a token is.

    Raises:
        CorpusError: nothing there, nothing in it, or not text.
    """
    if level not in get_args(Level):
        raise CorpusError(f"unknown level {level!r}: choose from {', '.join(get_args(Level))}")
    text = _read(source)
    if not text:
        raise CorpusError(f"corpus {source} is empty: give {_ACCEPTED}")
    codes_N = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    present_V = np.flatnonzero(np.bincount(codes_N))
    if level == "byte" or (level == "auto" and len(present_V) > CHARACTER_LIMIT):
        return Corpus(np.frombuffer(text.encode(), np.uint8), None)
    ids = np.zeros(present_V[-1] + 1, np.min_scalar_type(len(present_V) - 1))
    ids[present_V] = np.arange(len(present_V))
    return Corpus(ids[codes_N], tuple(map(chr, present_V.tolist())))


def _read(source: str | Path | None) -> str:
    if source is None:
        return _standard_library()
    if str(source).startswith("hf:"):
        return _dataset(str(source))
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            return _folder(path)
        text = _decoded(path.read_bytes())
    except FileNotFoundError:
        raise CorpusError(f"corpus {source} does not exist: give {_ACCEPTED}") from None
    except OSError as error:
        raise CorpusError(f"corpus {source} cannot be read ({error.strerror}): give {_ACCEPTED}") from None
    if text is None:
        raise CorpusError(f"corpus {source} is not text (NUL bytes or not UTF-8): give {_ACCEPTED}")
    return text


def _decoded(raw: bytes) -> str | None:
    """The text of a file, or None where it is not text."""
    if b"\0" in raw:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _folder(folder: Path) -> str:
    visible = (
        path
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts) and path.is_file()
    )
    texts = (_decoded(path.read_bytes()) for path in sorted(visible))
    kept = [text for text in texts if text]
    if not kept:
        raise CorpusError(f"corpus {folder} has no text files: give {_ACCEPTED}")
    return "\n".join(kept)


def _standard_library() -> str:
    folder = Path(sysconfig.get_path("stdlib"))
    # That one file is written when Python is built and differs from machine to machine.
    paths = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_sysconfigdata"))
    text = _joined((path.read_text(encoding="utf-8") for path in paths), STANDARD_LIBRARY_BYTES)
    if not text:
        raise CorpusError(f"this Python has no library sources in {folder}: give {_ACCEPTED}")
    return text


def _joined(texts: Iterable[str], limit: int) -> str:
    """The texts, one per line or more, that come before the limit in bytes."""
    kept: list[str] = []
    size = 0
    for text in texts:
        size += len(text.encode()) + 1
        if size > limit:
            break
        kept.append(text)
    return "\n".join(kept)


def _dataset(source: str) -> str:
    name, _, rest = source.removeprefix("hf:").partition(":")
    split, _, column = rest.partition(":")
    try:
        datasets = importlib.import_module("datasets")
    except ImportError:
        raise CorpusError(
            f"corpus {source} needs the package datasets, which is not installed: pip install datasets, "
            "or give a text file or a folder"
        ) from None
    try:
        rows = _load(datasets, name, split or "train")
        column = column or _text_column(rows)
        batches = rows.select_columns([column]).iter(batch_size=1_000)
        return _joined((text or "" for batch in batches for text in batch[column]), DATASET_BYTES)
    except (OSError, ValueError, RuntimeError, LookupError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CorpusError(f"corpus {source} cannot be loaded: {reason}") from None


def _load(datasets: Any, name: str, split: str) -> Any:
    saved = Path(name).expanduser()
    if (saved / "dataset_dict.json").is_file():
        return datasets.load_from_disk(str(saved))[split]
    if (saved / "state.json").is_file():
        return datasets.load_from_disk(str(saved))
    name, _, configuration = name.partition("@")
    return datasets.load_dataset(name, configuration or None, split=split)


def _text_column(rows: Any) -> str:
    columns = [column for column, feature in rows.features.items() if "string" in str(feature.dtype)]
    if not columns:
        raise ValueError(f"no text column among {', '.join(rows.column_names)}")
    return "text" if "text" in columns else columns[0]
