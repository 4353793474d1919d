"""What only a real broker can show of the engine: commits, rebalances, retention, members with a name of their own."""

import asyncio
import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.engine.errors import FencedInstanceError
from streams.engine.group.positions import Jump
from streams.wire.header_names import read_any_header_name
from tests.kafka.member import HELD, Member, Plan

pytestmark = [pytest.mark.broker, pytest.mark.timeout(90)]

PATIENCE_S = 40.0
_numbers = itertools.count()


async def until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


@dataclass
class Field:
    """A source and a sink of this test's own, and what can be seen of them from outside."""

    plan: Plan
    admin: AIOKafkaAdminClient
    producer: AIOKafkaProducer

    async def publish(
        self, count: int, *, key: bytes | None = b"camera", partition: int = 0, value: bytes = b"x"
    ) -> None:
        for _ in range(count):
            await self.producer.send_and_wait(self.plan.source, value, key=key, partition=partition)

    async def committed(self, partition: int = 0) -> int | None:
        found = await self.admin.list_consumer_group_offsets(self.plan.group)
        offset = found.get(TopicPartition(self.plan.source, partition))
        return None if offset is None else offset.offset

    async def committed_is(self, offset: int, partition: int = 0) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while await self.committed(partition) != offset:
                await asyncio.sleep(0.05)

    async def answered(self, count: int) -> list[tuple[int, int]]:
        """Partition and offset of what was answered, in order, once there are so many different ones."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.plan.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(self.plan.sink, 0)])
            found: list[tuple[int, int]] = []
            async with asyncio.timeout(PATIENCE_S):
                while len(set(found)) < count:
                    for records in (await consumer.getmany(timeout_ms=100)).values():
                        found += [tuple(map(int, record.value.decode().split("/"))) for record in records]
            return found
        finally:
            await consumer.stop()

    async def trim(self, before: int, partition: int = 0) -> None:
        """What retention does."""
        await self.admin.delete_records(
            {TopicPartition(self.plan.source, partition): RecordsToDelete(before_offset=before)}
        )

    @contextmanager
    def process(self, plan: Plan) -> Iterator[subprocess.Popen]:
        root = Path(__file__).parents[2]
        process = subprocess.Popen([sys.executable, "-m", "tests.kafka.member", plan.argument()], cwd=root)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
async def ground(kafka) -> AsyncIterator[Field]:
    number = next(_numbers)
    plan = Plan(bootstrap=kafka.bootstrap(), source=f"source-{number}", sink=f"sink-{number}", group=f"group-{number}")
    async with AsyncExitStack() as stack:
        admin = AIOKafkaAdminClient(bootstrap_servers=plan.bootstrap)
        await admin.start()
        stack.push_async_callback(admin.close)
        await admin.create_topics([NewTopic(plan.source, 2, 1), NewTopic(plan.sink, 1, 1)])
        stack.push_async_callback(admin.delete_topics, [plan.source, plan.sink])
        producer = AIOKafkaProducer(bootstrap_servers=plan.bootstrap)
        await producer.start()
        stack.push_async_callback(producer.stop)
        read_any_header_name()
        yield Field(plan, admin, producer)


async def test_a_killed_process_has_committed_nothing_at_or_past_what_was_in_flight(ground) -> None:
    await ground.publish(5)
    await ground.publish(1, key=HELD)
    await ground.publish(6)
    with ground.process(replace(ground.plan, hold=True)) as process:
        others = [(0, offset) for offset in range(12) if offset != 5]
        assert sorted(await ground.answered(11)) == others
        await ground.committed_is(5)
        await ground.publish(1)  # a commit that follows it does not pass it either
        await ground.answered(12)
        process.kill()
        process.wait()
    assert await ground.committed() == 5
    async with Member(ground.plan):
        await ground.committed_is(13)
    assert Counter(await ground.answered(13)) == {(0, offset): 1 if offset <= 5 else 2 for offset in range(13)}


async def test_a_rebalance_while_all_threads_compute_costs_nothing(ground) -> None:
    for number in range(8):
        await ground.publish(2, key=b"%d" % number, partition=number % 2)
    busy = replace(ground.plan, work_s=0.5, max_in_flight=4)  # a second's work in flight, of the three there are
    async with Member(busy) as first:
        await until(lambda: len(first.handler.begun) >= 4, "both threads at work")
        async with Member(busy) as second:
            await until(lambda: len(second.partitions) == 1 == len(first.partitions), "a partition each")
            answers = Counter(await ground.answered(16))
            assert answers == {(partition, offset): 1 for partition in range(2) for offset in range(8)}
            assert len(first.handler.begun) + len(second.handler.begun) == 16  # nothing is begun twice
            assert second.handler.begun != []


async def test_work_that_outlasts_a_rebalance_is_dropped_and_done_by_who_has_the_partition_then(ground) -> None:
    for partition in range(2):
        await ground.publish(1, partition=partition)
    async with Member(replace(ground.plan, work_s=4)) as first:
        await until(lambda: len(first.handler.begun) == 2, "both threads at work")
        async with Member(ground.plan) as second:
            assert Counter(await ground.answered(2)) == {(0, 0): 1, (1, 0): 1}
            assert len(first.abandoned) == 2
            assert len(second.handler.begun) == 1


async def test_nothing_is_committed_before_the_broker_has_what_follows_from_it(ground) -> None:
    def kept_by(policy: str) -> list[ConfigResource]:
        return [ConfigResource(ConfigResourceType.TOPIC, ground.plan.sink, {"cleanup.policy": policy})]

    await ground.admin.alter_configs(kept_by("compact"))  # which refuses records without a key
    await ground.publish(3, key=None)
    async with Member(ground.plan) as member:
        await until(lambda: member.handler.begun != [], "the first record")
        await asyncio.sleep(5 * 0.2)  # some commits' time, in which none may come
        assert await ground.committed() is None
        await ground.admin.alter_configs(kept_by("delete"))
        await ground.committed_is(3)
        assert set(await ground.answered(3)) == {(0, 0), (0, 1), (0, 2)}


async def test_what_expired_before_it_was_read_is_told_and_reading_goes_on(ground) -> None:
    await ground.publish(3)
    async with Member(ground.plan):
        await ground.committed_is(3)
    await ground.publish(7)
    await ground.trim(before=8)
    async with Member(ground.plan) as member:
        assert set(await ground.answered(5)) == {(0, offset) for offset in (0, 1, 2, 8, 9)}
        assert member.jumps == [Jump(ground.plan.source, 0, 3, 8)]
        await ground.committed_is(10)


async def test_where_all_expired_the_next_owner_is_not_told_again(ground) -> None:
    await ground.publish(3)
    async with Member(ground.plan):
        await ground.committed_is(3)
    await ground.publish(2)
    await ground.trim(before=5)
    async with Member(ground.plan) as member:
        await until(lambda: member.jumps != [], "the jump")
        await ground.committed_is(5)
    async with Member(ground.plan) as member:
        await ground.publish(1)
        await ground.committed_is(6)
        assert member.jumps == []


async def test_where_the_commit_lies_beyond_the_end_all_that_there_is_is_read_and_committed(ground) -> None:
    place = TopicPartition(ground.plan.source, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=ground.plan.bootstrap,
        group_id=ground.plan.group,
        enable_auto_commit=False,  # at its stop it would commit where it has come to by itself
    )
    await consumer.start()
    consumer.assign([place])
    await consumer.commit({place: 50})
    await consumer.stop()
    await ground.publish(3)
    async with Member(ground.plan) as member:
        await ground.committed_is(3)
        assert Counter(await ground.answered(3)) == {(0, offset): 1 for offset in range(3)}
        await until(lambda: member.jumps != [], "the jump")
        assert member.jumps == [Jump(ground.plan.source, 0, 50, 0)]


async def test_retention_that_overtakes_a_reader_is_told_and_what_is_in_flight_is_kept(ground) -> None:
    size = 200_000
    await ground.publish(1, key=HELD, value=b"x" * size)
    await ground.publish(39, value=b"x" * size)
    plan = replace(ground.plan, hold=True, max_in_flight=1, max_record_bytes=size)
    async with Member(plan) as member:
        await until(lambda: member.handler.begun == [(0, 0)], "the first record")
        await ground.trim(before=35)
        member.released.set()
        await until(lambda: member.jumps != [], "the jump")
        [jump] = member.jumps
        assert (jump.found, 0 < jump.wanted < 35) == (35, True)
        kept = [(0, offset) for offset in range(40) if not jump.wanted <= offset < 35]
        assert await ground.answered(len(kept)) == kept
        await ground.committed_is(40)


async def test_a_member_with_a_name_takes_its_partitions_back_and_nobody_else_notices(ground) -> None:
    named = replace(ground.plan, instance_id="worker-0")
    async with Member(replace(ground.plan, instance_id="worker-1")) as other:
        async with Member(named) as first:
            await until(lambda: len(first.partitions) == 1 == len(other.partitions), "a partition each")
            had, generation = first.partitions, other.lease.generation
        async with Member(named) as again:
            await until(lambda: again.partitions != set(), "the partitions")
            assert (again.partitions, again.lease.generation) == (had, generation)
            assert other.lease.generation == generation
            for partition in range(2):
                await ground.publish(2, partition=partition)
            answers = Counter(await ground.answered(4))
            assert answers == {(partition, offset): 1 for partition in range(2) for offset in range(2)}


async def test_the_member_that_hands_out_the_partitions_may_come_back_like_any_other(ground) -> None:
    async with AsyncExitStack() as stack:
        leader = await stack.enter_async_context(AsyncExitStack())
        first = await leader.enter_async_context(Member(replace(ground.plan, instance_id="worker-0")))
        await until(lambda: len(first.partitions) == 2, "the partitions")
        other = await stack.enter_async_context(Member(replace(ground.plan, instance_id="worker-1")))
        await until(lambda: len(first.partitions) == 1 == len(other.partitions), "a partition each")
        had, generation = first.partitions, other.lease.generation
        await leader.aclose()
        again = await stack.enter_async_context(Member(replace(ground.plan, instance_id="worker-0")))
        await until(lambda: again.partitions != set(), "the partitions")
        assert (again.partitions, again.lease.generation, other.lease.generation) == (had, generation, generation)


async def test_a_named_member_that_stays_away_loses_its_partitions_when_its_session_ends(ground) -> None:
    async with Member(replace(ground.plan, instance_id="worker-1")) as other:
        async with Member(replace(ground.plan, instance_id="worker-0")) as first:
            await until(lambda: len(first.partitions) == 1 == len(other.partitions), "a partition each")
        await until(lambda: len(other.partitions) == 2, "the other's partition")


async def test_a_member_whose_name_another_process_takes_ends_and_leaves_it_alone(ground) -> None:
    named = replace(ground.plan, instance_id="worker-0")
    async with Member(named) as first:
        await until(lambda: len(first.partitions) == 2, "the partitions")
        async with Member(named) as second:
            with pytest.raises(FencedInstanceError, match="the instance id worker-0"):
                await asyncio.wait_for(first.engine.ended(), PATIENCE_S)
            assert first.lease.lost(first.lease.generation)
            await ground.publish(1)
            assert await ground.answered(1) == [(0, 0)]
            assert (first.handler.begun, second.handler.begun) == ([], [(0, 0)])
            await ground.committed_is(1)
