"""Runs: what is recorded of an execution, scripts that are submitted, and what looks after them."""
