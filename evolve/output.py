"""Writing a file that a user asked for: whole, or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text beside `path` and put it in its place.

    Raises ValueError in one line where the folder is missing or cannot be written; nothing is left behind.
    """
    if path.is_dir():
        raise ValueError(f"{path}: is a directory; name a file in it")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: there is no directory {path.parent}; make it first")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(text.encode())
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise ValueError(f"{path}: cannot be written: {error.strerror}") from None
