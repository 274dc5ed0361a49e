"""What every test shares: interrupts arrive, no test reads or writes the user's own cognition store, and XLA compiles
as in a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from evaluators.devices import CPU_FLAGS

os.environ.setdefault("XLA_FLAGS", CPU_FLAGS)  # read when JAX first looks for devices


def pytest_configure() -> None:
    """A shell has what it starts in the background of a script ignore interrupts, and all that this starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_cognition_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of the test run's own, for this process and those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_COGNITION", str(tmp_path_factory.mktemp("cognition") / "cognition.db"))
        yield
