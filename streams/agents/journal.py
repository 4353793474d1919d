"""What every request leaves behind: one running-log entry, and an error-log entry if it failed."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from streams.agents.algorithm import NOT_RUN, Algorithm
from streams.agents.user_input import persons_named, summary
from streams.engine.outlet import Output, Send
from streams.engine.request import Request
from streams.logs.error import NOT_REACHED, Repeats, error_log_entry
from streams.logs.running import Asked, running_log_entry
from streams.wire import records
from streams.wire.codes import MEANING, Code
from streams.wire.event_id import EventId
from streams.wire.headers import Deployment
from streams.wire.records import ErrorLogEntry, LoggedFace, SealedPerson
from streams.wire.topics import CAMERA_FRAMES, ERROR_LOG, RUNNING_LOG, Topics

_log = structlog.get_logger(__name__)


def _nobody(_text: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Makes the log records of requests.

    clock_ms: milliseconds since 1970. is_person: whether somebody is enrolled under this id, in whichever gallery: the
    error log does not take it up, whatever the sender calls by it.
    """

    topics: Topics
    deployment: Deployment
    repeats: Repeats
    clock_ms: Callable[[], int]
    is_person: Callable[[str], bool] = _nobody

    def running(
        self,
        asked: Asked,
        code: Code,
        *,
        persons: Sequence[SealedPerson] = (),
        results: Sequence[LoggedFace] = (),
        decoded: bool = False,
    ) -> Output:
        """The running log's entry; it stands in the partition of the request's own number.

        persons: whom it names. results: of faces that were matched with nobody. decoded: as `is_billed` takes it.
        """
        entry = running_log_entry(
            self.deployment,
            asked,
            code,
            accessed_at_ms=self.clock_ms(),
            persons=persons,
            results=results,
            decoded=decoded,
        )
        return Output(
            topic=self.topics.name(RUNNING_LOG),
            key=entry.event_id.encode(),
            value=records.encode(entry),
            partition=asked.event_id.partition,
        )

    def failure(
        self,
        request: Request,
        asked: Asked,
        code: Code,
        detail: str,
        *,
        person: str | None = None,
        persons: Sequence[SealedPerson] = (),
        algorithm: Algorithm = NOT_RUN,
        said: Mapping[str, str] | None = None,
        decoded: bool = False,
    ) -> list[Output]:
        """Both logs' records of a request that failed.

        person: the keyed pseudonym. said: as the request's outlet has it. Else as `running` takes it.
        """
        named = persons_named(request, asked.event_id.topic)
        entry = error_log_entry(
            self.deployment,
            asked,
            code,
            detail,
            person=person,
            logged_at_ms=self.clock_ms(),
            given=summary(request, named, self.is_person),
            attempt=request.attempt,
            said={topic.removeprefix(self.topics.name("")): word for topic, word in (said or {}).items()},
            algorithm_output=algorithm.output,
            measured=algorithm.measured,
            withheld=lambda text: text in named or self.is_person(text),
        )
        written = self.repeats.admit(entry, self.clock_ms())
        return [self.running(asked, code, persons=persons, decoded=decoded), *map(self._error, written)]

    def view_refused(self, short: str, code: Code) -> None:
        """A record of the topic `short` could not be used: summed by cause, and written with the other sums."""
        entry = self._unasked(
            event_id=None,
            request_interface="view",
            upstream=f"{short} read",
            downstream=NOT_REACHED,
            return_code=code,
            detail=MEANING[code],
            output="passed over by this worker",
        )
        self.repeats.put_back(entry)

    def expired(self, first: EventId, end: int) -> Output:
        """The error log's record of requests that the broker removed before they were read.

        first: where the first of them stood. end: the offset behind the last. Not summed with others, since each
        tells its place; retention removes whole segments, so they are few.
        """
        entry = self._unasked(
            event_id=str(first),
            request_interface="recognize" if first.topic == CAMERA_FRAMES else "unknown",
            upstream=f"{first.topic} read too late",
            downstream=NOT_REACHED,
            return_code=Code.EXPIRED_UNREAD,
            detail=f"partition {first.partition}, offsets {first.offset} to {end - 1}",
            output="none",
            repeats=end - first.offset,
        )
        return self._error(entry)

    async def write_sums(self, send: Send) -> None:
        """Write the summed repeats that are due; what the broker does not take is summed on.

        They are of requests that were acknowledged, so no lease stands over them.
        """
        await self._write(send, self.repeats.due(self.clock_ms()))

    async def write_rest(self, send: Send) -> None:
        """Write all sums before the worker ends."""
        await self._write(send, self.repeats.rest())

    async def _write(self, send: Send, entries: Iterable[ErrorLogEntry]) -> None:
        await asyncio.gather(*(self._write_one(send, entry) for entry in entries))

    async def _write_one(self, send: Send, entry: ErrorLogEntry) -> None:
        try:
            await (await send(self._error(entry)))
        except KafkaError as error:
            _log.warning("the error log took no record, it is kept for later", error=repr(error))
            self.repeats.put_back(entry)

    def _unasked(self, **said: Any) -> ErrorLogEntry:
        """An entry about records whose sender is not known. said: the fields that are not the same in all."""
        return ErrorLogEntry(
            account=self.deployment.account,
            app_id=self.deployment.app_id,
            region=self.deployment.region,
            logged_at_ms=self.clock_ms(),
            uin=None,
            sub_uin=None,
            camera_id=None,
            person=None,
            input=None,
            algorithm_output=NOT_RUN.output,
            **said,
        )

    def _error(self, entry: ErrorLogEntry) -> Output:
        return Output(topic=self.topics.name(ERROR_LOG), key=None, value=records.encode(entry))
