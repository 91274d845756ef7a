"""What is told of the server: metrics, the log, traces."""
