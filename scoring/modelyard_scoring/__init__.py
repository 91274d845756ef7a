"""The scoring server inside every image; imports nothing else of Modelyard."""

__version__ = "0.1.0"
