"""Training speed on an accelerator: tokens per second beside PyTorch, recurrent mixers, replicates.

    python tests/benchmarks/device_speed.py --markdown FILE
    python tests/benchmarks/device_speed.py --scales micro --vocabulary 65 --mixers mamba2 --batch 4 --steps 4

Prints a row per measurement as soon as it is there, as a table in Markdown; `--markdown` writes the whole to a file.
The first command is meant for one H200, the second goes through the same lines on a CPU in minutes. Every measurement
is a process of its own with the environment of a worker that has the device to itself, so that one that runs out of
memory or fails costs a row. The batch is the scale's, or `--batch`, halved until it fits in memory.

Targets on an H200: 1.0M tokens/s at `20m` with 8,192 tokens, 350k at `125m` with 50,304; a recurrent mixer reaches
half of what attention does; a step of eight replicates at `tiny` takes at most 2.5 times one of a single one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from device_figures import Figures, Setup

from cognition.loader import load_architectures
from evaluators.devices import device_environment, least_used, usable_gpus
from evaluators.executor import SET
from evaluators.scales import SCALES

FIGURES = Path(__file__).with_name("device_figures.py")
ATTENTION = "llama"
VOCABULARIES = {"20m": 8_192, "125m": 50_304, "350m": 50_304}
OTHER_VOCABULARY = 65
TARGETS = {"20m": 1_000_000, "125m": 350_000}
LEAST_SHARE, MOST_TIMES = 0.5, 2.5
PEAKS = {"H200": 989.0, "H100": 989.0, "A100": 312.0}
"""Dense bfloat16 TFLOP/s by what a device's name contains, from the vendor's data sheets."""

OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "out of memory", "OutOfMemoryError", "bad_alloc")
HEADER = ("measured", "batch", "compile, s", "step, ms", "tokens/s", "MFU", "peak, GiB", "ratio", "target")


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of a setup, or why there are none."""

    setup: Setup
    figures: Figures | None
    reason: str = ""

    @property
    def out_of_memory(self) -> bool:
        return any(sign in self.reason for sign in OUT_OF_MEMORY)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a measurement, its ratio to another one and what it should reach."""

    name: str
    measured: Measured
    ratio: str = ""
    target: str = ""

    def cells(self, peak: float) -> tuple[str, ...]:
        """The row's texts; `peak` is in FLOP/s of bfloat16, 0 where nobody knows.

        MFU, the model's FLOPs as a part of that, is shown for bfloat16 alone.
        """
        setup, figures = self.measured.setup, self.measured.figures
        if figures is None:
            return self.name, str(setup.batch), *[""] * 5, self.measured.reason, self.target
        used = peak and setup.precision == "bfloat16" and figures.flops / figures.step_seconds / peak
        return (
            self.name,
            str(setup.batch),
            f"{figures.compile_seconds:.1f}",
            f"{1e3 * figures.step_seconds:.2f}",
            f"{figures.tokens_per_second:,.0f}",
            f"{used:.1%}" if used else "",
            f"{figures.peak_bytes / 2**30:.1f}" if figures.peak_bytes else "",
            self.ratio,
            self.target,
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """How measurements are made, the same for all; `torch_lacks` says why there are none of PyTorch's, if so."""

    arguments: argparse.Namespace
    kind: str
    torch_lacks: str

    def throughput(self) -> Iterator[Row]:
        """Attention at every scale, beside PyTorch; then the mixers, each beside attention."""
        for scale in self.arguments.scales:
            attention = self._setup(ATTENTION, scale)
            name = f"{ATTENTION}, {scale}, {attention.vocabulary:,} tokens"
            plain = replace(attention, implementation="torch")
            if self.torch_lacks:
                own, theirs = *self._measure([attention]), Measured(plain, None, self.torch_lacks)
            else:
                own, theirs = self._measure([attention, plain])
            ratio = _quotient(own, theirs)
            target = f">= {TARGETS[scale]:,} tokens/s" if scale in TARGETS else ""
            yield Row(name, own, ratio and f"{ratio} of torch.compile", target)
            yield Row(f"{name}, torch.compile", theirs)
            for mixer in self.arguments.mixers if scale == self.arguments.scales[0] else ():
                (other,) = self._measure([self._setup(mixer, scale)])
                ratio = _quotient(other, own)
                yield Row(f"{mixer}, {scale}", other, ratio and f"{ratio} of {ATTENTION}", f">= {LEAST_SHARE}")

    def replicates(self) -> Iterator[Row]:
        """Replicates in one vectorised program beside a single run."""
        count, scale = self.arguments.replicates, self.arguments.replicates_scale
        one = replace(self._setup(ATTENTION, scale), vocabulary=OTHER_VOCABULARY)
        single, together = self._measure([one, replace(one, replicates=count)])
        yield Row(f"{ATTENTION}, {scale}, one", single)
        ratio = _quotient(together, single, seconds=True)
        yield Row(
            f"{ATTENTION}, {scale}, {count} replicates",
            together,
            ratio and f"{ratio} times one",
            f"<= {MOST_TIMES}",
        )

    def _setup(self, recipe: str, scale: str) -> Setup:
        given = self.arguments
        return Setup(
            implementation="here",
            recipe=recipe,
            scale=scale,
            vocabulary=given.vocabulary or VOCABULARIES.get(scale, OTHER_VOCABULARY),
            batch=given.batch or SCALES[scale].batch,
            precision=given.precision or SCALES[scale].precision,
            backend=given.backend,
            steps=given.steps,
            rounds=given.rounds,
        )

    def _measure(self, setups: Sequence[Setup]) -> list[Measured]:
        """All setups at one batch: the largest, halved from the given one on, for which memory suffices."""
        while True:
            done = []
            for setup in setups:
                done.append(self._process(setup))
                if done[-1].out_of_memory and setup.batch > 1:
                    break
            else:
                return done
            setups = [replace(setup, batch=setup.batch // 2) for setup in setups]

    def _process(self, setup: Setup) -> Measured:
        command = [sys.executable, str(FIGURES), json.dumps(asdict(setup))]
        gpus = usable_gpus(setup.backend)[:1]
        environment = {**os.environ, **SET, **device_environment("jax", least_used(gpus, ()), gpus, 1)}
        if self.kind == "cpu":  # PyTorch trains where JAX does
            environment["CUDA_VISIBLE_DEVICES"] = ""
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=self.arguments.limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return Measured(setup, None, f"not finished within {self.arguments.limit:g} s")
        if process.returncode:
            return Measured(setup, None, _failure(process.returncode, errors))
        return Measured(setup, Figures(**json.loads(output.splitlines()[-1])))


def _failure(code: int, errors: str) -> str:
    """One line on how a process failed; that it lacked memory if it says so anywhere, or was killed for it."""
    if code == -signal.SIGKILL or any(sign in errors for sign in OUT_OF_MEMORY):
        return "out of memory"
    last = next((line.strip() for line in reversed(errors.splitlines()) if line.strip()), f"exit code {code}")
    return last[:120].replace("|", "/")


def _quotient(own: Measured, other: Measured, *, seconds: bool = False) -> str:
    """Tokens per second (or seconds per step) as a multiple of another's, empty where one is missing."""
    if own.figures is None or other.figures is None:
        return ""
    if seconds:
        return f"{own.figures.step_seconds / other.figures.step_seconds:.2f}"
    return f"{own.figures.tokens_per_second / other.figures.tokens_per_second:.2f}"


def device(backend: str) -> tuple[str, str]:
    """Name and kind of the device that a backend takes, asked in a process of its own, which then lets go of it."""
    question = (
        "import sys; from backends.selection import make_backend; "
        "first = make_backend(sys.argv[1]).devices()[0]; print(first.name, first.kind, sep='\\n')"
    )
    answer = subprocess.run([sys.executable, "-c", question, backend], check=True, capture_output=True, text=True)
    name, kind = answer.stdout.splitlines()[-2:]
    return name, kind


def torch_lacks(kind: str) -> str:
    """Why PyTorch cannot be measured on a device of this kind, or "" where it can."""
    if find_spec("torch") is None:
        return "torch is not installed"
    if kind == "cpu":
        return ""
    question = [sys.executable, "-c", "import torch; print(torch.cuda.is_available())"]
    sees = subprocess.run(question, capture_output=True, text=True).stdout.strip()
    return "" if kind == "gpu" and sees == "True" else "torch sees no CUDA device"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    recipes = list(load_architectures())
    parser.add_argument("--scales", nargs="+", choices=list(SCALES), default=["20m", "125m"])
    parser.add_argument("--vocabulary", type=int, help="for all scales, in place of their own")
    parser.add_argument(
        "--mixers",
        nargs="*",
        choices=recipes,
        default=["mamba2", "gated_deltanet", "rwkv6", "griffin"],
        help="measured at the first of the scales",
    )
    parser.add_argument("--replicates", type=int, default=8)
    parser.add_argument("--replicates-scale", choices=list(SCALES), default="tiny")
    parser.add_argument("--batch", type=int, help="sequences per step to begin with, in place of the scale's")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], help="in place of the scale's")
    parser.add_argument("--steps", type=int, default=64, help="timed steps in a round")
    parser.add_argument("--rounds", type=int, default=3, help="whose median counts")
    parser.add_argument("--peak", type=float, help="TFLOP/s of bfloat16; known for H100, H200 and A100")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds for one measurement")
    parser.add_argument("--backend", choices=["jax", "mlx"], default="jax")
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()

    name, kind = device(arguments.backend)
    lacks = torch_lacks(kind)
    peak = 1e12 * (arguments.peak or next((own for part, own in PEAKS.items() if part in name), 0.0))
    lines = [f"{name}, {datetime.now(UTC):%Y-%m-%d}, {arguments.backend} {version(arguments.backend)}"]
    if not lacks:
        lines[0] += f", torch {version('torch')}"
    lines += ["", _line(HEADER), _line(["---"] + ["---:"] * 7 + ["---"])]
    if lacks:
        print(f"{lacks}: the rows of torch.compile stay empty", file=sys.stderr)
    print("\n".join(lines), flush=True)
    bench = Bench(arguments, kind, lacks)
    for rows in (bench.throughput, bench.replicates):
        for row in rows():
            lines.append(_line(row.cells(peak)))
            print(lines[-1], flush=True)
    if arguments.markdown is not None:
        written = arguments.markdown.with_name(f"{arguments.markdown.name}.part")
        written.write_text("\n".join(lines) + "\n", encoding="utf-8")
        written.replace(arguments.markdown)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
