"""Hostile and mistaken texts are refused at once, with their place, and nothing in them is ever executed."""

from __future__ import annotations

import sys
from time import process_time

import pytest

from genome.errors import LanguageError
from genome.parser import parse_component
from tests.genome.hostile_components import UNREADABLE, channel, hostile_texts

SECONDS = 0.05
_watched: list[str] = []
_watching = False


def _watch(event: str, arguments: tuple) -> None:
    """Note whatever is not the compilation of text to a syntax tree; audit hooks cannot be removed.

    To quote the line of a syntax error, Python looks for a file of the parsed text's nominal name, "<unknown>".
    """
    if _watching and event != "compile" and (event, arguments[:1]) != ("open", ("<unknown>",)):
        _watched.append(f"{event} {arguments!s:.80}")


sys.addaudithook(_watch)


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    """Import what refusals need, so that it is not taken for an import by the text."""
    with pytest.raises(LanguageError, match="did you mean"):
        parse_component(channel("return linaer(x)"), {})
    with pytest.raises(LanguageError):
        parse_component(channel("return é"), {})


@pytest.mark.parametrize(("text", "placed"), [pytest.param(t, p, id=n) for n, t, p in hostile_texts()])
def test_refused_with_its_place_and_not_executed(text: str, placed: bool) -> None:
    global _watching
    _watched.clear()
    refusals: list[LanguageError] = []
    seconds: list[float] = []
    while not seconds or (min(seconds) > SECONDS and len(seconds) < 4):
        _watching = True
        start = process_time()
        try:
            parse_component(text, {})
        except LanguageError as error:
            refusals.append(error)
        finally:
            seconds.append(process_time() - start)
            _watching = False
    assert _watched == []
    assert len(refusals) == len(seconds), "accepted"
    assert min(seconds) < SECONDS
    message = str(refusals[0])
    assert "\n" not in message
    assert len(message) < 400
    if placed:
        assert 1 <= refusals[0].line <= text.count("\n") + 1
        assert refusals[0].column >= 1


def test_the_watch_sees_imports_and_execution() -> None:
    """The test above would notice: the same watch reports an import, an exec and an opened file."""
    global _watching
    _watched.clear()
    _watching = True
    try:
        exec("pass")
        with open(__file__, encoding="utf-8"):
            pass
        with pytest.raises(ImportError):
            __import__("this_module_does_not_exist")
    finally:
        _watching = False
    assert {event.partition(" ")[0] for event in _watched} >= {"exec", "open", "import"}


def test_components_that_call_each_other_cannot_grow_without_bound() -> None:
    """Each doubles the one before: the limit on operations holds for what is inlined."""
    library = {}
    source = "def twice_0(x) -> channel:\n    return linear(linear(x))\n"
    library["twice_0"] = parse_component(source, library)

    def grow(i: int) -> None:
        source = f"def twice_{i}(x) -> channel:\n    return twice_{i - 1}(twice_{i - 1}(x))\n"
        library[f"twice_{i}"] = parse_component(source, library)

    for i in range(1, 7):
        grow(i)
    with pytest.raises(LanguageError, match="at most 128 operations"):
        grow(7)


def test_settings_passed_through_calls_cannot_grow_without_bound() -> None:
    library = {}
    source = "def f_0(x, n: integer(1, 2) = 1) -> mixer:\n    return causal_conv(x, n + n)\n"
    library["f_0"] = parse_component(source, library)

    def grow(i: int) -> None:
        source = f"def f_{i}(x, n: integer(1, 2) = 1) -> mixer:\n    return f_{i - 1}(x, n + n)\n"
        library[f"f_{i}"] = parse_component(source, library)

    for i in range(1, 6):
        grow(i)
    with pytest.raises(LanguageError, match="at most 64 terms"):
        grow(6)


def test_deeply_stacked_callers_change_nothing() -> None:
    """Refusals do not depend on how much of the stack is already in use."""

    def deep(levels: int, text: str) -> str:
        if levels:
            return deep(levels - 1, text)
        with pytest.raises(LanguageError) as caught:
            parse_component(text, {})
        return str(caught.value)

    for text in UNREADABLE.values():
        assert deep(400, text)
