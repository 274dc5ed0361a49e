"""A process that judges answers from a file under an audit hook and prints what it saw and what became of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

from cognition.loader import load_architectures, load_library
from evolve.history import Fitness, Individual
from evolve.llm.planner import Slot, judged, planner_request
from evolve.prospect import Prospect
from genome.recipe import recipe_hash
from tests.evolve.llm.hostile_answers import put
from tests.genome.hostile_components import channel

ALLOWED = ("compile", "builtins.id")
"""Text becomes a syntax tree, and defaults are copied. Besides, to quote a line of a syntax error, Python looks for a
file called "<unknown>".
"""

seen: list[str] = []
watching = False


def watch(event: str, arguments: tuple) -> None:
    if watching and event not in ALLOWED and (event, arguments[:1]) != ("open", ("<unknown>",)):
        seen.append(f"{event} {arguments!s:.120}")


def slot() -> Slot:
    recipe, library = load_architectures()["griffin"].recipe, load_library()
    parent = Individual(
        1,
        1,
        "seed",
        (),
        "evaluated",
        lambda digest: recipe,
        recipe_hash(recipe, library),
        "",
        1,
        1.0,
        1.0,
        Prospect(),
        3,
        Fitness(),
    )
    request = planner_request(recipe, "", {}, library, ["recall"], invents=True)
    return Slot(3, 1, "test:model", parent, request, library, lambda variation: "")


def main(path: Path) -> None:
    global watching
    answers = json.loads(path.read_text(encoding="utf-8"))
    asked = slot()
    for returned in ("linaer(x)", "é", "x"):  # what refusals import, they import once
        source = channel(f"return {returned}")
        judged(asked, json.dumps(put(("edits", 0, "source"), source)), ())
    sys.addaudithook(watch)
    began, outcomes = perf_counter(), []
    watching = True
    for answer in answers:
        proposed = judged(asked, answer, ())
        if proposed.reason:
            outcomes.append(proposed.reason)
        else:
            variation = proposed.variation(asked.library)
            outcomes.append(f"legal {'' if variation.recipe is None else len(variation.recipe.blocks)}")
    watching = False
    print(json.dumps({"seen": seen, "outcomes": outcomes, "seconds": perf_counter() - began}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
