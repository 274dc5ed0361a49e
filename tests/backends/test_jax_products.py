"""Products in forms that XLA runs fast: the same values and gradients as NumPy's broadcasting says."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from backends.jax.kernels.products import multiply
from backends.jax.recomputation import is_worth_keeping

SHAPES = [
    ((2, 5, 4, 3), (2, 5, 4, 1)),
    ((2, 5, 4, 1), (1, 1, 4, 3)),
    ((1, 5, 4, 3), (2, 1, 4, 1)),
    ((4, 3), (2, 5, 4, 1)),
    ((3,), (2, 1)),
    ((2, 3), (2, 3)),
    ((), (2, 1)),
]


@pytest.mark.parametrize(("left", "right"), SHAPES)
def test_a_product_and_its_gradients_are_those_of_broadcasting(left, right):
    generator = np.random.default_rng(0)
    x, y, dz = (
        jnp.asarray(generator.standard_normal(shape, dtype=np.float32))
        for shape in (left, right, np.broadcast_shapes(left, right))
    )
    expected, plain = jax.vjp(jnp.multiply, x, y)
    found, own = jax.vjp(multiply, x, y)
    np.testing.assert_array_equal(found, expected)
    for one, other in zip(own(dz), plain(dz), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("dtype", "rounded"), [(jnp.float32, False), (jnp.bfloat16, True)])
def test_what_is_kept_is_rounded_only_where_the_processor_may_hold_more_digits(dtype, rounded):
    kept = jax.checkpoint(lambda x: jnp.sin(jnp.exp(x)), policy=is_worth_keeping)
    program = jax.jit(lambda x: jax.vjp(kept, x)).lower(jnp.ones(3, dtype))
    assert ("reduce_precision" in program.as_text()) == (rounded or jax.default_backend() != "cpu")
