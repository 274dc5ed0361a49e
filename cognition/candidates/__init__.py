"""Candidate components from papers: what a language model is asked, what its answers hold, and which entries stay."""
