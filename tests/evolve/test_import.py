"""Imported runs: what a file says is kept and shown, whatever its form; nothing in it is executed or obeyed."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.cli import main
from runs.genealogy import tree, tree_lines
from runs.imported.asi_arch import FORMAT, entries
from runs.imported.store import ImportedRun, write_run
from runs.imported.streaming import CHUNK

TRAIN = ",1,100,2000\ndelta_net,11.0,7.6,3.5"
TEST = ",boolq,lam_ppl,average\ndelta_net,0.58,nan,0.39"
RECORDS: list[dict[str, Any]] = [
    {
        "index": 1,
        "name": "delta_net",
        "parent": None,
        "score": 1.5,
        "result": {"train": TRAIN, "test": TEST},
        "program": "class DeltaNet: ...\n",
        "motivation": "The seed.",
        "analysis": "none",
    },
    {"index": 7, "name": "gated", "parent": 1, "score": 2.25, "name_new": "GatedNet", "parameters": "495.73M"},
    {"index": 4, "name": "floor", "parent": 7, "summary": "A floor."},
    {"index": 9, "name": "orphan", "parent": 600, "score": 0.5},
]


def imported(path: Path, out: Path) -> Path:
    assert main(["import", "asi-arch", str(path), "--out", str(out)]) == 0
    return out


def written(path: Path, records: Any) -> Path:
    path.write_text(records if isinstance(records, str) else json.dumps(records), encoding="utf-8")
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def rows(out: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(out / "imported.db") as database:
        found = database.execute(query).fetchall()
    database.close()
    return found


def test_a_run_is_shown_as_a_search_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "new" / "run"
    told = shown(capsys, "import", "asi-arch", written(tmp_path / "run.json", RECORDS), "--out", out)
    assert told.endswith("4 programs, 3 with a score; parents not in the file: 1\n")
    assert [path.name for path in out.iterdir()] == ["imported.db"]
    assert shown(capsys, "tree", "--out", out).splitlines() == [
        "#1  g0  delta_net  1.5000",
        "└─ #7  g1  gated  2.2500 (+0.7500)  GatedNet",
        "   └─ #4  g2  floor  unscored",
        "#9  g0  orphan  0.5000",
    ]
    assert "7 -> 4" in shown(capsys, "tree", "--format", "dot", "--out", out)
    best = shown(capsys, "best", "--out", out)
    assert best.index("GatedNet") < best.index("delta_net") < best.index("orphan")
    assert shown(capsys, "show", 1, "--source", "--out", out).splitlines() == [
        "program 1: delta_net",
        "  score: 1.5000",
        "  motivation: The seed.",
        "  train: 1 11.0, 100 7.6, 2000 3.5",
        "  test: boolq 0.58, lam_ppl nan, average 0.39",
        "lineage:",
        "  #1  g0  delta_net  1.5000",
        "",
        "class DeltaNet: ...",
        "",
    ]
    assert "parent 600: not in the file" in shown(capsys, "show", 9, "--out", out)


def test_views_answer_in_sql(tmp_path: Path) -> None:
    out = imported(written(tmp_path / "run.json", RECORDS), tmp_path / "out")
    assert rows(out, "SELECT program, rank, loss, benchmark FROM leaderboard WHERE program = 1") == [
        (1, 2, 3.5, 0.39)
    ]
    assert rows(out, "SELECT ancestor, distance FROM ancestors WHERE program = 4") == [(7, 1), (1, 2)]
    assert rows(out, "SELECT descendant, distance FROM descendants WHERE program = 1") == [(7, 1), (4, 2)]
    assert rows(out, "SELECT program, unknown_parents FROM genealogy WHERE unknown_parents <> ''") == [(9, "600")]


def test_every_form_of_the_same_records_gives_the_same_run(tmp_path: Path) -> None:
    lines = "\n".join(map(json.dumps, RECORDS))
    exported = [
        record
        | {"_id": {"$oid": f"{position:024x}"}, "index": {"$numberInt": str(record["index"])}, "extra": [1]}
        | ({"score": {"$numberDouble": str(record["score"])}} if "score" in record else {})
        for position, record in enumerate(RECORDS)
    ]
    forms = {
        "array": json.dumps(RECORDS, indent=2),
        "lines": lines,
        "lines after a byte order mark": "\ufeff" + lines + "\n\n",
        "answer of the service": json.dumps({"total_records": 4, "results": RECORDS}),
        "export of the database": json.dumps(exported),
    }
    folder = tmp_path / "folder"
    folder.mkdir()
    for position, record in enumerate(RECORDS):
        written(folder / f"{position}.json", record)
    found = [imported(folder, tmp_path / "of_folder")]
    found += [imported(written(tmp_path / f"{name}.json", text), tmp_path / name) for name, text in forms.items()]
    queries = ("SELECT * FROM leaderboard", "SELECT * FROM genealogy", "SELECT * FROM results")
    for query in queries:
        assert len({repr(rows(out, query)) for out in found}) == 1
    (identifiers,) = {tuple(rows(found[-1], "SELECT identifier FROM programs ORDER BY rowid"))}
    assert ("0" * 24,) in identifiers


def test_parents_are_found_by_index_identifier_and_name(tmp_path: Path) -> None:
    records = [
        {"_id": {"$oid": "aa"}, "index": 3, "name": "first"},
        {"_id": "bb", "index": 3, "name": "repeats the index", "parent": "first"},
        {"name": "has no index", "parent": {"$oid": "aa"}},
        {"index": "4", "name": "by digits", "parent": "3", "score": "0.5"},
        {"index": 8, "name": "of two", "parent": ["bb", 4], "score": float("nan")},
        {"index": 10, "name": "its own", "parent": 10, "score": None},
        {"index": 11, "name": "a circle", "parent": 12, "score": True},
        {"index": 12, "name": "closed", "parent": 11, "score": 10**400},
        {"index": -1, "name": "", "parent": "none", "program": 5, "result": "crashed,\nat step 3"},
    ]
    out = imported(written(tmp_path / "run.json", records), tmp_path / "out")
    assert rows(out, "SELECT program, name, parents, generation, score FROM genealogy ORDER BY program") == [
        (3, "first", "", 0, None),
        (4, "by digits", "3", 1, 0.5),
        (8, "of two", "13 4", 2, None),
        (10, "its own", "", 0, None),
        (11, "a circle", "12", 1, None),
        (12, "closed", "", 0, None),
        (13, "repeats the index", "3", 1, None),
        (14, "has no index", "3", 1, None),
        (15, "", "", 0, None),
    ]
    assert rows(out, "SELECT program, problem FROM parents WHERE problem <> ''") == [
        (10, "descendant"),
        (12, "descendant"),
    ]
    assert rows(out, "SELECT text, value FROM results") == [("crashed,\nat step 3", None)]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.integers(0, 12), max_size=3), min_size=1, max_size=12))
def test_whatever_the_parents_every_program_is_drawn_once_and_parents_are_older(parents: list[list[int]]) -> None:
    with TemporaryDirectory() as folder:
        records = [{"index": index, "parent": own} for index, own in enumerate(parents)]
        path = written(Path(folder, "run.json"), records)
        write_run(Path(folder), FORMAT, path, lambda: entries(path), "0")
        with ImportedRun.at(Path(folder)) as run:
            found = run.genealogy()
    generations = {row.attempt: row.generation for row in found}
    assert sorted(generations) == list(range(len(parents)))
    assert all(generations[parent] < row.generation for row in found for parent in row.parents)
    drawn = [int(re.search(r"#(\d+)", line)[1]) for line in tree_lines(tree(found))]  # type: ignore[index]
    assert sorted(drawn) == sorted(generations)


def test_records_longer_than_what_is_read_at_a_time_arrive_whole(tmp_path: Path) -> None:
    programs = ["é" * (CHUNK // 3), "short", "x" * (2 * CHUNK + 1), '"\\\n' * 1000]
    records = [{"index": index, "program": program} for index, program in enumerate(programs)]
    out = imported(written(tmp_path / "run.json", json.dumps(records, ensure_ascii=False)), tmp_path / "out")
    assert [text for (text,) in rows(out, "SELECT program FROM programs ORDER BY id")] == programs


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        ("", "holds no record"),
        ("[]", "holds no record"),
        ('[{"index": 1}\n, {"index": 2}', "line 2: no JSON: ']' expected, not the end of the file"),
        ('{"index": 1}\n{"index": 2,}', "line 2"),
        ('[{"index": 1} {"index": 2}]', "line 1"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "no JSON"),
        ('[{"index": 1}, 5]', "record 2 is none of ASI-Arch"),
        ('[{"index": 1}, {"hidden_size": 512}]', "record 2 is none of ASI-Arch"),
        (b"\xff\xfe[]", "no UTF-8 text"),
    ],
)
def test_a_bad_file_is_refused_in_one_line_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | bytes | None, told: str
) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = sorted(tmp_path.iterdir())
    assert main(["import", "asi-arch", str(path), "--out", str(tmp_path / "deep" / "out")]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.out == ""
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_there_stays_and_commands_for_recipes_say_what_is_accepted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = written(tmp_path / "run.json", RECORDS)
    out = imported(path, tmp_path / "out")
    before = (out / "imported.db").read_bytes()
    refusals = {
        ("import", "asi-arch", path): "exists",
        ("status",): "imported run",
        ("diff", 1, 7): "imported run",
        ("show", 2): "no program 2",
        ("report",): "imported run",
    }
    for arguments, told in refusals.items():
        assert main([*map(str, arguments), "--out", str(out)]) == 2
        assert told in capsys.readouterr().err
    assert (out / "imported.db").read_bytes() == before


MARK = "pwned_by_the_program"
_watched: list[str] = []
_watching = False
PROCESSES = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen", "pty.spawn")


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note processes, sockets, and compiled or executed code that holds the mark; audit hooks cannot be removed."""
    if not _watching:
        return
    text = str(arguments)
    if arguments and isinstance(arguments[0], CodeType):
        code = arguments[0]
        text = f"{code.co_filename} {code.co_names} {code.co_consts}"
    told = event in ("compile", "exec", "import") and MARK in text
    if told or event in PROCESSES or event.startswith(("socket.", "ctypes.")):
        _watched.append(f"{event} {text:.80}")


sys.addaudithook(_watch)


def test_a_hostile_run_is_neither_executed_nor_obeyed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    global _watching
    monkeypatch.chdir(tmp_path)
    hostile = (
        f"import os; os.system('touch {MARK}'); open('{MARK}', 'w')\n"
        f"$(touch {MARK}) `touch {MARK}`; touch {MARK}\n"
        "'); DROP TABLE programs; --\n"
        f"<script>alert('{MARK}')</script> [bold red]{MARK}[/] [link=file:///etc/passwd]x[/link]\n"
        "\x1b[2J\x1b]0;title\x07\x1b]52;c;aGk=\x07\x9b31m\r\u202e\u2028\ud800\0"
    )
    fields = ("name", "name_new", "program", "motivation", "analysis", "summary", "parameters", "time", "parent")
    record = dict.fromkeys(fields, hostile) | {
        "index": 1,
        "score": 1.0,
        "result": {hostile: f",{hostile}\n{hostile},{hostile}", "test": hostile},
    }
    path = written(tmp_path / "run.json", [record, {"index": 2, "parent": 1, "name": hostile}])
    _watched.clear()
    _watching = True
    try:
        out = imported(path, tmp_path / "out")
        printed = "".join(
            shown(capsys, *command, "--out", out)
            for command in (
                ("tree",),
                ("best",),
                ("show", 1, "--source"),
                ("show", 2),
                ("tree", "--format", "dot"),
            )
        )
        assert main(["tree", "--out", str(out), "--format", "graphml", "-o", str(tmp_path / "graph.xml")]) == 0
    finally:
        _watching = False
    assert _watched == []
    assert sorted(os.listdir(tmp_path)) == ["graph.xml", "out", "run.json"]
    assert not re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028\ud800-\udfff]", printed)
    assert "\\x1b[2J" in printed
    assert "[bold red]" in printed
    (stored,) = rows(out, "SELECT program FROM programs WHERE id = 1")[0]
    assert stored == hostile.replace("\ud800", "?")
    assert "<script>" not in (tmp_path / "graph.xml").read_text(encoding="utf-8")


def test_the_watch_sees_execution() -> None:
    """The test above would notice: the same watch reports the text compiled, parsed, executed, or run in a shell."""
    global _watching
    _watched.clear()
    _watching = True
    try:
        exec(f"{MARK} = 1")
        os.system("true")
    finally:
        _watching = False
    assert {told.partition(" ")[0] for told in _watched} == {"compile", "exec", "os.system"}
