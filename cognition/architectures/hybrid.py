"""Architectures that combine attention with cheaper ways of mixing positions."""

from __future__ import annotations

from cognition.architectures.architecture import Architecture, branch, gene, recipe, stack
from genome.recipe import Block

_HYMBA = Block(
    branches=(
        branch("rms_norm", "sliding_window_attention"),
        branch("rms_norm", "mamba2"),
    ),
    merge=gene("normalized_mean_merge"),
)

HYBRID = (
    Architecture(
        "h3",
        recipe(
            *stack("layer_norm", "h3", "gelu_mlp", "attention", "gelu_mlp"),
            head=branch("layer_norm", "linear_head"),
        ),
        "2212.14052",
        2022,
        "Hungry Hungry Hippos: Towards Language Modeling with State Space Models",
        "A few attention layers supply the comparisons that a state space finds hard.",
        "recall",
    ),
    Architecture(
        "based",
        recipe(
            *stack("rms_norm", "taylor_linear_attention", "swiglu", "sliding_window_attention", "swiglu"),
        ),
        "2402.18668",
        2024,
        "Simple linear attention language models balance the recall-throughput tradeoff",
        "Exact attention over a small window and a polynomial summary of the rest cover recall at small memory.",
        "recall",
    ),
    Architecture(
        "griffin",
        recipe(
            *stack(
                "rms_norm",
                "real_gated_recurrence",
                "geglu",
                "real_gated_recurrence",
                "geglu",
                "sliding_window_attention",
                "geglu",
            )
        ),
        "2402.19427",
        2024,
        "Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient Language Models",
        "Two recurrent layers for the gist and one local attention for the details.",
        "long context",
    ),
    Architecture(
        "jamba",
        recipe(
            *stack("rms_norm", "selective_state_space", "swiglu", "plain_attention", "mixture_of_experts_mlp"),
        ),
        "2403.19887",
        2024,
        "Jamba: A Hybrid Transformer-Mamba Language Model",
        "Beside a selective state space, sparse attention layers need no positions and bring back recall.",
        "recall",
    ),
    Architecture(
        "samba",
        recipe(*stack("rms_norm", "selective_state_space", "swiglu", "sliding_window_attention", "swiglu")),
        "2406.07522",
        2024,
        "Samba: Simple Hybrid State Space Models for Efficient Unlimited Context Language Modeling",
        "A selective recurrence carries the far past and a window the near one, both at constant memory.",
        "long context",
    ),
    Architecture(
        "hymba",
        recipe(_HYMBA, *stack("rms_norm", "swiglu"), _HYMBA, *stack("rms_norm", "swiglu")),
        "2411.13676",
        2024,
        "Hymba: A Hybrid-head Architecture for Small Language Models",
        "Exact and summarising heads can share a layer instead of taking turns.",
        "recall",
    ),
    Architecture(
        "lfm2",
        recipe(
            *stack(
                "rms_norm",
                "short_gated_convolution",
                "swiglu",
                "short_gated_convolution",
                "swiglu",
                "grouped_query_attention",
                "swiglu",
            ),
            embedding=branch("tied_embedding"),
            head=branch("rms_norm", "tied_head"),
        ),
        "2511.23404",
        2025,
        "LFM2 Technical Report",
        "Search under a latency limit chose gated short filters with a few attention layers.",
        "cost",
    ),
)
