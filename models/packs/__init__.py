"""Where the networks come from."""
