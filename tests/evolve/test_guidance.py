"""Guidance: what is known weighs in what is proposed, always the same way, and what is learnt is written back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from cognition.knowledge import SKILL_WORDS, Answer, knowledge, library_knowledge
from cognition.loader import load_architectures, load_library
from cognition.store.records import Searched
from cognition.store.store import CognitionStore
from evaluators.tasks.protocol import Skill
from evolve.cli import main
from evolve.configuration import Configuration
from evolve.guidance.guide import Guide
from evolve.guidance.guided_mutation import guided
from evolve.guidance.teaching import teach
from evolve.search import Search
from evolve.session import laboratory, prepare, stored_library
from evolve.variation import GUIDED
from genome.arrangement import Pair, pairs
from genome.edits import apply
from runs.archive import Archive
from runs.contract import SearchStore
from runs.store import Store
from tests.evolve.landscape import Landscape, genealogy, searched

LIBRARY = load_library()
KINDS = {name: component.kind for name, component in LIBRARY.items()}
LIKED = Pair("canon", "reglu")


@pytest.fixture
def cognition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cognition store, to be made."""
    path = tmp_path / "cognition.db"
    monkeypatch.setenv("EVOLVE_COGNITION", str(path))
    return path


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchStore]:
    """A finished search of some evidence."""
    directory = tmp_path_factory.mktemp("long")
    with searched(directory, generations=30, population=12).laboratory.store as store:
        yield store


def like(pair: Pair, name: str = "other") -> None:
    """Write to the user's store that an earlier search found two components to do well together."""
    lift = {"recipes": 20, "strength": 2.0, "cases": 20, "mean": 0.1, "low": 0.09, "high": 0.11}
    row = {"first": pair.first, "second": pair.second, "arrangement": pair.arrangement, **lift}
    with CognitionStore.open() as store:
        rows = {"pair_evidence": [row], "configuration_evidence": [], "findings": []}
        store.add_search(Searched(name, "2026-01-01T00:00:00.000+00:00", 0, "text", "tiny"), rows)


def continued(directory: Path, generations: int, **options: object) -> Search:
    """The search in a directory, opened again and taken to more generations."""
    values = {"population": 8, "task": ("recall",), "scale": "micro", **options, "generations": generations}
    configuration = Configuration.model_validate(values)
    prepared = prepare(configuration)
    store = Store.open(directory, configuration=prepared.stored)
    library = stored_library(store)
    search = Search(configuration, laboratory(prepared, store, Landscape(), library), prepared.tasks, library)
    search.run()
    return search


def test_every_skill_of_the_tasks_has_answers_that_the_language_knows() -> None:
    known = library_knowledge()
    assert set(SKILL_WORDS) == set(Skill.__args__) == set(known.answers)
    for skill, answers in known.answers.items():
        assert len(answers) >= 3
        assert answers[0].relevance == 1.0
        assert {answer.component for answer in answers} <= set(LIBRARY)
        triggers = {p.answers for a in answers[:2] if (p := LIBRARY[a.component].provenance) is not None}
        assert skill in triggers


def test_off_is_a_search_without_knowledge_and_without_weights(tmp_path: Path, cognition: Path) -> None:
    first = searched(tmp_path / "a", guidance="off")
    like(LIKED)
    second = searched(tmp_path / "b", guidance="off")
    assert genealogy(first) == genealogy(second)
    store = second.laboratory.store
    assert GUIDED not in {attempt.operator for attempt in store.attempts()}
    assert store.knowledge is None
    # A search that is older than guidance stores no word of it, and means this.
    assert "guidance" not in store.run.configuration
    assert Configuration.of_search(store.run.configuration).guidance == "off"


def test_on_knows_what_the_library_says_whatever_the_store_has_learnt(tmp_path: Path, cognition: Path) -> None:
    first = searched(tmp_path / "a", generations=8)
    assert not cognition.exists()
    like(LIKED)
    second = searched(tmp_path / "b", generations=8)
    assert genealogy(first) == genealogy(second)
    assert second.laboratory.store.knowledge == library_knowledge()
    assert GUIDED in {attempt.operator for attempt in second.laboratory.store.attempts()}


def test_learned_takes_what_earlier_searches_found_once_and_goes_on_with_it(
    tmp_path: Path, cognition: Path
) -> None:
    like(LIKED)
    whole = searched(tmp_path / "whole", generations=8, guidance="learned")
    halves = searched(tmp_path / "halves", generations=4, guidance="learned")
    halves.laboratory.store.close()
    cognition.unlink()
    again = continued(tmp_path / "halves", 8, guidance="learned")
    assert genealogy(again) == genealogy(whole)
    stored = again.laboratory.store.knowledge
    assert stored is not None
    (own,) = (affinity for affinity in stored.affinities if affinity.pair == LIKED)
    assert own.strength == 2.0
    assert own.reason == "measured: lift +0.1000 in 20 cases of 1 search"


def test_a_guided_search_that_is_opened_again_goes_on_as_the_unbroken_one(tmp_path: Path) -> None:
    whole = searched(tmp_path / "whole", generations=9)
    searched(tmp_path / "parts", generations=3).laboratory.store.close()
    for generations in (6, 9):
        search = continued(tmp_path / "parts", generations)
        search.laboratory.store.close()
    with Archive.at(tmp_path / "parts") as parts:
        rows = [(a.operator, a.parents, a.recipe, a.status, a.score, a.reason) for a in parts.attempts()]
    assert rows == genealogy(whole)


def test_guided_edits_apply_say_what_they_are_for_and_pass_the_check(long: Store) -> None:
    own = [attempt for attempt in long.attempts() if attempt.operator == GUIDED]
    assert len(own) > 15
    # On this landscape more is better, and many a child is beyond the budget of parameters.
    illegal = [a for a in own if a.status == "rejected" and "of the budget" not in a.reason]
    assert len(illegal) <= len(own) / 10
    for attempt in own:
        if attempt.status not in ("rejected", "duplicate"):
            assert long.edits(attempt.id)[0].description.startswith("for recall: ")
    assert main(["check", "--out", str(long.directory)]) == 0


def test_the_check_finds_evidence_that_the_attempts_do_not_give(
    long: Store, tmp_path: Path, cognition: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teach(long)
    long.finish_run("finished")
    with sqlite3.connect(long.path) as source, closing(sqlite3.connect(tmp_path / "search.db")) as copy:
        source.backup(copy)
    assert main(["check", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    best = long.evidence.pairs[0][0]
    with closing(sqlite3.connect(tmp_path / "search.db")) as copy:
        copy.execute("UPDATE pair_evidence SET mean = mean / 2, low = low - 1 WHERE rowid = 1")
        copy.execute("DELETE FROM findings WHERE rowid = 1")
        copy.commit()
    assert main(["check", "--out", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        f"pair_evidence of {best.first} {best.second} {best.arrangement}",
        f"pair_evidence of {best.first} {best.second} {best.arrangement}",
        f"findings of {long.evidence.findings[0].kind} {long.evidence.findings[0].text} "
        f"{long.evidence.findings[0].place}".rstrip(),
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_guided_edit_brings_in_an_answer_beside_what_it_does_well_with(seed: int) -> None:
    """With one answer, and one neighbour that it does best with, that is where it mostly goes."""
    recipe = load_architectures()["llama"].recipe
    answers = {"copying": (Answer("canon", 1.0, ""),)}
    guide = Guide(answers, {Pair("canon", "swiglu"): 2.0, Pair("swiglu", "canon"): -2.0}, {}, KINDS)
    random, beside = Random(seed), []
    for _ in range(30):
        found = guided(guide, recipe, {"copying": 1.0}, LIBRARY, random)
        assert found is not None
        edited = apply(recipe, [found.edit], LIBRARY).recipe
        assert any(gene.component == "canon" for _, gene in edited.genes())
        beside.append(Pair("canon", "swiglu") in pairs(edited, KINDS))
    assert sum(beside) > 20


def test_weaknesses_are_the_skills_in_which_most_are_better(long: Store) -> None:
    configuration = Configuration.of_search(long.run.configuration)
    prepared = prepare(configuration)
    library = stored_library(long)
    search = Search(configuration, laboratory(prepared, long, Landscape(), library), prepared.tasks, library)
    search.run()
    ranked = search.history.ranked
    guide = Guide(library_knowledge().answers, {}, {"recall": "recall"}, KINDS)
    assert guide.weaknesses(ranked[-1], ranked)["recall"] > 0.9
    assert guide.weaknesses(ranked[0], ranked) == {"recall": 1.0}


def test_a_search_writes_back_what_it_found_and_twice_is_once(
    long: Store, cognition: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = teach(long)
    assert line.startswith("evidence: ")
    assert str(cognition) in line
    assert long.evidence.pairs
    with CognitionStore.open() as store:
        once = list(store.exported())
        known = set(store.kinds())
    teach(long)
    with CognitionStore.open() as store:
        assert list(store.exported()) == once
        measured = store.measured_pairs()
    own = {p: lift for p, lift in long.evidence.pairs if {p.first, p.second} <= known}
    assert {pair: (one.cases, one.mean) for pair, one in measured.items()} == {
        pair: (lift.interval.cases, pytest.approx(lift.interval.mean)) for pair, lift in own.items()
    }
    strongest = next(iter(measured))
    assert main(["cognition", "stats"]) == 0
    assert f"table\tpair_evidence\t{len(measured)}" in capsys.readouterr().out.splitlines()
    assert main(["cognition", "show", strongest.first]) == 0
    assert f"  {strongest}: lift {measured[strongest].mean:+.4f}" in capsys.readouterr().out
    searches = [row for line in once if (row := json.loads(line))["table"] == "searches"]
    assert [(row["name"], row["task"], row["scale"]) for row in searches] == [(long.run.name, "recall", "micro")]


def test_what_two_searches_found_of_a_pair_counts_by_its_cases(cognition: Path) -> None:
    like(LIKED, "one")
    like(LIKED, "two")
    with CognitionStore.open() as store:
        found = knowledge(store)
    (own,) = (affinity for affinity in found.affinities if affinity.pair == LIKED)
    assert own.reason == "measured: lift +0.1000 in 40 cases of 2 searches"


def test_a_store_that_cannot_be_written_fails_no_search(
    long: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EVOLVE_COGNITION", str(tmp_path / "file" / "cognition.db"))
    line = teach(long)
    assert "the cognition store stays as it is: " in line
    assert "\n" not in line
    assert long.evidence.pairs


def test_findings_are_listed_and_their_absence_is_said(
    long: Store, tmp_path: Path, cognition: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teach(long)
    assert main(["findings", "--out", str(long.directory)]) == 0
    shown = capsys.readouterr().out
    assert str(long.evidence.findings[0]) in shown
    assert str(long.evidence.pairs[0][0]) in shown
    assert " > ".join(long.evidence.configurations[0][0]) in shown
    searched(tmp_path / "short", generations=1).laboratory.store.close()
    assert main(["findings", "--out", str(tmp_path / "short")]) == 0
    assert "no evidence yet" in capsys.readouterr().out


def test_learning_from_a_store_that_cannot_be_opened_is_refused_before_anything_is_written(
    tmp_path: Path, cognition: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cognition.write_text("no database")
    assert main(["run", "--guidance", "learned", "--out", str(tmp_path / "search")]) == 2
    assert "cognition.db: " in capsys.readouterr().err
    assert not (tmp_path / "search").exists()
