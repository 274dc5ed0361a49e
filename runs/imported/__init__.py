"""Runs of other programs, kept for inspection: their programs are text, and are neither parsed nor executed."""
