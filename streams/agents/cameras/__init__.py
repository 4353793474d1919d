"""What becomes of a camera's frames."""
