"""The command line: what a user got wrong is said in one line with exit code 2, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evolve.cli import main

MICRO = ["--scale", "micro", "--task", "recall", "--generations", "1", "--population", "2"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must be refused; returns its one line."""
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1
    assert captured.out == ""
    return lines[0]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("search")
    assert main(["run", *MICRO, "--out", str(directory)]) == 0
    return directory


def test_bad_flags_and_values_name_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--generation" in refused(capsys, "run", "--generatons", 3)
    assert "generations" in refused(capsys, "run", "--generations", 0)
    assert "recall" in refused(capsys, "run", "--task", "recal")
    assert "jax" in refused(capsys, "run", "--backend", "torch")
    assert "--data" in refused(capsys, "run", "--task", "recall", "--data", tmp_path)
    assert "unknown kind" in refused(capsys, "components", "--kind", "mixers")
    assert "searches" in refused(capsys, "best")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("absent.txt", None, "absent.txt"),
        ("empty.txt", b"", "empty"),
        ("binary.txt", b"\x00\x01" * 5000, "text"),
        ("short.txt", b"to be or not to be", "context"),
    ],
)
def test_a_corpus_that_cannot_be_used_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    corpus, out = tmp_path / name, tmp_path / "out"
    if content is not None:
        corpus.write_bytes(content)
    assert told in refused(capsys, "run", "--task", "text", "--data", corpus, "--out", out)
    assert not out.exists()


def test_a_changed_configuration_is_refused_with_the_difference_named(
    capsys: pytest.CaptureFixture[str], search: Path
) -> None:
    capsys.readouterr()
    before = (search / "search.db").read_bytes()
    line = refused(capsys, "run", *MICRO, "--seed", 9, "--out", search)
    assert "seed" in line
    assert "9" in line
    assert (search / "search.db").read_bytes() == before


def test_a_search_in_use_is_refused(capsys: pytest.CaptureFixture[str], search: Path) -> None:
    from runs.store import Store

    capsys.readouterr()
    configuration = json.loads(json.dumps(dict(Store.read(search).run.configuration)))
    with Store.open(search, configuration=configuration):
        assert "process" in refused(capsys, "run", *MICRO, "--out", search)


def test_a_corrupted_database_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "search.db").write_bytes(b"not a database" * 1000)
    line = refused(capsys, "run", *MICRO, "--out", tmp_path)
    assert "search.db" in line
    assert (tmp_path / "search.db").read_bytes() == b"not a database" * 1000


def test_the_inspecting_commands_read_a_search(capsys: pytest.CaptureFixture[str], search: Path) -> None:
    out = ["--out", str(search)]
    commands = (
        ["status"],
        ["best"],
        ["show", "1", "--source"],
        ["tree"],
        ["lineage", "1"],
        ["diff", "1", "gla"],
        ["check"],
    )
    capsys.readouterr()
    for command in commands:
        assert main([*command, *out]) == 0, command
    printed = capsys.readouterr().out
    assert "1 of 1 generations" in printed
    assert "lineage" in printed
    assert "#1" in printed
    assert "def " in printed
    assert "attempt 1: 0 steps from its founder" in printed


def test_a_search_notes_what_it_ran_with_once(search: Path) -> None:
    from importlib.metadata import version

    from runs.archive import Archive
    from runs.report.data import gather

    assert main(["run", *MICRO, "--out", str(search)]) == 0
    with Archive.at(search) as archive:
        (event,) = archive.events(kind="software")
        assert gather(archive, "").software == event.detail
    assert event.detail["jax"] == version("jax")


def test_recipes_that_nobody_knows_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, search: Path
) -> None:
    capsys.readouterr()
    assert "llama" in refused(capsys, "show", "lama", "--out", search)
    assert "99" in refused(capsys, "show", "99", "--out", search)
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"embedding": [], "blocks": 3}')
    assert "embedding" in refused(capsys, "show", recipe)


def test_listings_show_the_language_and_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    for flags in (["--operations"], ["--architectures"], ["--kind", "norm"], ["attention"]):
        assert main(["components", *flags]) == 0
    printed = capsys.readouterr().out
    assert "linear_scan" in printed
    assert "llama" in printed
    assert "rms_norm" in printed
    assert "2104.09864" in printed


def test_doctor_names_a_device_and_the_backend_that_auto_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "--backend auto takes jax" in printed
    assert "cpu" in printed


def test_train_takes_components_of_a_users_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own, recipe = tmp_path / "own.py", tmp_path / "recipe.json"
    own.write_text("def delayed(x) -> mixer:\n    return shift(linear(x))\n")
    blocks = [{"branches": [[{"component": "rms_norm"}, {"component": "delayed"}]]}]
    ends = {"embedding": [{"component": "token_embedding"}], "head": [{"component": "linear_head"}]}
    recipe.write_text(json.dumps({"blocks": blocks, "training": {"component": "adamw"}, **ends}))
    capsys.readouterr()
    shape = ["--task", "recall", "--width", "16", "--batch", "4", "--context", "32", "--steps", "3"]
    assert main(["train", str(recipe), "--components", str(own), *shape]) == 0
    assert "validation loss" in capsys.readouterr().out
    assert "delayed" in refused(capsys, "train", recipe, *shape)
    assert "cannot be read" in refused(capsys, "train", recipe, "--components", tmp_path / "absent.py", *shape)
    own.write_text("import os\n")
    assert "line 1" in refused(capsys, "train", recipe, "--components", own, *shape)


def test_the_genealogy_is_exported_to_a_file_or_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, search: Path
) -> None:
    from xml.etree import ElementTree

    file = tmp_path / "tree.graphml"
    assert main(["tree", "--out", str(search), "--format", "graphml", "-o", str(file)]) == 0
    assert ElementTree.parse(file).getroot().tag.endswith("graphml")
    capsys.readouterr()
    assert main(["tree", "--out", str(search), "--format", "dot"]) == 0
    assert capsys.readouterr().out.startswith("digraph genealogy {")
    assert "text, dot, graphml" in refused(capsys, "tree", "--out", search, "--format", "svg")
    assert [path.name for path in tmp_path.iterdir()] == ["tree.graphml"]


@pytest.mark.parametrize("target", ["torch", "flax", "mlx"])
def test_an_attempt_is_exported_with_its_lineage_and_its_weights(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, search: Path, target: str
) -> None:
    import ast

    module = tmp_path / "model.py"
    assert main(["export", "2", "--out", str(search), "--to", target, "-o", str(module)]) == 0
    doc = ast.get_docstring(ast.parse(module.read_text()))
    assert doc is not None
    assert "Lineage:\n  #2  g1" in doc
    assert "arXiv 1910.07467" in doc
    assert "vocabulary 8, context 32" in doc
    assert [path.name for path in tmp_path.iterdir()] == ["model.py"]


def test_the_help_of_export_says_how_to_decode(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    told = capsys.readouterr().out
    for call in ("initial_state(", "step(", "read(", "generate("):
        assert call in told


def test_weights_are_exported_beside_the_module(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from backends.initial import initial_parameters
    from backends.weights import read_state, write_state
    from cognition.loader import load_architectures, load_library
    from genome.instance import instantiate
    from genome.values import Sizes

    instance = instantiate(load_architectures()["llama"].recipe, load_library(), Sizes(16, 64, 256, 64))
    trained, module = tmp_path / "trained.safetensors", tmp_path / "model.py"
    parameters = initial_parameters(instance, 3)
    write_state(trained, parameters, {"first": parameters}, 5, {})
    export = ["export", "llama", "--to", "torch", "-o", module, "--weights", trained]
    assert main([str(word) for word in [*export, "--width", 16]]) == 0
    written, moments, _ = read_state(tmp_path / "model.safetensors", instance)
    assert moments == {}
    assert all((written[path][name] == a).all() for path, own in parameters.items() for name, a in own.items())
    module.unlink()
    capsys.readouterr()
    assert "embedding.0/output of shape" in refused(capsys, *export, "--width", 32)
    assert "torch" in refused(capsys, "export", "llama", "--to", "tensorflow", "-o", module)
    assert "--width" in refused(capsys, "export", "llama", "--to", "torch", "-o", module, "--hidden", 8)
    assert "directory" in refused(capsys, "export", "llama", "--to", "torch", "-o", tmp_path / "none" / "model.py")
    assert "another name" in refused(capsys, *export[:4], "-o", tmp_path / "trained.py", "--weights", trained)
    assert not module.exists()
