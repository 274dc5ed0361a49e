"""How a search compiles training steps: measured once, before the noise floor, and the same ever after.

Stitched steps compile once per component and dispatch once per component and step; a whole-model program compiles for
every candidate and dispatches once per look. Which is faster over a run depends on the device and the scale. Their
losses differ by rounding, so a search uses one of them for every candidate at every rung.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from backends.looks import LOOK_STEPS
from backends.protocol import Program
from evolve.measurement import Laboratory, Subject

EVENT = "program"
"""Kind of the event that keeps the choice and what was measured for it."""

PROBE_STEPS = LOOK_STEPS + 8
"""Steps of a probe: those after the first look are timed, when nothing compiles or warms up any more."""

SHORT_RUN = 20.0
"""Seconds of a full stitched run below which a whole-model program is not tried.

Compiling one took 2.6 to 6.3 s on a CPU, for models of 8 to 12 small components, and takes longer on accelerators: a
run this short would have to become half as long for every candidate to repay it.
"""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of a step and of a program's compilation, means over tasks; `failure` says what went wrong, if so."""

    program: Program | None
    device: str
    step_seconds: float
    compile_seconds: float
    failure: str


def repays(stitched_step: float, whole_step: float, steps: int, compile_seconds: float) -> bool:
    """Whether a whole-model program saves more seconds over a run of so many steps than its compilation takes."""
    return (stitched_step - whole_step) * steps > compile_seconds


def settled_program(laboratory: Laboratory, subject: Subject, seed: int) -> Program | None:
    """The program that the search has chosen, or chooses now by timing the subject; None is the backend's own.

    The choice is stored as an event. A search that has measured anything without one began before there was a
    choice, and keeps the backend's own.
    """
    store = laboratory.store
    for event in store.events(kind=EVENT):
        return event.detail["program"]
    if store.evaluations(purpose="noise"):
        return None
    own = _probe(laboratory, subject, seed, None)
    if own.failure:
        return None  # the noise floor will say why
    program, message, measured = _choice(laboratory, subject, seed, own)
    store.log(EVENT, message, {"program": program, "steps": laboratory.scale.steps, **measured})
    return program


def _choice(
    laboratory: Laboratory, subject: Subject, seed: int, own: Timing
) -> tuple[Program | None, str, Mapping[str, Any]]:
    """The program, why, and the seconds measured; `own` is the timing of the backend's own."""
    steps, step = laboratory.scale.steps, own.step_seconds
    measured: dict[str, Any] = {"device": own.device, f"{own.program}_step_seconds": step}
    if own.program != "stitched":
        return own.program, "the backend has no other program", measured
    if step * steps < SHORT_RUN:
        reason = f"a full run takes {step * steps:.1f} s stitched, too short to repay a whole-model program"
        return "stitched", reason, measured
    whole = _probe(laboratory, subject, seed, "whole")
    if whole.failure:
        return "stitched", f"the whole-model program failed: {whole.failure}", measured
    measured |= {"whole_step_seconds": whole.step_seconds, "whole_compile_seconds": whole.compile_seconds}
    paid = repays(step, whole.step_seconds, steps, whole.compile_seconds)
    reason = (
        f"over {steps} steps, {1e3 * step:.3g} ms each stitched and {1e3 * whole.step_seconds:.3g} ms whole, "
        f"{whole.compile_seconds:.1f} s of compilation are {'repaid' if paid else 'not repaid'}"
    )
    return "whole" if paid else "stitched", reason, measured


def _probe(laboratory: Laboratory, subject: Subject, seed: int, program: Program | None) -> Timing:
    """Time the first steps of the subject's training, by workers, on every task.

    All tasks at once, so that workers compile side by side what the noise floor needs of them next.
    """
    steps = min(PROBE_STEPS, laboratory.scale.steps)
    jobs = [
        replace(laboratory.job(f"{EVENT}/{program}/{task.name}", subject, task, seed, steps), program=program)
        for task in laboratory.tasks
    ]
    outcomes = list(laboratory.executor.run(jobs))
    failure = next((outcome.reason for outcome in outcomes if outcome.status != "evaluated"), "")
    return Timing(
        outcomes[0].program,
        outcomes[0].device,
        fmean(outcome.step_seconds for outcome in outcomes),
        fmean(outcome.program_seconds for outcome in outcomes),
        failure,
    )
