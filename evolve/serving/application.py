"""The routes of a served search: its page, and what the page and other programs ask. Everything is read-only."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated

from fastapi import FastAPI, HTTPException, Path, Query, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, Response

from evolve.naming import recipe_of
from evolve.serving.live import LiveSearch, Status
from runs import records
from runs.errors import StoreError
from runs.report.page import page_of
from runs.ties import tied_with_best

MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Ranked:
    """A fully trained attempt; `tie` says whether it ties with the best, None where the noise floor is not known."""

    rank: int
    attempt: int
    generation: int
    label: str
    family: str | None
    score: float
    tie: bool | None
    operator: str
    parameters: int | None
    state_bytes: int | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One attempt with what made it, how it trained, and the lines and components of its recipe."""

    attempt: records.Attempt
    edits: tuple[records.Edit, ...]
    adjustments: tuple[records.Adjustment, ...]
    evaluations: tuple[records.Evaluation, ...]
    recipe: tuple[str, ...]
    components: tuple[records.Component, ...]


def application(search: LiveSearch) -> FastAPI:
    """The application of one search, without any guard."""
    app = FastAPI(
        title="archevolve: a search",
        description="One search, read while it runs.",
        version=version("archevolve"),
        # The usual pages of documentation load their script from another site.
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(GZipMiddleware, minimum_size=2000)

    @app.exception_handler(StoreError)
    def unreadable(request: Request, error: StoreError) -> JSONResponse:
        return JSONResponse({"detail": " ".join(str(error).split())}, status_code=503)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def show() -> str:
        shown = search.shown()
        return page_of(shown.title, shown.data, shown.revision)

    @app.get("/api/status")
    def status() -> Status:
        """How far the search is; `revision` changes when the report does."""
        return search.status()

    @app.get("/api/report", response_class=Response, responses={200: {"content": {"application/json": {}}}})
    def report() -> Response:
        """Everything that the page shows, as it embeds it; the header ETag is its revision."""
        shown = search.shown()
        return Response(shown.data, media_type="application/json", headers={"ETag": f'"{shown.revision}"'})

    @app.get("/api/attempts")
    def attempts(
        after: Annotated[int, Query(ge=0, le=2**53, description="Attempts with greater numbers.")] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="At most so many.")] = MOST_ROWS,
    ) -> list[records.Attempt]:
        """Attempts by number; one that is still proposed has no outcome yet."""
        with search.read() as archive:
            return archive.attempts_after(after, limit)

    @app.get("/api/attempts/{number}")
    def attempt(number: Annotated[int, Path(description="An attempt's number.")]) -> Detail:
        """One attempt: edits, adjustments, evaluations, recipe and sources."""
        with search.read() as archive:
            if not 1 <= number <= archive.attempt_count():
                raise HTTPException(404, f"no attempt {number}; there are {archive.attempt_count()}")
            own = archive.attempt(number)
            recipe = recipe_of(archive, own) if own.recipe else None
            named = {gene.component for _, gene in recipe.genes()} if recipe else set()
            return Detail(
                own,
                archive.edits(number),
                archive.adjustments(number),
                tuple(archive.evaluations(attempt=number)),
                tuple(recipe.lines()) if recipe else (),
                tuple(component for component in archive.components() if component.name in named),
            )

    @app.get("/api/genealogy")
    def genealogy() -> list[records.Ancestry]:
        """Every attempt with its parents, edits as one line and gain over its best parent."""
        with search.read() as archive:
            return archive.genealogy()

    @app.get("/api/leaderboard")
    def leaderboard(count: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 10) -> list[Ranked]:
        """The best fully trained attempts."""
        with search.read() as archive:
            known, tied = archive.yardstick is not None, set(tied_with_best(archive))
            return [
                Ranked(
                    rank,
                    own.id,
                    own.generation,
                    own.label,
                    own.family,
                    own.score or 0.0,
                    (rank == 1 or own.id in tied) if known else None,
                    own.operator,
                    own.parameters,
                    own.state_bytes,
                )
                for rank, own in enumerate(archive.best(count), 1)
            ]

    return app
