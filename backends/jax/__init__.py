"""Lowering to JAX: programs as array functions, compiled by component, trained with Optax."""
