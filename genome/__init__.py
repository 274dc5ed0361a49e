"""The language of components, recipes, edits and the cost model: pure Python, no arrays."""
