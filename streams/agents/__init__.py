"""What is done with a record."""
