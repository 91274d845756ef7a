"""Pipelines as users write them: steps, what flows between them, and their order."""
