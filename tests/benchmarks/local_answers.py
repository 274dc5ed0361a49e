"""Answers of a model in this process: how many follow their schema, and what keeping to it costs per token.

    python tests/benchmarks/local_answers.py --answers 200 [--model PATH_OR_NAME]

Without --model, two layers of random numbers over bytes: nothing but the grammar makes their answers valid.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generate_step

from evolve.llm.local import LocalProvider
from evolve.llm.protocol import Message, ProviderError, Request
from tests.evolve.llm.tiny_model import write_model

COMPONENTS = ("rms_norm", "attention", "hyena", "gated_linear_attention", "rwkv4_time_mixing")
EDIT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "component": {"enum": list(COMPONENTS)},
        "block": {"type": "integer", "minimum": 0, "maximum": 11},
        "why": {"type": "string", "maxLength": 60},
    },
    "required": ["component", "block", "why"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"edits": {"type": "array", "items": EDIT, "minItems": 1, "maxItems": 3}},
    "required": ["edits"],
    "additionalProperties": False,
}


def follows(text: str) -> bool:
    """Whether a text is JSON that follows SCHEMA."""
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return (
        set(found) == {"edits"}
        and 1 <= len(found["edits"]) <= 3
        and all(
            set(edit) == set(EDIT["required"])
            and edit["component"] in COMPONENTS
            and edit["block"] in range(12)
            and isinstance(edit["why"], str)
            and len(edit["why"]) <= 60
            for edit in found["edits"]
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--model", help="as after mlx: in --llm")
    parser.add_argument("--tokens", type=int, default=1024, help="at most, per answer")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        provider = LocalProvider.load(arguments.model or str(write_model(Path(folder))))
        valid = made = 0
        faults: list[str] = []
        began = time.perf_counter()
        for number in range(arguments.answers):
            message = Message("user", f"Attempt {number}: which edits would make the model better?")
            request = Request(
                "You propose edits of sequence models.", (message,), SCHEMA, "edits", arguments.tokens
            )
            try:
                answer = provider.ask(request, time.monotonic() + 120)
            except ProviderError as error:
                faults.append(error.fault)
                continue
            valid += follows(answer.text)
            made += answer.usage.output
        kept = (time.perf_counter() - began) / max(made, 1)
        began = time.perf_counter()
        free = sum(1 for _ in generate_step(mx.array([1, 2, 3]), provider.model, max_tokens=min(made, 2000)))
        plain = (time.perf_counter() - began) / max(free, 1)
    print(f"{valid} of {arguments.answers} answers follow the schema; faults: {', '.join(faults) or 'none'}")
    print(
        f"{made} tokens, {1 / kept:.0f} per second with their prompts; {kept / plain:.2f} times a free token's time"
    )


if __name__ == "__main__":
    main()
