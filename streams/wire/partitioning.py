"""Where Kafka's own clients put a record that names no partition: by its key."""

from aiokafka.partitioner import murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """The partition, of so many, that this key determines (murmur2)."""
    return (int(murmur2(key)) & 0x7FFFFFFF) % partitions
