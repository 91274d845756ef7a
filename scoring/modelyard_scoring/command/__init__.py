"""The command: its arguments, a file served on its own, what people see at a terminal."""
