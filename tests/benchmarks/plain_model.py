"""The plain backend: one `jax.jit` of a candidate's whole training step, and one of its scores.

Compiled for every candidate anew with JAX's own settings: no compiler options, no cache on disk, as many threads as
XLA takes. Shared with the product: the order of a recipe's programs and the walk over them (`backends.plan`,
`backends.lowering`), initial parameters, learning rates, the file format, the clock of compilation, and the operations
named in `plain_operations`. Loss, gradient, clipping and update are plain JAX and Optax. The trainer's checks of
gradients use the program of the training step, so that they cost no third compilation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax import contrib
from plain_operations import TABLE

from backends.batch import IGNORED, Batch
from backends.evaluation import tally
from backends.initial import Parameters, initial_parameters
from backends.jax.backend import JaxBackend
from backends.jax.decoder import DecodingProgram, JaxDecoder
from backends.jax.executables import Executables
from backends.jax.moments import Place, Places, moments_of, with_moments
from backends.looks import Look, go_on, spans, watched
from backends.lowering import run_calls
from backends.optimization import decays, is_hidden_matrix, match_rms
from backends.plan import TOKENS, plan
from backends.protocol import Compilation, Device, Evaluation, Precision, Program, chosen_program
from backends.schedule import learning_rates
from backends.weights import read_state, require_moments, write_state
from genome.instance import Instance

COMPILATION_EVENTS = (
    "/jax/core/compile/jaxpr_trace_duration",
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)


class PlainBackend:
    """See `backends.protocol.Backend`; `losses` are the training losses of the model that was lowered last."""

    name = "plain"
    programs: tuple[Program, ...] = ("whole",)

    def __init__(self) -> None:
        self.losses: list[float] = []
        self._jax = JaxBackend()
        jax.config.update("jax_cpu_enable_async_dispatch", True)  # as JAX has it
        self._compilation = Compilation()
        jax.monitoring.register_event_duration_secs_listener(self._record)

    def devices(self) -> Sequence[Device]:
        return self._jax.devices()

    def lower(
        self, instance: Instance, *, steps: int, precision: Precision = "float32", program: Program | None = None
    ) -> PlainModel:
        chosen_program(self, program)
        self.losses = []
        return PlainModel(instance, steps, precision, self.losses)

    @property
    def compilation(self) -> Compilation:
        return self._compilation

    def _record(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event in COMPILATION_EVENTS:
            self._compilation += Compilation(duration_secs)


@dataclass
class TrainingState:
    """Parameters by path and name, state of the Optax rule, and the number of steps taken."""

    parameters: Any
    optimizer: optax.OptState
    step: int


def places(state: TrainingState) -> Places:
    """Places of the parameters in the state of the rule."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state.parameters)
    return {key: Place(key[0].key, key[1].key, leaf.shape) for key, leaf in leaves}


class PlainModel:
    """See `backends.protocol.Model`; appends the losses of training to `losses`."""

    def __init__(self, instance: Instance, steps: int, precision: Precision, losses: list[float]) -> None:
        self.instance, self.losses = instance, losses
        self.calls = plan(instance)
        self.dtype = jnp.dtype(precision)
        self.rule = optimizer(instance, learning_rates(instance.optimizer, steps))

    def start(self, seed: int) -> TrainingState:
        return self._state(initial_parameters(self.instance, seed))

    def train(
        self, state: TrainingState, batches: Iterable[Batch], look: Look = go_on
    ) -> tuple[TrainingState, np.ndarray]:
        return state, watched((self._span(state, span) for span in spans(batches, state.step)), look)

    def _span(self, state: TrainingState, batches: Iterable[Batch]) -> np.ndarray:
        losses = []
        for batch in batches:
            state.parameters, state.optimizer, loss, _ = self._step(
                state.parameters, state.optimizer, batch.inputs_BxT, batch.targets_BxT
            )
            state.step += 1
            losses.append(loss)
        found = np.asarray(jax.device_get(losses), np.float32)
        self.losses += found.tolist()
        return found

    def gradients(self, state: TrainingState, batch: Batch) -> tuple[float, Parameters]:
        _, _, loss, gradients = self._step(state.parameters, state.optimizer, batch.inputs_BxT, batch.targets_BxT)
        return float(loss), jax.device_get(gradients)

    def evaluate(self, state: TrainingState, batches: Iterable[Batch]) -> Evaluation:
        scored = [(b, *self._score(state.parameters, b.inputs_BxT, b.targets_BxT)) for b in batches]
        return tally(self.instance.sizes.vocabulary, scored)

    def logits(self, state: TrainingState, tokens_BxT: np.ndarray) -> np.ndarray:
        return np.asarray(jax.jit(self._forward)(state.parameters, tokens_BxT)[0])

    def decoder(self, state: TrainingState, batch: int) -> JaxDecoder:
        """Decoding is not what is compared here: the project's own."""
        program = DecodingProgram(self.calls, self.instance.sizes, self.dtype, Executables())
        return JaxDecoder(program, tuple(state.parameters.get(call.path, {}) for call in self.calls), batch)

    def parameters(self, state: TrainingState) -> Parameters:
        return jax.device_get(state.parameters)

    def save(self, state: TrainingState, path: Path, notes: Mapping[str, str] | None = None) -> None:
        moments = moments_of(state.optimizer, places(state))
        write_state(path, self.parameters(state), moments, state.step, notes or {})

    def load(self, path: Path) -> TrainingState:
        parameters, moments, step = read_state(path, self.instance)
        state = self._state(parameters)
        require_moments(path, moments, moments_of(state.optimizer, places(state)), "this model")
        state.optimizer = with_moments(state.optimizer, places(state), moments, step)
        state.step = step
        return state

    def _state(self, parameters: Parameters) -> TrainingState:
        return TrainingState(jax.device_put(parameters), self.rule.init(parameters), 0)

    def _forward(self, parameters: Any, tokens_BxT: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Scores of the next token [B, T, vocabulary] and the sum of penalties."""
        own = [{name: parameters[call.path][name] for name in call.program.parameters} for call in self.calls]
        nothing = jnp.zeros((), jnp.float32)
        slots, penalty = run_calls(
            TABLE, self.calls, own, {TOKENS: tokens_BxT}, nothing, tokens_BxT.shape[1], self.dtype
        )
        return slots[self.calls[-1].result].astype(jnp.float32), penalty

    @cached_property
    def _step(self) -> Callable[..., Any]:
        """(parameters, optimizer state, inputs, targets) -> parameters, optimizer state, loss, gradients."""

        def loss(parameters: Any, inputs_BxT: jax.Array, targets_BxT: jax.Array) -> jax.Array:
            logits_BxTxV, penalty = self._forward(parameters, inputs_BxT)
            losses_BxT = cross_entropy(logits_BxTxV, targets_BxT)
            return losses_BxT.sum() / jnp.maximum((targets_BxT != IGNORED).sum(), 1) + penalty

        @jax.jit
        def step(parameters: Any, state: optax.OptState, inputs_BxT: jax.Array, targets_BxT: jax.Array) -> Any:
            value, gradients = jax.value_and_grad(loss)(parameters, inputs_BxT, targets_BxT)
            updates, state = self.rule.update(gradients, state, parameters)
            return optax.apply_updates(parameters, updates), state, value, gradients

        return step

    @cached_property
    def _score(self) -> Callable[..., tuple[jax.Array, jax.Array]]:
        """(parameters, inputs, targets) -> summed loss, hits [B, T]."""

        @jax.jit
        def score(parameters: Any, inputs_BxT: jax.Array, targets_BxT: jax.Array) -> tuple[jax.Array, jax.Array]:
            logits_BxTxV, _ = self._forward(parameters, inputs_BxT)
            return cross_entropy(logits_BxTxV, targets_BxT).sum(), logits_BxTxV.argmax(axis=-1) == targets_BxT

        return score


def cross_entropy(logits_BxTxV: jax.Array, targets_BxT: jax.Array) -> jax.Array:
    """Loss in nats of every target, zero where it is `IGNORED`."""
    counts_BxT = targets_BxT != IGNORED
    losses_BxT = optax.softmax_cross_entropy_with_integer_labels(logits_BxTxV, targets_BxT * counts_BxT)
    return jnp.where(counts_BxT, losses_BxT, 0.0)


def optimizer(instance: Instance, rates: np.ndarray) -> optax.GradientTransformation:
    """The training gene in Optax's own words: clip, rule, decoupled decay, learning rate."""
    gene = instance.optimizer
    beta1, beta2 = float(gene["beta1"]), float(gene["beta2"])
    match gene["rule"]:
        case "lion":
            rule = optax.scale_by_lion(b1=beta1, b2=beta2)
        case "muon":
            hidden = {
                placed.path: {
                    name: "muon" if is_hidden_matrix(placed.program, parameter) else "adam"
                    for name, parameter in placed.program.parameters.items()
                }
                for placed in instance.programs()
                if placed.program.parameters
            }
            muon = optax.chain(
                contrib.scale_by_muon(beta=beta1, weight_dimension_numbers=_muon_dimensions),
                optax.stateless_with_tree_map(lambda update, _: match_rms(jnp.asarray(update))),
            )
            rule = optax.partition({"muon": muon, "adam": optax.scale_by_adam(b1=beta1, b2=beta2)}, hidden)
        case _:
            rule = optax.scale_by_adam(b1=beta1, b2=beta2)
    return optax.chain(
        optax.clip_by_global_norm(float(gene["clip"])),
        rule,
        optax.add_decayed_weights(float(gene["weight_decay"]), mask=matrices),
        optax.scale_by_learning_rate(lambda count: jnp.asarray(rates)[count]),
    )


def matrices(tree: Any) -> Any:
    """Which arrays weight decay acts on."""
    return jax.tree.map(lambda array: decays(array.shape), tree)


def _muon_dimensions(parameters: Any) -> Any:
    """Inputs and outputs are the last two axes; axes before them (experts) are a batch."""
    return jax.tree.map(lambda p: contrib.MuonDimensionNumbers(p.ndim - 2, p.ndim - 1), parameters)
