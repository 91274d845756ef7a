"""Data sets: what data was, under a name and a number, with the digest of its content."""
