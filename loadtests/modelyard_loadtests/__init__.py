"""Load generation against a scoring service; imports nothing else of Modelyard."""
