"""Import this first in a test of MLX: where MLX is not installed, it skips the whole module and says so."""

from __future__ import annotations

import pytest

mx = pytest.importorskip("mlx.core", reason="MLX is not installed: pip install -e '.[mlx]'", exc_type=ImportError)
