"""Fast array functions for MLX: batch first, time second, no knowledge of recipes.

Names, signatures and meaning are those of `backends.jax.kernels`, whose plain references measure both. MLX has no
loop that it compiles once, so what the JAX forms carry from step to step is computed in log T levels here.
"""
