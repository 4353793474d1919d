"""Deletions, from the moment that one stands on erasures to its receipt."""
