"""`python -m evolve`."""

from __future__ import annotations

import gc
import sys

from evolve.cli import main as run_command

COLLECTION_THRESHOLD = 100_000
"""New objects between two searches for garbage: most are rows that stay, and every search walks through all of them."""


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(COLLECTION_THRESHOLD)
    sys.exit(run_command())


if __name__ == "__main__":
    main()
