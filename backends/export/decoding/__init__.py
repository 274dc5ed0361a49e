"""Decoding of exported modules, one file for each framework.

An exported module holds the text as it is here: the state, its reading, and the continuation of a prompt.
"""
