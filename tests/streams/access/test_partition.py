"""One partition read to an end, from a consumer that answers by script."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from streams.access.partition import StalledError, read_partition

PLACE = TopicPartition("log", 3)


@dataclass
class Scripted:
    """polls: the offsets that each poll brings, and where reading stands then; after them nothing comes."""

    polls: Sequence[tuple[Sequence[int], int]]
    position_hangs: bool = False
    began: list[int | str] = field(default_factory=list)
    _stands: int = 0
    _polled: int = 0

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == [PLACE]

    async def seek_to_beginning(self, partition: TopicPartition) -> None:
        assert partition == PLACE
        self.began.append("beginning")

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert partition == PLACE
        self.began.append(offset)
        self._stands = offset

    async def position(self, _partition: TopicPartition) -> int:
        if self.position_hangs:
            await asyncio.Event().wait()
        return self._stands

    async def getmany(self, partition: TopicPartition, *, timeout_ms: int) -> dict[TopicPartition, list]:
        if self._polled == len(self.polls):
            await asyncio.sleep(0)
            return {}
        offsets, self._stands = self.polls[self._polled]
        self._polled += 1
        return {partition: [SimpleNamespace(offset=offset) for offset in offsets]} if offsets else {}


async def read(consumer: Scripted, end: int, **how: object) -> list[int]:
    return [record.offset async for record in read_partition(consumer, PLACE, end, stall_s=0.02, **how)]


async def test_all_below_the_end_is_read_and_nothing_past_it() -> None:
    consumer = Scripted([([0, 1], 2), ([], 2), ([2, 3, 4], 5)])
    assert await read(consumer, 4) == [0, 1, 2, 3]
    assert consumer.began == ["beginning"]


async def test_it_begins_at_an_offset_where_one_is_given() -> None:
    consumer = Scripted([([7], 8)])
    assert await read(consumer, 8, start=7) == [7]
    assert consumer.began == [7]


async def test_the_mark_of_a_transaction_before_the_end_is_passed_over() -> None:
    assert await read(Scripted([([0], 1), ([], 2)]), 2) == [0]


async def test_where_ends_are_not_exact_what_the_last_batch_holds_is_handed_on() -> None:
    assert await read(Scripted([([0, 1], 2), ([2], 3)]), 1, exact_ends=False) == [0, 1, 2]


async def test_an_empty_partition_is_read_at_once() -> None:
    assert await read(Scripted([]), 0) == []


async def test_where_nothing_comes_before_the_end_the_partition_is_named() -> None:
    consumer = Scripted([([0], 1)])
    with pytest.raises(
        StalledError, match=r"^log-3 is not read to its end at offset 2: nothing more of it came for 0\.02 s$"
    ):
        await read(consumer, 2)


async def test_a_beginning_that_the_broker_does_not_tell_is_not_waited_for_for_ever() -> None:
    with pytest.raises(KafkaTimeoutError, match=r"^log-3 "):
        await read(Scripted([], position_hangs=True), 2)
