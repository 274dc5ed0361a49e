"""What every test shares: no test reads or writes the user's own cognition store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cognition_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of the test run's own, for this process and those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_COGNITION", str(tmp_path_factory.mktemp("cognition") / "cognition.db"))
        yield
