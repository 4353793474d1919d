"""Processed pictures go from the broker, in a task of its own: a broker that is away holds up nothing else."""

import asyncio
from collections.abc import Callable, Collection

from streams.engine.brokers import BROKERS
from streams.engine.lanes.waiting import Partition
from streams.engine.lease import Lease
from streams.engine.outlet import Send
from streams.engine.purge.purge import Purge
from streams.engine.purge.purger import Purger
from streams.engine.request import Request
from streams.engine.topics.reached import INPUTS
from streams.monitor.metrics import Metrics
from streams.settings import Settings
from streams.wire.rights import workers_group


class Purging:
    """Of one worker; does nothing on a broker that deletes no records."""

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
        self._able = BROKERS[settings.broker].deletes_records
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
        self._task: asyncio.Task[None] | None = None

    def assigned(self, partitions: Collection[Partition]) -> None:
        """These are ours now."""
        self._purge.assigned(partitions)

    def arrived(self, request: Request) -> None:
        """A record was read."""
        self._purge.arrived(request)

    def start(self) -> None:
        """Begin to delete."""
        if self._able:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, whatever is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def gauge(self) -> None:
        """Show what is not deleted yet."""
        if self._able:
            undeleted_s = self._purge.undeleted_s()
            for short, name in self._names.items():
                self._metrics.undeleted(short, undeleted_s.get(name, 0.0))

    async def _run(self) -> None:
        try:
            await self._purger.run()
        except Exception as error:  # noqa: BLE001  whatever it is, it is a bug
            self._fatal(error)
