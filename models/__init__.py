"""Pixels in, numbers out: decode, detect, follow, encode, protect, match.

Knows no Kafka, asyncio, environment or clock: times come in as arguments.
"""
