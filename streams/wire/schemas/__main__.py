"""`python -m streams.wire.schemas` writes the schema files."""

from streams.wire.schemas import write

write()
