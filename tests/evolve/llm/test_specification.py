"""What a person may write for `--llm`, and what `doctor --llm` says of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.cli import main
from evolve.llm.specification import provider_of
from tests.evolve.llm.servers import Reply, answer, failure, serving_anthropic, serving_openai

KEYS = {"ANTHROPIC_API_KEY": "sk-1", "OPENAI_API_KEY": "sk-2"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("anthropic:claude-opus-5-5", "anthropic:claude-opus-5-5"),
        ("anthropic:a/b:c@https://ada:pw@models.example:8443/x/", "anthropic:a/b:c@https://models.example:8443/x"),
        ("openai:qwen3:8b@http://localhost:11434/v1", "openai:qwen3:8b@http://localhost:11434/v1"),
        ("openai:org/model@main@http://u:p%40q@[::1]:8000", "openai:org/model@main@http://[::1]:8000"),
    ],
)
def test_a_model_is_named_without_credentials(text: str, name: str) -> None:
    provider = provider_of(text, KEYS)
    assert provider.name == name
    for secret in ("pw", "p%40q", "p@q", "sk-1", "sk-2"):
        assert secret not in repr(provider)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "accepted: anthropic:MODEL[@BASE_URL], openai:MODEL@URL, mlx:PATH_OR_NAME, replay:DIR"),
        ("replay:/some/where", "names no language model to ask"),
        ("gemini:x", "'gemini:x' names no language model to ask"),
        ("anthropic", "accepted"),
        ("anthropic:", "accepted: anthropic:MODEL[@BASE_URL]"),
        ("openai:model", "names no server; accepted: openai:MODEL@URL"),
        ("anthropic:model@models.example", "names no server; accepted: anthropic:MODEL[@BASE_URL]"),
        ("openai:model@ftp://host", "no address of a server"),
        ("openai:model@http://", "no address of a server"),
        ("openai:model@http://host:99999/v1", "no address of a server"),
        ("openai:model@http://host/v1?key=1", "no address of a server"),
        ("openai:mo\ndel@http://host", "names no model"),
        ("mlx:/no/such/directory", "there is no such directory"),
    ],
)
def test_a_bad_text_is_refused_in_one_line_that_says_what_is_accepted(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        provider_of(text, KEYS)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("anthropic:claude-opus-5-5", "ANTHROPIC_API_KEY"),
        ("anthropic:tiny@https://models.example", "ANTHROPIC_API_KEY"),
        ("openai:gpt@https://api.openai.com/v1", "OPENAI_API_KEY"),
    ],
)
def test_a_key_that_is_needed_is_named_before_anything_starts(text: str, variable: str) -> None:
    with pytest.raises(ValueError, match=variable):
        provider_of(text, {})
    with pytest.raises(ValueError, match=variable) as caught:
        provider_of(text, {variable: "sk-with\nline"})
    assert "sk-with" not in str(caught.value)


@given(
    scheme=st.sampled_from(["anthropic:", "openai:", "anthropic:m@http://", "openai:m@http://", "no:"]),
    rest=st.text(),
)
def test_any_text_is_a_provider_or_one_line(scheme: str, rest: str) -> None:
    said = ""
    try:
        said = provider_of(scheme + rest, KEYS).name
    except ValueError as error:
        said = str(error)
    assert len(said.splitlines()) == 1


def test_a_password_in_a_bad_address_is_not_repeated() -> None:
    for text in (
        "openai:m@http://ada:hidden@host:x/",
        "openai:m@ftp://ada:hidden@host",
        "no:m@http://ada:hidden@h",
    ):
        with pytest.raises(ValueError, match="accepted") as caught:
            provider_of(text, {})
        assert "hidden" not in str(caught.value)


def test_naming_a_model_of_a_server_loads_no_array_library_and_no_other_provider() -> None:
    code = (
        "import sys; from evolve.llm.specification import provider_of; provider_of('openai:m@http://localhost', {});"
        "print([name for name in ('anthropic', 'httpx2', 'mlx', 'mlx_lm', 'llguidance', 'jax') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_doctor_asks_a_model_and_prints_time_tokens_price_and_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-1")
    with serving_anthropic("sk-1") as server:
        name = f"anthropic:tiny@{server.url}"
        server.otherwise = lambda asked: answer('{"operation": "add"}')
        assert main(["doctor", "--llm", name]) == 0
        first = capsys.readouterr().out
        prices = tmp_path / "prices.toml"
        prices.write_text(f'["{name}"]\ninput = 1e6\noutput = 0\ncache_read = 0\ncache_write = 0\n')
        assert main(["doctor", "--llm", name, "--llm-prices", str(prices)]) == 0
        second = capsys.readouterr().out
        booked = server.usage
    assert f"{name}: answered in " in first
    assert f"{booked.input // 2} in, {booked.cached // 2} from the cache" in first
    assert "price: $0.000000" in first
    assert 'answer: {"operation": "add"}' in first
    assert f"price: ${booked.input // 2}.000000 ({prices})" in second


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (failure(401, "incorrect key: sk-1234567"), "denied: status 401: incorrect key: ***"),
        (answer("[]"), "does not follow the schema"),
        (answer("add\x1b[2J"), "is no JSON"),
        (Reply('{"operation": "add"}', ending="cut"), "truncated"),
    ],
)
def test_doctor_tells_a_failing_model_in_one_line(
    capsys: pytest.CaptureFixture[str], reply: Reply, says: str
) -> None:
    with serving_openai() as server:
        server.replies.append(reply)
        assert main(["doctor", "--llm", f"openai:tiny@{server.url}"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert says in captured.err
    assert "\x1b" not in captured.err


def test_doctor_refuses_prices_without_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--llm-prices", "prices.toml"]) == 2
    assert "goes with --llm" in capsys.readouterr().err
