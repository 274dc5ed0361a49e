"""Checks that every store of searches must pass: they need nothing of it but `runs.contract`.

    from runs.conformance import store_faults
    faults = store_faults(MyStore, folder)

Every fault is one line that names the promise and what came instead; a store without faults gives none.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cognition.knowledge import Affinity, Answer, Knowledge
from evaluators.scores import Noise, Reference, Yardstick
from genome.arrangement import Pair
from runs import records
from runs.contract import SearchStore, Stores
from runs.errors import StoreError
from runs.evidence.evidence import Evidence
from runs.evidence.interval import Interval
from runs.evidence.lifts import Lift

CONFIGURATION = {"seed": 5, "generations": 9, "tasks": ["recall"]}

Check = Callable[[Stores, Path], Iterator[str]]


def store_faults(stores: Stores, folder: Path) -> list[str]:
    """What is wrong with a kind of store, a line per fault; each check has a directory of its own in `folder`.

    `stores` is the class, or anything with its `create` and `open`; a process that the suite kills imports it.
    """
    faults = []
    for check in CHECKS:
        promise = check.__name__.strip("_").replace("_", " ")
        try:
            faults += [f"{promise}: {fault}" for fault in check(stores, folder / check.__name__.strip("_"))]
        except Exception as error:  # whatever an implementation raises besides is one fault more
            faults.append(f"{promise}: raised {type(error).__name__}: {' '.join(str(error).split())}")
    return faults


def _what_is_written_is_read_back(stores: Stores, folder: Path) -> Iterator[str]:
    store = _begun(stores, folder)
    proposals = [_proposal("a"), _proposal("b", label="second", parameters=7, state_bytes=0)]
    numbers = store.propose(1, proposals, {"next": [1, 2.5, None]})
    yield from _different("numbers", numbers, (1, 2))
    yield from _different("the random state", store.run.random_state, {"next": [1, 2.5, None]})
    yield from _different("pending attempts", [a.id for a in store.pending()], [1, 2])
    store.record_evaluation(_evaluation("a", 1), [records.Adjustment("rate", 0.3, 0.1, "diverged")])
    store.finish_generation(
        1, [_scored(1, 0.5), records.Settlement(2, "failed", "out of memory")], [_credit("seed", 0.25)], {"n": 2}
    )
    child = _proposal("c", 1, operator="graft", edits=(_edit("one"), _edit("two")))
    store.propose(2, [child, _proposal("d", 1)], 3)
    store.settle(_scored(3, 0.75))
    store.log("note", "kept", {"deep": [True, None]})
    before = _content(store)
    yield from _different("edits", [edit.description for edit in store.edits(3)], ["one", "two"])
    yield from _different("adjustments", [a.value for a in store.adjustments(1)], [0.1])
    yield from _different("a recipe", store.recipe("c-hash").recipe, '{"name": "c"}')
    store.close()
    again = stores.open(folder, configuration=CONFIGURATION)
    now = _content(again)
    yield from (f"{name} changed by closing and opening" for name in before if before[name] != now[name])
    again.close()


def _one_writer_at_a_time(stores: Stores, folder: Path) -> Iterator[str]:
    store = _begun(stores, folder)
    yield from _accepted("a second writer", lambda: stores.open(folder).close())
    yield from _accepted("a second search in one directory", lambda: _begun(stores, folder).close())
    store.close()
    stores.open(folder).close()
    yield from _accepted("a search in the place of another", lambda: _begun(stores, folder).close())
    yield from _accepted("a directory without a search", lambda: stores.open(folder / "none").close())
    other = {**CONFIGURATION, "seed": 6}
    yield from _accepted("another configuration", lambda: stores.open(folder, configuration=other).close())
    longer = stores.open(folder, configuration={**CONFIGURATION, "generations": 12})
    yield from _different("the target", longer.run.generations, 12)
    longer.close()


def _a_kill_loses_nothing_that_was_committed(stores: Stores, folder: Path) -> Iterator[str]:
    _begun(stores, folder).close()
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(stores, folder))
    process.start()
    process.join()
    if process.exitcode != -signal.SIGKILL:
        yield f"the process that writes ended with {process.exitcode} before it was killed"
        return
    store = stores.open(folder)
    yield from _different("attempts after a kill", [a.status for a in store.attempts()], ["evaluated", "proposed"])
    yield from _different("evaluations after a kill", [e.loss for e in store.evaluations()], [0.5])
    yield from _different("pending after a kill", [a.id for a in store.pending()], [2])
    store.close()


def _a_write_is_whole_or_absent(stores: Stores, folder: Path) -> Iterator[str]:
    store = _begun(stores, folder)
    store.propose(1, [_proposal("a"), _proposal("b")], 1)
    store.finish_generation(1, [_scored(1, 0.5), _scored(2, 0.25)])
    before = _content(store)
    refused: dict[str, Callable[[], object]] = {
        "no proposals": lambda: store.propose(2, [], 2),
        "a generation out of order": lambda: store.propose(3, [_proposal("c")], 2),
        "an unknown parent": lambda: store.propose(2, [_proposal("c"), _proposal("d", 9)], 2),
        "a parent of the same generation": lambda: store.propose(2, [_proposal("c"), _proposal("d", 3)], 2),
        "a recipe that has a result": lambda: store.propose(2, [_proposal("c"), _proposal("a", 1)], 2),
        "a duplicate of nothing": lambda: store.propose(2, [_proposal("c", status="duplicate")], 2),
        "a random state that is no JSON": lambda: store.propose(2, [_proposal("c")], object()),
        "a loss that is no number": lambda: store.record_evaluation(_evaluation("a", 1, loss=float("nan"))),
        "a measurement without a loss": lambda: store.record_evaluation(_evaluation("a", 1, loss=None)),
        "a failure without a reason": lambda: store.record_evaluation(_failed("a", 1, reason="")),
        "an evaluation of an unknown recipe": lambda: store.record_evaluation(_evaluation("z", None)),
        "a second outcome": lambda: store.settle(_scored(1, 0.75)),
        "an outcome of no attempt": lambda: store.settle(_scored(9, 0.75)),
        "a second end of a generation": lambda: store.finish_generation(1),
        "an event that is no JSON": lambda: store.log("note", "bad", object()),
    }
    for name, write in refused.items():
        yield from _accepted(name, write)
        now = _content(store)
        yield from (f"{name} left its trace in {part}" for part in before if before[part] != now[part])
    store.propose(2, [_proposal("c"), _proposal("d")], 2)
    yield from _accepted("an end with an attempt open", lambda: store.finish_generation(2, [_scored(3, 0.5)]))
    yield from _different("open attempts after a refused end", [a.id for a in store.pending()], [3, 4])
    store.close()


def _nothing_is_paid_for_twice(stores: Stores, folder: Path) -> Iterator[str]:
    store = _begun(stores, folder)
    store.propose(1, [_proposal("a"), _proposal("b"), _proposal("a", status="duplicate", reason="equals 1")], 1)
    yield from _different("what a duplicate repeats", store.attempt(3).duplicate_of, 1)
    yield from _different("the first record", store.record_evaluation(_evaluation("a", 1)), True)
    yield from _different("the second record", store.record_evaluation(_evaluation("a", 1, loss=0.1)), False)
    yield from _different("a failure after it", store.record_evaluation(_failed("a", 1)), False)
    yield from _different("the loss that stays", [e.loss for e in store.evaluations(recipe="a-hash")], [0.5])
    others: tuple[dict[str, Any], ...] = (
        *({"purpose": "retest"}, {"task": "text"}, {"seed": 2}),
        *({"rung": 1}, {"split": "sealed"}),
    )
    for changes in others:
        key = ", ".join(changes)
        yield from _different(f"another {key}", store.record_evaluation(_evaluation("a", 1, **changes)), True)
        yield from _different(f"evaluations by {key}", len(store.evaluations(**changes)), 1)
    store.record_evaluation(_evaluation("a", None, seed=9))
    told = [(1, 0, "recall", 0.5), (1, 0, "text", 0.5), (1, 0, "recall", 0.5), (1, 1, "recall", 0.5)]
    yield from _different("losses of attempts", store.losses("search"), [*told, (1, 0, "recall", 0.5)])
    store.record_evaluation(_failed("b", 2))
    yield from _different("a retry that succeeds", store.record_evaluation(_evaluation("b", 2)), True)
    yield from _different("its loss", [e.loss for e in store.evaluations(attempt=2)], [0.5])
    store.finish_generation(1, [_scored(1, 0.5), records.Settlement(2, "failed", "crashed")])
    yield from _different("a recipe that failed, again", store.propose(2, [_proposal("b", 1)], 2), (4,))
    store.close()


def _a_generation_is_summed_up(stores: Stores, folder: Path) -> Iterator[str]:
    store = _begun(stores, folder)
    store.propose(1, [_proposal(name) for name in "abcd"], 1)
    settled = [_scored(1, 0.25), _scored(2, 1.0), _scored(3, 0.5)]
    store.finish_generation(
        1, [*settled, records.Settlement(4, "screened", "stopped", 2.0, 0)], [_credit("seed", 1)]
    )
    (row,) = store.generations()
    yield from _different("best and median of the fully evaluated", (row.best, row.median), (1.0, 0.5))
    store.propose(2, [_proposal("e", 2), _proposal("f", 2)], 2)
    store.finish_generation(2, [_scored(5, 1.0), _scored(6, 0.75)], [_credit("seed", 0.5), _credit("tune", 3)])
    yield from _different("finished generations", store.generation_count(), 2)
    totals = {one.operator: (one.attempts, one.gain) for one in store.credit_totals()}
    yield from _different("credit in total", totals, {"seed": (2, 1.5), "tune": (1, 3.0)})
    yield from _different("the best, equals by number", [a.id for a in store.best(3)], [2, 5, 6])
    store.finish_run()
    yield from _different("the status", store.run.status, "finished")
    store.close()


def _descent_is_told(stores: Stores, folder: Path) -> Iterator[str]:
    store = _begun(stores, folder)
    store.propose(1, [_proposal("a"), _proposal("b")], 1)
    store.finish_generation(1, [_scored(1, 0.25), _scored(2, 0.5)])
    store.propose(2, [_proposal("c", 1, 2, edits=(_edit("joined"),)), _proposal("d", 1)], 2)
    store.finish_generation(2, [_scored(3, 1.0), _scored(4, 0.125)])
    store.propose(3, [_proposal("e", 3)], 3)
    yield from _different("parents in order", store.attempt(3).parents, (1, 2))
    yield from _different("ancestors", store.ancestors(5), [1, 2, 3])
    yield from _different("descendants", store.descendants(1), [3, 4, 5])
    yield from _different("children by the first parent", [store.children(n) for n in (1, 2)], [[3, 4], []])
    steps = [(step.attempt.id, step.gain) for step in store.lineage(3)]
    yield from _different("the lineage by the best parent", steps, [(2, None), (3, 0.5)])
    told = [(row.attempt, row.parents, row.edits, row.gain) for row in store.genealogy()]
    rest = [(4, (1,), "", -0.125), (5, (3,), "", None)]
    yield from _different(
        "the genealogy", told, [(1, (), "", None), (2, (), "", None), (3, (1, 2), "joined", 0.5), *rest]
    )
    some = [(row.attempt, row.gain) for row in store.genealogy([4, 3])]
    yield from _different("the genealogy of some attempts", some, [(3, 0.5), (4, -0.125)])
    yield from _different("attempts of a generation", [a.id for a in store.attempts(generation=2)], [3, 4])
    yield from _different("attempts of a status", [a.id for a in store.attempts(status="proposed")], [5])
    yield from _accepted("an attempt that there is not", lambda: store.attempt(6))
    store.close()


def _a_search_has_one_yardstick(stores: Stores, folder: Path) -> Iterator[str]:
    store = _begun(stores, folder)
    yield from _different("the yardstick of a new search", store.yardstick, None)
    measured = Yardstick("llama", {"recall": Reference(2.0, 0.5)}, Noise(0.01, {"recall": 0.02}, 3))
    store.record_yardstick(measured)
    store.record_yardstick(measured)
    yield from _different("the yardstick", store.yardstick, measured)
    other = replace(measured, noise=Noise(0.5, {"recall": 0.02}, 3))
    yield from _accepted("another yardstick", lambda: store.record_yardstick(other))
    store.add_components([records.Component("shift", "h", "mixer", "def")])
    store.add_components([records.Component("shift", "h", "mixer", "def")])
    renamed = records.Component("shift", "other", "mixer", "def")
    yield from _accepted("a component's name with another hash", lambda: store.add_components([renamed]))
    yield from _different("components", [c.hash for c in store.components()], ["h"])
    store.close()


def _knowledge_is_stored_once_and_evidence_replaced(stores: Stores, folder: Path) -> Iterator[str]:
    store = _begun(stores, folder)
    yield from _different("the knowledge of a new search", store.knowledge, None)
    yield from _different("the evidence of a new search", store.evidence, Evidence())
    pair = Pair("attention", "swiglu", "before")
    known = Knowledge({"recall": (Answer("attention", 1.0, "looks up"),)}, (Affinity(pair, 0.5, "published"),))
    store.record_knowledge("on", known)
    yield from _different("the knowledge", store.knowledge, known)
    yield from _accepted("other knowledge", lambda: store.record_knowledge("on", Knowledge({}, ())))
    lift = Lift(Interval(2, 0.5, 0.25, 0.75), 3, 1.0)
    store.record_evidence(Evidence(pairs=((pair, lift),)))
    later = Evidence(configurations=((("attention", "swiglu"), lift),))
    store.record_evidence(later)
    yield from _different("the evidence", store.evidence, later)
    store.close()


CHECKS: tuple[Check, ...] = (
    _what_is_written_is_read_back,
    _one_writer_at_a_time,
    _a_kill_loses_nothing_that_was_committed,
    _a_write_is_whole_or_absent,
    _nothing_is_paid_for_twice,
    _a_generation_is_summed_up,
    _descent_is_told,
    _a_search_has_one_yardstick,
    _knowledge_is_stored_once_and_evidence_replaced,
)


def _write_and_die(stores: Stores, folder: Path) -> None:
    store = stores.open(folder)
    store.propose(1, [_proposal("a"), _proposal("b")], 1)
    store.record_evaluation(_evaluation("a", 1))
    store.settle(_scored(1, 0.5))
    os.kill(os.getpid(), signal.SIGKILL)


def _begun(stores: Stores, folder: Path) -> SearchStore:
    return stores.create(folder, name="examined", seed=5, configuration=CONFIGURATION, version="0", generations=9)


def _accepted(what: str, action: Callable[[], object]) -> Iterator[str]:
    """A line unless the action is refused with a StoreError of one line."""
    try:
        action()
    except StoreError as error:
        if "\n" in str(error):
            yield f"{what} is refused in more than one line"
    else:
        yield f"{what} is accepted"


def _different(what: str, found: object, wanted: object) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found}, not {wanted}"


def _content(store: SearchStore) -> dict[str, object]:
    attempts = store.attempts()
    return {
        "attempts": attempts,
        "edits": [store.edits(attempt.id) for attempt in attempts],
        "adjustments": [store.adjustments(attempt.id) for attempt in attempts],
        "recipes": store.recipes(),
        "evaluations": store.evaluations(),
        "generations": store.generations(),
        "credit": store.credit_totals(),
        "the random state": store.run.random_state,
        "notes": store.events(kind="note"),
    }


def _proposal(name: str, *parents: int, **changes: Any) -> records.Proposal:
    recipe = records.Recipe(f"{name}-hash", f'{{"name": "{name}"}}', name)
    return replace(records.Proposal("seed", recipe, parents), **changes)


def _edit(line: str) -> records.Edit:
    return records.Edit("set", "{}", line)


def _evaluation(name: str, attempt: int | None, **changes: Any) -> records.Evaluation:
    measured = records.Evaluation(
        f"{name}-hash", "search", "recall", 1, 0, "validation", 64, "evaluated", attempt, loss=0.5
    )
    return replace(measured, **changes)


def _failed(name: str, attempt: int, reason: str = "crashed") -> records.Evaluation:
    return _evaluation(name, attempt, status="failed", loss=None, reason=reason)


def _scored(attempt: int, score: float) -> records.Settlement:
    return records.Settlement(attempt, "evaluated", score=score, rung=3)


def _credit(operator: str, gain: float) -> records.OperatorCredit:
    return records.OperatorCredit(operator, 1, 1, gain, 8.0)
