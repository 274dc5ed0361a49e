"""Scales: parameter budget, context, batch and tokens at which recipes are compared."""

from __future__ import annotations

from dataclasses import dataclass

from backends.protocol import Precision


@dataclass(frozen=True, slots=True)
class Rung:
    """A point of the training run at which a generation is thinned out.

    `part` is the fraction of the tokens trained by then, `share` the fraction of a generation that gets there.
    """

    part: float
    share: float


RUNGS = (Rung(1 / 16, 1.0), Rung(1 / 8, 0.5), Rung(1 / 4, 0.25), Rung(1.0, 0.125))
"""Every rung halves a generation. By `tests/benchmarks/rungs.py` the champion is that of training everything in full, at
less than a third of the tokens.
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """One rung of the ladder. Recipes are instantiated so that they meet `parameters` (learned numbers, all).

    `widths` is the coarse grid of stream widths, `hidden_step` the grid of inner sizes; `depth` repeats the
    recipe's blocks; `tokens` is the full training budget, which the tasks of a search share, and `rungs` thin out
    a generation by successive halving (1502.07943); the last one is the whole training run.
    """

    name: str
    parameters: int
    context: int
    batch: int
    tokens: int
    widths: tuple[int, ...]
    hidden_step: int
    depth: int
    precision: Precision
    rungs: tuple[Rung, ...] = RUNGS

    @property
    def steps(self) -> int:
        """Optimizer steps of a full training run."""
        return max(1, self.tokens // (self.batch * self.context))

    @property
    def parts(self) -> tuple[float, ...]:
        """Parts of the training run that end at each rung."""
        return tuple(rung.part for rung in self.rungs)

    @property
    def last_rung(self) -> int:
        """Number of the rung that is the whole training run."""
        return len(self.rungs) - 1

    def steps_at(self, rung: int) -> int:
        """Optimizer steps from the start of training to a rung."""
        return max(1, round(self.steps * self.rungs[rung].part))


def _grid(start: int, stop: int, step: int) -> tuple[int, ...]:
    return tuple(range(start, stop + 1, step))


SCALES = {
    scale.name: scale
    for scale in (
        Scale("micro", 30_000, 32, 16, 20_480, _grid(16, 96, 16), 16, 1, "float32"),
        Scale("tiny", 100_000, 64, 8, 262_144, _grid(32, 160, 16), 16, 1, "float32"),
        Scale("small", 1_000_000, 256, 32, 8_192_000, _grid(64, 384, 32), 16, 2, "float32"),
        Scale("20m", 20_000_000, 1024, 64, 400_000_000, _grid(256, 1024, 64), 64, 4, "bfloat16"),
        Scale("125m", 125_000_000, 1024, 256, 2_500_000_000, _grid(512, 2048, 64), 64, 6, "bfloat16"),
        Scale("350m", 350_000_000, 2048, 256, 7_000_000_000, _grid(768, 3072, 128), 64, 12, "bfloat16"),
    )
}
