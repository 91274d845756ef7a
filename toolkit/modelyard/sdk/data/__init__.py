"""The datastores that a user holds, and references to what is in them."""
