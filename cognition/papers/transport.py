"""Getting an answer from arXiv: from the disk if it came before, else politely, and again where it failed."""

from __future__ import annotations

import email.utils
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from cognition.papers.errors import ArxivUnavailable, Garbled, NoText, NotThere, QueryError, UnreadableAnswer
from cognition.papers.feed import Feed, read_feed
from cognition.papers.pacing import turn

_RETRIED = (408, 429, 500, 502, 503, 504)
_MOST_BYTES = 64 * 2**20

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Manners:
    """How arXiv is asked: its terms of use want 3 s between requests and one connection; all times in seconds.

    A request is given up after `timeout`. The wait after the n-th failure is `backoff` * 2^(n - 1), or what the
    answer's Retry-After says if that is longer; waits for one page never sum to more than `patience`.
    """

    pause: float = 3.0
    timeout: float = 30.0
    backoff: float = 3.0
    tries: int = 6
    patience: float = 600.0


class _Failure(Exception):
    """A request that may succeed later; `wait` is what the answer asked for, in seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Transport:
    """Answers by their address; every whole one is kept in `directory` and never asked for twice."""

    def __init__(self, directory: Path, manners: Manners) -> None:
        self.directory = directory
        self.manners = manners
        self.requests = 0
        directory.mkdir(parents=True, exist_ok=True)

    def page(self, url: str, plausible: Callable[[Feed], str]) -> tuple[Feed, bool]:
        """The feed at `url`, and whether it came from the disk.

        `plausible` says why a feed cannot be true ("" if it can), such as an empty page in the middle: it is
        asked for again. Raises ArxivUnavailable when every try failed, QueryError where arXiv refuses the query.
        """

        def read(content: bytes) -> Feed:
            feed = read_feed(content)
            if reason := plausible(feed):
                raise UnreadableAnswer(reason)
            return feed

        # An empty page is the end for today only: more papers may match tomorrow.
        return self.fetch(url, read, "xml", lambda feed: feed.count > 0)

    def fetch(
        self, url: str, read: Callable[[bytes], Read], suffix: str, lasting: Callable[[Read], bool]
    ) -> tuple[Read, bool]:
        """What `read` makes of the answer at `url`, and whether it came from the disk.

        `read` raises UnreadableAnswer for what must be asked for again; its NoText passes through, and the answer is
        kept. `lasting` says whether other answers may be kept. Raises ArxivUnavailable when every try failed (Garbled
        where the last answer was unreadable), NotThere for status 404 and QueryError for other statuses that asking
        again does not change.
        """
        path = self.directory / f"{hashlib.sha256(url.encode()).hexdigest()}.{suffix}"
        if path.exists():
            try:
                return read(path.read_bytes()), True
            except UnreadableAnswer:
                path.unlink()
        waited = 0.0
        for attempt in range(1, self.manners.tries + 1):
            try:
                content = self._get(url)
                try:
                    result = read(content)
                except NoText:
                    _keep(path, content)
                    raise
                if lasting(result):
                    _keep(path, content)
                return result, False
            except (_Failure, UnreadableAnswer) as failure:
                wait = max(self.manners.backoff * 2 ** (attempt - 1), getattr(failure, "wait", 0.0))
                if attempt == self.manners.tries:
                    error = Garbled if isinstance(failure, UnreadableAnswer) else ArxivUnavailable
                    raise error(f"{url}: {failure}; asked {attempt} times") from None
                if waited + wait > self.manners.patience:
                    raise ArxivUnavailable(f"{url}: {failure}; come back in {wait:.0f} s") from None
                time.sleep(wait)
                waited += wait
        raise AssertionError("the last try returns or raises")

    def _get(self, url: str) -> bytes:
        import requests

        with turn(self.directory, self.manners.pause):
            self.requests += 1
            deadline = time.monotonic() + self.manners.timeout
            try:
                with requests.get(
                    url, timeout=self.manners.timeout, stream=True, headers={"User-Agent": _agent()}
                ) as answer:
                    if answer.status_code in _RETRIED:
                        wait = retry_after(answer.headers.get("Retry-After", ""))
                        raise _Failure(f"status {answer.status_code}", wait)
                    content = bytearray()
                    for part in answer.iter_content(64):
                        content += part
                        if time.monotonic() > deadline:
                            raise _Failure(f"not answered within {self.manners.timeout:g} s")
                        if len(content) > _MOST_BYTES:
                            raise ArxivUnavailable(f"{url}: the answer is larger than {_MOST_BYTES} bytes")
                    if answer.status_code != 200:
                        _refused(url, answer.status_code, bytes(content))
                    return bytes(content)
            except requests.exceptions.Timeout:
                raise _Failure(f"not answered within {self.manners.timeout:g} s") from None
            except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                raise _Failure(f"the connection failed: {type(error).__name__}") from None
            except requests.exceptions.RequestException as error:
                raise QueryError(f"{url}: cannot be asked for: {error}") from None


def _refused(url: str, status: int, content: bytes) -> None:
    """Raise QueryError for a status that asking again does not change, with arXiv's reason where it gives one."""
    with suppress(UnreadableAnswer):
        read_feed(content)
    if status in (404, 410):
        raise NotThere(f"{url}: refused with status {status}")
    raise QueryError(f"{url}: refused with status {status}")


def retry_after(text: str) -> float:
    """Seconds to wait by a Retry-After header (RFC 9110, 10.2.3): a number of seconds or a date; else 0."""
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _keep(path: Path, content: bytes) -> None:
    """Write a page whole or not at all."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _agent() -> str:
    try:
        return f"archevolve/{version('archevolve')}"
    except PackageNotFoundError:
        return "archevolve"
