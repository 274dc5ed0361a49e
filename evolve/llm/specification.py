"""What a person writes to name a model, and the provider it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from evolve.configuration import RECORDING
from evolve.llm.anthropic import ADDRESS, AnthropicProvider
from evolve.llm.endpoint import endpoint_of, key_of, without_credentials
from evolve.llm.local import LocalProvider
from evolve.llm.openai import OPENAI_HOST, OpenAIProvider
from evolve.llm.protocol import Provider

_PLACED = re.compile(r"(?P<model>.+?)@(?P<url>[a-z]+://.*)", re.DOTALL)


def provider_of(text: str, environment: Mapping[str, str]) -> Provider:
    """The provider that `text` names: `SCHEME:REST`, where SCHEME is a key of `SCHEMES`.

    Keys come from `environment`, only those that the scheme names. Raises ValueError in one line for a bad text,
    for a key that is needed and absent, and for a package that is not installed; no server is asked.
    """
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in SCHEMES:
        raise ValueError(f"{without_credentials(text)!r} names no language model to ask; accepted: {ACCEPTED}")
    if not rest.strip() or rest != rest.strip() or not rest.isprintable():
        raise ValueError(f"{without_credentials(text)!r} names no model; accepted: {FORMS[scheme]}")
    return SCHEMES[scheme](rest, environment)


def _anthropic(rest: str, environment: Mapping[str, str]) -> Provider:
    model, url = _placed("anthropic", rest) if "@" in rest else (rest, None)
    endpoint = endpoint_of(url or ADDRESS)
    key = key_of("ANTHROPIC_API_KEY", environment.get("ANTHROPIC_API_KEY", ""))
    name = f"anthropic:{model}" + (f"@{endpoint.url}" if url else "")
    if not key and not endpoint.basic and not endpoint.on_loopback:
        raise ValueError(f"{name} needs a key; set ANTHROPIC_API_KEY")
    return AnthropicProvider(name, model, endpoint, key or None)


def _openai(rest: str, environment: Mapping[str, str]) -> Provider:
    model, url = _placed("openai", rest)
    endpoint = endpoint_of(url)
    key = key_of("OPENAI_API_KEY", environment.get("OPENAI_API_KEY", ""))
    name = f"openai:{model}@{endpoint.url}"
    if not key and endpoint.host == OPENAI_HOST:
        raise ValueError(f"{name} needs a key; set OPENAI_API_KEY")
    return OpenAIProvider(name, model, endpoint, key or None)


def _placed(scheme: str, rest: str) -> tuple[str, str]:
    """Model and address of `MODEL@URL`."""
    found = _PLACED.fullmatch(rest)
    if found is None:
        raise ValueError(f"'{scheme}:{without_credentials(rest)}' names no server; accepted: {FORMS[scheme]}")
    return found["model"], found["url"]


def _mlx(rest: str, environment: Mapping[str, str]) -> Provider:
    return LocalProvider.load(rest)


SCHEMES: Mapping[str, Callable[[str, Mapping[str, str]], Provider]] = {
    "anthropic": _anthropic,
    "openai": _openai,
    "mlx": _mlx,
}
"""What makes a provider of the text after the scheme and of the environment."""

FORMS: Mapping[str, str] = {
    "anthropic": "anthropic:MODEL[@BASE_URL]",
    "openai": "openai:MODEL@URL",
    "mlx": "mlx:PATH_OR_NAME",
    "replay": f"{RECORDING}DIR (another search's answers; for run alone)",
}
"""Every form of a text, by its scheme; all but the last name a model to ask."""

ACCEPTED = ", ".join(FORMS.values())
"""The forms of a text, for messages and help."""
