"""Which workers have carried out what face-features says: the records `worker/<id>` of the topic control."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from streams.engine.outlet import Output
from streams.wire import records
from streams.wire.records import Confirmed
from streams.wire.topics import CONTROL, MS_PER_DAY, MS_PER_MINUTE, Topics

KEY_PREFIX: Final = b"worker/"

SILENT_AFTER_MS: Final = MS_PER_MINUTE
"""A worker says how far it is every ten seconds; one that has not for so long is named, and not waited for."""

GONE_AFTER_MS: Final = MS_PER_DAY
"""One that was silent for so long can bring nothing back: a snapshot of that age is removed unread, its memory is of a
process that has missed its session by hours."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A worker's word, and when control took it: by the broker's clock, which is no worker's own."""

    said: Confirmed
    at_ms: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Ids of workers. confirmed: they hold nothing any more. waiting: they have yet to say so. silent: they do not.

    gone: nothing can come of them any more, whatever they said.
    """

    confirmed: tuple[str, ...]
    waiting: tuple[str, ...]
    silent: tuple[str, ...]
    gone: tuple[str, ...]


class WorkersView:
    """The newest word of each worker."""

    def __init__(self) -> None:
        self._newest: dict[bytes, Heard] = {}

    def apply(self, record: Any) -> None:
        """Take one record of control; those of other kinds are passed over."""
        if record.key is None or not record.key.startswith(KEY_PREFIX):
            return
        if record.value is None:
            self._newest.pop(record.key, None)
        elif record.value:
            said = records.decode(record.value, Confirmed)
            if key_of(said.worker) != record.key:
                raise ValueError("a worker's word stands under another's key")
            self._newest[record.key] = Heard(said, record.timestamp)

    def all(self) -> list[Heard]:
        """Of all workers that have not taken it back."""
        return list(self._newest.values())


def key_of(worker: str) -> bytes:
    """The key of a worker's record."""
    return KEY_PREFIX + worker.encode()


def taken_back(topics: Topics, worker: str) -> Output:
    """What takes a worker's word from control."""
    return Output(topic=topics.name(CONTROL), key=key_of(worker), value=None, partition=0)


def judge(heard: Iterable[Heard], reached: Mapping[str, int], now_ms: int) -> Verdict:
    """Who has come past `reached` of face-features, in memory and in its snapshot where it keeps one.

    Where that is nowhere, who was heard of lately.
    """
    confirmed, waiting, silent, gone = [], [], [], []
    for each in heard:
        silence_ms = now_ms - each.at_ms
        if silence_ms > GONE_AFTER_MS:
            gone.append(each.said.worker)
        elif is_past(each.said, reached) and (any(reached.values()) or silence_ms <= SILENT_AFTER_MS):
            confirmed.append(each.said.worker)
        elif silence_ms <= SILENT_AFTER_MS:
            waiting.append(each.said.worker)
        else:
            silent.append(each.said.worker)
    return Verdict(*(tuple(sorted(names)) for names in (confirmed, waiting, silent, gone)))


def is_past(said: Confirmed, reached: Mapping[str, int]) -> bool:
    """Whether this worker holds nothing any more of what was written up to there."""
    kept = [said.applied] if said.saved is None else [said.applied, said.saved]
    return all(offsets.get(partition, 0) >= offset for offsets in kept for partition, offset in reached.items())
