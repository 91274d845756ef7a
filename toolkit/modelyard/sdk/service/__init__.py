"""Services: what their users hold, and what the runner does for them."""
