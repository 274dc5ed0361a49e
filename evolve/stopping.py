"""How a search ends before its target: what is measured stays, and one line says why and how to go on."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from evaluators.executor import ExecutorError
from evolve.errors import SearchError, Stopped
from runs.errors import StoreError
from runs.store import Store


@contextmanager
def stoppable(store: Store) -> Iterator[None]:
    """Mark the search as stopped where it ends early.

    SIGTERM counts as Ctrl-C, which raises Stopped: candidates in training are given up and trained again later.
    What is wrong with the machine (a disk that is full or takes no writes, workers that do not start) raises
    SearchError, and so does a search that cannot go on.
    """
    kept = f"everything measured is in {store.directory}"
    again = f"{kept}; the same command goes on from here"
    try:
        with _terminated_as_interrupted():
            yield
    except KeyboardInterrupt:
        _mark(store)
        raise Stopped(f"stopped; {again}") from None
    except SearchError as error:
        _mark(store)
        raise SearchError(f"{error}; {kept}") from None
    except (ExecutorError, OSError) as error:
        _mark(store)
        raise SearchError(f"{error}; {again}") from None
    except StoreError as error:
        if not isinstance(error.__cause__, sqlite3.DatabaseError | OSError):
            raise
        _mark(store)
        raise SearchError(f"{error}; {again}") from None


def _mark(store: Store) -> None:
    with suppress(StoreError):  # the disk that stopped the search may not take this either
        store.finish_run("stopped")


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
