"""Lanes: requests in order of their key, as many at once as there may be."""
