"""The library of published components and architectures."""
