"""What becomes of commands to the gallery, and the gallery as a worker sees it."""
