"""Reproduce nanoGPT's small character model, for which its authors give a validation loss of 1.88 nats.

    python tests/benchmarks/nanogpt.py --data tinyshakespeare.txt

Four layers of width 128 and four heads, context 64, 2,000 steps of 12 sequences, AdamW at 1e-3 with 100 steps of
warm-up and a cosine to 1e-4 (github.com/karpathy/nanoGPT, its setting for a laptop). Its authors score 20 random
batches; here the whole validation split counts, the last tenth of the corpus. The recipe starts as nanoGPT does,
from a deviation of 0.02 and less for what writes to the stream; with --library it is made of the library's
components, which start by their number of inputs.
"""

from __future__ import annotations

import argparse
import sys
from math import log
from pathlib import Path

from backends.selection import make_backend
from cognition.loader import load_library
from evaluators.jobs import Job, Outcome, TaskSpec, component_sources
from evaluators.scales import Scale
from evaluators.tasks.corpus import read_corpus
from evaluators.tasks.text import LanguageModelling
from evaluators.training import Trainer
from genome.expressions import Scalar
from genome.parser import parse_component
from genome.recipe import Block, Gene, Recipe

PUBLISHED, TOLERANCE = 1.88, 0.05
STEPS, BATCH, CONTEXT, LAYERS, WIDTH = 2_000, 12, 64, 4, 128
SCALE = Scale("nanogpt", 800_000, CONTEXT, BATCH, STEPS * BATCH * CONTEXT, (WIDTH,), 16, LAYERS, "float32")

NANOGPT = (
    """
def nanogpt_norm(x) -> norm:
    return gain(standardize(x))
""",
    """
def nanogpt_attention(x) -> mixer:
    q = split_heads(einsum("ab,a->b", weight(width, width, scale=0.02), x), 4)
    k = split_heads(einsum("ab,a->b", weight(width, width, scale=0.02), x), 4)
    v = split_heads(einsum("ab,a->b", weight(width, width, scale=0.02), x), 4)
    return einsum("ab,a->b", weight(width, width, scale=0.00707), merge_heads(attend(q, k, v)))
""",
    """
def nanogpt_mlp(x) -> channel:
    inner = gelu(einsum("ab,a->b", weight(width, hidden, scale=0.02), x))
    return einsum("ab,a->b", weight(hidden, width, scale=0.00707), inner)
""",
)
"""The projections to the stream start at 0.02 over the root of their number, eight."""


def recipe(norm: str, attention: str, mlp: str) -> Recipe:
    """GPT-2's arrangement of these components, with one table for both ends."""

    def gene(component: str, **settings: Scalar) -> Gene:
        return Gene(component=component, settings=settings)

    return Recipe(
        embedding=(gene("tied_embedding"), gene("learned_positions")),
        blocks=tuple(Block(branches=((gene(norm), gene(inner)),)) for inner in (attention, mlp)),
        head=(gene(norm), gene("tied_head")),
        training=gene("adamw", learning_rate=1e-3, warmup=0.05, final=0.1, weight_decay=0.1, beta2=0.99),
    )


def measure(data: Path, seed: int, chosen: Recipe) -> Outcome:
    """Train and score a recipe of the library's components and nanoGPT's on a corpus."""
    own = {component.name: component for component in (parse_component(source, {}) for source in NANOGPT)}
    sources = component_sources(chosen, {**load_library(), **own})
    spec = TaskSpec("text", "nanogpt", str(data), CONTEXT)
    task = LanguageModelling(corpus=read_corpus(data), context=CONTEXT, sealed_fraction=0)
    job = Job("nanogpt", chosen.json_text, sources, SCALE, WIDTH, 4 * WIDTH, spec, seed, start=0, stop=STEPS)
    return Trainer(make_backend("jax"), {spec: task}).run(job)


def main() -> int:
    """Print the figures; 1 where the reproduction misses the published loss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="the corpus; tinyshakespeare for the published loss"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", action="store_true", help="use the library's components and initial values")
    arguments = parser.parse_args()
    names = ("nanogpt_norm", "nanogpt_attention", "nanogpt_mlp")
    if arguments.library:
        names = ("layer_norm", "plain_attention", "gelu_mlp")
    outcome = measure(arguments.data, arguments.seed, recipe(*names))
    if outcome.loss is None:
        print(f"{outcome.status}: {outcome.reason}")
        return 1
    print(
        f"validation loss {outcome.loss:.4f} nats ({outcome.loss / log(2):.3f} bits) per character, published "
        f"{PUBLISHED}; {outcome.parameters:,} parameters, {1e3 * outcome.step_seconds:.1f} ms a step, "
        f"{outcome.compile_seconds:.1f} s compiling, {outcome.total_seconds:.0f} s in all on {outcome.device}"
    )
    return 0 if arguments.library or abs(outcome.loss - PUBLISHED) <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
