"""Operations that mix positions, each causal: position t sees positions up to t."""

from __future__ import annotations

from dataclasses import replace

from genome.errors import GenomeError
from genome.operation import Parameter, Result, operation
from genome.values import Sizes, Value, over_at_least, widest

CHUNK, CHANNEL_CHUNK, CHANNEL_DELTA_CHUNK = 64, 8, 16
"""Positions per chunk of matrix-state recurrences; where every channel decays by itself, the second of linear
attention and the third of delta rules, which count updates."""

MOST_UPDATES = 16
"""Updates of a delta rule per head and position: those of a position share a chunk."""

NGRAM_LIMIT, NGRAM_FACTOR = 2**16, 32749
"""Most buckets of a hash, and the prime that spreads tokens: their products stay below 2**31."""

QUERY_BLOCK, QUERY_BLOCKS = 128, 8
"""Least number of queries per block of softmax attention, and most blocks per sequence."""


def _stream(name: str, value: Value) -> Value:
    if value.tokens:
        raise GenomeError(f"{name} needs features, not tokens")
    return over_at_least(value, "position")


@operation()
def shift(x: Value, steps: int = 1) -> Result:
    """The value of some positions before, zero before the start."""
    x = _stream("shift", x)
    return Result(x.like(low=min(x.low, 0.0), high=max(x.high, 0.0)), history={"x": steps})


@operation(owns=True)
def causal_conv(x: Value, kernel: int = 4) -> Result:
    """A learned short filter over the last positions, one per feature."""
    x = _stream("causal_conv", x)
    if kernel > 64:
        raise GenomeError(f"causal_conv takes kernels of up to 64 positions, not {kernel}; long_conv has no limit")
    weight = Parameter("weight", (kernel, *x.shape), "normal", kernel**-0.5)
    return Result(x.like(), (weight,), (2 * kernel - 1) * x.elements, {"x": kernel - 1})


@operation()
def long_conv(x: Value, filter: Value, *, sizes: Sizes) -> Result:
    """Convolve with a filter whose value at position s weighs what happened s positions ago (2302.10866)."""
    x, filter = _stream("long_conv", x), _stream("long_conv", filter)
    if x.shape != filter.shape:
        raise GenomeError(f"long_conv: the filter has shape {filter.shape}, the value {x.shape}")
    value = Value(x.shape, widest((x, filter)))
    flops = 40 * sizes.context.bit_length() * x.elements  # three transforms over twice the context
    return Result(value, flops=flops, history={"x": sizes.context, "filter": sizes.context})


@operation()
def ngram(tokens: Value, order: int = 2, size: int = 1024) -> Result:
    """A number below `size` for the last tokens: a rolling hash, zero tokens before the start (2412.09871)."""
    if not tokens.tokens:
        raise GenomeError(f"ngram needs tokens, not {tokens}; try input_tokens()")
    if not 2 <= order <= 8 or size > NGRAM_LIMIT:
        raise GenomeError(f"ngram: order {order}, size {size}; accepted: 2 to 8, and up to {NGRAM_LIMIT}")
    return Result(
        replace(over_at_least(tokens, "position"), high=size - 1), flops=9 * order, history={"tokens": order - 1}
    )


@operation()
def cumulative_sum(x: Value) -> Result:
    """The sum over all positions so far."""
    x = _stream("cumulative_sum", x)
    low, high = (0.0 if x.low >= 0 else -float("inf")), (0.0 if x.high <= 0 else float("inf"))
    return Result(x.like(low=low, high=high), flops=2 * x.elements, recurrent=x.shape)


@operation()
def linear_scan(decay: Value, x: Value) -> Result:
    """The recurrence h = decay * h + x, with a decay known to lie between -1 and 1."""
    if decay.low < -1 or decay.high > 1:
        raise GenomeError(
            "linear_scan needs a decay known to lie in [-1, 1]; try sigmoid, tanh or exp(-softplus(...))"
        )
    x = _stream("linear_scan", x)
    padded = (1,) * (len(x.shape) - len(decay.shape)) + decay.shape
    if len(padded) != len(x.shape) or any(d not in (1, s) for d, s in zip(padded, x.shape, strict=True)):
        raise GenomeError(f"linear_scan: a decay of shape {decay.shape} does not fit a value of shape {x.shape}")
    value = Value(x.shape, widest((decay, x)))
    return Result(value, flops=2 * x.elements, recurrent=x.shape)


@operation(owns=True)
def lstm(input: Value, forget: Value, cell: Value, output: Value, exponential: bool = False) -> Result:
    """Long short-term memory (1997): each head's last result times a learned matrix is added to every gate's value.

    All four are values before their sigmoid or tanh; `exponential` input gates weigh an average (2405.04517).
    """
    gates = tuple(_stream("lstm", value) for value in (input, forget, cell, output))
    heads, size = _heads("lstm", gates[0])
    if shapes := {value.shape for value in gates} - {(heads, size)}:
        raise GenomeError(f"lstm: gates of shapes {(heads, size)} and {shapes.pop()} do not fit")
    weight = Parameter("weight", (4, heads, size, size), "normal", size**-0.5)
    flops = heads * size * (8 * size + (23 if exponential else 17))
    state = (4 if exponential else 2, heads, size)
    return Result(Value((heads, size), widest(gates), -1.0, 1.0), (weight,), flops, recurrent=state)


def _heads(name: str, value: Value) -> tuple[int, int]:
    if len(value.shape) != 2:
        raise GenomeError(f"{name} needs values of shape (heads, size), not {value.shape}; try split_heads")
    return value.shape[0], value.shape[1]


def _log_decay(name: str, decay: Value | None, shapes: tuple[tuple[int, ...], ...]) -> None:
    if decay is None:
        return
    if decay.high > 0:
        raise GenomeError(f"{name} needs log_decay known to be at most 0; try log_sigmoid or -softplus(...)")
    if decay.shape not in shapes:
        accepted = " or ".join(map(str, shapes))
        raise GenomeError(f"{name}: log_decay has shape {decay.shape}; accepted: {accepted}")


@operation()
def attend(
    q: Value,
    k: Value,
    v: Value,
    window: int | None = None,
    alibi: bool = False,
    log_decay: Value | None = None,
    scale: float | None = None,
    *,
    sizes: Sizes,
) -> Result:
    """Softmax attention to the past (1706.03762); fewer key heads than query heads are shared (2305.13245).

    `window` limits it to the last positions, `alibi` adds a linear distance penalty per head (2108.12409) and
    `log_decay` a learned forgetting per head (2503.02130); `scale` replaces one over the root of the key size.
    """
    q, k, v = (_stream("attend", value) for value in (q, k, v))
    heads, size = _heads("attend", q)
    groups, key_size = _heads("attend", k)
    value_groups, value_size = _heads("attend", v)
    if key_size != size or value_groups != groups or heads % groups:
        raise GenomeError(f"attend: queries {q.shape}, keys {k.shape} and values {v.shape} do not fit")
    _log_decay("attend", log_decay, ((heads,),))
    length = min(window or sizes.context, sizes.context)
    per_head = 2 * size + 2 * value_size + 6 + (2 if alibi else 0) + (2 if log_decay else 0)
    flops = keys_per_query(sizes.context, window) * (heads * per_head + 3)
    values = (q, k, v) if log_decay is None else (q, k, v, log_decay)
    forgotten = (length, heads) if log_decay else None
    kept = {"k": length, "v": length}
    return Result(Value((heads, value_size), widest(values)), flops=flops, history=kept, recurrent=forgotten)


@operation()
def linear_attention(q: Value, k: Value, v: Value, log_decay: Value | None = None, *, sizes: Sizes) -> Result:
    """Read a matrix state that sums key-value products (2006.16236), decaying per head or per key channel.

    What is read is divided by the root of the key size.
    """
    q, k, v = (_stream("linear_attention", value) for value in (q, k, v))
    heads, size = _heads("linear_attention", q)
    value_heads, value_size = _heads("linear_attention", v)
    if k.shape != q.shape or value_heads != heads:
        raise GenomeError(f"linear_attention: queries {q.shape}, keys {k.shape} and values {v.shape} do not fit")
    _log_decay("linear_attention", log_decay, ((heads,), (heads, size)))
    values = (q, k, v) if log_decay is None else (q, k, v, log_decay)
    per_channel = log_decay is not None and len(log_decay.shape) == 2
    chunk = linear_chunk(sizes.context, per_channel)
    levels = chunk.bit_length() - 1
    if per_channel:
        pairs = chunk * ((4 * levels + 4) * size + 2 * levels + 1) + (2 * levels + 3) * size
    else:
        pairs = chunk * (2 * size + 5)
    inside = pairs + 2 * chunk * value_size + size
    between = (4 + 2 / chunk) * size * value_size + (2 if per_channel else 3) * size + value_size
    flops = heads * padded(sizes.context, chunk) * (inside + (between if sizes.context > chunk else 0))
    state = (heads, size, value_size)
    return Result(Value((heads, value_size), widest(values)), flops=flops, recurrent=state)


@operation()
def delta_rule(
    q: Value, k: Value, v: Value, beta: Value, log_decay: Value | None = None, *, sizes: Sizes
) -> Result:
    """A matrix state that replaces what a unit key stored by a fraction beta of the new value (2406.06484).

    It decays per head (2412.06464) or per key channel (2510.26692). What is read is divided by the root of the key size.
    With n times as many heads of k, v and beta as of q, each head is updated n times per position, decays before the
    first and is read after the last (2502.10297): the updates of head h, in order, are k[h*n : (h+1)*n].
    """
    q, k, v = (_stream("delta_rule", value) for value in (q, k, v))
    heads, size = _heads("delta_rule", q)
    writes, key_size = _heads("delta_rule", k)
    value_heads, value_size = _heads("delta_rule", v)
    if key_size != size or value_heads != writes or writes % heads:
        raise GenomeError(f"delta_rule: queries {q.shape}, keys {k.shape} and values {v.shape} do not fit")
    updates = writes // heads
    if updates > MOST_UPDATES:
        raise GenomeError(f"delta_rule makes up to {MOST_UPDATES} updates per head and position, not {updates}")
    if not k.unit:
        raise GenomeError("delta_rule needs keys of length one; try l2_normalize")
    if beta.shape != (writes,) or beta.low < 0 or beta.high > 2:
        raise GenomeError(
            f"delta_rule needs beta of shape ({writes},) known to lie in [0, 2]; try sigmoid(linear(x, {writes}))"
        )
    _log_decay("delta_rule", log_decay, ((heads,), (heads, size)))
    values = (q, k, v, beta) if log_decay is None else (q, k, v, beta, log_decay)
    per_channel = log_decay is not None and len(log_decay.shape) == 2
    chunk = delta_chunk(sizes.context, per_channel, updates)
    positions = chunk // updates
    spent, levels = chunk / positions, chunk.bit_length() - 1  # computed updates per computed position
    if per_channel:
        pairs = chunk * ((4 * levels + 4) * size + 2 * levels) + (levels + 2) * size
        pairs += spent * (chunk * (2 * levels * size + 2 * levels) + levels * size)
    else:
        pairs = chunk * (2 * size + 3) + spent * chunk * (2 * size + 5)
    inside = pairs + size + 2 * chunk * value_size
    inside += spent * (2 * chunk * value_size + 2 * chunk**2 / 3 + size + value_size)
    between = (2 + (2 / positions if per_channel else 0)) * size * value_size + size + value_size
    between += spent * (2 * chunk * size + 4 * size * value_size + 3 * size + value_size)
    computed = heads * padded(sizes.context, positions)
    flops = computed * (inside + (between if sizes.context > positions else 0))
    state = (heads, size, value_size)
    return Result(Value((heads, value_size), widest(values)), flops=flops, recurrent=state)


@operation()
def generalized_delta_rule(
    q: Value, k: Value, v: Value, remove: Value, rate: Value, log_decay: Value, *, sizes: Sizes
) -> Result:
    """A decaying matrix state that loses a fraction of what one unit key recalls and stores under another (2503.14456).

    What `remove` recalls is read before the decay; `rate`, per head or per key channel, is the fraction. What is read
    is divided by the root of the key size.
    """
    q, k, v, remove = (_stream("generalized_delta_rule", value) for value in (q, k, v, remove))
    heads, size = _heads("generalized_delta_rule", q)
    value_heads, value_size = _heads("generalized_delta_rule", v)
    if k.shape != q.shape or remove.shape != q.shape or value_heads != heads:
        raise GenomeError(
            f"generalized_delta_rule: queries {q.shape}, keys {k.shape}, removed keys {remove.shape} "
            f"and values {v.shape} do not fit"
        )
    if not remove.unit:
        raise GenomeError("generalized_delta_rule needs removed keys of length one; try l2_normalize")
    if rate.shape not in ((heads,), (heads, size)) or rate.low < 0 or rate.high > 1:
        raise GenomeError(
            f"generalized_delta_rule needs a rate of shape ({heads},) or {(heads, size)} known to lie in [0, 1]; "
            "try sigmoid"
        )
    _log_decay("generalized_delta_rule", log_decay, ((heads,), (heads, size)))
    per_channel = len(log_decay.shape) == 2
    chunk = delta_chunk(sizes.context, per_channel)
    levels = chunk.bit_length() - 1
    if per_channel:
        pairs = chunk * ((10 * levels + 4) * size + 8 * levels + 6) + (4 * levels + 8) * size
    else:
        pairs = chunk * (8 * size + 11)
    inside = pairs + 8 * chunk * value_size + 2 * chunk**2 / 3 + 2 * size + value_size
    between = 2 * chunk * size + (8 + (2 / chunk if per_channel else 0)) * size * value_size
    between += 5 * size + 2 * value_size
    flops = heads * padded(sizes.context, chunk) * (inside + (between if sizes.context > chunk else 0))
    value = Value((heads, value_size), widest((q, k, v, remove, rate, log_decay)))
    return Result(value, flops=flops, recurrent=(heads, size, value_size))


def linear_chunk(context: int, per_channel: bool) -> int:
    """Positions per chunk of linear attention, for the kernels too; a power of two where every channel decays alone."""
    return min(CHANNEL_CHUNK, max(1 << (context - 1).bit_length(), 2)) if per_channel else min(CHUNK, context)


def delta_chunk(context: int, per_channel: bool, updates: int = 1) -> int:
    """Updates per chunk of a delta rule, for the kernels too: a power of two, as large as the context needs.

    Up to 64, one larger inverse beats another turn of the loop over chunks; where every channel decays by itself, each
    level of pairs is a product over the whole chunk, and 16 is enough. A chunk has the updates of whole positions.
    """
    whole = 1 << (context * updates - 1).bit_length()
    return min(CHANNEL_DELTA_CHUNK, max(whole, 2)) if per_channel else min(CHUNK, whole)


def padded(context: int, chunk: int) -> float:
    """Computed positions per position: the last chunk is filled up."""
    return -(-context // chunk) * chunk / context


def keys_per_query(context: int, window: int | None) -> float:
    """Keys that a query is scored with on average: blocks of queries skip the blocks of keys they cannot see."""
    narrow = max(window or context, 32)
    if 4 * narrow <= context:
        return narrow * (2 * -(-context // narrow) - 1) * narrow / context
    block = max(QUERY_BLOCK, -(-context // QUERY_BLOCKS))
    pairs = 0
    for start in range(0, context, block):
        stop = min(start + block, context)
        pairs += (stop - start) * (stop - max(0, start - (window or context) + 1))
    return pairs / context
