"""The registry: numbered versions of models, with what they take, what they gave, and where they came from."""
