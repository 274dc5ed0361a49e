"""Parameter counts that papers and released checkpoints state for models of published architectures.

A published model is a recipe at a width, hidden size, depth, vocabulary and context. Where a recipe leaves something
to settings or sizes, the model says so: settings by component, and whether one table serves both ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from genome.expressions import Scalar
from genome.recipe import Gene, Recipe

GPT2 = "checkpoints of openai-community/gpt2; the paper's own table was corrected by its authors"
LLAMA = "2302.13971, table 2"
PYTHIA = "2304.01373, table 1, and the configurations' padded vocabularies"
MAMBA = "checkpoints of state-spaces/mamba"
RWKV = "2305.13048: 2 V D + 13 D^2 L + D (11 L + 4) with a vocabulary of 50,277"
RWKV7 = "2503.14456: 2 V D + 4 D + L D (12 D + 2 (d_w + d_a + d_v + d_g) + 19) - (2 D d_v + D)"


@dataclass(frozen=True, slots=True)
class Published:
    """A model: `layers` of the kind that the recipe has `per_recipe` of, and the count that `source` states."""

    architecture: str
    name: str
    parameters: float
    source: str
    width: int
    hidden: int
    layers: int
    vocabulary: int
    context: int = 2048
    per_recipe: int = 2
    settings: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)
    tied: bool = False

    def recipe(self, published: Recipe) -> Recipe:
        """The architecture's recipe with this model's settings and ends."""

        def chosen(gene: Gene) -> Gene:
            if self.tied and gene.component == "token_embedding":
                return Gene(component="tied_embedding")
            if self.tied and gene.component == "linear_head":
                return Gene(component="tied_head")
            return Gene(
                component=gene.component, settings={**gene.settings, **self.settings.get(gene.component, {})}
            )

        def branch(genes: tuple[Gene, ...]) -> tuple[Gene, ...]:
            return tuple(map(chosen, genes))

        blocks = tuple(
            block.model_copy(update={"branches": tuple(map(branch, block.branches))}) for block in published.blocks
        )
        ends = {"embedding": branch(published.embedding), "head": branch(published.head)}
        return published.model_copy(update={"blocks": blocks, **ends})


def _gpt2(name: str, parameters: int, width: int, layers: int) -> Published:
    return Published("gpt2", name, parameters, GPT2, width, 4 * width, layers, 50_257, 1024)


def _llama(name: str, parameters: float, width: int, hidden: int, layers: int) -> Published:
    return Published("llama", name, parameters, LLAMA, width, hidden, layers, 32_000)


def _pythia(name: str, parameters: int, width: int, layers: int, vocabulary: int = 50_304) -> Published:
    return Published("pythia", name, parameters, PYTHIA, width, 4 * width, layers, vocabulary)


def _mamba(name: str, parameters: int, width: int, layers: int) -> Published:
    state = {"selective_state_space": {"state": 16}}
    sizes = (width, 2 * width, layers, 50_280)
    return Published("mamba", name, parameters, MAMBA, *sizes, per_recipe=4, settings=state, tied=True)


def _rwkv(name: str, parameters: int, width: int, layers: int) -> Published:
    return Published("rwkv4", name, parameters, RWKV, width, 4 * width, layers, 50_277, 1024)


def _rwkv7(name: str, parameters: int, width: int, layers: int) -> Published:
    ranks = {"rwkv7_time_mixing": {"rank": 64}}
    return Published("rwkv7", name, parameters, RWKV7, width, 4 * width, layers, 65_536, 4096, settings=ranks)


MODELS = (
    _gpt2("124M", 124_439_808, 768, 12),
    _gpt2("355M", 354_823_168, 1024, 24),
    _gpt2("774M", 774_030_080, 1280, 36),
    _gpt2("1.5B", 1_557_611_200, 1600, 48),
    _llama("6.7B", 6.7e9, 4096, 11_008, 32),
    _llama("13.0B", 13.0e9, 5120, 13_824, 40),
    _llama("32.5B", 32.5e9, 6656, 17_920, 60),
    _llama("65.2B", 65.2e9, 8192, 22_016, 80),
    _pythia("70M", 70_426_624, 512, 6),
    _pythia("160M", 162_322_944, 768, 12),
    _pythia("410M", 405_334_016, 1024, 24),
    _pythia("1B", 1_011_781_632, 2048, 16),
    _pythia("1.4B", 1_414_647_808, 2048, 24),
    _pythia("2.8B", 2_775_208_960, 2560, 32),
    _pythia("6.9B", 6_857_302_016, 4096, 32, 50_432),
    _pythia("12B", 11_846_072_320, 5120, 36, 50_688),
    Published("bloom", "560M", 559_214_592, "model card of bigscience/bloom-560m", 1024, 4096, 24, 250_880),
    Published(
        "mistral",
        "7B",
        7.24e9,
        "checkpoint of mistralai/Mistral-7B-v0.1",
        4096,
        14_336,
        32,
        32_000,
        settings={"sliding_window_attention": {"heads": 8, "sharing": 4}},
    ),
    Published(
        "palm",
        "8B",
        8.63e9,
        "2204.02311, table 1",
        4096,
        16_384,
        32,
        256_000,
        settings={"multi_query_attention": {"heads": 8}},
    ),
    Published(
        "qwen3",
        "8B",
        8_190_735_360,
        "checkpoint of Qwen/Qwen3-8B",
        4096,
        12_288,
        36,
        151_936,
        settings={"normalized_grouped_query_attention": {"heads": 8, "sharing": 4}},
    ),
    Published(
        "mixtral",
        "8x7B",
        46.7e9,
        "2401.04088: 47B parameters; 46.7B in the announcement",
        4096,
        8 * 14_336,
        32,
        32_000,
        settings={"grouped_query_attention": {"heads": 8, "sharing": 4}},
    ),
    Published("olmo2", "1B", 1_484_916_736, "checkpoint of allenai/OLMo-2-0425-1B", 2048, 8192, 16, 100_352, 4096),
    _mamba("130M", 129_135_360, 768, 24),
    _mamba("370M", 371_516_416, 1024, 48),
    _mamba("790M", 793_204_224, 1536, 48),
    _mamba("1.4B", 1_372_178_432, 2048, 48),
    _mamba("2.8B", 2_768_345_600, 2560, 64),
    Published(
        "mamba2",
        "130M",
        128_989_632,
        MAMBA,
        768,
        1536,
        24,
        50_288,
        per_recipe=4,
        settings={"mamba2": {"state": 128, "heads": 8}},
        tied=True,
    ),
    _rwkv("169M", 169_342_464, 768, 12),
    _rwkv("430M", 430_397_440, 1024, 24),
    _rwkv("1.5B", 1_515_106_304, 2048, 24),
    _rwkv("3B", 2_984_627_200, 2560, 32),
    _rwkv("7B", 7_392_649_216, 4096, 32),
    _rwkv("14B", 14_148_597_760, 5120, 40),
    _rwkv7("0.1B", 191_034_624, 768, 12),
    _rwkv7("0.4B", 450_767_872, 1024, 24),
)

_ROUNDED = "sizes are names rounded to a digit, without a vocabulary and all inner sizes beside them"
_HEADS = "its heads are together narrower or wider than the stream"
_RATIO = "the published stack mixes its layers in another proportion than the recipe at its smallest"
_NO_MODEL = "no language model of a stated size and complete shape was published with it"

OMITTED: Mapping[str, str] = {
    "transformer": "the published models have an encoder and attention across, which the recipe leaves out",
    "primer": _ROUNDED,
    "deepseek_v2": "its experts have a size of their own, and its first layer a dense mixer",
    "gemma2": _HEADS,
    "differential_transformer": _ROUNDED,
    "forgetting_transformer": _ROUNDED,
    "mega": _NO_MODEL,
    "lstm_language_model": "its layers are wider than its table of tokens, and have no residuals",
    "linear_transformer": _NO_MODEL,
    "s4d": _NO_MODEL,
    "hyena": "the inner sizes of the filters' networks are not among the stated shapes",
    "retnet": _ROUNDED,
    "gla": _ROUNDED,
    "rwkv6": "ranks of its low-rank maps grow with the model, beyond the setting's choices",
    "hgrn2": _ROUNDED,
    "xlstm": _RATIO,
    "deltanet": _ROUNDED,
    "min_gru": _NO_MODEL,
    "gated_deltanet": _ROUNDED,
    "path_gate_fusion": "models called 340M have 412M to 818M parameters",
    "h3": _RATIO,
    "based": _RATIO,
    "griffin": _ROUNDED,
    "jamba": _RATIO,
    "samba": _ROUNDED,
    "hymba": "its meta tokens and shared caches are not in the recipe",
    "lfm2": _RATIO,
    "minimax_01": _RATIO,
    "striped_hyena2": _RATIO,
    "nemotron_h": _RATIO,
    "falcon_h1": _ROUNDED,
    "kimi_linear": "its experts have a size of their own, and its 27 layers are not whole repeats of the recipe",
}
"""Architectures without a model above, and why."""
