"""What is done with pixels, in order: decode, detect, quality, follow, encode."""
