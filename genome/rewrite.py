"""Changes of one operation of a component that may be legal: the neighbourhood that mutation samples."""

from __future__ import annotations

from typing import NamedTuple

from genome import operations as _operations  # noqa: F401  (fills the table of operations)
from genome.component import Component
from genome.expressions import Scalar
from genome.operation import OPERATIONS

FAMILIES: tuple[tuple[str, ...], ...] = (
    tuple(
        name
        for name, operation in OPERATIONS.items()
        if operation.family == "pointwise" and len(operation.ports) == 1
    ),
    ("add", "subtract", "multiply", "divide", "maximum", "minimum"),
    ("rms_normalize", "standardize", "l2_normalize"),
    ("attend", "linear_attention"),
    ("shift", "causal_conv", "cumulative_sum"),
)
"""Operations that may take each other's place."""

OPTIONS: dict[tuple[str, str], tuple[Scalar | None, ...]] = {
    ("causal_conv", "kernel"): (2, 3, 4, 8, 16),
    ("shift", "steps"): (1, 2, 4, 8),
    ("attend", "window"): (None, 8, 16, 32, 64, 128, 256),
    ("attend", "alibi"): (False, True),
    ("lstm", "exponential"): (False, True),
    ("rope", "base"): (100.0, 1000.0, 10000.0, 100000.0, 500000.0),
}
"""Values that an option may take; None is the default."""


class Rewrite(NamedTuple):
    """A node of a component's graph, the operation it becomes, and the options that change."""

    node: int
    operation: str
    options: dict[str, Scalar | None]


def rewrites(component: Component) -> list[Rewrite]:
    """Changes of one operation by family, and of options that are constants.

    They are not type-checked here: applying an illegal one raises EditError. Options that a setting holds
    are left to the setting.
    """
    found: list[Rewrite] = []
    for index, node in enumerate(component.graph.nodes):
        for family in FAMILIES:
            if node.operation in family:
                found += [Rewrite(index, name, {}) for name in family if name != node.operation]
        options = dict(node.options)
        for (name, key), values in OPTIONS.items():
            option = OPERATIONS[name].option(key)
            if name != node.operation or option is None:
                continue
            present = options.get(key, option.default)
            if isinstance(present, int | float | None):
                found += [Rewrite(index, name, {key: value}) for value in values if value != present]
    return found
