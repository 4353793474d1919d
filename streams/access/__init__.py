"""What the broker lets us do: why it does not let us in, and which rights are missing."""
