"""Compute targets that users hold."""
