"""Recipes as Python modules of a framework, without this project.

What a module says is the same for all frameworks; a `Target` holds how a framework says it.
"""
