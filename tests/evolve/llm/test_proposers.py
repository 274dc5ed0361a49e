"""Language models in a search over a known landscape: their share, their failures, budgets, pauses and replays."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cognition.loader import load_library
from evaluators.jobs import Job, Outcome
from evolve.cli import main
from evolve.llm.advice import MOST_PAIRS
from evolve.llm.breaker import FAILURES, PAUSE
from evolve.llm.mix import drawn_models
from evolve.llm.prompts import INVENTING, KNOWN
from evolve.llm.protocol import ProviderError, Request, Usage
from evolve.llm.replay import Recording
from runs.calls import Limits, operator
from tests.evolve.landscape import Landscape
from tests.evolve.llm.hostile_answers import LEGAL, TEXTS, VALUES, places, put
from tests.evolve.llm.scripted import (
    Scripted,
    data_of,
    genealogy,
    good,
    ledger_of,
    mediocre,
    plan,
    search_with,
    useless,
)

LIBRARY = load_library()
NAMES = ["test:good", "test:mediocre", "test:useless"]


def repaired(data: Mapping[str, Any], random: Random) -> str:
    """Half of the first answers are illegal, most repairs are not."""
    return useless(data, random) if random.random() < 0.4 else good(data, random)


def of_models(store: Any) -> list[Any]:
    return [attempt for attempt in store.attempts() if attempt.operator.startswith("llm:")]


def test_the_bandit_shifts_its_share_within_fifty_attempts(tmp_path: Path) -> None:
    models = [Scripted(name, script) for name, script in zip(NAMES, (good, mediocre, useless), strict=True)]
    with search_with(tmp_path, models, generations=14, early_stopping=False) as search:
        search.run()
        attempts = of_models(search.laboratory.store)
        assert 25 <= len(attempts) <= 50
        credit = search.credit
    best, equal, worst = (credit[operator(name)] for name in NAMES)
    assert best.improved > 5 > equal.improved  # what changes nothing is ahead by luck half of the time
    assert worst.untrained == worst.attempts > 0
    assert best.attempts > max(equal.attempts, worst.attempts)
    random = Random(0)
    drawn = Counter(m for _ in range(300) for m in drawn_models(NAMES, credit, {}, 8, 1.0, random))
    before = Counter(m for _ in range(300) for m in drawn_models(NAMES, {}, {}, 8, 1.0, random))
    assert drawn[NAMES[0]] > 1.3 * before[NAMES[0]]
    assert all(drawn[name] < 0.95 * before[name] for name in NAMES[1:])


def test_the_cheaper_of_two_equal_models_is_drawn_more_often() -> None:
    random = Random(0)
    drawn = Counter(
        m for _ in range(300) for m in drawn_models(["a:a", "b:b"], {}, {"a:a": 9.0, "b:b": 1.0}, 8, 0.5, random)
    )
    assert abs(drawn["a:a"] - drawn["b:b"]) < 150  # nothing was attempted yet, so nothing is known
    from evolve.credit import Credit

    credit = {operator(name): Credit(20, 10, 1.0, 20.0) for name in ("a:a", "b:b")}
    drawn = Counter(
        m
        for _ in range(300)
        for m in drawn_models(["a:a", "b:b"], credit, {"a:a": 9.0, "b:b": 1.0}, 8, 0.5, random)
    )
    assert drawn["b:b"] > 2 * drawn["a:a"]


def test_no_more_than_the_share_and_every_call_leads_to_its_attempt(tmp_path: Path) -> None:
    model = Scripted("test:m", repaired)
    with search_with(tmp_path, [model], generations=6, llm_share=0.25, guidance="off") as search:
        search.run()
        assert all("guidance" not in data_of(request) for request in model.requests)
        store, calls = search.laboratory.store, ledger_of(search).calls()
        for generation in range(1, 7):
            own = [a for a in of_models(store) if a.generation == generation]
            assert len(own) <= 2
        assert of_models(store)
        planned = [call for call in calls if call.role != "analyst"]
        assert {call.role for call in calls} == {"planner", "repairer", "analyst"}
        for call in planned:
            assert call.attempt is not None
            attempt = store.attempt(call.attempt)
            assert (attempt.operator, attempt.generation) == ("llm:test:m", call.place.generation)
        for attempt in of_models(store):
            assert attempt.parents
            assert all(store.attempt(parent).generation <= attempt.generation - 2 for parent in attempt.parents)
        assert Counter(call.role for call in calls)["analyst"] == 4
        assert main(["check", "--out", str(tmp_path)]) == 0


def test_questions_quote_the_search_as_data_and_keep_one_prefix(tmp_path: Path) -> None:
    model = Scripted("test:m", repaired)
    with search_with(tmp_path, [model], generations=6) as search:
        search.run()
    assert len({request.stable for request in model.requests}) == 1
    planned = [r for r in model.requests if r.name == "proposal" and len(r.messages) == 1]
    texts = [request.messages[0].text for request in planned]
    assert len(set(texts)) == len(texts)
    for request in planned:
        data = data_of(request)
        assert data["parent"]["sources"]
        assert data["parent"]["skills"]["recall"]["of"] > 0
        assert data["lineage"]
        guidance = data["guidance"]
        for answer in guidance["weak_skills"]["recall"]:
            origin = LIBRARY[answer["component"]].provenance
            assert origin is not None
            assert answer["paper"] == f"arXiv {origin.arxiv}"
        assert 0 < len(guidance["neighbours_that_do_well"]) <= MOST_PAIRS
        assert ("define_component" in json.dumps(request.grammar)) == (INVENTING in request.messages[0].text)
    told = [line for request in planned for line in data_of(request)["guidance"]["neighbours_that_do_well"]]
    assert any("published in " in line for line in told)
    inventing = sum(INVENTING in text for text in texts)
    assert 0 < inventing <= len(texts) / 3
    assert all(KNOWN in text for text in texts if INVENTING not in text)
    analysed = [data_of(request) for request in model.requests if request.name == "analysis"]
    assert any("recall" in row["skill_changes"] for row in analysed[-1]["results"])
    assert {row["outcome"] for data in analysed for row in data["results"]} >= {"screened", "evaluated"}
    assert all("score" in row for data in analysed for row in data["results"] if row["outcome"] == "evaluated")
    assert any("Attention helps." in data_of(request)["conclusions"] for request in planned[-4:])
    repairs = [r for r in model.requests if len(r.messages) == 3]
    assert repairs
    assert all("there is no gene at" in request.messages[2].text for request in repairs)


def test_workers_never_wait_for_a_model(tmp_path: Path) -> None:
    """Questions for a generation go out while the one before is trained."""
    moments: list[tuple[str, int]] = []

    class Noted(Landscape):
        def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
            time.sleep(0.02)
            moments.append(("train", 0))
            yield from super().run(jobs)

    class Slow(Scripted):
        def ask(self, request: Request, deadline: float) -> Any:
            answer = super().ask(request, deadline)
            time.sleep(0.05)
            if request.name == "proposal":
                moments.append(("answer", data_of(request)["generation"]))
            return answer

    with search_with(tmp_path, [Slow("test:m", good)], generations=5, executor=Noted()) as search:
        search.run()
    first = moments.index(("answer", 3))
    assert ("train", 0) in moments[:first]
    assert moments[-1] == ("train", 0)


def test_a_replay_is_the_same_search_for_free(tmp_path: Path) -> None:
    options: dict[str, Any] = {"generations": 5, "seed": 5}
    models = [Scripted("test:a", repaired), Scripted("test:b", mediocre, dollars=0.5)]
    with search_with(tmp_path / "a", models, **options) as search:
        search.run()
        recorded, paid = genealogy(search.laboratory.store), ledger_of(search).spent()
    assert any(row[2].startswith("llm:") and row[5] in ("screened", "evaluated") for row in recorded)
    with search_with(tmp_path / "b", [], recording=Recording.of(tmp_path / "a"), **options) as search:
        search.run()
        assert genealogy(search.laboratory.store) == recorded
        assert ledger_of(search).spent().calls == 0
    assert paid.calls > 5
    with search_with(tmp_path / "c", [], recording=Recording.of(tmp_path / "b"), **options) as search:
        search.run()
        assert genealogy(search.laboratory.store) == recorded


def test_a_longer_target_gives_what_it_would_have_given_at_once(tmp_path: Path) -> None:
    one, other = Scripted("test:m", repaired), Scripted("test:m", repaired)
    with search_with(tmp_path / "a", [one], generations=5) as search:
        search.run()
        whole = genealogy(search.laboratory.store)
    for generations in (1, 2, 4, 5):
        with search_with(tmp_path / "b", [other], generations=generations) as search:
            search.run()
            found = genealogy(search.laboratory.store)
    assert found == whole
    texts, others = ([own.messages[-1].text for own in model.requests] for model in (one, other))
    assert sorted(texts) == sorted(others)
    assert any('"guidance"' in text for text in texts)


def test_texts_that_are_not_kept_are_gone_and_cannot_be_replayed(tmp_path: Path) -> None:
    with search_with(tmp_path, [Scripted("test:m", repaired)], keep_texts=False) as search:
        search.run()
        calls = ledger_of(search).calls()
    assert calls
    assert all(call.prompt is None and call.outcome.answer is None for call in calls)
    assert b"because" not in (tmp_path / "search.db").read_bytes()
    with pytest.raises(ValueError, match="--store-prompts"):
        Recording.of(tmp_path)


@pytest.mark.parametrize(
    ("limits", "told"),
    [(Limits(calls=4), "calls"), (Limits(tokens=150_000), "tokens"), (Limits(dollars=0.5), "doll")],
)
def test_a_search_stays_within_its_budget_and_goes_on(tmp_path: Path, limits: Limits, told: str) -> None:
    lines: list[str] = []
    model = Scripted("test:m", repaired)
    with search_with(tmp_path, [model], limits=limits, generations=5, tell=lines.append) as search:
        search.run()
        calls, spent = ledger_of(search).calls(), ledger_of(search).spent()
        assert search.laboratory.store.generation_count() == 5
    assert spent.calls <= (limits.calls or 99)
    assert spent.tokens <= (limits.tokens or 10**9)
    assert (spent.cost or 0.0) <= (limits.dollars or 99.0)
    assert any(call.state == "answered" for call in calls)
    skipped = [call for call in calls if call.state == "skipped"]
    assert any(told in call.outcome.reason for call in skipped)
    assert all(call.attempt is None for call in skipped if call.place.turn == 1)
    assert len(lines) == 1
    assert "does not suffice" in lines[0]


def test_one_deadline_bounds_a_proposal_and_its_repair(tmp_path: Path) -> None:
    """A model that takes all the time there is: its proposals are refused, and the search goes on."""

    class Late(Scripted):
        def ask(self, request: Request, deadline: float) -> Any:
            if request.name == "proposal":
                first = len(request.messages) == 1
                time.sleep(max(0.0, deadline - time.monotonic() - (1.0 if first else 0.0)))
                if not first:
                    raise ProviderError("timeout", "no answer before the deadline")
            return super().ask(request, deadline)

    with search_with(tmp_path, [Late("test:m", useless)], generations=4, llm_deadline=1.5) as search:
        began = time.monotonic()
        search.run()
        calls = [call for call in ledger_of(search).calls() if call.role != "analyst"]
        assert time.monotonic() - began < 30
        rejected = of_models(search.laboratory.store)
    assert {call.role for call in calls} == {"planner", "repairer"}
    assert all(call.state in ("skipped", "failed") for call in calls if call.role == "repairer")
    assert rejected
    assert all(a.status == "rejected" and "there is no gene at" in a.reason for a in rejected)


def test_a_model_that_fails_is_left_alone_for_a_while_and_tried_again(tmp_path: Path) -> None:
    down = ProviderError("connection", "refused by the server")
    model = Scripted("test:m", good, failures=lambda number: down if number <= 6 else None)
    lines: list[str] = []
    with search_with(tmp_path, [model], generations=12, tell=lines.append) as search:
        search.run()
        store, calls = search.laboratory.store, ledger_of(search).calls()
        failed = [call for call in calls if call.state == "failed"]
        paused = sorted({call.place.generation for call in calls if call.state == "skipped"})
        assert len(failed) >= FAILURES
        assert len(paused) == PAUSE
        assert paused == list(range(paused[0], paused[0] + PAUSE))
        assert all(call.state == "answered" for call in calls if call.place.generation > paused[-1])
        assert any(call.place.generation > paused[-1] for call in calls)
        assert [event.message for event in store.events(kind="llm")] == lines
        rejected = [a for a in of_models(store) if "refused by the server" in a.reason]
        assert rejected
        assert {a.status for a in rejected} == {"rejected"}
    assert len(lines) == 1
    assert f"generations {paused[0]} to {paused[-1]} go on without it" in lines[0]


def test_whatever_a_model_answers_is_a_refusal_with_a_reason(tmp_path: Path) -> None:
    hostile = [json.dumps(put(path, value)) for path in places(LEGAL) for value in VALUES[::5]] + TEXTS
    faults = [
        ProviderError("refused", "the model declined", Usage(10, 0, 0, 5)),
        ProviderError("truncated", "cut off", Usage(10, 0, 0, 5)),
        ProviderError("timeout", "no answer in time"),
    ]

    def script(data: Mapping[str, Any], random: Random) -> str:
        if random.random() < 0.1:
            raise random.choice([*faults, RuntimeError("key=secret"), KeyError("choices")])
        return random.choice(hostile)

    with search_with(tmp_path, [Scripted("test:m", script)], generations=8, population=12) as search:
        search.run()
        store, calls = search.laboratory.store, ledger_of(search).calls()
        attempts = of_models(store)
        assert len(attempts) > 10
        for attempt in attempts:
            assert attempt.status in ("rejected", "duplicate", "screened", "evaluated")
            assert attempt.reason or attempt.status == "evaluated"
        assert sum(attempt.status == "rejected" for attempt in attempts) > len(attempts) / 2
        assert all("secret" not in call.outcome.reason for call in calls)
    assert main(["check", "--out", str(tmp_path)]) == 0


def test_the_command_line_tells_what_models_did(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with search_with(tmp_path, [Scripted("test:m", repaired)], generations=5, early_stopping=False) as search:
        search.run()
    assert main(["llm", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for word in ("test:m", "planner", "repairer", "analyst", "dollars per improvement", "predictions", "judged"):
        assert word in told


def test_what_cannot_be_had_is_refused_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "out"

    def refused(*flags: str) -> str:
        assert main(["run", "--out", str(out), "--scale", "micro", "--task", "recall", *flags]) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        return lines[0]

    assert "holds no search" in refused("--llm", f"replay:{tmp_path}")
    assert "stands alone" in refused("--llm", f"replay:{tmp_path}", "--llm", "replay:other")
    assert "random" in refused("--llm", f"replay:{tmp_path}", "--strategy", "random")
    assert "llm_share" in refused("--llm-share", "1.5")
    assert "llm_budget_usd" in refused("--llm-budget-usd", "-1")
    assert not out.exists()


def test_an_answer_is_credited_to_its_model_alone(tmp_path: Path) -> None:
    """Known recipes and illegal ones count against the model; what makes up for them counts for others."""
    same = plan({"kind": "set_setting", "path": "training", "setting": "beta2", "value": 0.99})

    with search_with(tmp_path, [Scripted("test:m", lambda data, random: same)], generations=5) as search:
        search.run()
        store = search.laboratory.store
        own = of_models(store)
        assert own
        assert {attempt.status for attempt in own} <= {"duplicate", "rejected", "screened", "evaluated"}
        totals = {row.operator: row for row in store.credit_totals()}
        assert totals["llm:test:m"].attempts == len(own)
        refused = [attempt for attempt in own if attempt.status in ("duplicate", "rejected")]
        assert totals["llm:test:m"].untrained == len(refused) > 0
        for generation in range(2, 6):
            drafted = store.attempts(generation=generation)
            assert sum(a.status not in ("duplicate", "rejected") for a in drafted) == 8
