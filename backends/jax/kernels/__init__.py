"""Fast array functions for JAX: batch first, time second, no knowledge of recipes.

One module per family. Whatever has a parallel form keeps its plain form, of the same name and signature, in
`reference`.
"""
