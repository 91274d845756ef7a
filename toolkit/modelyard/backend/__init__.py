"""The rooms' operations, in this process or over HTTP: the same calls either way."""
