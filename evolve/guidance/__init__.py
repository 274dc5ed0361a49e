"""Guidance: what is known of components, and what the search has found so far, weighs in what it proposes next."""
