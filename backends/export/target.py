"""What a framework adds to an exported module: how it writes calls, parameters, classes and imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OPERATIONS = Path(__file__).parent / "operations"
"""Where the functions are that modules hold."""

DECODING = Path(__file__).parent / "decoding"
"""Where the text is by which modules decode."""


@dataclass(frozen=True)
class Target:
    """One framework, as text.

    `operations` is a file of functions, of which a module holds those that it uses, and `decoding` one of what all
    hold. `expressions` maps operations to text with named places: inputs, options, `{parameter}`, `{like}`, an array
    over batch and time, and `{past}`, further arguments for decoding, each after a comma; an operation without an
    entry is a call of the function of its name. `number` maps operations of an array and a number, `{array}` and
    `{number}`, where these are written differently.

    `array` is the type of arrays, `base` that of modules, `modules` the type of a list of modules ("" for a plain
    list), `method` the forward method, `prepare` what a constructor begins with, `random` the type of a source of
    random numbers ("" where it is global), `empty` a model to be filled. `read` is how a call reads a learned array, and
    `imports` maps names to the statements that bring them. `random_key` is how a reader writes a source of random
    numbers for `generate`.
    """

    name: str
    title: str
    operations: Path
    decoding: Path
    expressions: Mapping[str, str]
    number: Mapping[str, str]
    array: str
    base: str
    modules: str
    method: str
    prepare: tuple[str, ...]
    random: str
    empty: str
    read: str
    float32: str
    imports: Mapping[str, str]
    random_key: str

    @property
    def usage(self) -> list[str]:
        """Statements by which a module is used."""
        made = f"Model({self.arguments.replace('config', 'Config()').replace('rngs', 'nnx.Rngs(0)')})"
        return [
            f"model = load('weights.safetensors')  # or {made}",
            "scores = model(tokens)  # [B, T] to [B, T, vocabulary]",
            "state = model.initial_state(batch=2)",
            "scores, state = model.step(token, state)  # [B] to [B, vocabulary]",
            f"new = generate(model, prompt, tokens=8, {self.random_key})",
        ]

    @property
    def parameters(self) -> list[str]:
        """Parameters of every constructor."""
        return ["config: Config", *([f"rngs: {self.random}"] if self.random else [])]

    @property
    def arguments(self) -> str:
        """What is passed on to constructors."""
        return "config, rngs" if self.random else "config"

    def drawn(self, call: str) -> str:
        """The call of a function that draws random numbers."""
        return call.replace("(", "(rngs, ", 1) if self.random else call
