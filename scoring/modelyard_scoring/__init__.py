"""The scoring server inside every image; imports nothing else of Modelyard."""
