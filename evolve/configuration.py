"""Configuration of a search: flags over environment (`EVOLVE_*`) over a TOML file over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from backends.selection import choose_backend
from cognition.papers.client import ENVIRONMENT as ARXIV
from cognition.store.database import ENVIRONMENT as COGNITION
from evaluators.devices import usual_workers
from evaluators.scales import SCALES
from evaluators.tasks.registry import TASK_NAMES
from evolve.llm.endpoint import without_credentials

Objective = Literal["score", "parameters", "flops", "state_bytes", "step_seconds"]
LibraryName = Literal["published", "learned"]
StrategyName = Literal["uct", "regularized", "local", "random"]
Guidance = Literal["off", "on", "learned"]
ENVIRONMENT_PREFIX = "EVOLVE_"
OTHERS = frozenset({COGNITION, ARXIV})
"""Variables with this prefix that configure the cognition store and its reading of arXiv."""

RECORDING = "replay:"
"""What a language model's specification begins with that is another search's directory."""

_OF_LANGUAGE_MODELS = {
    "llm",
    "llm_share",
    "llm_deadline",
    "llm_budget_usd",
    "llm_budget_tokens",
    "llm_budget_calls",
    "llm_prices",
    "store_prompts",
}


class ConfigurationError(ValueError):
    """A flag, variable or key that is unknown or has a value that is not accepted."""


def _usual_workers(known: Mapping[str, Any]) -> int:
    """Workers for the backend among the fields that are valid so far."""
    return usual_workers(choose_backend(known.get("backend", "auto"))[0])


class Configuration(BaseModel):
    """Everything that decides what a search does. All but `generations` and `workers` fix its genealogy.

    With language models the recorded answers belong to it: their budgets, deadline and prices may change between
    two runs and decide only what is asked from then on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    generations: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    population: Annotated[int, Field(ge=2, le=1024)] = 8
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    strategy: StrategyName = "uct"
    task: tuple[str, ...] = ("text", "recall")
    data: str | None = None
    scale: str = "tiny"
    backend: str = "auto"
    workers: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=_usual_workers)
    objective: tuple[Objective, ...] = ("score",)
    early_stopping: bool = True
    deterministic: bool = False
    llm: tuple[str, ...] = ()
    llm_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    llm_deadline: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    llm_budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    llm_budget_tokens: Annotated[int, Field(ge=0, lt=2**62)] | None = None
    llm_budget_calls: Annotated[int, Field(ge=0, lt=2**62)] | None = None
    llm_prices: str | None = None
    store_prompts: bool = True
    library: LibraryName = "published"
    guidance: Guidance = "on"
    seed_recipe: tuple[str, ...] = ()

    @field_validator("task", "objective", "llm", mode="before")
    @classmethod
    def _listed(cls, value: Any, info: ValidationInfo) -> Any:
        """A comma-separated text or a list of names, each once; language models may be none."""
        items = value.split(",") if isinstance(value, str) else list(value)
        names = tuple(str(item).strip() for item in items)
        if info.field_name == "llm":
            names = tuple(name for name in names if name)
        if len(set(names)) < len(names) or not (names or info.field_name == "llm"):
            raise ValueError("name at least one, each once")
        return names

    @field_validator("seed_recipe", mode="before")
    @classmethod
    def _paths(cls, value: Any) -> Any:
        """A comma-separated text or a list of files, as absolute paths."""
        items = value.split(",") if isinstance(value, str) else list(value)
        return tuple(str(Path(str(item).strip()).expanduser().resolve()) for item in items)

    @field_validator("task")
    @classmethod
    def _known_tasks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in TASK_NAMES:
                raise ValueError(f"unknown task {name!r}; accepted: {', '.join(TASK_NAMES)}")
        return value

    @field_validator("scale")
    @classmethod
    def _known_scale(cls, value: str) -> str:
        if value not in SCALES:
            raise ValueError(f"unknown scale {value!r}; accepted: {', '.join(SCALES)}")
        return value

    @field_validator("objective")
    @classmethod
    def _led_by_score(cls, value: tuple[Objective, ...]) -> tuple[Objective, ...]:
        if value[0] != "score":
            raise ValueError("the first objective must be score")
        return value

    def stored(self) -> dict[str, Any]:
        """The configuration as plain JSON values, without passwords of addresses.

        What only some searches have goes unsaid in the others, so that searches which are older go on: language
        models, guidance, recipes of the user's, a library beyond the published one.
        """
        unsaid = {name for name, default in _OLDER.items() if getattr(self, name) == default}
        values = self.model_dump(mode="json", exclude=unsaid if self.llm else unsaid | _OF_LANGUAGE_MODELS)
        return values | {"llm": [without_credentials(text) for text in self.llm]} if self.llm else values

    @classmethod
    def of_search(cls, stored: Mapping[str, Any]) -> Configuration:
        """The configuration among what a search stores. Raises ValidationError (a ValueError) for a bad one."""
        own = {name: value for name, value in stored.items() if name in cls.model_fields}
        return cls.model_validate({**_OLDER, **own})


_OLDER: Mapping[str, Any] = {"guidance": "off", "seed_recipe": (), "library": "published"}
"""What a search that stores no value of these has."""


def configure(
    flags: Mapping[str, Any], file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Configuration:
    """Merge the sources; a flag that is None was not given.

    Raises ConfigurationError in one line: the name, what is wrong, what is accepted.
    """
    merged: dict[str, Any] = {
        **_from_file(file),
        **_from_environment(os.environ if environment is None else environment),
    }
    merged |= {name: value for name, value in flags.items() if value is not None}
    if merged.get("llm_prices") is not None:
        merged["llm_prices"] = str(Path(merged["llm_prices"]).expanduser().resolve())
    if merged.get("llm"):
        merged["llm"] = _with_absolute_recordings(merged["llm"])
    if merged.get("data") is not None and not str(merged["data"]).startswith("hf:"):
        merged["data"] = str(Path(merged["data"]).expanduser().resolve())
    try:
        return Configuration.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        given = "" if first["type"] == "extra_forbidden" else f" {first['input']!r}"
        reason = _reason(first["type"], first["msg"])
        raise ConfigurationError(f"{name}{given}: {reason}") from None


def _with_absolute_recordings(value: Any) -> Any:
    """Specifications of language models, recordings by their absolute paths."""
    items = value.split(",") if isinstance(value, str) else list(value)
    return [
        f"{RECORDING}{Path(item.removeprefix(RECORDING)).expanduser().resolve()}"
        if isinstance(item, str) and item.startswith(RECORDING)
        else item
        for item in items
    ]


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return f"unknown; accepted: {', '.join(Configuration.model_fields)}"
    return message.removeprefix("Value error, ")[0].lower() + message.removeprefix("Value error, ")[1:]


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--config {path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"--config {path}: not TOML: {error}") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in environment.items():
        if name.startswith(ENVIRONMENT_PREFIX) and name not in OTHERS:
            field = name.removeprefix(ENVIRONMENT_PREFIX).lower()
            if field not in Configuration.model_fields:
                accepted = ", ".join(ENVIRONMENT_PREFIX + field.upper() for field in Configuration.model_fields)
                raise ConfigurationError(f"{name}: unknown; accepted: {accepted}")
            found[field] = value
    return found


STRATEGIES: tuple[str, ...] = get_args(StrategyName)
