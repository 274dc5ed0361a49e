"""Lowering to MLX: programs as array functions, whose training step is compiled as a whole."""
