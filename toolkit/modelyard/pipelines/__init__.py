"""Pipelines: steps, what flows between them, and their runs."""
