"""Dreams and seed recipes: legal recipes without training, said why; what a user brings starts a search."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cognition.knowledge import library_knowledge
from cognition.loader import load_architectures, load_library
from evaluators.fitting import fit
from evaluators.scales import SCALES
from evolve.cli import main
from evolve.commands.report import command
from evolve.configuration import configure
from evolve.dreaming import Method, compatibility, dream
from evolve.search import Search
from evolve.session import laboratory, prepare, search_store
from evolve.variation import SEED
from genome.recipe import Recipe, recipe_hash
from tests.evolve.landscape import Landscape

LIBRARY = load_library()
METHODS: tuple[Method, ...] = ("greedy", "random", "mutate", "crossover")


@settings(max_examples=40, deadline=None)
@given(method=st.sampled_from(METHODS), seed=st.integers(0, 10**6))
def test_every_dream_is_legal_and_its_seed_fixes_it(method: Method, seed: int) -> None:
    known = library_knowledge()
    found = dream(method, known, LIBRARY, SCALES["tiny"], 256, Random(seed))
    assert found == dream(method, known, LIBRARY, SCALES["tiny"], 256, Random(seed))
    assert abs(fit(found.recipe, LIBRARY, SCALES["tiny"], 256).difference) <= 0.25
    assert found.origin
    own = compatibility(found.recipe, known, LIBRARY)
    assert own.estimate * (len(own.known) + len(own.unknown)) == pytest.approx(sum(a.strength for a in own.known))
    assert recipe_hash(found.recipe, LIBRARY) not in {
        recipe_hash(architecture.recipe, LIBRARY) for architecture in load_architectures().values()
    } or method in ("greedy", "random")


def test_greedy_dreams_are_more_compatible_than_random_ones() -> None:
    known = library_knowledge()

    def mean(method: Method) -> float:
        recipes = [dream(method, known, LIBRARY, SCALES["tiny"], 256, Random(seed)).recipe for seed in range(12)]
        return sum(compatibility(recipe, known, LIBRARY).estimate for recipe in recipes) / 12

    assert mean("greedy") > mean("random") + 0.2


def test_a_dream_is_printed_written_and_numbered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "dream.json"
    assert main(["dream", "greedy", "--seed", "1", "-o", str(file)]) == 0
    shown = capsys.readouterr().out
    recipe = Recipe.from_json(file.read_bytes())
    assert shown.startswith("\n".join(recipe.lines()))
    assert "estimated compatibility +" in shown
    assert "published in" in shown
    assert main(["dream", "greedy", "--seed", "1", "--count", "2", "-o", str(file)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dream-1.json", "dream-2.json", "dream.json"]
    assert (tmp_path / "dream-1.json").read_bytes() == file.read_bytes()
    capsys.readouterr()
    assert main(["dream", "lucid"]) == 2
    assert capsys.readouterr().err == "dream lucid: unknown; accepted: greedy, random, mutate, crossover\n"
    assert main(["dream", "greedy", "--scale", "huge"]) == 2


def test_recipes_of_the_user_join_the_first_generation_and_are_not_stopped_early(tmp_path: Path) -> None:
    known = library_knowledge()
    seeds = {
        f"mine{seed}": dream("random", known, LIBRARY, SCALES["micro"], 64, Random(seed)).recipe
        for seed in range(2)
    }
    configuration = configure({"generations": 1, "population": 4, "task": "recall", "scale": "micro"}, None, {})
    prepared = prepare(configuration)
    with search_store(tmp_path, prepared) as store:
        library = dict(LIBRARY)
        lab = laboratory(prepared, store, Landscape(), library)
        Search(configuration, lab, prepared.tasks, library, seeds=seeds).run()
        attempts = store.attempts()
    assert [attempt.label for attempt in attempts[:3]] == ["mine0", "mine1", "llama"]
    assert len(attempts) == 6
    assert {attempt.operator for attempt in attempts} == {SEED}
    assert attempts[0].recipe == recipe_hash(seeds["mine0"], LIBRARY)
    assert "screened" not in {attempt.status for attempt in attempts}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("absent.json", None, "cannot be read"),
        ("broken.json", "{", "recipe"),
        ("llama.json", load_architectures()["gla"].recipe.json_text, "rename the file"),
        (
            "unknown.json",
            load_architectures()["gla"].recipe.json_text.replace("swiglu", "swish"),
            "no component 'swish'",
        ),
    ],
)
def test_a_bad_seed_recipe_is_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, text: str | None, reason: str
) -> None:
    file, out = tmp_path / name, tmp_path / "search"
    if text is not None:
        file.write_text(text)
    assert main(["run", "--seed-recipe", str(file), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert name in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_guidance_and_seed_recipes_come_from_every_source_of_configuration(tmp_path: Path) -> None:
    file = tmp_path / "search.toml"
    file.write_text('guidance = "off"\nseed_recipe = ["a.json"]\n')
    assert configure({}, file, {}).guidance == "off"
    assert configure({}, file, {}).seed_recipe == (str(Path("a.json").resolve()),)
    assert configure({}, file, {"EVOLVE_GUIDANCE": "learned"}).guidance == "learned"
    assert configure({"guidance": "on"}, file, {"EVOLVE_GUIDANCE": "learned"}).guidance == "on"
    assert configure({}, None, {"EVOLVE_COGNITION": "/x", "EVOLVE_ARXIV_URL": "http://x"}).guidance == "on"
    with pytest.raises(ValueError, match="guidance 'maybe'"):
        configure({"guidance": "maybe"}, None, {})


def test_the_command_of_a_report_repeats_guidance_and_seed_recipes() -> None:
    configuration = configure({"guidance": "learned", "seed_recipe": ["/a.json", "/b.json"]}, None, {})
    repeated = command(configuration.stored())
    assert repeated.endswith("--guidance learned --seed-recipe /a.json --seed-recipe /b.json")
    assert command(configure({"guidance": "off"}, None, {}).stored()).endswith("--guidance off")
