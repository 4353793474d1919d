import asyncio
from typing import Any

import pytest

from streams.edge.broker import started_producer
from streams.edge.readers import RecordReader, recognition_reader, sighting_reader
from streams.wire.connection import Connection
from streams.wire.records import FrameSize, ModelNames, Recognition, Sighting, Timings, encode
from streams.wire.topics import RECOGNITIONS, SIGHTINGS, Topics
from tests.fuzz.broker import RawName, raw_producer

pytestmark = pytest.mark.broker

FOREIGN = [b"{}", b"null", b"\xff\xfe", b'{"camera_id": "\xff"}', b"[" * 10_000 + b"]" * 10_000]


def recognition(offset: int, *, camera_id: str = "lobby") -> Recognition:
    return Recognition(
        event_id=f"0000000a-camera-frames-0-{offset}",
        camera_id=camera_id,
        frame_id=None,
        account="main",
        region="eu",
        gallery="default",
        captured_at_ms=None,
        received_at_ms=1,
        processed_at_ms=2,
        frame=FrameSize(width_px=4, height_px=3),
        faces=[],
        timings_ms=Timings(decode=0, detect=0, encode=0, match=0),
        models=ModelNames(detector="d", encoder="e", template_key="k"),
    )


def sighting(offset: int, visit_id: str, kind: Any) -> Sighting:
    return Sighting(
        event=kind,
        event_id=f"0000000a-camera-frames-0-{offset}",
        visit_id=visit_id,
        camera_id="lobby",
        account="main",
        region="eu",
        gallery="default",
        person_id=None,
        first_seen_ms=1,
        last_seen_ms=2,
        frames=1,
        best_similarity=None,
    )


async def send(connection: Connection, topic: str, values: list[bytes | None]) -> None:
    producer = await started_producer(connection, max_picture_bytes=1000)
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"lobby")
    finally:
        await producer.stop()


async def take(reader: RecordReader[Any], count: int) -> list[Any]:
    taken: list[Any] = []
    async with asyncio.timeout(10):
        async for record in reader:
            taken.append(record)
            if len(taken) == count:
                break
    return taken


async def test_repeats_and_foreign_records_are_dropped(connection: Connection, topics: Topics) -> None:
    records = [encode(recognition(offset)) for offset in (1, 2, 3, 2, 3, 4)]
    await send(connection, topics.name(RECOGNITIONS), [*records[:3], *FOREIGN, b"", None, *records[3:]])

    async with recognition_reader(connection, topics, from_beginning=True) as reader:
        taken = await take(reader, 4)

    assert [record.event_id[-1] for record in taken] == ["1", "2", "3", "4"]
    assert (reader.repeated, reader.unreadable) == (2, len(FOREIGN))


async def test_two_sightings_of_one_frame_are_both_kept(connection: Connection, topics: Topics) -> None:
    sent = [sighting(1, "a", "enter"), sighting(1, "b", "enter"), sighting(1, "a", "enter"), sighting(2, "a", "exit")]
    await send(connection, topics.name(SIGHTINGS), [encode(record) for record in sent])

    async with sighting_reader(connection, topics, from_beginning=True) as reader:
        taken = await take(reader, 3)

    assert taken == [sent[0], sent[1], sent[3]]


async def test_a_reader_sees_what_is_appended_after_it_began(connection: Connection, topics: Topics) -> None:
    async with recognition_reader(connection, topics) as reader:
        await send(connection, topics.name(RECOGNITIONS), [encode(recognition(7))])

        assert await take(reader, 1) == [recognition(7)]


async def test_headers_of_any_name_and_number_do_not_end_the_reading(connection: Connection, topics: Topics) -> None:
    name = topics.name(RECOGNITIONS)
    async with recognition_reader(connection, topics) as reader, raw_producer(connection) as producer:
        for headers in ([(RawName(b"\xff\xfe"), None)], [(RawName(b"\xff"), b"")] * 20_000, []):
            await producer.send_and_wait(name, encode(recognition(len(headers))), b"lobby", headers=headers)
            await producer.send_and_wait(name, b"\xff", b"lobby", headers=headers)
        await producer.send_and_wait(name, encode(recognition(30_000)), b"lobby")
        assert await take(reader, 3) == [recognition(1), recognition(20_000), recognition(30_000)]
        assert (reader.repeated, reader.unreadable) == (1, 3)
