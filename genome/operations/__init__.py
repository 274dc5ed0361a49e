"""The operations of the language, by family; importing this package fills `genome.operation.OPERATIONS`."""

from genome.operations import features, parameters, pointwise, positions, readout, routing, time, tokens, training

__all__ = ["features", "parameters", "pointwise", "positions", "readout", "routing", "time", "tokens", "training"]
