"""One request at a time and a pause after each, over all processes that share a directory."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TIME = struct.Struct("<d")


@contextmanager
def turn(directory: Path, pause_seconds: float) -> Iterator[None]:
    """Wait until nobody else asks and `pause_seconds` have passed since the last request's end.

    The time is kept in a file, so a process that was killed and started again waits too; the system gives the
    lock back when its holder dies.
    """
    descriptor = os.open(directory / "requests.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        stored = os.pread(descriptor, _TIME.size, 0)
        if len(stored) == _TIME.size:
            since = time.time() - _TIME.unpack(stored)[0]
            # A clock that was set back must not make a wait of hours.
            if 0 <= since < pause_seconds:
                time.sleep(pause_seconds - since)
        # Written before the request too: whoever dies in it has asked.
        os.pwrite(descriptor, _TIME.pack(time.time()), 0)
        try:
            yield
        finally:
            os.pwrite(descriptor, _TIME.pack(time.time()), 0)
    finally:
        os.close(descriptor)
