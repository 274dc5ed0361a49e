"""Guidance: what is known of components weighs in what a search proposes, and what it found is known to later ones."""
