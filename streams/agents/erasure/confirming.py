"""A worker's own word on how far it has carried out face-features, for who drives a deletion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from streams.agents.erasure.pending import PendingErasures
from streams.agents.erasure.workers import is_past, key_of, taken_back
from streams.engine.outlet import Output, Send
from streams.wire import records
from streams.wire.records import Confirmed
from streams.wire.topics import CONTROL, Topics

_log = structlog.get_logger(__name__)

EVERY_MS: Final = 10_000

Offsets = Mapping[int, int]


@dataclass(slots=True, kw_only=True)
class Confirmations:
    """Writes it every ten seconds, and at once when it is past what a deletion waits for.

    worker: this worker's id. applied: the view's positions. saved: what the snapshot on disk holds; None: there is
    none. clock_ms: milliseconds since 1970.
    """

    topics: Topics
    worker: Callable[[], str]
    applied: Callable[[], Offsets]
    saved: Callable[[], Offsets | None]
    pending: PendingErasures
    clock_ms: Callable[[], int]
    _said: Confirmed | None = None

    async def write(self, send: Send) -> None:
        """Write it if it is due; what the broker does not take comes with the next."""
        now = self._now()
        if self._is_due(now):
            try:
                await (await send(self._output(now)))
            except KafkaError as error:
                _log.warning("control took no record, it comes again", error=repr(error))
                return
            self._said = now

    async def end(self, send: Send) -> None:
        """The last word: nothing is held any more, or a snapshot stays behind, which deletions to come must name."""
        now = self._now()
        if now.saved is None and self._said is None:
            return
        self._said = None
        last = taken_back(self.topics, now.worker) if now.saved is None else self._output(now)
        try:
            await (await send(last))
        except KafkaError as error:
            _log.warning("control took no record, this worker will be waited for", error=repr(error))

    def _is_due(self, now: Confirmed) -> bool:
        said = self._said
        if said is None or now.written_at_ms - said.written_at_ms >= EVERY_MS:
            return True
        wanted = {str(partition): offset for partition, offset in self.pending.reached().items()}
        return is_past(now, wanted) and not is_past(said, wanted)

    def _now(self) -> Confirmed:
        saved = self.saved()
        return Confirmed(
            worker=self.worker(),
            applied=_named(self.applied()),
            saved=None if saved is None else _named(saved),
            written_at_ms=self.clock_ms(),
        )

    def _output(self, said: Confirmed) -> Output:
        return Output(topic=self.topics.name(CONTROL), key=key_of(said.worker), value=records.encode(said), partition=0)


def _named(offsets: Offsets) -> dict[str, int]:
    return {str(partition): offset for partition, offset in sorted(offsets.items())}
