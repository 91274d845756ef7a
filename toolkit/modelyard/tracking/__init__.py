"""Experiments, runs, and what they record."""
