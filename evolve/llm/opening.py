"""From a configuration to the desk at which its language models are asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evolve.configuration import RECORDING, Configuration, ConfigurationError
from evolve.llm.access import Model, models_of
from evolve.llm.desk import Desk
from evolve.llm.protocol import Usage
from evolve.llm.replay import MODELS, Recording
from runs.calls import Limits
from runs.ledger import Ledger
from runs.store import Store


@dataclass(frozen=True)
class Access:
    """The language models of a configuration, before anything is written: models to ask, or a recording of answers."""

    models: dict[str, Model]
    recording: Recording | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.models) if self.recording is None else self.recording.models

    @contextmanager
    def desk(self, store: Store, configuration: Configuration) -> Iterator[Desk]:
        """The desk of a search that is open for writing, which keeps the names of its models."""
        config = configuration
        if not store.events(kind=MODELS):
            store.log(MODELS, f"language models: {', '.join(self.names)}", list(self.names))
        limits = Limits(config.llm_budget_usd, config.llm_budget_tokens, config.llm_budget_calls)
        with Ledger.open(store.directory) as ledger:
            yield Desk(ledger, self.models, limits, config.store_prompts, self.recording)


def access(configuration: Configuration) -> Access | None:
    """What a configuration's `llm` names; None where it names nothing.

    Raises ValueError in one line for a model or a recording that cannot be had, for a strategy whose proposals have
    no parents, and for a budget in dollars where a price is not known.
    """
    specs = configuration.llm
    if not specs:
        return None
    if configuration.strategy == "random":
        raise ConfigurationError(
            "llm: the strategy random draws recipes without parents, and a language model edits one; "
            "accepted with strategy uct, regularized or local"
        )
    recordings = [spec for spec in specs if spec.startswith(RECORDING)]
    if recordings:
        if len(specs) > 1:
            raise ConfigurationError(f"llm: {recordings[0]} stands alone; accepted: one recording, or models")
        return Access({}, Recording.of(Path(recordings[0].removeprefix(RECORDING))))
    prices = Path(configuration.llm_prices) if configuration.llm_prices else None
    models = models_of(specs, prices)
    named = {model.name: model for model in models}
    if len(named) < len(models):
        raise ConfigurationError("llm: two specifications name the same model")
    if configuration.llm_budget_usd is not None:
        for model in models:
            if model.cost(Usage(input=1, output=1)) is None:
                raise ConfigurationError(
                    f"llm_budget_usd: the price of {model.name} is not known; accepted: a file of prices "
                    "(--llm-prices), or a budget in tokens or calls"
                )
    return Access(named)
