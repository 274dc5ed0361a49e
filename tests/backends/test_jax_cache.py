"""The directory of compiled programs: another process reads what one has compiled, and it does not grow for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMPILE = """
import sys
from pathlib import Path
from backends.jax import backend
backend.CACHE_BYTES = int(sys.argv[2])
own = backend.JaxBackend(Path(sys.argv[1]))
import jax
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event))
jax.jit(lambda x: x * 3 + 1)(2.0)
print(sum("cache_hits" in event for event in hits))
"""


def compiled(cache: Path, limit: int = 2**31) -> int:
    """How many programs a fresh process finds in the directory instead of compiling them."""
    arguments = [sys.executable, "-W", "error", "-c", COMPILE, str(cache), str(limit)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env={**os.environ})
    return int(done.stdout)


def test_a_second_process_compiles_nothing_again(tmp_path: Path) -> None:
    assert compiled(tmp_path) == 0
    assert compiled(tmp_path) > 0


def test_the_oldest_programs_go_when_the_directory_is_full(tmp_path: Path) -> None:
    old, new = tmp_path / "old-cache", tmp_path / "new-cache"
    for age, path in ((2, old), (1, new)):
        path.write_bytes(bytes(600))
        os.utime(path, (1e9 - age, 1e9 - age))
    compiled(tmp_path, 1000)
    assert not old.exists()
    assert new.exists()
