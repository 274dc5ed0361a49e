"""One writer per search: an advisory lock that the system drops when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from runs.errors import StoreError

LOCK_NAME = "search.lock"


class WriterLock:
    """The held lock of one search directory; `release` gives it back.

    The lock belongs to the open file, not to the file's content: after a SIGKILL the number left in the file
    is no obstacle. The file is never deleted, since deleting a lock file lets two processes lock two files of
    one name.
    """

    def __init__(self, directory: Path) -> None:
        """Take the lock of `directory`, or raise StoreError that names the process holding it."""
        path = directory / LOCK_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"{directory}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            process = _written_process(path)
            by = "another process" if process is None else f"process {process}"
            raise StoreError(f"{directory}: {by} is writing this search; one writer at a time") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the lock back; releasing twice does nothing."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def writer(directory: str | Path) -> int | None:
    """The id of the living process that writes the search in `directory`, or None. Takes no lock."""
    process = _written_process(Path(directory) / LOCK_NAME)
    if process is None:
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return process
    return process


def _written_process(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
