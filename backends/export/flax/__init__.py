"""Recipes as Flax NNX modules."""
