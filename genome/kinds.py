"""Kinds of components: what each takes, what it returns, and whether it may mix positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from genome.values import Sizes, Value

Result = Literal["width", "vocabulary", "optimizer"]


@dataclass(frozen=True, slots=True)
class Kind:
    """Signature of a kind: how many values it takes, and the shape it returns."""

    name: str
    inputs: int
    result: Result
    mixes_positions: bool
    doc: str

    def arguments(self, sizes: Sizes) -> tuple[Value, ...]:
        """Types of the arguments."""
        if self.name == "embedding":
            return (Value((), "stream", 0, sizes.vocabulary - 1, tokens=True),)
        return (Value((sizes.width,), "stream"),) * self.inputs

    def returns(self, sizes: Sizes) -> tuple[int, ...]:
        """Feature shape of the result."""
        return {"width": (sizes.width,), "vocabulary": (sizes.vocabulary,), "optimizer": ()}[self.result]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("embedding", 1, "width", True, "turns tokens into vectors"),
        Kind("mixer", 1, "width", True, "mixes positions"),
        Kind("channel", 1, "width", False, "acts on the features of one position"),
        Kind("norm", 1, "width", False, "rescales the features of one position"),
        Kind("position", 1, "width", True, "tells positions apart"),
        Kind("residual", 2, "width", False, "joins a branch with its input: (x, branch)"),
        Kind("merge", 2, "width", False, "joins two parallel branches: (left, right)"),
        Kind("head", 1, "vocabulary", True, "turns vectors into scores of the next token"),
        Kind("training", 0, "optimizer", False, "says how parameters are updated"),
    )
}

PLACES: dict[str, tuple[str, ...]] = {
    "embedding": ("position", "norm", "channel", "mixer"),
    "block": ("mixer", "channel", "norm", "position"),
    "head": ("norm", "channel"),
}
"""Kinds that the branches of a recipe accept, besides the first gene of an embedding and the last of a head."""
