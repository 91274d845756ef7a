"""What happened, in the order in which it happened: entries that are appended, and chained by their digests."""
