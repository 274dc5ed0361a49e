"""Proposals of a model in this process under the planner's grammar: how many can be read, how many are legal edits.

    python tests/benchmarks/local_answers.py --answers 200 [--model PATH_OR_NAME]

Every proposal edits the next published architecture, and one in so many is to define a component of its own, as in a
search; these are counted apart. Without --model, two layers of random numbers over bytes: nothing but the grammar makes
their answers right. Also prints what keeping to the grammar costs per token.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

import mlx.core as mx
from mlx_lm.generate import generate_step

from cognition.loader import load_architectures, load_library
from evolve.llm.answers import AnswerError, parse_plan
from evolve.llm.local import LocalProvider
from evolve.llm.planner import invents, planner_request
from evolve.llm.protocol import ProviderError
from genome.component import Library
from genome.edits import apply
from genome.errors import GenomeError
from genome.recipe import Recipe
from tests.evolve.llm.tiny_model import write_model

SKILLS = ("recall", "text")
SECONDS = 120.0
"""Until when an answer must be there."""


def outcome(text: str, recipe: Recipe, library: Library) -> tuple[str, str]:
    """What becomes of an answer: unread, refused or applied; and why."""
    try:
        plan = parse_plan(text)
    except AnswerError as error:
        return "unread", str(error)
    try:
        apply(recipe, plan.edits, library)
    except GenomeError as error:
        return "refused", str(error)
    return "applied", ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--model", help="as after mlx: in --llm")
    arguments = parser.parse_args()
    library, architectures = load_library(), list(load_architectures().values())
    outcomes, reasons = Counter[tuple[bool, str]](), Counter[str]()
    made = 0
    with tempfile.TemporaryDirectory() as folder:
        provider = LocalProvider.load(arguments.model or str(write_model(Path(folder))))
        began = time.perf_counter()
        for number in range(arguments.answers):
            recipe, own = architectures[number % len(architectures)].recipe, invents(1, number)
            request = planner_request(recipe, "", {"proposal": number}, library, SKILLS, invents=own)
            try:
                answer = provider.ask(request, time.monotonic() + SECONDS)
            except ProviderError as error:
                outcomes[own, "unread"] += 1
                reasons[f"{error.fault}: {error}"] += 1
                continue
            became, reason = outcome(answer.text, recipe, library)
            outcomes[own, became] += 1
            if reason:
                reasons[f"{became}: {reason[:100]}"] += 1
            made += answer.usage.output
        kept = (time.perf_counter() - began) / max(made, 1)
        began = time.perf_counter()
        free = sum(1 for _ in generate_step(mx.array([1, 2, 3]), provider.model, max_tokens=min(made, 2000)))
        plain = (time.perf_counter() - began) / max(free, 1)
    for own, asked in ((False, "to use known components"), (True, "to define one of their own")):
        unread, refused, applied = (outcomes[own, became] for became in ("unread", "refused", "applied"))
        read = refused + applied
        print(f"{read + unread} proposals asked {asked}: {read} follow the schema, {applied} apply")
    for reason, count in reasons.most_common(8):
        print(f"  {count} times {reason}")
    print(
        f"{made} tokens, {1 / kept:.0f} per second with their grammars; {kept / plain:.2f} times a free token's time"
    )


if __name__ == "__main__":
    main()
