"""Datastores, where data is kept and how its bytes are reached; data sets, what it was."""
