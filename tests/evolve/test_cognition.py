"""The `cognition` commands: what a person sees, what is refused, and what is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cognition.loader import load_architectures, load_library
from cognition.store.records import StoredComponent
from cognition.store.store import CognitionStore
from evolve.cli import main
from tests.cognition.arxiv_server import Arxiv, Fault, serving
from tests.cognition.paper_files import METHOD, html, listing


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    store = tmp_path / "cognition.db"
    monkeypatch.setenv("EVOLVE_COGNITION", str(store))
    return store


@pytest.fixture
def arxiv(monkeypatch: pytest.MonkeyPatch) -> Iterator[Arxiv]:
    with serving(Arxiv()) as server:
        monkeypatch.setenv("EVOLVE_ARXIV_URL", server.url)
        yield server


def shown(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> list[str]:
    """Run a `cognition` command; returns its lines."""
    assert main(["cognition", *map(str, arguments)]) == code
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
    """Run a `cognition` command that must fail; returns its one line."""
    assert main(["cognition", *map(str, arguments)]) == code
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def ingest(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    return shown(capsys, "ingest", "--pause", 0, *arguments)


def test_lists_are_lines_with_tabs_on_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    header, *rows = shown(capsys, "list", "--kind", "norm")
    assert header.split("\t") == ["name", "kind", "year", "arXiv", "from", "insight"]
    assert [row.split("\t")[0] for row in rows] == ["dynamic_tanh", "group_norm", "layer_norm", "rms_norm"]
    assert "component\thyena\tmixer" in shown(capsys, "search", "hyena", "--count", 2)[1]
    assert f"table\tcomponents\t{len(load_library()) + len(load_architectures())}" in shown(capsys, "stats")


def test_show_tells_source_paper_insight_and_relations(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(shown(capsys, "show", "gated_delta_net"))
    for part in ("def gated_delta_net(x", "arXiv 2412.06464", "answers recall: A decay", "builds on mamba2"):
        assert part in text


def test_ingested_papers_are_searched_shown_and_exported(
    capsys: pytest.CaptureFixture[str], arxiv: Arxiv, tmp_path: Path
) -> None:
    arxiv.add("2401.00001", "[Re] Zebra layers", "We replace softmax attention with Hyena.")
    arxiv.add("2401.00002", "", "No title.")
    lines = ingest(capsys, "--query", "cat:cs.LG")
    assert lines[-1] == "1 papers and 3 relations stored, 1 entries refused"
    assert "  refused arxiv:2401.00002: it has no title" in lines
    assert "[Re] Zebra layers" in shown(capsys, "search", "zebra")[1]
    assert "hyena replaces plain_attention" in "\n".join(shown(capsys, "show", "2401.00001"))
    assert shown(capsys, "list", "--kind", "paper")[1].split("\t")[0] == "2512.17351"
    assert shown(capsys, "export", "-o", tmp_path / "all.jsonl") == []
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert {"2401.00001"} == {
        row["arxiv"] for row in rows if row["table"] == "papers" and row["origin"] == "arxiv"
    }


def test_ids_since_and_dry_run(capsys: pytest.CaptureFixture[str], arxiv: Arxiv) -> None:
    arxiv.add("2401.00001", "One")
    arxiv.add("2401.00002", "Two")
    assert "1 papers" in ingest(capsys, "--ids", "2401.00001v1")[-1]
    lines = ingest(capsys, "--since", "2024-01-01", "--dry-run")
    assert "  2401.00002 Two" in lines
    assert lines[-1] == "2 papers and 0 relations would be stored, 0 entries refused"
    assert arxiv.asked[-1]["search_query"] == "submittedDate:[202401010000 TO 299912312359]"
    assert "2401.00002" in refused(capsys, "show", "2401.00002")


def test_an_arxiv_that_does_not_answer_ends_with_code_1_and_one_line(
    capsys: pytest.CaptureFixture[str], arxiv: Arxiv
) -> None:
    arxiv.faults = [Fault(status=503)] * 6
    line = refused(capsys, "ingest", "--pause", 0, "--query", "cat:cs.LG", code=1)
    assert "status 503; asked 6 times" in line


def test_a_listing_is_read_and_texts_follow(capsys: pytest.CaptureFixture[str], arxiv: Arxiv) -> None:
    for number in (1, 2, 3):
        arxiv.add(f"2401.0000{number}", f"Paper {number}", "An abstract.")
    arxiv.files["/rss/cs.LG"] = listing(
        [("2401.00001", "new"), ("2401.00002", "replace"), ("2401.00003", "cross")]
    )
    assert ingest(capsys, "--new", "cs.LG")[-1] == "2 papers and 0 relations stored, 0 entries refused"
    assert ingest(capsys, "--new", "cs.LG")[-1] == "0 papers and 0 relations stored, 0 entries refused"
    arxiv.files["/html/2401.00001"] = html([("Method", METHOD)])
    lines = ingest(capsys, "--full-text", "--ids", "2401.00001,2401.00003")
    assert "2401.00001: 2 sections" in "\n".join(lines)
    assert "  refused 2401.00003: html: arXiv has none; source: arXiv has none; pdf: arXiv has none" in lines
    assert lines[-1] == "1 texts stored, 1 refused"
    assert "text from its html: Abstract; 1 Method" in shown(capsys, "show", "2401.00001")
    assert shown(capsys, "extract", "--paper", "2401.00001") == ["1 papers read by rules, 3 relations stored"]
    assert "hyena replaces plain_attention" in "\n".join(shown(capsys, "show", "2401.00001"))
    assert shown(capsys, "extract", "--paper", "2401.00001") == ["0 papers read by rules, 0 relations stored"]
    assert shown(capsys, "extract") == ["1 papers read by rules, 0 relations stored"]


def test_dedup_marks_only_when_told(capsys: pytest.CaptureFixture[str], arxiv: Arxiv) -> None:
    assert shown(capsys, "dedup") == ["0 proposed; --apply marks them"]
    arxiv.add("2401.00001", "One title", "x")
    arxiv.add("2401.00002", "One  title", "y")
    ingest(capsys, "--query", "all")
    assert shown(capsys, "dedup")[1].split("\t") == [
        "paper",
        "2401.00001 One title",
        "2401.00002 One title",
        "name",
        "1.00",
    ]
    assert shown(capsys, "dedup", "--by", "hash") == ["0 proposed; --apply marks them"]
    assert shown(capsys, "dedup", "--apply")[-1] == "1 marked"
    assert shown(capsys, "dedup") == ["0 proposed; --apply marks them"]


def test_dedup_proposes_what_computes_the_same(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    sources = {
        "doubled": "def doubled(x, rate: choice(1, 2, 3) = 2) -> channel:\n    return rate * linear(x) + linear(x)\n",
        "summed": "def summed(x, n: choice(1, 2, 3) = 2) -> channel:\n    y = linear(x)\n    z = linear(x)\n"
        "    return y * (2 * n) / 2 + z\n",
        "tripled": "def tripled(x, n: choice(1, 2, 3) = 2) -> channel:\n    return n * n / 2 * linear(x) + linear(x)\n",
        "halves": "def halves(left, right) -> merge:\n    return 0.5 * left + 0.5 * right\n",
        "broken": "def broken(x)",
    }
    components = [
        StoredComponent(name, "component", "channel", f"hash of {name}", source)
        for name, source in sources.items()
    ]
    with CognitionStore.open(path) as store:
        store.add_components(components, "elsewhere")
    rows = [line.split("\t") for line in shown(capsys, "dedup", "--by", "behaviour")]
    assert sorted(row[1:4] for row in rows[1:-1]) == [
        ["doubled", "summed", "behaviour"],
        ["mean_merge", "halves", "behaviour"],
    ]
    assert "left out" in shown(capsys, "dedup", "--by", "behaviour", "--seconds", 0)[0]
    assert shown(capsys, "dedup", "--by", "hash") == ["0 proposed; --apply marks them"]


def test_what_a_user_got_wrong_is_told_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "holds nothing called 'hyenas'" in refused(capsys, "show", "hyenas")
    assert "kind 'norms'; stored: architecture" in refused(capsys, "list", "--kind", "norms")
    assert "--ids, or --query" in refused(capsys, "ingest")
    assert "--ids, or --query" in refused(capsys, "ingest", "--new", "cs.LG", "--ids", "2401.00001")
    assert "--full-text goes with --ids" in refused(capsys, "ingest", "--full-text", "--query", "x")
    assert "no arXiv category" in refused(capsys, "ingest", "--new", "cs/LG")
    assert "has no paper 2401.00009" in refused(capsys, "extract", "--paper", "2401.00009")
    assert "neither abstract nor text" in refused(capsys, "extract", "--paper", "2312.06635")
    assert "--paper names one paper" in refused(capsys, "extract", "--paper", "2312.06635", "--limit", 1)
    assert "--ids, or --query" in refused(capsys, "ingest", "--ids", "2401.00001", "--query", "x")
    assert "3 s" in refused(capsys, "ingest", "--query", "x", "--pause", 1)
    assert "no arXiv id" in refused(capsys, "ingest", "--ids", "hyena")
    assert "the query is empty" in refused(capsys, "ingest", "--query", " ")
    assert "unknown rule 'names'" in refused(capsys, "dedup", "--by", "names")
    (tmp_path / "text.db").write_text("text")
    assert "text.db" in refused(capsys, "stats", "--store", tmp_path / "text.db")
