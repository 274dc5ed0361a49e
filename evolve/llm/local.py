"""Answers by a model in this process: mlx-lm, whose tokens llguidance keeps within the answer's grammar."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from evolve.llm.faults import reason
from evolve.llm.protocol import Answer, ProviderError, Request, Usage
from evolve.llm.timing import late, within

if TYPE_CHECKING:
    import mlx.core as mx
    from llguidance import LLMatcher, LLTokenizer

TEMPERATURE = 0.7
"""What scores are divided by before a token is drawn: below 1, so that a small model keeps to its likely tokens."""

_PREFILL = 512
"""Tokens of the prompt between two looks at the deadline."""

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class LocalProvider:
    """A model and its tokenizer as mlx-lm loads them; one answer is made at a time, others wait for their turn.

    The draws of an answer depend on its prompt alone: the same request gets the same answer.
    """

    name: str
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    vocabulary: LLTokenizer = field(repr=False)
    turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def load(cls, written: str) -> LocalProvider:
        """The model in a directory, or of the Hugging Face Hub, from where it is fetched if it is not there yet.

        No code that comes with a model is executed. Raises ValueError in one line for a model that cannot be used
        and where mlx-lm or llguidance is not installed.
        """
        path = Path(written).expanduser()
        if not path.is_dir() and not _HUB_NAME.fullmatch(written):
            raise ValueError(
                f"mlx:{written}: there is no such directory; accepted: a directory with a model that mlx-lm reads, or "
                "ORGANIZATION/NAME of one at the Hugging Face Hub"
            )
        # Its tokenizers' library misses PyTorch aloud, which is not needed here.
        os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
        try:
            import llguidance.hf
            import mlx_lm
        except ImportError:
            raise ValueError(
                f"mlx:{written} needs the packages mlx-lm and llguidance; "
                "install them with: pip install 'archevolve[local-llm]'"
            ) from None
        try:
            model, tokenizer, *_ = mlx_lm.load(str(path) if path.is_dir() else written)
            ends = sorted(tokenizer.eos_token_ids)
            # llguidance wants the tokenizer within mlx-lm's wrapper.
            vocabulary = llguidance.hf.from_tokenizer(tokenizer._tokenizer, eos_token=ends)
        # Whatever the reading of a model's files ends in, its files are at fault.
        except Exception as error:
            raise ValueError(
                f"mlx:{written} cannot be used: {reason(f'{type(error).__name__}: {error}', ())}"
            ) from None
        if not tokenizer.has_chat_template:
            raise ValueError(
                f"mlx:{written} cannot be used: its tokenizer has no chat template; take a chat model"
            )
        return cls(f"mlx:{written}", model, tokenizer, vocabulary)

    def ask(self, request: Request, deadline: float) -> Answer:
        """One answer within the request's grammar, else its schema; see `Provider.ask`.

        The deadline is looked at before every token; what was made until then is in the error's usage.
        """
        import mlx.core as mx
        from mlx_lm.generate import generation_stream

        stopped = threading.Event()

        def call() -> Answer:
            if not self.turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
                raise late()
            try:
                return self._made(request, lambda: stopped.is_set() or time.monotonic() > deadline)
            finally:
                # Streams that outlive their thread abort the process at its end.
                mx.synchronize(generation_stream)
                mx.clear_streams()
                self.turn.release()

        return within(deadline, call, stopped.set)

    def _made(self, request: Request, over: Callable[[], bool]) -> Answer:
        import mlx.core as mx
        from mlx_lm.generate import generate_step

        grammar = _Grammar(self.vocabulary, request.schema if request.grammar is None else request.grammar)
        prompt = self._prompt(request)
        tokens: list[int] = []

        def look(*_: int) -> None:
            if over():
                raise ProviderError(
                    "timeout", "no answer before the deadline", Usage(len(prompt), output=len(tokens))
                )

        made = generate_step(
            mx.array(prompt),
            self.model,
            max_tokens=request.most_tokens,
            sampler=_sampler(prompt),
            logits_processors=[grammar.process],
            prefill_step_size=_PREFILL,
            prompt_progress_callback=look,
        )
        for token in (cast(int, drawn) for drawn, _ in made):
            tokens.append(token)
            usage = Usage(len(prompt), output=len(tokens))
            if grammar.fault:
                raise ProviderError("denied", f"the answer's grammar cannot be followed: {grammar.fault}", usage)
            if grammar.ended:
                kept = tokens[:-1] if token in self.tokenizer.eos_token_ids else tokens
                return Answer(self.vocabulary.decode_str(kept), usage)
            look()
        usage = Usage(len(prompt), output=len(tokens))
        raise ProviderError("truncated", "the answer was cut off at its most tokens", usage)

    def _prompt(self, request: Request) -> list[int]:
        """Tokens of the conversation. The stable text opens the first turn: some models know no system's turn."""
        turns = [{"role": message.role, "content": message.text} for message in request.messages]
        if request.stable and turns:
            turns[0]["content"] = f"{request.stable}\n\n{turns[0]['content']}"
        return list(self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, enable_thinking=False))


class _Grammar:
    """Takes the scores of tokens that a schema does not allow next; of one answer. `fault` is why it cannot."""

    def __init__(self, vocabulary: LLTokenizer, schema: Any) -> None:
        import llguidance.numpy
        from llguidance import LLMatcher

        # White space between tokens of JSON is legal without end: a model may make nothing else.
        rules = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides={"whitespace_flexible": False})
        self._matcher: LLMatcher = LLMatcher(vocabulary, rules, log_level=0)
        self._mask = llguidance.numpy.allocate_token_bitmask(1, vocabulary.vocab_size)
        self._size = vocabulary.vocab_size
        self._started = False

    @property
    def ended(self) -> bool:
        """Whether the tokens so far are a whole answer that nothing may follow."""
        return self._matcher.is_stopped()

    @property
    def fault(self) -> str:
        return reason(self._matcher.get_error(), ())

    def process(self, tokens: mx.array, scores_1xV: mx.array) -> mx.array:
        """What mlx-lm calls before it draws a token; the first time with the prompt, later with one token more."""
        import llguidance.numpy
        import mlx.core as mx
        import numpy as np

        if self._started and not self._matcher.is_stopped():
            self._matcher.consume_token(cast(int, tokens[-1].item()))
        self._started = True
        # mlx-lm is a token ahead: behind the end it draws one that nobody reads.
        if self._matcher.is_stopped():
            return scores_1xV
        llguidance.numpy.fill_next_token_bitmask(self._matcher, self._mask)
        allowed = np.zeros(scores_1xV.shape[-1], dtype=bool)
        # A model's table of tokens may be larger than its tokenizer's: the rest are no tokens.
        size = min(self._size, allowed.size)
        allowed[:size] = np.unpackbits(self._mask.view(np.uint8), bitorder="little")[:size].astype(bool)
        return mx.where(mx.array(allowed), scores_1xV, -mx.inf)


def _sampler(prompt: Iterable[int]) -> Callable[[mx.array], mx.array]:
    """Draws of tokens by a generator of their own, whose seed is the prompt's hash."""
    import mlx.core as mx

    digest = hashlib.sha256(json.dumps(list(prompt)).encode()).digest()
    key = mx.random.key(int.from_bytes(digest[:8], "big"))

    def draw(scores_1xV: mx.array) -> mx.array:
        nonlocal key
        key, used = mx.random.split(key)
        return mx.random.categorical(scores_1xV / TEMPERATURE, key=used)

    return draw
