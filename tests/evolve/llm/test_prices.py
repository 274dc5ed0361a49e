"""What calls cost: the dated table, a person's own prices, and nothing for models of this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evolve.llm.prices import PRICES, cost, read_prices
from evolve.llm.protocol import Usage

MILLION = 1_000_000


def test_a_call_costs_what_each_kind_of_token_costs() -> None:
    name = "anthropic:claude-sonnet-5-5"
    assert cost(name, Usage(input=MILLION)) == pytest.approx(2.0)
    assert cost(name, Usage(output=MILLION)) == pytest.approx(10.0)
    assert cost(name, Usage(cached=MILLION)) == pytest.approx(0.1)
    assert cost(name, Usage(written=MILLION)) == pytest.approx(2.5)
    assert cost(name, Usage(1000, 2000, 3000, 4000)) == pytest.approx((2 + 0.2 + 7.5 + 40) / 1000)


def test_a_long_prompt_costs_its_own_price() -> None:
    name = "anthropic:claude-haiku-5-5"
    assert cost(name, Usage(input=50_000, cached=50_000)) == pytest.approx(0.0055)
    assert cost(name, Usage(input=50_001, cached=50_000)) == pytest.approx(0.0275005)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mlx:/models/tiny", 0.0),
        ("openai:tiny@http://127.0.0.1:8080", 0.0),
        ("openai:a@b@http://localhost/v1", 0.0),
        ("anthropic:claude-opus-5-5@http://[::1]:80", 0.0),
        ("openai:gpt@https://api.openai.com/v1", None),
        ("anthropic:claude-opus-5-5@https://models.example", None),
        ("anthropic:unheard-of", None),
        ("openai:localhost", None),
    ],
)
def test_this_machine_is_free_and_what_is_not_known_has_no_price(name: str, expected: float | None) -> None:
    assert cost(name, Usage(MILLION, MILLION, MILLION, MILLION)) == expected


def test_a_persons_prices_go_before_the_table(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        '["anthropic:claude-haiku-5-5"]\ninput = 3\noutput = 4\n'
        '["openai:tiny@http://localhost/v1"]\ninput = 1\noutput = 2\ncache_read = 5\ncache_write = 6\n'
    )
    prices = read_prices(file)
    all_kinds = Usage(MILLION, MILLION, MILLION, MILLION)
    assert cost("anthropic:claude-haiku-5-5", all_kinds, prices) == pytest.approx(3 + 0.3 + 3.75 + 4)
    assert cost("openai:tiny@http://localhost/v1", all_kinds, prices) == pytest.approx(1 + 5 + 6 + 2)
    other = "anthropic:claude-opus-5-5"
    assert cost(other, all_kinds, prices) == cost(other, all_kinds, PRICES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = [", "no TOML"),
        ("x = 1", "x: not a table"),
        ('["m"]\ninput = 1\n', "m: no output"),
        ('["m"]\ninput = 1\noutput = -1\n', "output is -1"),
        ('["m"]\ninput = true\noutput = 1\n', "input is True"),
        ('["m"]\ninput = inf\noutput = 1\n', "input is inf"),
        ('["m"]\ninput = 1\noutput = 1\ninptu = 1\n', "unknown key 'inptu'; accepted: input, output"),
    ],
)
def test_a_bad_file_of_prices_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        read_prices(file)
    assert str(caught.value).startswith(str(file))
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_of_prices_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.toml: cannot be read"):
        read_prices(tmp_path / "none.toml")
