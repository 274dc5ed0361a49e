"""How a task reads a model out: by the recipe's own head, or by a decoder of the final state."""

from __future__ import annotations

from dataclasses import replace

from evaluators.tasks.protocol import Readout
from genome.instance import Instance, PlacedProgram
from genome.parser import parse_component
from genome.typing import program

FINAL_STATE_DECODER = parse_component(
    '''
def final_state_decoder(x) -> head:
    """Read each token of a sequence back from the last state and the token's position (2403.17844)."""
    place = last_position(x) + sinusoid(width)
    return linear(linear(gelu(linear(place))), vocabulary)
''',
    {},
    internal=True,
)
"""The auto-encoder's decoder of MAD: a non-expanding two-layer GELU network, then scores of the vocabulary."""


def read_out(instance: Instance, readout: Readout) -> Instance:
    """The instance as a task trains it: "last" puts the decoder in the place of the recipe's head.

    Norms before the head stay. The decoder belongs to the task: the instance's cost remains the recipe's own.
    """
    if readout == "causal":
        return instance
    decoder = program(
        FINAL_STATE_DECODER.name, FINAL_STATE_DECODER.kind, FINAL_STATE_DECODER.bind({}), instance.sizes
    )
    return replace(instance, head=(*instance.head[:-1], PlacedProgram(instance.head[-1].path, decoder)))
