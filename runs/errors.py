"""The error of this package."""

from __future__ import annotations


class StoreError(ValueError):
    """One line that names a search's file or value, what is wrong with it and what is accepted.

    Raised when a directory holds no search, another process writes it, its configuration is another one, its
    database is damaged or newer than this software, or a record does not fit. The database is then unchanged.
    """
