"""A worker's own word on how far it has carried out face-features, for who drives a deletion."""

from collections.abc import Callable, Mapping, MutableSet
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from streams.agents.erasure.pending import PendingErasures
from streams.agents.erasure.workers import taken_back
from streams.engine.outlet import Output, Send
from streams.wire import records
from streams.wire.records import Confirmed
from streams.wire.topics import CONTROL, Topics
from streams.wire.workers import is_past, key_of

_log = structlog.get_logger(__name__)

EVERY_MS: Final = 10_000

Offsets = Mapping[int, int]


@dataclass(slots=True, kw_only=True)
class Confirmations:
    """Writes it every ten seconds, and at once when it is past what a deletion waits for.

    worker: this worker's id. applied: the view's positions. saved: what the snapshot on disk holds; None: there is
    none. swept: workers that have ended and whose snapshot was removed here: their words are taken back, and they are
    taken out. clock_ms: milliseconds since 1970.
    """

    topics: Topics
    worker: Callable[[], str]
    applied: Callable[[], Offsets]
    saved: Callable[[], Offsets | None]
    swept: MutableSet[str]
    pending: PendingErasures
    clock_ms: Callable[[], int]
    _said: Confirmed | None = None

    async def write(self, send: Send) -> None:
        """Write it if it is due; what the broker does not take comes with the next."""
        for worker in tuple(self.swept):
            if await self._is_taken(send, taken_back(self.topics, worker), "it comes again"):
                self.swept.discard(worker)
        now = self._now()
        if self._is_due(now) and await self._is_taken(send, self._output(now), "it comes again"):
            self._said = now

    async def end(self, send: Send) -> None:
        """The last word: nothing is held any more, or a snapshot stays behind, which deletions to come must name."""
        now = self._now()
        if now.saved is None and self._said is None:
            return
        self._said = None
        last = taken_back(self.topics, now.worker) if now.saved is None else self._output(now)
        await self._is_taken(send, last, "this worker will be waited for")

    async def _is_taken(self, send: Send, output: Output, consequence: str) -> bool:
        try:
            await (await send(output))
        except KafkaError as error:
            _log.warning("control took no record", consequence=consequence, error=repr(error))
            return False
        return True

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
