"""Images: the sealed specification of what is served, and what is built from it."""
