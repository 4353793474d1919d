"""What the broker lets us do and see: why it does not let us in, which rights are missing, what a partition holds."""
