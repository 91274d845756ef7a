"""Services and their revisions, and the protocol that a place for them speaks."""
