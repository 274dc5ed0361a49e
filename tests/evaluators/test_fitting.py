"""Fitting: every published architecture meets the parameter budget closely, so that comparisons are fair."""

from __future__ import annotations

import pytest

from cognition.loader import load_architectures, load_library
from evaluators.fitting import fit
from evaluators.scales import SCALES

LIBRARY, ARCHITECTURES = load_library(), load_architectures()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_published_architectures_meet_the_budget(name: str) -> None:
    recipe = ARCHITECTURES[name].recipe
    coarse = fit(recipe, LIBRARY, SCALES["tiny"], vocabulary=65)
    assert abs(coarse.difference) <= 0.05
    assert coarse.difference == coarse.instance.cost.parameters / SCALES["tiny"].parameters - 1


@pytest.mark.parametrize("scale", ["small", "20m", "125m", "350m"])
def test_the_same_recipe_fills_larger_budgets(scale: str) -> None:
    for name in ("llama", "gated_deltanet", "mamba2"):
        fitted = fit(ARCHITECTURES[name].recipe, LIBRARY, SCALES[scale], vocabulary=256)
        assert abs(fitted.difference) <= 0.1
        assert len(fitted.instance.blocks) == len(ARCHITECTURES[name].recipe.blocks) * SCALES[scale].depth


@pytest.mark.parametrize(("scale", "vocabulary"), [("20m", 8_192), ("125m", 50_304), ("350m", 50_304)])
def test_vocabularies_of_words_fit_their_scales(scale: str, vocabulary: int) -> None:
    for name, architecture in ARCHITECTURES.items():
        fitted = fit(architecture.recipe, LIBRARY, SCALES[scale], vocabulary)
        assert abs(fitted.difference) <= 0.05, name


def test_hidden_sizes_stay_on_their_grid() -> None:
    for step in (16, 8, 4):
        fitted = fit(ARCHITECTURES["llama"].recipe, LIBRARY, SCALES["tiny"], 65, hidden_step=step)
        assert fitted.instance.sizes.hidden % step == 0


def test_widths_that_the_heads_do_not_divide_are_passed_over() -> None:
    fitted = fit(ARCHITECTURES["xlstm"].recipe, LIBRARY, SCALES["tiny"], vocabulary=163, hidden_step=8)
    assert fitted.instance.sizes.width % 4 == 0
    assert abs(fitted.difference) <= 0.03
