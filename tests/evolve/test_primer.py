"""What writers of components are told is what the parser accepts, and the same text each time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cognition.candidates.instructions import stable_text as instructions
from cognition.loader import load_library
from evolve.llm.prompts import stable_text as rules
from genome.errors import LanguageError
from genome.kinds import KINDS
from genome.operation import OPERATIONS
from genome.parser import parse_component
from genome.primer import SETTINGS, language_text, library_text
from genome.settings import Choice, Flag, Integer, LogRange


def test_every_operation_kind_and_component_is_told_once_to_every_model() -> None:
    library = load_library()
    told = language_text() + library_text(library)
    for operation in OPERATIONS.values():
        line = f"- {operation.signature}: "
        assert told.count(line) == (not operation.internal), operation.name
    for kind in KINDS:
        assert told.count(f"- {kind} (") == 1
    for name in library:
        assert told.count(f"\n- {name}(") == 1, name
    for text in (instructions(), rules(library)):
        assert language_text() in text
        assert library_text(library) in text


def test_the_settings_that_are_told_parse_as_they_stand() -> None:
    assert SETTINGS in language_text()
    body = "return linear(linear(x, rank, bias=bias), size * width // 4 * 2) * scale"
    component = parse_component(f"def f(x, {SETTINGS}) -> channel:\n    {body}\n", {})
    assert [type(setting.domain) for setting in component.settings] == [Choice, Integer, LogRange, Flag]


@pytest.mark.parametrize(
    "body",
    [
        "import os\n    return x",
        "return x.real",
        "return x[0]",
        "for y in x:\n        pass\n    return x",
        "return x if width else x",
        "return concat([y for y in x])",
        "return linear('x')",
    ],
)
def test_what_is_told_not_to_exist_is_refused(body: str) -> None:
    with pytest.raises(LanguageError):
        parse_component(f"def f(x) -> channel:\n    {body}\n", {})


def test_texts_are_the_same_bytes_in_every_process() -> None:
    code = (
        "from hashlib import sha256; from cognition.loader import load_library;"
        "from cognition.candidates.instructions import stable_text as one; from evolve.llm.prompts import stable_text;"
        "print(sha256((one() + stable_text(load_library())).encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
