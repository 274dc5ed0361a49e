"""How many proposals of a generation language models make, and which model: a bandit beside the mutations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from evolve.credit import EXPLORATION, PRIOR_ATTEMPTS, Credit, choose, worths
from evolve.mutation import MUTATIONS
from evolve.variation import CROSSOVER, CROSSOVER_PRIOR
from runs.calls import Call, operator


def drawn_models(
    models: Sequence[str],
    credit: Mapping[str, Credit],
    dollars: Mapping[str, float],
    population: int,
    share: float,
    random: Random,
) -> list[str]:
    """The model of every slot that language models get in a generation: at most `share` of the population.

    Each place of the population draws an operator by improvement per training cost; all models together start with
    the weight of all other operators. Among several, those that improve at fewer dollars are drawn more often.
    """
    priors = {name: prior for name, (_, prior) in MUTATIONS.items()} | {CROSSOVER: CROSSOVER_PRIOR}
    whole = sum(priors.values())
    own = [operator(model) for model in models]
    priors |= dict.fromkeys(own, whole / len(own))
    drawn = [choose(list(priors), priors, credit, random) for _ in range(population)]
    count = min(sum(name in own for name in drawn), max(1, int(share * population)))
    return [_model(models, credit, dollars, random) for _ in range(count)]


def dollars_by_model(calls: Iterable[Call]) -> dict[str, float]:
    """What every model's planners and repairers cost, where it is known."""
    spent: dict[str, float] = defaultdict(float)
    for call in calls:
        if call.role != "analyst" and call.state not in ("started", "skipped"):
            spent[call.name] += call.outcome.cost or 0.0
    return dict(spent)


def _model(
    models: Sequence[str], credit: Mapping[str, Credit], dollars: Mapping[str, float], random: Random
) -> str:
    worth = worths([operator(model) for model in models], credit)
    thrift = _thrift(models, credit, dollars)
    explored = random.random() < EXPLORATION
    weights = [1.0 if explored else worth[operator(model)] * thrift[model] for model in models]
    return random.choices(list(models), weights)[0]


def _thrift(models: Sequence[str], credit: Mapping[str, Credit], dollars: Mapping[str, float]) -> dict[str, float]:
    """Mean dollars per attempt over a model's own, smoothed; 1 where nothing costs anything."""
    attempts = {model: credit.get(operator(model), Credit()).attempts for model in models}
    total = sum(attempts.values())
    mean = sum(dollars.get(model, 0.0) for model in models) / total if total else 0.0
    if not mean:
        return dict.fromkeys(models, 1.0)
    return {
        model: mean * (attempts[model] + PRIOR_ATTEMPTS) / (dollars.get(model, 0.0) + PRIOR_ATTEMPTS * mean)
        for model in models
    }
