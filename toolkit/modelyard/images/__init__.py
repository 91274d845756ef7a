"""Images: the sealed specification of what is served, and what is built from it."""

from modelyard.images.inference import InferenceConfig, ResourceConfig

__all__ = ["InferenceConfig", "ResourceConfig"]
