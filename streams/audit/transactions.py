"""How the transactions ended in which the records of the brokers' files were written: their marks lie there too."""

import struct
from bisect import bisect_right
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from aiokafka.errors import KafkaError
from aiokafka.record.control_record import COMMIT_MARKER, ControlRecord

from streams.audit.files import Batch
from streams.wire.header_names import TolerantRecords

Outcome = Literal["committed", "taken back", "unknown"]

_ATTRIBUTES: Final = struct.Struct(">h")
_ATTRIBUTES_AT: Final = 21
_PRODUCER: Final = struct.Struct(">q")
_PRODUCER_AT: Final = 43
"""Where a batch of the second form has them."""

_TRANSACTIONAL: Final = 0x10
_CONTROL: Final = 0x20


def producer_of(batch: Batch) -> int | None:
    """Who wrote it, where it is part of a transaction; None where it is none."""
    try:
        [attributes] = _ATTRIBUTES.unpack_from(batch.raw, _ATTRIBUTES_AT)
        [producer] = _PRODUCER.unpack_from(batch.raw, _PRODUCER_AT)
    except struct.error:
        return None
    return int(producer) if attributes & _TRANSACTIONAL and not attributes & _CONTROL else None


class Transactions:
    """Fed with all batches of the directories that are asked about."""

    def __init__(self) -> None:
        self._marks: defaultdict[tuple[Path, int], dict[int, bool]] = defaultdict(dict)

    def take(self, batch: Batch) -> None:
        """Most hold no mark. One that cannot be read is noted by `Files.records`."""
        with suppress(KafkaError, ValueError, struct.error):
            found = TolerantRecords(batch.raw).next_batch()
            if found is None or not found.is_control_batch:
                return
            for record in found:
                is_commit = ControlRecord.parse(record.key).type_ == COMMIT_MARKER.type_
                self._marks[batch.path.parent, found.producer_id][record.offset] = is_commit

    def outcome(self, home: Path, producer: int, offset: int) -> Outcome:
        """Of the record with this offset in this directory. The producer's next mark behind it says so."""
        marks = self._marks.get((home, producer), {})
        offsets = sorted(marks)
        at = bisect_right(offsets, offset)
        if at == len(offsets):
            return "unknown"
        return "committed" if marks[offsets[at]] else "taken back"
