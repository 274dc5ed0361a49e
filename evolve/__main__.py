"""`python -m evolve`."""

from __future__ import annotations

import sys

from evolve.cli import main as run_command


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run_command())


if __name__ == "__main__":
    main()
