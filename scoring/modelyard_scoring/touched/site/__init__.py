"""The folder that Python programs find `sitecustomize` in, when code that is tried starts them."""
