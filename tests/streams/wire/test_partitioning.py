"""A key's partition is the one to which Kafka's own clients send it."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.wire.partitioning import partition_of


@given(st.binary(min_size=1, max_size=300), st.integers(1, 50))
def test_it_is_where_a_producer_puts_what_names_no_partition(key: bytes, partitions: int) -> None:
    every = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, every, every)
