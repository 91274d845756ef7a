"""The formats of the Open Container Initiative, and the ways images travel: registries, folders, archives."""
