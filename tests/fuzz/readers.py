"""Bad records for each of our own topics, and who passes them over: a worker's views, readers, the start."""

import asyncio
from random import Random
from typing import Final

from streams.edge.readers import RecordReader, recognition_reader, sighting_reader
from streams.engine.topics import admin
from streams.wire.connection import Connection
from streams.wire.topics import (
    CONTROL,
    ERASURES,
    FACE_FEATURES,
    GALLERY_EVENTS,
    RECOGNITIONS,
    SIGHTINGS,
    VISITS,
    Topics,
)
from tests.fuzz.broker import read_all
from tests.fuzz.stored import Stored, bad_key_or_feature, bad_record

VIEWED: Final = (GALLERY_EVENTS, ERASURES, VISITS, FACE_FEATURES)
"""A worker has a view of these, and counts in the error log what it passes over."""

READ: Final = (*VIEWED, RECOGNITIONS, SIGHTINGS, CONTROL)
"""All topics that we both write and read."""


async def bad_records(connection: Connection, topics: Topics, short: str, number: int, random: Random) -> list[Stored]:
    """So many, made from the good ones that the topic holds; it must hold one, and face-features a person's."""
    found = [
        Stored(each.key, each.value, tuple(each.headers), each.partition)
        for each in await read_all(connection, topics, short)
        if each.value
    ]
    if short != FACE_FEATURES:
        good = [each for each in found if each.value and each.value.startswith(b'{"')]
        return [bad_record(random, short, random.choice(good)) for _ in range(number)]
    features = [each for each in found if each.key and each.key.count(b"/") == 2]
    keys = {each.key: each for each in found}
    feature = next(each for each in reversed(features) if (each.key or b"").rpartition(b"/")[0] in keys)
    key = keys[(feature.key or b"").rpartition(b"/")[0]]
    partitions = topics.spec(short).partitions
    return [bad_key_or_feature(random, key, feature, partitions) for _ in range(number)]


async def passed_over(connection: Connection, topics: Topics, short: str, number: int, patience_s: float) -> int:
    """How many of so many bad records the reader of this topic counts, or passes over, and reads on."""
    if short == CONTROL:
        known = await admin.epochs(connection, topics)
        return number if known.keys() == set(admin.EPOCH_TOPICS) else 0
    make = recognition_reader if short == RECOGNITIONS else sighting_reader
    async with make(connection, topics, from_beginning=True) as reader:
        task = asyncio.create_task(_exhaust(reader))
        try:
            async with asyncio.timeout(patience_s):
                while reader.unreadable < number and not task.done():
                    await asyncio.sleep(0.05)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return reader.unreadable


async def _exhaust(reader: RecordReader[object]) -> None:
    async for _ in reader:
        pass
