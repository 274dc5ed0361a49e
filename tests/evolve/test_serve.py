"""A served search: a real server process on loopback over a search that another process writes."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest

from evolve.cli import main
from evolve.serving.guard import BURST, TokenBucket, is_loopback
from runs.archive import Archive
from tests.evolve.landscape import searched
from tests.evolve.test_report import BROWSER, read

ROOT = Path(__file__).parents[2]

WRITER = """
import sys, time
from pathlib import Path
import tests.evolve.landscape as search
from runs.archive import Archive

def first_is_finished():
    with Archive.at(sys.argv[1]) as archive:
        return archive.generation_count() > 0

class Slow(search.Landscape):
    def run(self, jobs):
        if first_is_finished():
            sys.stdin.read()
        for outcome in super().run(jobs):
            time.sleep(0.02)
            yield outcome

search.Landscape = Slow
store = search.searched(Path(sys.argv[1]), generations=int(sys.argv[2]), population=4).laboratory.store
store.finish_run()
"""


class Server:
    """One served search; requests go to its port."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process, self.line = process, process.stdout.readline()
        found = re.search(r":(\d+)/(?:\?token=(\S+))?", self.line)
        assert found, process.communicate(timeout=30)
        self.port, self.token = int(found[1]), found[2]

    def answer(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str], str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode()
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        status, _, text = self.answer(path)
        assert status == 200, text
        return json.loads(text)

    def status(self, path: str = "/api/status", headers: Mapping[str, str] | None = None) -> int:
        return self.answer(path, headers)[0]


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "evolve", "serve", "--out", str(directory), "--port", "0", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


@contextmanager
def writing(directory: Path, generations: int) -> Iterator[subprocess.Popen[str]]:
    """A process that writes a search: it has finished one generation, and goes on when its input is closed."""
    command, pipe = [sys.executable, "-c", WRITER, str(directory), str(generations)], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stderr=pipe, text=True) as process:
        try:
            patience = monotonic() + 60
            while not (directory / "search.db").is_file() or _generations(directory) < 1:
                assert process.poll() is None, process.communicate()
                assert monotonic() < patience
                sleep(0.05)
            yield process
        finally:
            process.kill()


def go_on(writer: subprocess.Popen[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.close()


def _generations(directory: Path) -> int:
    try:
        with Archive.at(directory) as archive:
            return archive.generation_count()
    except ValueError:  # its tables are not there yet
        return 0


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search")
    searched(path, generations=4).laboratory.store.close()
    return path


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[Server]:
    with serving(directory) as server:
        yield server


def test_the_api_says_what_the_store_holds(directory: Path, server: Server) -> None:
    with Archive.at(directory) as archive:
        attempts, best = archive.attempts(), archive.best(3)
        status = server.json("/api/status")
        assert status["counts"] == archive.status_counts()
        assert (status["attempts"], status["champion"]) == (len(attempts), best[0].id)
        assert not status["writer"]
        rows = server.json("/api/attempts?after=3&limit=5")
        assert [row["id"] for row in rows] == [4, 5, 6, 7, 8]
        assert [row["score"] for row in rows] == [attempt.score for attempt in attempts[3:8]]
        assert [row["attempt"] for row in server.json("/api/leaderboard?count=3")] == [a.id for a in best]
        assert [row["attempt"] for row in server.json("/api/genealogy")] == [a.id for a in attempts]
        child = next(attempt for attempt in attempts if attempt.parents and attempt.status == "evaluated")
        detail = server.json(f"/api/attempts/{child.id}")
        assert [edit["description"] for edit in detail["edits"]] == [
            e.description for e in archive.edits(child.id)
        ]
        assert len(detail["evaluations"]) == len(archive.evaluations(attempt=child.id))
        assert any(line.startswith("head: ") for line in detail["recipe"])
        assert all(component["source"].lstrip().startswith(("def", "@")) for component in detail["components"])
    assert server.status("/api/attempts/9999") == 404
    assert server.status("/api/attempts?limit=0") == 422
    assert server.status("/api/absent") == 404


def test_openapi_describes_every_answer_and_nothing_that_writes(server: Server) -> None:
    paths = server.json("/openapi.json")["paths"]
    assert {
        "/api/status",
        "/api/report",
        "/api/attempts",
        "/api/attempts/{number}",
        "/api/genealogy",
    } < paths.keys()
    assert all(set(operations) == {"get"} for operations in paths.values())
    for path, operations in paths.items():
        content = operations["get"]["responses"]["200"]["content"]["application/json"]
        assert path == "/api/report" or content["schema"]


def test_the_page_is_the_report_and_asks_nobody_but_its_server(server: Server) -> None:
    status, headers, text = server.answer("/")
    outline, data = read(text)
    assert status == 200
    assert data == server.json("/api/report")
    assert "default-src 'none'" in text
    assert "connect-src 'self'" in text
    assert all(link.startswith("#") for link in outline.links)
    assert headers["referrer-policy"] == "no-referrer"


def test_a_page_of_another_name_is_refused_on_loopback(server: Server) -> None:
    assert server.status(headers={"Host": "rebound.example"}) == 403
    assert server.status(headers={"Host": f"localhost:{server.port}"}) == 200
    assert server.status(headers={"Host": f"[::1]:{server.port}"}) == 200


def test_a_search_is_read_while_another_process_writes_it(tmp_path: Path) -> None:
    revisions, generations = set(), 8
    with writing(tmp_path, generations) as writer, serving(tmp_path) as server:
        assert server.json("/api/status")["writer"]
        assert server.json("/api/status")["generations"] == 1
        go_on(writer)
        while writer.poll() is None:
            revisions.add(server.json("/api/status")["revision"])
            report = server.json("/api/report")
            numbers = {node["id"] for node in report["nodes"]}
            assert {report["champion"], *report["lineage"], *report["ties"]} - {None} <= numbers
            assert sum(report["counts"].values()) == len(numbers)
            sleep(0.1)
        assert (writer.returncode, writer.stderr and writer.stderr.read()) == (0, "")
        status = server.json("/api/status")
        with Archive.at(tmp_path) as archive:
            assert (status["generations"], status["counts"]) == (generations, archive.status_counts())
        assert (status["status"], status["writer"]) == ("finished", False)
    assert len(revisions) > 1


@contextmanager
def between(server: Server, before: Callable[[str], None]) -> Iterator[int]:
    """The port of a proxy that calls `before` with the path of each request that it passes on."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            before(self.path)
            status, headers, text = server.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", headers["content-type"])
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy.server_port
        finally:
            proxy.shutdown()


@pytest.mark.skipif(not BROWSER, reason="no chromium on the PATH")
def test_the_page_follows_the_search(tmp_path: Path) -> None:
    directory = tmp_path / "search"
    with writing(directory, 4) as writer, serving(directory) as server:

        def goes_on(path: str) -> None:
            # The page has the first generation; from its first question on, the search goes on to the end.
            if path == "/api/status":
                go_on(writer)
                writer.wait(60)
                sleep(0.2)

        # Time in the browser stands still while it waits for an answer, and passes at once otherwise.
        options = [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=30000", "--dump-dom"]
        with between(server, goes_on) as port:
            command = [*(BROWSER or ()), *options, f"http://127.0.0.1:{port}/"]
            drawn = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in drawn.stderr
    embedded = drawn.stdout.partition('type="application/json"')[2].partition(">")[2].partition("</script>")[0]
    with Archive.at(directory) as archive:
        attempts, champion = archive.attempts(), archive.best(1)[0]
    assert len(json.loads(embedded)["nodes"]) < len(attempts)
    assert f"4 of 4 generations; {len(attempts)} attempts" in drawn.stdout
    assert drawn.stdout.count('class="node ') == len(attempts) + drawn.stdout.count(
        'aria-hidden="true"><g class="node '
    )
    assert f"Attempt {champion.id}, generation {champion.generation}" in drawn.stdout
    assert "Live: no process is writing this search (finished)." in drawn.stdout


def test_beyond_this_machine_a_token_is_made_and_needed_and_guesses_are_limited(directory: Path) -> None:
    with serving(directory, "--host", "0.0.0.0") as server:
        assert len(server.token) >= 32
        assert server.status() == 401
        assert server.status("/") == 401
        assert server.status("/openapi.json?token=") == 401
        assert server.status(headers={"Authorization": "Bearer wrong"}) == 401
        assert server.status(f"/api/status?token={server.token}") == 200
        assert server.status(headers={"Authorization": f"Bearer {server.token}", "Host": "elsewhere"}) == 200
        answers = [server.answer(f"/api/status?token={server.token[:-1]}") for _ in range(2 * int(BURST))]
        assert {status for status, _, _ in answers} == {401, 429}
        limited = next(headers for status, headers, _ in answers if status == 429)
        sleep(int(limited["retry-after"]))
        assert server.status(f"/api/status?token={server.token}") == 200


def test_a_damaged_search_is_answered_for_and_an_interrupt_ends_it_cleanly(
    directory: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(directory, tmp_path / "search"))
    with serving(copy, "--token", "0123456789abcdef") as server:
        path = "/api/status?token=0123456789abcdef"
        assert (server.token, server.status(), server.status(path)) == ("0123456789abcdef", 401, 200)
        (copy / "search.db").unlink()
        status, _, text = server.answer(path)
        assert (status, "search.db" in json.loads(text)["detail"]) == (503, True)
        server.process.send_signal(signal.SIGINT)
        out, errors = server.process.communicate(timeout=30)
        assert (server.process.returncode, out, errors) == (0, "ended\n", "")


def test_what_cannot_be_served_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*options: str) -> str:
        assert main(["serve", "--out", str(directory), *options]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.strip().splitlines()
        return line

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "cannot be listened on" in refused("--port", str(taken.getsockname()[1]))
    assert "at least 16" in refused("--token", "short")
    assert "absent.invalid" in refused("--host", "absent.invalid")
    assert main(["serve", "--out", str(tmp_path)]) == 2
    assert "holds no search" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'archevolve[serve]'" in refused()


def test_the_command_line_loads_no_web_framework() -> None:
    code = "import sys, evolve.cli; print([m for m in ('fastapi', 'uvicorn', 'starlette') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_what_is_beyond_this_machine() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.7", "host.example", "localhost.example")))


def test_a_bucket_gives_what_it_holds_and_then_what_flows_in() -> None:
    bucket = TokenBucket(3, 2.0)
    assert [bucket.take(10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(10.25) == pytest.approx(0.25)
    assert bucket.take(10.5) == 0.0
    assert [bucket.take(99.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
