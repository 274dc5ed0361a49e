"""Architectures in which softmax attention mixes positions."""

from __future__ import annotations

from cognition.architectures.architecture import Architecture, branch, gene, recipe, stack
from genome.recipe import Block

_BIASED = gene("plain_attention", bias=True)
_POST_NORM = gene("post_norm_residual")
_PARALLEL = Block(
    branches=(branch("layer_norm", "multi_query_attention"), branch("layer_norm", "swiglu")),
    merge=gene("add_merge"),
)
_NEOX = Block(
    branches=(
        branch("layer_norm", gene("partial_rotary_attention", bias=True)),
        branch("layer_norm", gene("gelu_mlp", bias=True)),
    ),
    merge=gene("add_merge"),
)
_EIGHT_EXPERTS = gene("mixture_of_experts_mlp", experts=8)

ATTENTION = (
    Architecture(
        "transformer",
        recipe(
            *(
                Block(branches=(branch(layer),), residual=_POST_NORM)
                for layer in (_BIASED, "relu_mlp", _BIASED, "relu_mlp")
            ),
            embedding=branch(gene("token_embedding", spread=1.0), "sinusoidal_positions"),
            head=branch("linear_head"),
            training=gene("adamw", warmup=0.1),
        ),
        "1706.03762",
        2017,
        "Attention Is All You Need",
        "Attention alone can carry information between positions; recurrence is not needed.",
        "recall",
    ),
    Architecture(
        "gpt2",
        recipe(
            *stack("layer_norm", _BIASED, gene("gelu_mlp", bias=True), _BIASED, gene("gelu_mlp", bias=True)),
            embedding=branch("tied_embedding", "learned_positions"),
            head=branch("layer_norm", "tied_head"),
        ),
        "",
        2019,
        "Language Models are Unsupervised Multitask Learners",
        "Normalising before each branch leaves a clean path through depth, and one table serves both ends.",
        "text",
    ),
    Architecture(
        "primer",
        recipe(
            *stack(
                "rms_norm", "convolved_attention", "relu_squared_mlp", "convolved_attention", "relu_squared_mlp"
            )
        ),
        "2109.08668",
        2021,
        "Primer: Searching for Efficient Transformers for Language Modeling",
        "Two small changes found by search, squared rectifiers and short filters, speed up training.",
        "cost",
    ),
    Architecture(
        "palm",
        recipe(_PARALLEL, _PARALLEL, embedding=branch("tied_embedding"), head=branch("layer_norm", "tied_head")),
        "2204.02311",
        2022,
        "PaLM: Scaling Language Modeling with Pathways",
        "Attention and channel mixing can read the same input side by side.",
        "cost",
    ),
    Architecture(
        "llama",
        recipe(*stack("rms_norm", "attention", "swiglu", "attention", "swiglu")),
        "2302.13971",
        2023,
        "LLaMA: Open and Efficient Foundation Language Models",
        "Rotary positions, gated channels and simple norms make the strong plain transformer.",
        "recall",
    ),
    Architecture(
        "mistral",
        recipe(*stack("rms_norm", *(gene("sliding_window_attention", sharing=2), "swiglu") * 2)),
        "2310.06825",
        2023,
        "Mistral 7B",
        "Windows stacked over depth reach far at constant cost per token.",
        "cost",
    ),
    Architecture(
        "deepseek_v2",
        recipe(
            *stack(
                "rms_norm",
                "multi_head_latent_attention",
                "swiglu",
                "multi_head_latent_attention",
                "shared_expert_mlp",
            )
        ),
        "2405.04434",
        2024,
        "DeepSeek-V2: A Strong, Economical, and Efficient Mixture-of-Experts Language Model",
        "Store one narrow latent in place of keys and values, and let most parameters rest for most tokens.",
        "cost",
    ),
    Architecture(
        "gemma2",
        recipe(
            *(
                Block(branches=(branch("rms_norm", layer),), residual=gene("sandwich_residual"))
                for layer in ("sliding_window_attention", "geglu", "grouped_query_attention", "geglu")
            ),
            head=branch("rms_norm", "soft_capped_head"),
        ),
        "2408.00118",
        2024,
        "Gemma 2: Improving Open Language Models at a Practical Size",
        "Alternate local and global attention, and normalise on both sides of every branch.",
        "stability",
    ),
    Architecture(
        "differential_transformer",
        recipe(*stack("rms_norm", "differential_attention", "swiglu", "differential_attention", "swiglu")),
        "2410.05258",
        2024,
        "Differential Transformer",
        "The difference of two attention maps attends to less noise.",
        "recall",
    ),
    Architecture(
        "forgetting_transformer",
        recipe(*stack("rms_norm", "forgetting_attention", "swiglu", "forgetting_attention", "swiglu")),
        "2503.02130",
        2025,
        "Forgetting Transformer: Softmax Attention with a Forget Gate",
        "Softmax attention profits from the forget gate of recurrent models and then needs no positions.",
        "long context",
    ),
    Architecture(
        "bloom",
        recipe(
            *stack(
                "layer_norm",
                "alibi_attention",
                gene("gelu_mlp", bias=True),
                "alibi_attention",
                gene("gelu_mlp", bias=True),
            ),
            embedding=branch("tied_embedding", "layer_norm"),
            head=branch("layer_norm", "tied_head"),
        ),
        "2211.05100",
        2022,
        "BLOOM: A 176B-Parameter Open-Access Multilingual Language Model",
        "Penalties on distance need no position vectors, and a norm after the embedding steadies large models.",
        "stability",
    ),
    Architecture(
        "mega",
        recipe(
            *stack(
                "layer_norm",
                "moving_average_gated_attention",
                "gelu_mlp",
                "moving_average_gated_attention",
                "gelu_mlp",
            ),
            head=branch("layer_norm", "linear_head"),
        ),
        "2209.10655",
        2022,
        "Mega: Moving Average Equipped Gated Attention",
        "A moving average before a single gated head adds the sense of nearness that attention lacks.",
        "long context",
    ),
    Architecture(
        "pythia",
        recipe(_NEOX, _NEOX, head=branch("layer_norm", "linear_head")),
        "2304.01373",
        2023,
        "Pythia: A Suite for Analyzing Large Language Models Across Training and Scaling",
        "Attention and channels side by side, with rotation on a part of each head, train alike at every size.",
        "text",
    ),
    Architecture(
        "mixtral",
        recipe(*stack("rms_norm", *("grouped_query_attention", _EIGHT_EXPERTS) * 2)),
        "2401.04088",
        2024,
        "Mixtral of Experts",
        "Two of eight experts for each token hold more knowledge than a dense model that costs as much to run.",
        "memorisation",
    ),
    Architecture(
        "qwen3",
        recipe(*stack("rms_norm", *("normalized_grouped_query_attention", "swiglu") * 2)),
        "2505.09388",
        2025,
        "Qwen3 Technical Report",
        "Shared keys, with a norm on each query and key, stay stable without biases.",
        "stability",
    ),
    Architecture(
        "olmo2",
        recipe(
            *(
                Block(branches=(branch(layer),), residual=gene("sandwich_residual"))
                for layer in ("query_key_norm_attention", "swiglu") * 2
            ),
            head=branch("rms_norm", gene("z_loss_head", strength=0.00001)),
        ),
        "2501.00656",
        2025,
        "2 OLMo 2 Furious",
        "Normalise what a branch returns and not what it reads, and training has no spikes.",
        "stability",
    ),
)
