"""Whether a component can be trained: the checks of a backend and a few steps, in a worker process, in bounded time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from backends.selection import choose_backend
from cognition.loader import load_architectures, load_library
from evaluators.devices import usable_gpus
from evaluators.executor import Executor, LocalExecutor, WorkerOptions
from evaluators.jobs import Job, TaskSpec, component_sources
from evaluators.scales import SCALES
from evolve.session import cache_directory
from genome.component import Component
from genome.edits import Edit, apply
from genome.edits.kinds import InsertGene, ReplaceGene, SetResidual, SplitBlock
from genome.errors import GenomeError
from genome.instance import instantiate
from genome.recipe import Gene, Recipe
from genome.values import Sizes

HOST = "llama"
"""The published architecture in which a component takes the place of one of its kind."""

SCALE, STEPS, WIDTH, HIDDEN = "micro", 20, 32, 64
VOCABULARY = 64
MOST_PARAMETERS = 1_000_000
"""Of the small recipe with the component: it has 30,000 or so with any published one."""

SECONDS = 90.0
"""Time for the checks and the steps of one component; compiling takes most of it."""


@dataclass(frozen=True)
class Examination:
    """Examines components one at a time; calling it says in one line why one cannot be trained, or ""."""

    executor: Executor

    def __call__(self, component: Component) -> str:
        try:
            job = examining_job(component)
        except GenomeError as error:
            return str(error)
        (outcome,) = self.executor.run([job])
        if outcome.status == "evaluated":
            return ""
        return f"{outcome.status}: {' '.join(outcome.reason.split())}"


@contextmanager
def examination(logs: Path, seconds: float = SECONDS) -> Iterator[Examination]:
    """An examination on a worker process of its own, which starts when the first component comes."""
    backend = choose_backend("auto")[0]
    options = WorkerOptions(
        backend, str(cache_directory()), deadline_seconds=seconds, gpus=usable_gpus(backend)[:1]
    )
    with LocalExecutor(1, options, logs) as executor:
        yield Examination(executor)


def examining_job(component: Component) -> Job:
    """The checks of a component, then a few steps of a small recipe with it, on recall.

    Raises GenomeError where it has no instance at these sizes, or one that is out of all proportion.
    """
    library = {**load_library(), component.name: component}
    scale = SCALES[SCALE]
    recipe = host_recipe(component)
    count = instantiate(recipe, library, Sizes(WIDTH, HIDDEN, VOCABULARY, scale.context)).cost.parameters
    if count > MOST_PARAMETERS:
        raise GenomeError(f"{count:,} parameters at width {WIDTH}; up to {MOST_PARAMETERS:,} are accepted")
    return Job(
        key=component.hash,
        recipe=recipe.json_text,
        components=component_sources(recipe, library),
        scale=replace(scale, tokens=STEPS * scale.batch * scale.context),
        width=WIDTH,
        hidden=HIDDEN,
        task=TaskSpec("recall", "tiny", context=scale.context),
        seed=0,
        start=0,
        stop=STEPS,
        examined=component.name,
    )


def host_recipe(component: Component) -> Recipe:
    """The host with the component in the first place that its kind belongs to."""
    host = load_architectures()[HOST].recipe
    library = {**load_library(), component.name: component}
    gene = Gene(component=component.name)
    places = (path for path, own in host.genes() if library[own.component].kind == component.kind)
    edit: Edit
    if component.kind == "residual":
        edit = SetResidual(position=0, gene=gene)
    elif component.kind == "merge":
        edit = SplitBlock(position=0, branch=host.blocks[0].branches[0], merge=gene)
    elif component.kind == "position":
        edit = InsertGene(path="embedding.1", gene=gene)
    else:
        edit = ReplaceGene(path=next(places), gene=gene)
    return apply(host, (edit,), library).recipe
