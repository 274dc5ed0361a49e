"""Memory of this process: what it holds, what it has reserved, and giving back what it has freed."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Bytes of physical memory that this process holds; the most it ever held where the system tells only that."""
    pages = _pages()
    if pages is not None:
        return pages[1] * os.sysconf("SC_PAGE_SIZE")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def reserved_bytes() -> int:
    """Bytes of address space that this process has reserved; 0 where the system does not tell."""
    pages = _pages()
    return 0 if pages is None else pages[0] * os.sysconf("SC_PAGE_SIZE")


def give_back() -> None:
    """Give freed memory back to the system, where the C library can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _pages() -> tuple[int, int] | None:
    """Pages reserved and resident, or None where there is no /proc."""
    try:
        reserved, resident, *_ = STATM.read_text().split()
    except OSError:
        return None
    return int(reserved), int(resident)
