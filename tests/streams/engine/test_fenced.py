"""What a former owner still sends is refused by the broker, and nobody reads what was not committed."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidProducerEpoch, KafkaError, MessageSizeTooLargeError, ProducerFenced

from streams.engine.fenced import FencedOutlet, FencedProducer, FencedProducers
from streams.engine.lease import Lease
from streams.engine.outlet import TOOK_IT, FencedError, Output, OutputTooLargeError, PublishTimeoutError
from streams.wire.connection import Connection


class Scripted(FencedProducer):
    """Takes what it is given, or raises what is scripted, once each."""

    def __init__(self, *raises: BaseException) -> None:
        self.raises = list(raises)
        self.taken: list[list[Output]] = []

    async def write(self, outputs, may_go):
        if self.raises:
            raise self.raises.pop(0)
        if not may_go():
            raise FencedError
        self.taken.append(list(outputs))
        return list(outputs)


@pytest.fixture
def lease() -> Lease:
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=10)
    lease.assign(4)
    return lease


def output(value: bytes = b"v", topic: str = "t") -> Output:
    return Output(topic=topic, key=b"k", value=value, partition=0)


def outlet(producer: FencedProducer, lease: Lease, timeout_s: float = 5) -> FencedOutlet:
    return FencedOutlet(producer, lease, 4, timeout_s=timeout_s)


async def test_what_is_published_at_once_is_one_write_in_its_order_and_names_its_generation(lease) -> None:
    producer = Scripted()
    await outlet(producer, lease).publish([output(b"1"), output(b"2")])
    [batch] = producer.taken
    assert [each.value for each in batch] == [b"1", b"2"]
    assert [each.headers for each in batch] == [(("generation", b"4"),)] * 2


async def test_it_tells_what_the_broker_said_last_of_each_topic(lease) -> None:
    written = outlet(Scripted(KafkaError("scripted"), MessageSizeTooLargeError()), lease)
    with pytest.raises(OutputTooLargeError):
        await written.publish([output(topic="a"), output(topic="b")])
    assert written.said == {"a": "MessageSizeTooLargeError", "b": "MessageSizeTooLargeError"}
    await written.insisting().publish([output(topic="a")])
    assert written.said == {"a": TOOK_IT, "b": "MessageSizeTooLargeError"}


async def test_what_the_broker_refuses_is_tried_again_as_a_whole(lease) -> None:
    producer = Scripted(KafkaError("scripted"))
    await outlet(producer, lease).publish([output(b"1"), output(b"2")])
    assert [len(batch) for batch in producer.taken] == [2]


async def test_a_lost_generation_writes_nothing(lease) -> None:
    producer = Scripted()
    lease.assign(5)
    with pytest.raises(FencedError):
        await outlet(producer, lease).publish([output()])
    assert producer.taken == []


async def test_a_generation_that_is_lost_while_it_waits_for_its_turn_writes_nothing(lease) -> None:
    producer = Scripted(FencedError())
    lease.give_up()
    with pytest.raises(FencedError):
        await outlet(producer, lease).publish([output()])
    assert producer.taken == []


async def test_who_is_fenced_waits_for_the_groups_word_before_it_fences_back(lease) -> None:
    producer = Scripted(ProducerFenced())
    publishing = asyncio.create_task(outlet(producer, lease).publish([output()]))
    await asyncio.sleep(0.4)
    assert producer.taken == []
    lease.heartbeat_answered(lease.now())
    await publishing
    assert len(producer.taken) == 1


async def test_who_is_fenced_and_is_no_member_any_more_gives_up(lease) -> None:
    producer = Scripted(InvalidProducerEpoch())
    publishing = asyncio.create_task(outlet(producer, lease).publish([output()]))
    await asyncio.sleep(0.2)
    lease.member_lost()
    with pytest.raises(FencedError):
        await publishing
    assert producer.taken == []


async def test_nobody_is_fenced_without_a_lease() -> None:
    producer = FencedProducer(Connection("127.0.0.1:1"), "id", 1_000_000)
    with pytest.raises(FencedError):
        await producer.write([output()], lambda: False)
    assert producer._producer is None


async def test_patience_ends(lease) -> None:
    producer = Scripted(*[KafkaError("scripted")] * 50)
    with pytest.raises(PublishTimeoutError, match=r"t took no record for 0\.1 s"):
        await outlet(producer, lease, timeout_s=0.1).publish([output()])


async def test_what_is_too_large_is_said_unless_it_is_the_last_word(lease) -> None:
    from aiokafka.errors import MessageSizeTooLargeError

    producer = Scripted(MessageSizeTooLargeError(), MessageSizeTooLargeError())
    with pytest.raises(OutputTooLargeError, match="big takes no record of 9 bytes"):
        await outlet(producer, lease).publish([output(), output(b"123456789", "big")])
    await outlet(producer, lease).insisting().publish([output()])
    assert len(producer.taken) == 1


async def made(connection: Connection, topic: str) -> None:
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()


async def read(connection: Connection, topic: str, isolation: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        **connection.client_options(), group_id=None, isolation_level=isolation, auto_offset_reset="earliest"
    )
    await consumer.start()
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    found: list[bytes] = []
    async with asyncio.timeout(20):
        while await consumer.position(partition) < end:
            found += [each.value for each in (await consumer.getmany(timeout_ms=200)).get(partition, [])]
    await consumer.stop()
    return found


@pytest.mark.broker
@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
async def test_whoever_had_the_partition_before_writes_nothing_any_more(connection, topics, lease) -> None:
    topic = topics.name("fenced")
    await made(connection, topic)

    def producers() -> FencedProducers:
        return FencedProducers(connection, lambda number: f"{topic}.{number}", max_record_bytes=1_000_000)

    former, owner = producers(), producers()
    await former.of(0).write([output(b"before", topic)], lambda: True)
    frozen = former.of(0)._producer
    await frozen.begin_transaction()
    await frozen.send_and_wait(topic, b"begun and never committed", b"k", partition=0)
    await owner.of(0).write([output(b"owner", topic)], lambda: True)
    with pytest.raises(KafkaError):
        await frozen.send_and_wait(topic, b"zombie", b"k", partition=0)
    with pytest.raises(KafkaError):
        await frozen.commit_transaction()
    await owner.of(0).write([output(b"owner again", topic)], lambda: True)
    assert await read(connection, topic, "read_committed") == [b"before", b"owner", b"owner again"]
    assert b"zombie" not in await read(connection, topic, "read_uncommitted")
    await asyncio.gather(former.stop(), owner.stop())


@pytest.mark.broker
@pytest.mark.parametrize("broker", ["kafka"], indirect=True)
async def test_who_is_fenced_and_owns_it_still_takes_the_partition_back(connection, topics, lease) -> None:
    topic = topics.name("fenced")
    await made(connection, topic)
    ours = FencedProducer(connection, f"{topic}.0", 1_000_000)
    await outlet(ours, lease).publish([output(b"1", topic)])
    other = AIOKafkaProducer(**connection.client_options(), transactional_id=f"{topic}.0")
    await other.start()  # by starting it has fenced ours
    publishing = asyncio.create_task(outlet(ours, lease).publish([output(b"2", topic), output(b"3", topic)]))
    await asyncio.sleep(1)
    lease.heartbeat_answered(lease.now())
    await publishing
    assert await read(connection, topic, "read_committed") == [b"1", b"2", b"3"]
    await asyncio.gather(ours.stop(), other.stop())
