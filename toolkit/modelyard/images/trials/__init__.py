"""How code is tried before an image of it is built: what it touched, how that is judged, and what helps."""
