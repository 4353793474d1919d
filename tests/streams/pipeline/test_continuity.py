"""Frames that nobody read in time, and a topic that somebody made anew: what a worker on Apache Kafka says and does."""

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from streams.app.run import make_worker
from streams.engine.topics import admin
from streams.engine.topics.reached import RewoundError
from streams.wire.event_id import EventId

pytestmark = [pytest.mark.broker, pytest.mark.parametrize("broker", ["kafka"], indirect=True)]


@pytest.fixture
async def client(settings):
    client = AIOKafkaAdminClient(**settings.connection().client_options())
    await client.start()
    yield client
    await client.close()


@pytest.fixture
def frames(settings) -> str:
    return settings.topics().name("camera-frames")


async def test_frames_that_expired_unread_are_counted_and_logged_once(bench, client, frames, desk) -> None:
    recognitions, errors = await bench.tap("recognitions"), await bench.tap("error-log")
    worker = await bench.worker()
    first = await bench.publish(desk[0])
    await recognitions.count(1)
    await worker.stop()
    for jpeg in desk[:4]:
        await bench.publish(jpeg)
    end = first.offset + 3
    await client.delete_records({TopicPartition(frames, first.partition): RecordsToDelete(before_offset=end)})

    worker = await bench.worker()
    await bench.metric(worker, 'facestreams_frames_expired_total{topic="camera-frames"}', 2)
    values = await recognitions.count(3)
    assert [EventId.parse(value["event_id"]).offset for value in values] == [first.offset, end, end + 1]
    [entry] = await errors.count(1)
    expected = {"return_code": "expired_unread", "repeats": 2, "camera_id": None, "request_interface": "recognize"}
    assert {name: entry[name] for name in expected} == expected
    assert entry["detail"] == f"partition {first.partition}, offsets {end - 2} to {end - 1}"
    assert EventId.parse(entry["event_id"]).offset == end - 2
    await worker.stop()

    await bench.worker()
    await bench.publish(desk[5])
    await recognitions.count(4)
    assert len(errors.values) == 1


async def test_a_topic_made_anew_by_hand_is_refused_until_it_is_given_a_new_epoch(bench, client, frames, desk) -> None:
    recognitions, control = await bench.tap("recognitions"), await bench.tap("control")
    worker = await bench.worker()
    place = await bench.publish(desk[0])
    [value] = await recognitions.count(1)
    old = EventId.parse(value["event_id"]).epoch
    await worker.stop()
    await control.until(lambda values: any("/" in value["topic"] for value in values), "how far was read")
    [(key, _, reached)] = [each for each in control.records if "/" in each[0]]
    assert (key, reached["topic"]) == (f"camera-frames/{place.partition}",) * 2
    assert (reached["epoch"], reached["next_offset"]) == (old, place.offset + 1)

    spec = bench.settings.topics().spec("camera-frames")
    await client.delete_topics([frames])
    await client.create_topics([NewTopic(frames, spec.partitions, 1, topic_configs=dict(spec.config))])
    with pytest.raises(RewoundError, match=rf"camera-frames ends at offset 0 in partition {place.partition}, but"):
        await make_worker(bench.settings)

    await admin.draw_epoch(bench.settings.connection(), bench.settings.topics(), "camera-frames")
    await bench.worker()
    await bench.publish(desk[0])
    values = await recognitions.count(2)
    again = EventId.parse(values[1]["event_id"])
    assert (again.offset, again.partition) == (place.offset, place.partition)
    assert again.epoch != old


async def test_a_topic_that_is_made_anew_under_a_worker_ends_it(bench, client, frames, desk) -> None:
    recognitions = await bench.tap("recognitions")
    worker = await bench.worker()
    await bench.publish(desk[0])
    await bench.publish(desk[1])
    await recognitions.count(2)
    spec = bench.settings.topics().spec("camera-frames")
    await client.delete_topics([frames])
    await client.create_topics([NewTopic(frames, spec.partitions, 1, topic_configs=dict(spec.config))])
    with pytest.raises(RewoundError, match="run facestreams topics new-epoch camera-frames"):
        await worker.ended()
