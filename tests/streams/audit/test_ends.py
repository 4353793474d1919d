"""The brokers' files are read after the topics: what was written meanwhile is nobody's to judge."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from models.gallery.keys import KeyDirectory
from streams.audit.files import Files
from streams.audit.finding import Promise
from streams.audit.run import findings
from streams.wire.topics import FACE_FEATURES
from tests.streams.audit.made import NOW_MS, TOPICS, facts

PLACE = TopicPartition(TOPICS.name(FACE_FEATURES), 0)


class Compacted:
    """A topic of which nothing is left but where it ends."""

    def __init__(self, end: int) -> None:
        self._end = end

    def assign(self, _partitions: Iterable[TopicPartition]) -> None: ...

    async def seek_to_beginning(self, _partition: TopicPartition) -> None: ...

    async def position(self, _partition: TopicPartition) -> int:
        return self._end


@pytest.mark.parametrize(("end", "breaches"), [(1, 1), (0, 0)], ids=["before the end", "behind it"])
async def test_files_are_held_against_what_was_read_up_to_the_ends(
    keys: KeyDirectory, directories: tuple[Path, ...], end: int, breaches: int
) -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 20)
    builder.append(0, timestamp=NOW_MS - 86_400_000, key=b"default/" + b"f" * 32, value=b"sealed", headers=[])
    (directories[0] / f"{PLACE.topic}-0" / "0.log").write_bytes(bytes(builder.build()))
    until = {FACE_FEATURES: {PLACE: end}}
    found = await findings(facts(keys), Files(TOPICS, directories), Compacted(end), until, {})
    assert len(found[Promise.DELETION - 1].breaches) == breaches
