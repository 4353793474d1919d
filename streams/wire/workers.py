"""Which workers have carried out what face-features says: the records `worker/<id>` of the topic control."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.wire import records
from streams.wire.records import Confirmed
from streams.wire.topics import MS_PER_MINUTE

KEY_PREFIX: Final = b"worker/"

SILENT_AFTER_MS: Final = MS_PER_MINUTE
"""A worker says how far it is every ten seconds; one that has not for so long is named, and not waited for."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A worker's word, and when control took it: by the broker's clock, which is no worker's own."""

    said: Confirmed
    at_ms: int


class WorkersView:
    """The newest word of each worker."""

    def __init__(self) -> None:
        self._newest: dict[bytes, Heard] = {}

    def apply(self, record: Any) -> None:
        """Take one of aiokafka's records; as `take`."""
        self.take(record.key, record.value, record.timestamp)

    def take(self, key: bytes | None, value: bytes | None, at_ms: int) -> None:
        """Take one record of control; those of other kinds are passed over. Raises ValueError on a bad one.

        value: None takes the word back. at_ms: the record's time, by the broker's clock.
        """
        if key is None or not key.startswith(KEY_PREFIX):
            return
        if value is None:
            self._newest.pop(key, None)
        elif value:
            said = records.decode(value, Confirmed)
            if key_of(said.worker) != key:
                raise ValueError("a worker's word stands under another's key")
            self._newest[key] = Heard(said, at_ms)

    def all(self) -> list[Heard]:
        """Of all workers that have not taken it back."""
        return list(self._newest.values())


def key_of(worker: str) -> bytes:
    """The key of a worker's record."""
    return KEY_PREFIX + worker.encode()


def is_past(said: Confirmed, reached: Mapping[str, int]) -> bool:
    """Whether this worker holds nothing any more of what was written up to there, in memory and in its snapshot."""
    return covers(said.applied, reached) and (said.saved is None or covers(said.saved, reached))


def covers(offsets: Mapping[str, int], reached: Mapping[str, int]) -> bool:
    """Whether these offsets have come to those that were reached, in each partition of these."""
    return all(offsets.get(partition, 0) >= offset for partition, offset in reached.items())
