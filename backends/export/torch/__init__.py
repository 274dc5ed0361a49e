"""Recipes as PyTorch modules, which `torch.compile` accepts."""
