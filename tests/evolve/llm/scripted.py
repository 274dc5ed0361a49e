"""Planners by formula, through the protocol of providers, and searches over a landscape that is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from cognition.loader import load_library
from evolve.configuration import Configuration
from evolve.llm.access import Model
from evolve.llm.analyst import ANALYSIS_NAME
from evolve.llm.desk import Desk
from evolve.llm.protocol import Answer, ProviderError, Request, Usage
from evolve.llm.replay import MODELS, Recording
from evolve.search import Search
from evolve.session import laboratory, prepare, search_store, stored_library
from runs.calls import Limits
from runs.ledger import Ledger
from tests.evolve.landscape import Landscape

USAGE = Usage(input=3000, cached=6000, written=0, output=200)

Script = Callable[[Mapping[str, Any], Random], str]


@dataclass
class Scripted:
    """A model whose answers are a function of the question; it keeps the questions."""

    name: str
    script: Script
    dollars: float | None = 0.01
    failures: Callable[[int], ProviderError | None] = lambda number: None
    requests: list[Request] = field(default_factory=list)

    def ask(self, request: Request, deadline: float) -> Answer:
        self.requests.append(request)
        if error := self.failures(len(self.requests)):
            raise error
        data = data_of(request)
        if request.name == ANALYSIS_NAME:
            return Answer(analysis(data), USAGE)
        return Answer(self.script(data, Random(request.messages[-1].text)), USAGE)

    def cost(self, usage: Usage) -> float | None:
        return None if self.dollars is None else self.dollars * (usage.input + usage.written + usage.output) / 3200


def data_of(request: Request) -> dict[str, Any]:
    """The data of the question that a conversation began with."""
    text = request.messages[0].text
    return json.loads(text[text.index("{") :])


def analysis(data: Mapping[str, Any]) -> str:
    numbers = [row["attempt"] for row in data["results"]][:2]
    conclusion = {"text": "Attention helps.", "skills": ["recall"], "attempts": numbers, "held": []}
    return json.dumps({"conclusions": [conclusion] if data["results"] else []})


def plan(*edits: Mapping[str, Any], motivation: str = "because") -> str:
    expected = [{"skill": "recall", "effect": "better"}]
    return json.dumps({"motivation": motivation, "expected": expected, "edits": list(edits)})


def block_of(component: str) -> dict[str, Any]:
    genes = [{"component": name, "settings": []} for name in ("rms_norm", component)]
    return {
        "branches": [genes],
        "merge": None,
        "residual": {"component": "add_residual", "settings": []},
        "repeat": 1,
    }


def good(data: Mapping[str, Any], random: Random) -> str:
    """Add what the landscape rewards, until there is enough of it."""
    blocks = len({path.partition(".")[0] for path in data["parent"]["places"] if path[0].isdecimal()})
    names = [name for name, own in load_library().items() if own.kind == "mixer"]
    rewarded = [name for name in names if "conv" in name or "attention" in name]
    return plan(
        *(
            {
                "kind": "insert_block",
                "position": random.randint(0, blocks),
                "block": block_of(random.choice(rewarded)),
            }
            for _ in range(2)
        )
    )


def mediocre(data: Mapping[str, Any], random: Random) -> str:
    """Change a setting of the training, which the landscape does not see."""
    return plan(
        {
            "kind": "set_setting",
            "path": "training",
            "setting": "learning_rate",
            "value": float(f"{0.001 * (1 + 5 * random.random()):.6f}"),
        }
    )


def useless(data: Mapping[str, Any], random: Random) -> str:
    """Name what is not there."""
    return plan({"kind": "remove_gene", "path": f"{random.randint(100, 999)}.0.0"})


@contextmanager
def search_with(
    directory: Path,
    models: Sequence[Model],
    *,
    limits: Limits | None = None,
    keep_texts: bool = True,
    recording: Recording | None = None,
    executor: Any = None,
    tell: Callable[[str], None] = lambda line: None,
    **options: object,
) -> Iterator[Search]:
    """A search over the landscape that begins or goes on in a directory, with these models."""
    names = recording.models if recording else tuple(model.name for model in models)
    configuration = Configuration.model_validate(
        {
            "generations": 6,
            "population": 8,
            "task": ("recall",),
            "scale": "micro",
            "workers": 1,
            "llm": names,
            **options,
        }
    )
    prepared = prepare(configuration)
    store = search_store(directory, prepared)
    with store, Ledger.open(directory) as ledger:
        if not store.events(kind=MODELS):
            store.log(MODELS, "models", list(names))
        desk = Desk(ledger, {model.name: model for model in models}, limits or Limits(), keep_texts, recording)
        library = stored_library(store)
        lab = laboratory(prepared, store, executor or Landscape(), library)
        yield Search(configuration, lab, prepared.tasks, library, desk=desk, tell=tell)


def ledger_of(search: Search) -> Ledger:
    assert search.desk is not None
    return search.desk.ledger


def genealogy(store: Any) -> list[tuple]:
    return [
        (a.id, a.generation, a.operator, a.parents, a.recipe, a.status, a.score, a.reason, store.edits(a.id))
        for a in store.attempts()
    ]
