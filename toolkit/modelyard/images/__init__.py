"""Images: what is built from a sealed specification, and the formats that engines and registries take."""
