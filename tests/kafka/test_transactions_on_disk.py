"""How a broker's files tell an enrollment that was taken back from one that was committed."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.audit.files import Files
from streams.audit.transactions import Transactions, producer_of
from streams.wire.topics import FACE_FEATURES, Topics
from tests.kafka.broker import Kafka

pytestmark = [pytest.mark.broker, pytest.mark.timeout(60)]

TOPICS = Topics(prefix="taken-back", partitions=1)
TOPIC = TOPICS.name(FACE_FEATURES)


async def committed(kafka: Kafka) -> list[bytes]:
    """What a reader is shown, up to what was sent last."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap(), auto_offset_reset="earliest", isolation_level="read_committed"
    )
    consumer.assign([TopicPartition(TOPIC, 0)])
    found: list[bytes] = []
    async with consumer:
        while found[-1:] != [b"in none"]:
            found.append((await consumer.getone()).value)
    return found


async def test_the_marks_say_which_transactions_were_taken_back(kafka: Kafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap())
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap(), transactional_id=TOPIC) as producer:
            for value in (b"committed", b"taken back", b"committed again"):
                await producer.begin_transaction()
                await producer.send_and_wait(TOPIC, value, partition=0)
                await (producer.abort_transaction() if value == b"taken back" else producer.commit_transaction())
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap()) as plain:
            await plain.send_and_wait(TOPIC, b"in none", partition=0)
        assert await committed(kafka) == [b"committed", b"committed again", b"in none"]  # so all marks are written
        files, transactions = Files(TOPICS, (kafka.nodes[0].data_dir,)), Transactions()
        found = []
        for path in files.segments(FACE_FEATURES):
            for batch in files.batches(path):
                transactions.take(batch)
                found += [(path.parent, producer_of(batch), record) for record in files.records(batch)]
    finally:
        await admin.delete_topics([TOPIC])
        await admin.close()
    outcomes = {
        record.value: None if producer is None else transactions.outcome(home, producer, record.offset)
        for home, producer, record in found
    }
    assert outcomes == {
        b"committed": "committed",
        b"taken back": "taken back",
        b"committed again": "committed",
        b"in none": None,
    }
