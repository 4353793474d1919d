"""The topics as the brokers have them, and what follows from their settings."""
