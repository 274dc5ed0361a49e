"""A small library and recipe that the tests of edits, recipes and costs share."""

from __future__ import annotations

import pytest
from hypothesis import settings

from genome.component import Component, Library
from genome.parser import parse_component
from genome.recipe import Block, Gene, Recipe

settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("steady")

SOURCES = (
    """
def table(tokens) -> embedding:
    return lookup(weight(vocabulary, width), tokens)
""",
    """
def sine(x) -> position:
    return x + sinusoid(width)
""",
    """
def rms_norm(x) -> norm:
    return gain(rms_normalize(x))
""",
    """
def attention(x, heads: choice(1, 2, 4, 8) = 4, base: choice(100.0, 10000.0) = 10000.0) -> mixer:
    q = rope(split_heads(linear(x), heads), base)
    k = rope(split_heads(linear(x), heads), base)
    v = split_heads(linear(x), heads)
    return linear(merge_heads(attend(q, k, v)))
""",
    """
def convolution(x, kernel: choice(2, 4, 8) = 4) -> mixer:
    return linear(silu(causal_conv(x, kernel)))
""",
    """
def gated(x, slope: log_range(0.1, 10.0) = 1.0, bias: flag = False) -> channel:
    value = linear(x, hidden, bias=bias)
    gate = silu(slope * linear(x, hidden))
    return linear(gate * value, width)
""",
    """
def add_residual(x, branch) -> residual:
    return x + branch
""",
    """
def gated_residual(x, branch) -> residual:
    return x + sigmoid(linear(x)) * branch
""",
    """
def average(left, right) -> merge:
    return (left + right) / 2
""",
    """
def unembed(x) -> head:
    return linear(x, vocabulary)
""",
    """
def adamw(learning_rate: log_range(0.00001, 0.1) = 0.001) -> training:
    return optimizer("adamw", learning_rate)
""",
)


def gene(component: str, /, **settings: int | float | bool | str) -> Gene:
    return Gene(component=component, settings=settings)


@pytest.fixture(scope="session")
def library() -> Library:
    components: dict[str, Component] = {}
    for source in SOURCES:
        component = parse_component(source, components)
        components[component.name] = component
    return components


@pytest.fixture
def recipe() -> Recipe:
    """Attention, then a block of two parallel branches, then a channel mixer."""
    norm = gene("rms_norm")
    return Recipe(
        embedding=(gene("table"), gene("sine")),
        blocks=(
            Block(branches=((norm, gene("attention", heads=2)),)),
            Block(
                branches=((norm, gene("attention")), (norm, gene("convolution"), gene("gated"))),
                merge=gene("average"),
            ),
            Block(branches=((norm, gene("gated")),), repeat=2),
        ),
        head=(norm, gene("unembed")),
        training=gene("adamw"),
    )
