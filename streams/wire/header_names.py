"""Headers of others: whatever their names are and however many there are, a record is read.

aiokafka decodes the names of headers as strict UTF-8 while it reads a batch. One record with another name would
end the reading of its partition, in this worker and in every one after it, until the broker deletes it; any
producer could do that. So such a name reads as question marks, which no header of ours is called.

Nor are headers read without end: a record of the largest size may hold a million of them, which would keep the
consumer's thread from its heartbeats for seconds. What stands behind the first MOST_READ is passed over; a request
that has so many is refused by `streams.wire.headers`.
"""

from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

from streams.wire.headers import MAX_HEADERS

STAND_IN: Final = "?"
MOST_READ: Final = MAX_HEADERS + 1


class _Fields:
    """The fields of one record, read one after the other from `position` on (KIP-98: varints, bytes behind lengths)."""

    def __init__(self, buffer: bytearray, position: int) -> None:
        self._buffer = buffer
        self.position = position

    def number(self) -> int:
        value, self.position = decode_varint(self._buffer, self.position)
        return int(value)

    def bytes_or_none(self) -> bytes | None:
        """None where the length is below zero."""
        length = self.number()
        if length < 0:
            return None
        begin, self.position = self.position, self.position + length
        return bytes(self._buffer[begin : self.position])

    def header(self) -> tuple[str, bytes | None]:
        name = self.bytes_or_none() or b""
        try:
            return name.decode("utf-8"), self.bytes_or_none()
        except UnicodeDecodeError:
            return STAND_IN * len(name), self.bytes_or_none()


class TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka is untyped
    """A batch whose records are read whatever their headers are."""

    _pos: int

    def _read_msg(self, *_: Any) -> Any:
        fields = _Fields(self._buffer, self._pos)
        end = fields.number() + fields.position
        fields.number()  # attributes: none is defined
        timestamp = self.first_timestamp + fields.number()
        if self.timestamp_type == self.LOG_APPEND_TIME:
            timestamp = self.max_timestamp
        offset = self.base_offset + fields.number()
        key, value = fields.bytes_or_none(), fields.bytes_or_none()
        count = fields.number()
        headers = [fields.header() for _ in range(min(count, MOST_READ))]
        if fields.position > end or (count <= MOST_READ and fields.position != end):
            raise CorruptRecordException(f"a record of another length than its fields have, at offset {offset}")
        self._pos = end
        return _DefaultRecordPy(offset, timestamp, self.timestamp_type, key, value, headers)


class TolerantRecords(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka is untyped
    """The batches of a fetch."""

    def next_batch(self, *args: Any, **kwargs: Any) -> Any:
        """The next batch, None behind the last."""
        raw = self._next_slice
        batch = super().next_batch(*args, **kwargs)
        return TolerantBatch(raw) if isinstance(batch, DefaultRecordBatch) else batch


def read_any_header_name() -> None:
    """From now on, in this process."""
    fetcher.MemoryRecords = TolerantRecords
