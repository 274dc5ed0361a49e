"""Reading arXiv from a real server on loopback: nothing lost, nothing asked for twice, politely, whatever breaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cognition.papers.client import URL, ArxivClient, identifiers
from cognition.papers.errors import ArxivUnavailable, QueryError
from cognition.papers.ingestion import Ingested, ingest_identifiers, ingest_query, query_since
from cognition.papers.transport import Manners, Transport
from cognition.store.records import CognitionError
from cognition.store.store import CognitionStore
from tests.cognition.arxiv_server import Arxiv, Fault, entry

QUERY = "cat:cs.LG"
QUICK = Manners(pause=0.0, timeout=0.5, backoff=0.01, tries=4, patience=5.0)


def filled(arxiv: Arxiv, count: int) -> Arxiv:
    for number in range(count):
        arxiv.add(
            f"2401.{number:05}", f"Paper {number}", f"We replace softmax attention with Hyena in case {number}."
        )
    return arxiv


def client(arxiv: Arxiv, store: CognitionStore, manners: Manners = QUICK) -> ArxivClient:
    return ArxivClient(Transport(store.path.parent / "pages", manners), arxiv.url)


def ingest(
    arxiv: Arxiv, store: CognitionStore, limit: int | None = None, manners: Manners = QUICK, *, dry: bool = False
) -> list[Ingested]:
    return list(ingest_query(store, client(arxiv, store, manners), QUERY, limit, dry=dry))


def from_arxiv(store: CognitionStore) -> set[str]:
    return {paper.identifier for paper in store.listed("paper") if paper.origin == "arxiv"}


def refusals(store: CognitionStore) -> dict[str, str]:
    rows = [row for line in store.exported() if (row := json.loads(line))["table"] == "processed"]
    return {row["key"].removeprefix("arxiv:"): row["reason"] for row in rows if row["status"] == "refused"}


def test_every_page_is_stored_and_a_finished_query_asks_for_what_is_new_only(
    arxiv: Arxiv, store: CognitionStore
) -> None:
    filled(arxiv, 237)
    assert [page.reached for page in ingest(arxiv, store)] == [100, 200, 237]
    assert from_arxiv(store) == set(arxiv.entries)
    assert arxiv.starts() == [0, 100, 200]
    assert ingest(arxiv, store) == []
    filled(arxiv, 240)
    assert [len(page.papers) for page in ingest(arxiv, store)] == [3]
    assert arxiv.starts()[3:] == [237, 237]
    assert from_arxiv(store) == set(arxiv.entries)


def test_papers_come_with_their_fields_and_without_version(arxiv: Arxiv, store: CognitionStore) -> None:
    arxiv.add("2401.00001", "A  title\n over lines", "Its abstract.", comment="8 pages")
    arxiv.add("cs/0112017", "An old number")
    ingest(arxiv, store)
    (shown,) = store.shown("2401.00001v2")
    row = shown.row
    assert (row["title"], row["abstract"], row["version"]) == ("A title over lines", "Its abstract.", 2)
    assert (row["year"], row["published"][:10], row["authors"]) == (2024, "2024-01-02", '["Ada Example"]')
    assert store.shown("cs/0112017")[0].row["title"] == "An old number"
    assert arxiv.asked[0]["sortBy"] == "submittedDate"
    assert arxiv.asked[0]["sortOrder"] == "ascending"


def test_a_limit_counts_over_all_runs(arxiv: Arxiv, store: CognitionStore) -> None:
    filled(arxiv, 300)
    ingest(arxiv, store, 10)
    assert len(from_arxiv(store)) == 10
    ingest(arxiv, store, 10)
    assert len(arxiv.asked) == 1
    ingest(arxiv, store, 120)
    assert len(from_arxiv(store)) == 120
    assert [(asked["start"], asked["max_results"]) for asked in arxiv.asked[1:]] == [("10", "100"), ("110", "10")]


def test_a_dry_run_stores_nothing_and_its_pages_are_not_asked_for_again(
    arxiv: Arxiv, store: CognitionStore
) -> None:
    filled(arxiv, 150)
    assert sum(len(page.papers) for page in ingest(arxiv, store, 150, dry=True)) == 150
    assert from_arxiv(store) == set()
    ingest(arxiv, store, 150)
    assert len(from_arxiv(store)) == 150
    assert len(arxiv.asked) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503),
        Fault(status=429, headers=(("Retry-After", "0"),)),
        Fault(empty=True),
        Fault(empty=True, total=0),
        Fault(silent_seconds=0.7),
        Fault(cut=True),
        Fault(text="Rate exceeded."),
        Fault(text="<feed><entry>"),
    ],
    ids=["503", "429", "empty", "empty, total 0", "silent", "cut", "text", "no feed"],
)
@pytest.mark.parametrize("page", [0, 1])
def test_a_passing_fault_costs_nothing(arxiv: Arxiv, store: CognitionStore, fault: Fault, page: int) -> None:
    filled(arxiv, 150)
    arxiv.faults = [Fault(), fault] if page else [fault]
    ingest(arxiv, store)
    assert from_arxiv(store) == set(arxiv.entries)
    assert len(arxiv.asked) == 3


@pytest.mark.parametrize("start", [0, 100])
def test_pages_that_stay_empty_are_an_error_and_not_the_end(
    arxiv: Arxiv, store: CognitionStore, start: int
) -> None:
    filled(arxiv, 150)
    arxiv.faults = [*([Fault()] if start else []), *[Fault(empty=True, total=0)] * QUICK.tries]
    with pytest.raises(ArxivUnavailable, match=f"empty page at entry {start}"):
        ingest(arxiv, store)
    assert len(from_arxiv(store)) == start
    ingest(arxiv, store)
    assert from_arxiv(store) == set(arxiv.entries)


def test_retry_after_is_honoured_and_a_wait_beyond_patience_is_told(arxiv: Arxiv, store: CognitionStore) -> None:
    filled(arxiv, 5)
    arxiv.faults = [Fault(status=429, headers=(("Retry-After", "1"),))]
    ingest(arxiv, store, 1)
    assert arxiv.began[1] - arxiv.began[0] >= 1.0
    arxiv.faults = [Fault(status=503, headers=(("Retry-After", "3600"),))]
    with pytest.raises(ArxivUnavailable, match="come back in 3600 s"):
        ingest(arxiv, store)
    assert len(arxiv.asked) == 3


def test_waits_grow_and_end(arxiv: Arxiv, store: CognitionStore) -> None:
    arxiv.faults = [Fault(status=500)] * 4
    with pytest.raises(ArxivUnavailable, match="status 500; asked 4 times"):
        ingest(arxiv, store, manners=Manners(pause=0.0, backoff=0.1, tries=4))
    waits = [later - earlier for earlier, later in zip(arxiv.began, arxiv.began[1:], strict=False)]
    assert [wait >= least for wait, least in zip(waits, (0.1, 0.2, 0.4), strict=True)] == [True] * 3


def test_the_pause_holds_across_pages_tries_and_clients(arxiv: Arxiv, store: CognitionStore) -> None:
    filled(arxiv, 250)
    arxiv.faults = [Fault(status=503)]
    manners = Manners(pause=0.2, backoff=0.0)
    ingest(arxiv, store, 200, manners)
    ingest(arxiv, store, 250, manners)
    assert len(arxiv.began) == 4
    assert min(later - earlier for earlier, later in zip(arxiv.began, arxiv.began[1:], strict=False)) >= 0.2


def test_arxiv_itself_is_never_asked_faster_than_its_terms_allow(tmp_path: Path) -> None:
    with pytest.raises(CognitionError, match="3 s"):
        ArxivClient(Transport(tmp_path, Manners(pause=1.0)), URL)


def test_malformed_entries_are_refused_with_their_reason_and_the_rest_is_stored(
    arxiv: Arxiv, store: CognitionStore
) -> None:
    filled(arxiv, 3)
    arxiv.entries["no id"] = "<entry><title>T</title></entry>"
    arxiv.entries["no date"] = entry("2401.10001", "No date", published="yesterday")
    arxiv.entries["no title"] = entry("2401.10002", "")
    arxiv.entries["not XML"] = entry("2401.10003", "Broken").replace("<summary>", "<summary>a & b <")
    arxiv.entries["not closed"] = entry("2401.10004", "Open").replace("</entry>", "")
    arxiv.add("2401.10005", "The last")
    (page,) = ingest(arxiv, store)
    assert page.reached == 9
    assert from_arxiv(store) == {"2401.00000", "2401.00001", "2401.00002", "2401.10005"}
    told = refusals(store)
    assert "'yesterday'" in told["2401.10001"]
    assert told["2401.10002"] == "it has no title"
    assert told["2401.10003"].startswith("not XML")
    assert told["2401.10004"].startswith("not XML")
    assert sorted(told.values())[0] == "it has no id"
    assert len(told) == 5


def test_withdrawn_papers_stay_with_a_mark(arxiv: Arxiv, store: CognitionStore) -> None:
    arxiv.add("2401.00001", "One", "This paper has been withdrawn by the author due to an error.")
    arxiv.add("2401.00002", "Two", "Fine.", comment="Withdrawn: a flaw in Lemma 2")
    arxiv.add("2401.00003", "Three", "Money is withdrawn by customers of a bank.")
    ingest(arxiv, store)
    marks = [store.shown(f"2401.0000{number}")[0].row["withdrawn"] for number in (1, 2, 3)]
    assert marks == [1, 1, 0]


def test_ids_are_asked_for_once_and_missing_ones_are_refused(arxiv: Arxiv, store: CognitionStore) -> None:
    filled(arxiv, 3)
    wanted = identifiers(["2401.00001v3", "arXiv:2401.00002", "2401.99999", "2401.00001"])
    assert wanted == ("2401.00001", "2401.00002", "2401.99999")
    list(ingest_identifiers(store, client(arxiv, store), wanted))
    assert from_arxiv(store) == {"2401.00001", "2401.00002"}
    assert refusals(store) == {"2401.99999": "arXiv has no paper of this id"}
    list(ingest_identifiers(store, client(arxiv, store), wanted[:2]))
    assert len(arxiv.asked) == 1
    with pytest.raises(CognitionError, match="'mamba' is no arXiv id"):
        identifiers(["mamba"])


def test_a_query_that_arxiv_refuses_is_told_with_its_reason(arxiv: Arxiv, store: CognitionStore) -> None:
    with pytest.raises(QueryError, match="incorrect query"):
        list(ingest_query(store, client(arxiv, store), "bad", None))
    assert len(arxiv.asked) == 1


def test_since_becomes_a_filter_and_another_form_is_refused() -> None:
    assert query_since("", "2024-01-31") == "submittedDate:[202401310000 TO 299912312359]"
    assert query_since("a OR b", "2024-01-31").startswith("(a OR b) AND submittedDate:[202401310000")
    with pytest.raises(CognitionError, match=r"31\.1\.2024"):
        query_since("", "31.1.2024")


def test_a_paper_known_by_title_gets_its_abstract_and_keeps_its_components(
    arxiv: Arxiv, store: CognitionStore
) -> None:
    arxiv.add(
        "2312.00752", "Mamba: Linear-Time Sequence Modeling", "Selection by input; better than Transformers."
    )
    ingest(arxiv, store)
    mamba = next(one for one in store.shown("mamba") if one.form == "architecture")
    assert mamba.paper is not None
    assert mamba.paper["abstract"].startswith("Selection by input")
    assert "2312.00752" in {match.name for match in store.search("selection input")}


def test_a_killed_process_continues_and_asks_for_no_page_twice(arxiv: Arxiv, tmp_path: Path) -> None:
    filled(arxiv, 450)
    path = tmp_path / "cognition.db"
    arguments = ["--query", QUERY, "--url", arxiv.url, "--pause", "1", "--store", str(path)]
    command = [sys.executable, "-m", "evolve", "cognition", "ingest", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
        if len(arxiv.asked) >= 2:
            with CognitionStore.open(path) as store:
                if len(from_arxiv(store)) >= 200:
                    break
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "250 papers and" in done.stdout
    assert arxiv.starts() == [0, 100, 200, 300, 400]
    gaps = [later - earlier for earlier, later in zip(arxiv.began, arxiv.began[1:], strict=False)]
    assert min(gaps) >= 1.0
    with CognitionStore.open(path) as store:
        assert from_arxiv(store) == set(arxiv.entries)
        rows = [row for line in store.exported() if (row := json.loads(line))["table"] == "relations"]
        assert sum(row["kind"] == "replaces" and row["origin"] == "abstract" for row in rows) == 450
