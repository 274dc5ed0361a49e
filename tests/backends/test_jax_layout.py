"""A unit's arrays in one flat array: nothing is lost, decay finds its numbers, few lengths occur."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.jax.layout import Entry, Layout
from backends.jax.units import units
from backends.plan import plan
from cognition.loader import load_architectures, load_library
from genome.instance import instantiate
from genome.values import Sizes

SHAPES = st.lists(st.lists(st.integers(1, 9), max_size=3).map(tuple), max_size=6)


def layout_of(shapes: list[tuple[int, ...]]) -> Layout:
    return Layout(2, tuple(Entry(i % 2, f"w{i}", shape, False) for i, shape in enumerate(shapes)))


@given(SHAPES)
def test_arrays_come_back_from_the_flat_one(shapes):
    layout = layout_of(shapes)
    arrays = layout.tree(np.random.default_rng(0).normal(size=shape).astype(np.float32) for shape in shapes)
    flat = layout.filled(arrays)
    assert flat.shape == (layout.length,)
    assert np.array_equal(layout.join(arrays), flat)
    for own, back in zip(arrays, layout.split(flat), strict=True):
        assert own.keys() == back.keys()
        assert all(np.array_equal(own[name], back[name]) for name in own)


def test_decay_acts_on_the_first_numbers():
    library, sizes = load_library(), Sizes(64, 160, 64, 64)
    for architecture in load_architectures().values():
        for unit in units(plan(instantiate(architecture.recipe, library, sizes))):
            shapes = [{name: p.shape for name, p in call.program.parameters.items()} for call in unit.calls]
            flat = unit.layout.filled(
                [{name: np.full(shape, len(shape) > 1) for name, shape in own.items()} for own in shapes]
            )
            assert flat[: unit.layout.decayed].all()
            assert not flat[unit.layout.decayed :].any()


@given(st.integers(0, 10**9))
def test_lengths_are_hardly_longer(count):
    length = layout_of([(count,)]).length
    assert count <= length <= max(count + 4095, count * 17 / 16)


@pytest.mark.parametrize("exponent", [12, 16, 22, 28])
def test_lengths_are_few(exponent):
    counts = np.linspace(2**exponent, 2 ** (exponent + 1), 1000, dtype=int)
    assert len({layout_of([(int(count),)]).length for count in counts}) <= 17
