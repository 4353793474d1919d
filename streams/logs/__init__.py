"""What is kept of every request: running log and error log."""
