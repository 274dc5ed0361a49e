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
_FALCON_H1 = Block(
    branches=(
        branch("rms_norm", "grouped_query_attention"),
        branch("rms_norm", "mamba2"),
    ),
    merge=gene("add_merge"),
)
_HALF_ROTARY = gene("partial_rotary_attention", part=2)

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
    Architecture(
        "minimax_01",
        recipe(
            *stack(
                "rms_norm",
                "lightning_attention",
                "mixture_of_experts_mlp",
                "lightning_attention",
                "mixture_of_experts_mlp",
                _HALF_ROTARY,
                "mixture_of_experts_mlp",
            )
        ),
        "2501.08313",
        2025,
        "MiniMax-01: Scaling Foundation Models with Lightning Attention",
        "Linear attention in most layers and softmax attention in a few read very long texts, and still recall.",
        "long context",
    ),
    Architecture(
        "striped_hyena2",
        recipe(
            *stack("rms_norm", "short_explicit_gating", "swiglu", "hyena", "swiglu", "attention", "swiglu"),
        ),
        "2503.01868",
        2025,
        "Systems and Algorithms for Convolutional Multi-Hybrid Language Models at Scale",
        "Short filters, long filters and attention each do what they are best at, in stripes.",
        "copying",
    ),
    Architecture(
        "nemotron_h",
        recipe(
            *stack("rms_norm", *("mamba2", "relu_squared_mlp") * 2, "grouped_query_attention", "relu_squared_mlp"),
        ),
        "2504.03624",
        2025,
        "Nemotron-H: A Family of Accurate and Efficient Hybrid Mamba-Transformer Models",
        "Where state spaces replace most attention layers, long answers come several times faster.",
        "cost",
    ),
    Architecture(
        "falcon_h1",
        recipe(_FALCON_H1, *stack("rms_norm", "swiglu"), _FALCON_H1, *stack("rms_norm", "swiglu")),
        "2507.22448",
        2025,
        "Falcon-H1: A Family of Hybrid-Head Language Models Redefining Efficiency and Performance",
        "Attention and a state space read each layer's input side by side, and their outputs are added.",
        "long context",
    ),
    Architecture(
        "kimi_linear",
        recipe(
            *stack(
                "rms_norm",
                *("kimi_delta_attention", "shared_expert_mlp") * 3,
                "position_free_latent_attention",
                "shared_expert_mlp",
            )
        ),
        "2510.26692",
        2025,
        "Kimi Linear: An Expressive, Efficient Attention Architecture",
        "Three layers of a memory that forgets by channel for each layer of full attention, which needs no positions.",
        "long context",
    ),
)
