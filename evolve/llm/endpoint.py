"""Where a server of language-model answers is: an address, and credentials that no text of the program shows."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_ACCEPTED = "accepted: http(s)://[USER:PASSWORD@]HOST[:PORT][/PATH]"
_USER = re.compile(r"//[^/\s]*@")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address without its user and password; `basic` is what they become in an Authorization header."""

    scheme: str
    host: str
    port: int | None
    path: str
    basic: str | None = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def url(self) -> str:
        """The address without user and password, and without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def on_loopback(self) -> bool:
        """Whether the server is this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def endpoint_of(url: str) -> Endpoint:
    """The parts of an address. Raises ValueError in one line, without the address's password, for a bad one."""
    shown = without_credentials(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{shown!r} is no address of a server; {_ACCEPTED}") from None
    bad = parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment
    if bad or not url.isascii() or any(character.isspace() for character in url):
        raise ValueError(f"{shown!r} is no address of a server; {_ACCEPTED}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    pair = base64.b64encode(f"{user}:{password}".encode()).decode() if user or password else None
    return Endpoint(
        scheme=parts.scheme,
        host=host or "",
        port=port,
        path=parts.path.rstrip("/"),
        basic=None if pair is None else f"Basic {pair}",
        # A user without a password is a token.
        secrets=tuple(text for text in (parts.password or parts.username, password or user, pair) if text),
    )


def without_credentials(text: str) -> str:
    """Text whose addresses have lost their users and passwords."""
    return _USER.sub("//", text)


def key_of(variable: str, written: str) -> str:
    """A key as it may stand in a header. Raises ValueError, which names the variable alone, for any other text."""
    key = written.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError(f"{variable} holds no key: spaces, line ends and letters beyond ASCII are not accepted")
    return key
