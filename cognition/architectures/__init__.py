"""Published architectures as recipes, at their smallest: the sequence of blocks is what repeats for depth."""

from cognition.architectures.architecture import Architecture
from cognition.architectures.attention import ATTENTION
from cognition.architectures.hybrid import HYBRID
from cognition.architectures.recurrent import RECURRENT

ARCHITECTURES = (*ATTENTION, *RECURRENT, *HYBRID)

__all__ = ["ARCHITECTURES", "Architecture"]
