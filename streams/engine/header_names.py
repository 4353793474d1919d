"""Header names of others: whatever bytes they are, a record is read.

aiokafka decodes the names of headers as strict UTF-8 while it reads a batch. One record with another name would
end the reading of its partition, in this worker and in every one after it, until the broker deletes it; any
producer could do that. So such a name reads as question marks, which no header of ours is called.
"""

from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

STAND_IN: Final = b"?"


class TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka is untyped
    """A batch whose records are read whatever their headers are called."""

    def _read_msg(self, *args: Any) -> Any:
        while True:
            try:
                return super()._read_msg(*args)
            except UnicodeDecodeError as error:
                self._stand_in_for(bytes(error.object))

    def _stand_in_for(self, name: bytes) -> None:
        """Overwrite the last place of these bytes in the record. Headers stand behind key and value, so those are
        never touched before the name that raised is.
        """
        length, begin = decode_varint(self._buffer, self._pos)
        at = self._buffer.rindex(name, begin, begin + length)
        self._buffer[at : at + len(name)] = STAND_IN * len(name)


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
