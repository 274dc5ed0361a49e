"""Whatever a model answers is read and nothing more: a refusal with a reason, or a legal recipe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evolve.llm.hostile_answers import LEGAL, places, put, written

LEAST_ANSWERS = 5_000
ROOT = Path(__file__).parents[3]
generated: list[str] = []

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=250, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=values, seed=st.integers(0, 2**32), text=st.text(max_size=200))
def generate(value: Any, seed: int, text: str) -> None:
    """Values of any shape in places of a legal answer, texts of any kind, and legal answers with letters lost."""
    random = Random(seed)
    known = list(places(LEGAL))
    generated.extend(json.dumps(put(random.choice(known), value)) for _ in range(6))
    generated.append(text.encode("utf-8", "replace").decode())
    legal = json.dumps(LEGAL)
    cut = random.randrange(len(legal))
    generated.append(legal[:cut] + legal[cut + random.randint(1, 9) :])


@pytest.fixture(scope="module")
def answers() -> list[str]:
    generate()
    found = [*written(), *generated]
    assert len(found) >= LEAST_ANSWERS
    return found


def test_thousands_of_hostile_answers_touch_nothing(answers: list[str], tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(json.dumps([*answers, json.dumps(LEGAL)]), encoding="utf-8")
    script = [sys.executable, "-m", "tests.evolve.llm.watched_answers", str(file)]
    process = subprocess.run(script, capture_output=True, text=True, timeout=200, check=False, cwd=ROOT)
    assert process.returncode == 0, process.stderr[-2000:]
    told = json.loads(process.stdout)
    assert told["seen"] == []
    assert len(told["outcomes"]) == len(answers) + 1
    assert told["outcomes"][-1].startswith("legal")
    refused = [outcome for outcome in told["outcomes"] if not outcome.startswith("legal")]
    assert len(refused) > 0.8 * len(answers)
    assert all(len(reason) <= 400 and reason.isprintable() for reason in refused)
    assert told["seconds"] < 30
