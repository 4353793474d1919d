"""Deleting processed pictures from the brokers."""
