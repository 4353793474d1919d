"""What no request sets off: once a second, and once more at the end."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from models.gallery.gallery import Galleries
from streams.agents.journal import Journal
from streams.agents.pool import Pool
from streams.app.intake import Intake
from streams.app.views import Views
from streams.monitor.metrics import Metrics

_log = structlog.get_logger(__name__)

TICK_S: Final = 1.0
LAST_WORDS_S: Final = 3.0


class Beat:
    """Of one worker. camera_idle_s: without a frame for so long, a camera's lane goes. fatal: told of a bug in it."""

    def __init__(
        self,
        intake: Intake,
        views: Views,
        journal: Journal,
        galleries: Galleries,
        pool: Pool,
        metrics: Metrics,
        *,
        camera_idle_s: float,
        fatal: Callable[[BaseException], object],
    ) -> None:
        self._intake = intake
        self._views = views
        self._journal = journal
        self._galleries = galleries
        self._pool = pool
        self._metrics = metrics
        self._camera_idle_s = camera_idle_s
        self._fatal = fatal
        self._send = intake.engine.send
        self._ticks: asyncio.Task[None] | None = None
        intake.engine.before_end(self._last_words)

    def start(self) -> None:
        """Begin, once the engine has started."""
        self._ticks = asyncio.create_task(self._tick())

    def stop(self) -> None:
        """End; the last words are spoken as the engine stops."""
        if self._ticks is not None:
            self._ticks.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self._once()
            except Exception as error:  # noqa: BLE001  a tick that fails is a bug: end the worker, not silently
                self._fatal(error)

    async def _once(self) -> None:
        intake = self._intake
        intake.silence.look()
        intake.deletions.look()
        intake.lanes.expire(self._camera_idle_s)
        await self._journal.write_sums(self._send)
        if intake.lease.valid:  # a broker that is away would hold up what comes after
            await intake.reached.write(self._send)
            await intake.deletions.write(self._send)
        self._gauge()
        await asyncio.to_thread(self._galleries.rebuild)

    async def _last_words(self) -> None:
        """What is summed of errors would go with the worker; a broker that is away cannot hold it up for long.

        The last snapshot comes before the last word of what this worker still holds.
        """
        await self._views.finish()
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._journal.write_rest(self._send)
                await self._intake.reached.write_rest(self._send)
                await self._intake.deletions.end(self._send)
        except TimeoutError:
            _log.warning("last records to error-log and control were not written", after_s=LAST_WORDS_S)

    def _gauge(self) -> None:
        for name in self._galleries.names():
            gallery = self._galleries.get(name)
            self._metrics.gallery(name, persons=gallery.size, features=len(gallery))
        self._intake.purging.gauge()
        self._metrics.stuck(self._pool.stuck)
        self._metrics.state(view_age_s=self._views.gallery.age_s, in_flight=self._intake.lanes.in_flight)
