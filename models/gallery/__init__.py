"""Who is known: keys, protected features, exact and approximate search."""
