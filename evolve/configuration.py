"""Configuration of a search: flags over environment (`EVOLVE_*`) over a TOML file over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
)

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

_UNSAID: Mapping[str, Any] = {
    "llm": (),
    "llm_share": 0.5,
    "llm_deadline": 120.0,
    "llm_budget_usd": None,
    "llm_budget_tokens": None,
    "llm_budget_calls": None,
    "llm_prices": None,
    "store_prompts": True,
    "library": "published",
    "guidance": "off",
    "seed_recipe": (),
}
"""Fields that the first searches did not have, with what those did. A search that does the same stores none of them,
so that older searches go on; the values stay as they are, whatever the defaults become."""


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
        return tuple(_absolute(str(item).strip()) for item in items)

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

    @field_serializer("llm", when_used="json")
    def _without_passwords(self, value: tuple[str, ...]) -> list[str]:
        return [without_credentials(text) for text in value]

    def stored(self) -> dict[str, Any]:
        """The configuration as plain JSON values, without passwords of addresses."""
        unsaid = {name for name, earlier in _UNSAID.items() if getattr(self, name) == earlier}
        return self.model_dump(mode="json", exclude=unsaid)

    @classmethod
    def of_search(cls, stored: Mapping[str, Any]) -> Configuration:
        """The configuration among what a search stores. Raises ValidationError (a ValueError) for a bad one."""
        own = {name: value for name, value in stored.items() if name in cls.model_fields}
        return cls.model_validate({**_UNSAID, **own})


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
        merged["llm_prices"] = _absolute(merged["llm_prices"])
    if merged.get("llm"):
        merged["llm"] = _with_absolute_recordings(merged["llm"])
    if merged.get("data") is not None and not str(merged["data"]).startswith("hf:"):
        merged["data"] = _absolute(merged["data"])
    try:
        return Configuration.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        given = "" if first["type"] == "extra_forbidden" else f" {first['input']!r}"
        reason = _reason(first["type"], first["msg"])
        raise ConfigurationError(f"{name}{given}: {reason}") from None


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def _with_absolute_recordings(value: Any) -> Any:
    """Specifications of language models, recordings by their absolute paths."""
    items = value.split(",") if isinstance(value, str) else list(value)
    return [
        f"{RECORDING}{_absolute(item.removeprefix(RECORDING))}"
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
