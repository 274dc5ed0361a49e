"""Proposals of a model in this process under the planner's grammar: how many can be read, how many are legal edits.

    python tests/benchmarks/local_answers.py --answers 200 [--model PATH_OR_NAME]

Every proposal edits the next published architecture. Without --model, two layers of random numbers over bytes: nothing
but the grammar makes their answers right, and what they write as source of a component is noise; so proposals that
define components or name such ones are counted apart. Also prints what keeping to the grammar costs per token.
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
from evolve.llm.answers import AnswerError, parse_plan, plan_schema
from evolve.llm.desk import MOST_TOKENS
from evolve.llm.grammar import NEW, grammar
from evolve.llm.local import LocalProvider
from evolve.llm.planner import PLAN_NAME
from evolve.llm.protocol import Message, ProviderError, Request
from genome.component import Library
from genome.edits import apply, edits_to_json
from genome.errors import GenomeError
from genome.recipe import Recipe
from tests.evolve.llm.tiny_model import write_model

SKILLS = ("recall", "text")
SECONDS = 120.0
"""Until when an answer must be there."""


def outcome(text: str, recipe: Recipe, library: Library) -> tuple[str, str]:
    """What becomes of an answer: unread, refused or applied, marked where it has components of its own; and why."""
    try:
        plan = parse_plan(text)
    except AnswerError as error:
        return "unread", str(error)
    written = edits_to_json(plan.edits)
    own = " own" if "define_component" in written or f'"{NEW}' in written else ""
    try:
        apply(recipe, plan.edits, library)
    except GenomeError as error:
        return f"refused{own}", str(error)
    return f"applied{own}", ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--model", help="as after mlx: in --llm")
    arguments = parser.parse_args()
    library, architectures = load_library(), list(load_architectures().values())
    outcomes, reasons = Counter[str](), Counter[str]()
    made = 0
    with tempfile.TemporaryDirectory() as folder:
        provider = LocalProvider.load(arguments.model or str(write_model(Path(folder))))
        began = time.perf_counter()
        for number in range(arguments.answers):
            recipe = architectures[number % len(architectures)].recipe
            message = Message("user", f"Proposal {number}: which edits would make the parent better?")
            narrow = grammar(recipe, library, SKILLS)
            request = Request("", (message,), plan_schema(), PLAN_NAME, MOST_TOKENS, narrow)
            try:
                answer = provider.ask(request, time.monotonic() + SECONDS)
            except ProviderError as error:
                outcomes["unread"] += 1
                reasons[f"{error.fault}: {error}"] += 1
                continue
            became, reason = outcome(answer.text, recipe, library)
            outcomes[became] += 1
            if reason:
                reasons[f"{became}: {reason[:100]}"] += 1
            made += answer.usage.output
        kept = (time.perf_counter() - began) / max(made, 1)
        began = time.perf_counter()
        free = sum(1 for _ in generate_step(mx.array([1, 2, 3]), provider.model, max_tokens=min(made, 2000)))
        plain = (time.perf_counter() - began) / max(free, 1)
    known = outcomes["applied"] + outcomes["refused"]
    own = outcomes["applied own"] + outcomes["refused own"]
    print(f"{known + own} of {arguments.answers} proposals follow the schema")
    print(f"{outcomes['applied']} of {known} that name known components alone apply")
    print(f"{outcomes['applied own']} of {own} with components of their own apply")
    for reason, count in reasons.most_common(8):
        print(f"  {count} times {reason}")
    print(
        f"{made} tokens, {1 / kept:.0f} per second with their grammars; {kept / plain:.2f} times a free token's time"
    )


if __name__ == "__main__":
    main()
