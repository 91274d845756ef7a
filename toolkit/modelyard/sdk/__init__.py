"""What a user holds: a value, and the workspace it came from."""
