"""Rows and bytes of a workspace."""
