"""The report: one file that holds what the store holds, needs nothing else, and cannot be broken by names."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evolve.cli import main
from evolve.guidance.teaching import teach
from runs.archive import Archive
from runs.language_models import summary
from runs.report import selection
from runs.report.data import Report, Times, gather
from runs.report.nodes import Node
from runs.report.page import page
from runs.store import Store
from tests.evolve.landscape import searched
from tests.evolve.llm.scripted import Scripted, good, mediocre, search_with
from tests.evolve.synthetic import written

LINKING = {"src", "href", "action", "data", "poster", "srcset"}
VOID = {"meta", "link", "br", "img", "input"}


class Outline(HTMLParser):
    """Elements, where they link to, whether they nest, and the text of every script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in LINKING]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


def read(text: str) -> tuple[Outline, dict[str, Any]]:
    outline = Outline()
    outline.feed(text)
    outline.close()
    assert not outline.open
    return outline, json.loads(outline.scripts[0])


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished search of two thousand attempts."""
    path = tmp_path_factory.mktemp("search")
    written(path, 2000)
    return path


@pytest.fixture(scope="module")
def archive(directory: Path) -> Iterator[Archive]:
    with Archive.at(directory) as archive:
        yield archive


@pytest.fixture(scope="module")
def report(archive: Archive) -> Report:
    return gather(archive, "python -m evolve run")


def test_the_file_is_whole_small_and_needs_nothing_else(directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert main(["report", "--out", str(directory), "-o", str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    outline, data = read(text)
    assert len(data["nodes"]) >= 2000
    assert file.stat().st_size < 2_000_000
    assert not set(outline.tags) & {"link", "img", "iframe", "object", "embed", "base"}
    assert all(link.startswith("#") for link in outline.links)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_embedded_data_are_those_of_the_store(archive: Archive, report: Report) -> None:
    _, data = read(page(report))
    attempts = archive.attempts()
    assert [node["id"] for node in data["nodes"]] == [attempt.id for attempt in attempts]
    for node, attempt in zip(data["nodes"], attempts, strict=True):
        assert node["status"] == attempt.status
        assert tuple(node["parents"]) == attempt.parents
        assert node["score"] == (None if attempt.score is None else pytest.approx(attempt.score, rel=1e-5))
        assert node["edits"] == [" ".join(edit.description.split()) for edit in archive.edits(attempt.id)]
    champion = archive.best(1)[0]
    assert data["champion"] == champion.id
    assert data["lineage"] == [step.attempt.id for step in archive.lineage(champion.id)]
    assert sum(len(cause["attempts"]) for cause in data["causes"]) == sum(a.score is None for a in attempts)
    assert sum(own["attempts"] for own in data["operators"]) == sum(
        row.attempts for rows in archive.credit().values() for row in rows
    )
    named = {name for part in data["parts"] for name in part["components"]}
    assert named == {component["name"] for component in data["components"]}


def test_tokens_grow_to_what_was_trained_in_all(archive: Archive, report: Report) -> None:
    tokens = [node.tokens for node in report.nodes]
    assert tokens == sorted(tokens)
    assert tokens[-1] == sum(evaluation.tokens for evaluation in archive.evaluations(purpose="search"))


def test_what_was_trained_adds_up_and_a_tasks_score_follows_from_its_loss(
    archive: Archive, report: Report
) -> None:
    evaluations = archive.evaluations()
    assert sum(own.trainings for own in report.costs) == len(evaluations)
    assert sum(own.tokens for own in report.costs) == sum(own.tokens for own in evaluations)
    yardstick = archive.yardstick
    assert yardstick is not None
    for task, (chance, gap) in report.references.items():
        assert (chance - 1.5) / gap == pytest.approx(yardstick.references[task].score(1.5))


def test_the_same_database_gives_the_same_bytes(directory: Path, report: Report) -> None:
    with Archive.at(directory) as again:
        assert page(gather(again, "python -m evolve run")) == page(report)


def test_nothing_but_the_times_depends_on_the_clock(tmp_path: Path) -> None:
    pages = []
    for folder in (tmp_path / "a" / "search", tmp_path / "b" / "search"):
        searched(folder).laboratory.store.close()
        with Archive.at(folder) as archive:
            found = gather(archive, "")
        pages.append(page(replace(found, times=Times("", "", (), ()))))
    assert pages[0] == pages[1]


def test_hostile_names_are_text(directory: Path, tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\u2028$title&amp;"
    folder = tmp_path / "search"
    folder.mkdir()
    connection = sqlite3.connect(folder / "search.db")
    with sqlite3.connect(directory / "search.db") as source:
        source.backup(connection)
    for table, column in (
        ("runs", "name"),
        ("attempts", "label"),
        ("attempts", "reason"),
        ("edits", "description"),
    ):
        connection.execute(f"UPDATE {table} SET {column} = ? || {column}", [hostile])
    connection.execute("UPDATE components SET source = ? || source", [hostile])
    connection.commit()
    connection.close()
    with Archive.at(folder) as archive:
        text = page(gather(archive, hostile))
    outline, data = read(text)
    assert outline.tags.count("script") == 2
    assert "img" not in outline.tags
    assert data["command"] == hostile
    assert data["name"].startswith(hostile)
    assert all(node["label"].startswith("</script>") for node in data["nodes"])
    for setter in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert setter not in outline.scripts[1]


def test_best_configurations_are_those_of_the_landscape(tmp_path: Path) -> None:
    """The landscape rewards convolutions and attention and punishes length."""
    searched(tmp_path, generations=12).laboratory.store.close()
    with Archive.at(tmp_path) as archive:
        report = gather(archive, "")
    assert report.configurations
    shares = [row.lift for row in report.configurations]
    assert shares == sorted(shares, reverse=True)
    assert any("attention" in row.text or "conv" in row.text for row in report.configurations)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """A search that asked two models, one of a known price, and learnt something."""
    path = tmp_path_factory.mktemp("asked")
    models = [Scripted("test:good", good), Scripted("test:mediocre", mediocre, dollars=None)]
    with pytest.MonkeyPatch.context() as patch, search_with(path, models, generations=14) as search:
        patch.setenv("EVOLVE_COGNITION", str(path / "cognition.db"))
        search.run()
        search.laboratory.store.close()
        with Store.open(path) as store:
            teach(store)
    with Archive.at(path) as archive:
        yield archive


def test_what_models_did_is_what_the_ledger_says(asked: Archive) -> None:
    _, data = read(page(gather(asked, "")))
    found, ledger = summary(asked), asked.ledger()
    calls = ledger.calls()
    assert [own["name"] for own in data["models"]["proposals"]] == ["test:good", "test:mediocre"]
    assert sum(own["calls"] for own in data["models"]["calls"]) == len(calls)
    tokens = sum(own["input"] + own["output"] for own in data["models"]["calls"])
    assert tokens == sum(call.tokens or 0 for call in calls)
    for shown, own in zip(data["models"]["proposals"], found.models, strict=True):
        attempts = [a for a in asked.attempts() if a.operator == f"llm:{own.name}"]
        assert shown["proposals"] == len(attempts)
        assert shown["accepted"] == sum(a.status not in ("rejected", "duplicate") for a in attempts)
        assert (shown["dollars"] is None) == (own.name == "test:mediocre")
    expected = [(node["id"], one["skill"], one["effect"]) for node in data["nodes"] for one in node["expected"]]
    assert expected == [(one.attempt, one.skill, one.effect) for one in ledger.predictions()]
    judged = [one for node in data["nodes"] for one in node["expected"] if one["measured"]]
    assert len(judged) == data["models"]["judged"] > 0
    assert sum(one["measured"] == one["effect"] for one in judged) == data["models"]["held"]


def test_what_a_search_learnt_is_its_evidence(asked: Archive) -> None:
    _, data = read(page(gather(asked, "")))
    evidence = asked.evidence
    assert [own["text"] for own in data["learnt"]["findings"]] == [own.text for own in evidence.findings]
    shown = {own["text"]: own["lift"] for kind in ("pairs", "configurations") for own in data["learnt"][kind]}
    named = [(str(pair), lift) for pair, lift in evidence.pairs]
    named += [(" > ".join(steps), lift) for steps, lift in evidence.configurations]
    assert named
    for text, lift in named:
        assert shown[text]["interval"]["mean"] == pytest.approx(lift.interval.mean, rel=1e-5)
        assert shown[text]["recipes"] == lift.recipes
    texts = [own["text"] for kind in ("pairs", "configurations") for own in data["learnt"][kind]]
    assert len(texts) == len(set(texts))


def test_a_large_search_is_shown_in_part(
    archive: Archive, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("MOST_SHOWN", 400), ("MOST_SAMPLED", 60), ("MOST_BEST", 30), ("MOST_LATEST", 40)):
        monkeypatch.setattr(selection, name, value)
    monkeypatch.setattr(selection, "MOST_ANCESTORS", 50)
    part = gather(archive, "python -m evolve run")
    attempts, nodes = archive.attempts(), {node.id: node for node in part.nodes}
    assert part.attempts == len(attempts)
    assert len(nodes) < 400
    assert list(nodes) == sorted(nodes)
    assert _without_parts(part.nodes) <= _without_parts(report.nodes)
    assert set(part.lineage) <= set(nodes)
    assert {a.id for a in attempts[-40:]} | {a.id for a in archive.best(30)} <= set(nodes)
    # The curve and the fronts on the page are those of all attempts.
    assert _raised(part) == _raised(report)
    for cost in ("parameters", "flops_per_token", "state_bytes"):
        assert _front(part, cost) == _front(report, cost)
    assert (part.counts, part.costs, part.causes, part.operators) == (
        report.counts,
        report.costs,
        report.causes,
        report.operators,
    )
    used = {number for node in part.nodes for number in node.recipe}
    assert used == set(range(len(part.parts)))
    assert len(page(part)) < len(page(report)) / 3


def _without_parts(nodes: Iterable[Node]) -> set[Node]:
    """Parts have other numbers on another page."""
    return {replace(node, recipe=()) for node in nodes}


def _raised(report: Report) -> list[int]:
    found: list[Node] = []
    for node in report.nodes:
        if node.status == "evaluated" and (not found or (node.score or 0.0) > (found[-1].score or 0.0)):
            found.append(node)
    return [node.id for node in found]


def _front(report: Report, cost: str) -> list[int]:
    full = [node for node in report.nodes if node.status == "evaluated" and getattr(node, cost) is not None]
    own = [(getattr(node, cost), -(node.score or 0.0), node.id) for node in full]
    return sorted(
        number for c, s, number in own if not any(o[0] <= c and o[1] <= s and o[:2] != (c, s) for o in own)
    )


def test_a_file_that_cannot_be_written_is_refused(
    capsys: pytest.CaptureFixture[str], directory: Path, tmp_path: Path
) -> None:
    for file in (tmp_path, tmp_path / "absent" / "report.html"):
        assert main(["report", "--out", str(directory), "-o", str(file)]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSER = CHROMIUM and (
    CHROMIUM,
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-component-update",
    "--enable-logging=stderr",
)
"""The command of a browser without a window, which tells of what a page logs; None where there is none."""


def drawn(text: str, folder: Path, place: str = "") -> str:
    """The elements before the data as a browser leaves them; nothing may be on its console."""
    file = folder / "report.html"
    file.write_text(text, encoding="utf-8")
    options = [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=4000", "--dump-dom"]
    command = [*(BROWSER or ()), *options, f"{file.as_uri()}{place}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr
    return done.stdout.partition("<script id=")[0]


@pytest.mark.skipif(not BROWSER, reason="no chromium on the PATH")
def test_a_browser_draws_it_and_a_chosen_attempt_shows_its_edits(report: Report, tmp_path: Path) -> None:
    node = next(node for node in reversed(report.nodes) if len(node.edits) == 2)
    found = drawn(page(report), tmp_path, f"#attempt-{node.id}")
    assert f"Attempt {node.id}, generation {node.generation}, {node.operator}" in found
    if report.ties:
        assert "A tie with it, within twice the noise floor: " in found
    else:
        assert "No other fully trained attempt is within twice the noise floor of it." in found
    edits = found.partition('class="edits"')[2].partition("</ol>")[0]
    assert edits.count("<li>") == 2
    assert found.count('class="node ') >= len(report.nodes)
    # There is no evidence in this search, and no model was asked.
    for section in ("learnt", "models"):
        assert re.search(rf'<section id="{section}"[^>]* hidden=""', found)
        assert f'<a href="#{section}" hidden="">' in found
    assert "Shown in full are" not in found


@pytest.mark.skipif(not BROWSER, reason="no chromium on the PATH")
def test_a_browser_shows_what_was_learnt_and_what_models_foresaw(asked: Archive, tmp_path: Path) -> None:
    report = gather(asked, "")
    node = next(node for node in report.nodes if any(one.measured for one in node.expected))
    found = drawn(page(report), tmp_path, f"#attempt-{node.id}")
    assert not re.search(r'<section id="(learnt|models)"[^>]* hidden=""', found)
    foreseen = found.partition('aria-label="Expected effects of the chosen attempt"')[2].partition("</table>")[0]
    assert re.findall(r"<td>(\w+)", foreseen)[:2] == ["recall", "better"]
    learnt = found.partition('<section id="learnt"')[2].partition("</section>")[0]
    for own in report.learnt.findings:
        sentence = f"{own.text[0].upper()}{own.text[1:]}"
        assert sentence in learnt
        assert f"{own.interval.cases} cases)." in learnt
    assert learnt.count("<tr") == len(report.learnt.pairs) + len(report.learnt.configurations) + 2
    models = found.partition('<section id="models"')[2].partition("</section>")[0]
    assert report.models is not None
    assert f"Of {report.models.predictions} predicted effects {report.models.judged} could be judged" in models


@pytest.mark.skipif(not BROWSER, reason="no chromium on the PATH")
def test_a_browser_draws_a_part_of_a_search_and_says_so(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("MOST_SHOWN", 400), ("MOST_SAMPLED", 60), ("MOST_BEST", 30), ("MOST_ANCESTORS", 50)):
        monkeypatch.setattr(selection, name, value)
    report = gather(archive, "")
    shown = {node.id for node in report.nodes}
    node = next(node for node in report.nodes if node.parents and not shown & set(node.parents))
    found = drawn(page(report), tmp_path, f"#attempt-{node.id}")
    assert f"Shown in full are {len(shown)} attempts" in found
    assert f"Attempt {node.id}, generation {node.generation}" in found
    assert f'href="#attempt-{node.parents[0]}"' not in found
    assert f"#{node.parents[0]}" in found
