"""Environments: specification, lock, virtual environment."""
