"""Operations of exported modules, one file for each framework.

An exported module holds the text of the functions that it uses; the search never calls them.
"""
