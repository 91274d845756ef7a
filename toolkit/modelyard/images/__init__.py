"""Images: what a service is made of, sealed, tried, and built."""
