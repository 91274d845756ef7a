"""Images as users hold them."""
