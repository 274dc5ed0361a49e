"""Published components, one file per family, written in the language of components.

The files are read by `cognition.loader`; nothing in them is executed.
"""
