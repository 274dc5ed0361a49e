"""`serve`: the report of a search in a browser, live while the search runs."""

from __future__ import annotations

import secrets
import socket
from typing import Annotated

import typer

from evolve.commands.inspect import Out, located
from evolve.commands.report import command
from evolve.display import console
from evolve.serving.guard import LOCAL_NAMES, Guard, is_loopback
from evolve.serving.live import LiveSearch
from runs.report.data import gather

LEAST_TOKEN = 16
SHUTDOWN_SECONDS = 2


def serve(
    out: Out = None,
    host: Annotated[str, typer.Option(help="Address to listen on; one beyond this machine needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    token: Annotated[
        str | None, typer.Option(help="Token that every request needs (made and printed beyond this machine).")
    ] = None,
) -> None:
    """Serve a search as a page that follows it while it runs, with a read-only JSON API; Ctrl-C ends it."""
    if token is not None and not (len(token) >= LEAST_TOKEN and token.isascii() and _plain(token)):
        raise ValueError(f"--token: accepted: at least {LEAST_TOKEN} letters, digits, - and _")
    directory = located(out)
    try:
        import uvicorn

        from evolve.serving.application import application
    except ImportError as error:
        raise ValueError(f"serve needs the package {error.name}: pip install 'archevolve[serve]'") from None
    search = LiveSearch(directory, lambda archive: gather(archive, command(archive.run.configuration)))
    local = is_loopback(host)
    if not local and token is None:
        token = secrets.token_urlsafe(24)
    with _listening(host, port) as listener:
        guard = Guard(
            application(search), tuple(dict.fromkeys((*LOCAL_NAMES, host.lower()))) if local else None, token
        )
        address, actual = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        query = f"?token={token}" if token else ""
        console().print(
            f"{directory}: http://{shown}:{actual}/{query} (API: /openapi.json; Ctrl-C ends it)",
            markup=False,
            soft_wrap=True,
        )
        config = uvicorn.Config(
            guard,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            console().print("ended")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ValueError in one line where there cannot be one."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ValueError(
            f"{host}:{port}: cannot be listened on: {error.strerror}; another --host or --port may"
        ) from None


def _plain(text: str) -> bool:
    return all(character.isalnum() or character in "-_" for character in text)
