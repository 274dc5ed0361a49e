"""Reading a search that may be running: a connection per question, read-only, and a report that is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic

from runs.archive import Archive
from runs.database import search_file
from runs.lock import writer
from runs.records import RunStatus
from runs.report.data import Report
from runs.report.page import data_text

REST = 20
"""Times as long as gathering a report took, it is not gathered again: a live page takes a twentieth of a core."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far a search is. `revision` changes when the report does; `writer` says whether a process writes it."""

    name: str
    status: RunStatus
    writer: bool
    generations: int
    target: int
    attempts: int
    counts: Mapping[str, int]
    champion: int | None
    best: float | None
    noise: float | None
    revision: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows of one revision: its title, and its data as JSON."""

    revision: str
    title: str
    data: str


class LiveSearch:
    """A search in a directory, for many threads."""

    def __init__(self, directory: Path, report: Callable[[Archive], Report]) -> None:
        """`report` gathers what the page shows. Raises StoreError where the directory holds no sound search."""
        self.directory = directory
        self._report = report
        self._lock = Lock()
        self._kept: Shown | None = None
        self._due = 0.0
        Archive.at(directory).close()

    @contextmanager
    def read(self) -> Iterator[Archive]:
        """The search as it is at this moment; no writer waits for the reader."""
        # The file was verified at the start, and verifying reads all of it.
        with Archive(self.directory, search_file(self.directory).connect("ro")) as archive, archive.snapshot():
            yield archive

    def status(self) -> Status:
        """How far it is."""
        with self.read() as archive:
            run, best, yardstick = archive.run, archive.best(1), archive.yardstick
            kept = self._kept
            return Status(
                name=run.name,
                status=run.status,
                writer=writer(self.directory) is not None,
                generations=archive.generation_count(),
                target=run.generations,
                attempts=archive.attempt_count(),
                counts=archive.status_counts(),
                champion=best[0].id if best else None,
                best=best[0].score if best else None,
                noise=None if yardstick is None else yardstick.noise.score,
                revision=kept.revision if kept and monotonic() < self._due else archive.revision(),
            )

    def shown(self) -> Shown:
        """What the page shows, gathered again where rows have changed and the last time is long enough ago."""
        with self._lock:
            if self._kept is None or monotonic() >= self._due:
                started = monotonic()
                with self.read() as archive:
                    revision = archive.revision()
                    if self._kept is None or self._kept.revision != revision:
                        report = self._report(archive)
                        self._kept = Shown(revision, report.name, data_text(report))
                self._due = monotonic() + REST * (monotonic() - started)
            return self._kept
