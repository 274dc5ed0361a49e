"""A cognition store and an arXiv of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cognition.store.store import CognitionStore
from tests.cognition.arxiv_server import Arxiv, serving


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cognition.db"


@pytest.fixture
def store(path: Path) -> Iterator[CognitionStore]:
    with CognitionStore.open(path) as opened:
        yield opened


@pytest.fixture
def arxiv() -> Iterator[Arxiv]:
    with serving(Arxiv()) as server:
        yield server
