"""Processed pictures go from the broker, and what was erased where nothing is written any more: in tasks of their own.

A broker that is away holds up nothing else.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from streams.app.clock import now_ms
from streams.engine.brokers import BROKERS
from streams.engine.lanes.waiting import Partition
from streams.engine.lease import Lease
from streams.engine.outlet import Send
from streams.engine.purge.closer import Closer
from streams.engine.purge.purge import Purge
from streams.engine.purge.purger import Purger
from streams.engine.reading.evidence import Evidence
from streams.engine.request import Request
from streams.engine.topics.reached import INPUTS
from streams.engine.topics.rounds import CLOSED
from streams.monitor.metrics import Metrics
from streams.settings import Settings
from streams.wire.rights import workers_group
from streams.wire.topics import CAMERA_FRAMES


class Purging:
    """Of one worker; does nothing on a broker that neither deletes records nor compacts."""

    def __init__(
        self,
        settings: Settings,
        *,
        send: Send,
        lease: Lease,
        metrics: Metrics,
        fatal: Callable[[BaseException], object],
    ) -> None:
        """fatal: told of a bug: a worker that keeps pictures does not go on silently."""
        topics = settings.topics()
        self._broker = BROKERS[settings.broker]
        self._metrics = metrics
        self._fatal = fatal
        self._names = {short: topics.name(short) for short in INPUTS}
        self._purge = Purge()
        self._purger = Purger(
            self._purge,
            settings.connection(),
            group_id=workers_group(topics),
            topics=tuple(self._names.values()),
            send=send,
            may_send=lambda: lease.valid,
        )
        self._closers = [
            Closer(
                topic=topics.name(short),
                evidence=Evidence(settings.connection(), workers_group(topics)),
                send=send,
                may_send=lambda: lease.valid,
                clock_ms=now_ms,
            )
            for short in CLOSED
        ]
        self._tasks: set[asyncio.Task[None]] = set()

    def assigned(self, partitions: Collection[Partition]) -> None:
        """These are ours now; a partition of camera-frames brings those of the same number along."""
        self._purge.assigned(partitions)
        for closer in self._closers:
            closer.assigned([number for topic, number in partitions if topic == self._names[CAMERA_FRAMES]])

    def arrived(self, request: Request) -> None:
        """A record was read."""
        self._purge.arrived(request)

    def start(self) -> None:
        """Begin to delete, and to close."""
        if self._broker.deletes_records:
            self._tasks.add(asyncio.create_task(self._run(self._purger.run())))
        if self._broker.compacts:
            self._tasks |= {asyncio.create_task(self._run(closer.run())) for closer in self._closers}

    async def stop(self) -> None:
        """End, whatever is under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def gauge(self) -> None:
        """Show what is not deleted yet."""
        if self._broker.deletes_records:
            undeleted_s = self._purge.undeleted_s()
            for short, name in self._names.items():
                self._metrics.undeleted(short, undeleted_s.get(name, 0.0))

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  whatever it is, it is a bug
            self._fatal(error)
