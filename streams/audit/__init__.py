"""Whether the data policy holds on a running system: each promise with what was seen of it."""
