"""One worker: views, agents, lanes and the engine, started in the order in which they need each other."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry

from streams.agents.pool import Pool, cores
from streams.app.agents import AgentMaker
from streams.app.beat import Beat
from streams.app.intake import Intake
from streams.app.views import Views
from streams.app.vision import Vision
from streams.engine.errors import StartError
from streams.monitor.health import HealthServer
from streams.monitor.metrics import Metrics
from streams.settings import Settings
from streams.wire.codes import Code
from streams.wire.topics import FACE_FEATURES


class Worker:
    """A member of the consumer group.

    Made inside a running event loop, from settings, what recognises, and the input topics' epochs.
    """

    def __init__(self, settings: Settings, vision: Vision, epochs: dict[str, str]) -> None:
        self._settings = settings
        self._galleries = vision.galleries
        registry = CollectorRegistry()
        self._metrics = Metrics(registry)
        self._fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._scratch = TemporaryDirectory(prefix="facestreams-")
        self._pool = Pool(
            settings.threads or cores(), timeout_s=settings.effective_recognize_timeout_s, fatal=self._end
        )
        self._views = Views(
            settings,
            vision,
            epoch=epochs[FACE_FEATURES],
            refused=self._refused,
            fatal=self._end,
        )
        self._agents = AgentMaker(
            settings, vision, self._views, epochs=epochs, pool=self._pool, metrics=self._metrics
        ).make()
        self._intake = Intake(
            settings,
            self._agents,
            self._views,
            self._metrics,
            epochs=epochs,
            data_dir=Path(self._scratch.name),
            fatal=self._end,
        )
        self._engine = self._intake.engine
        self._beat = Beat(
            self._intake,
            self._views,
            self._agents.journal,
            vision.galleries,
            self._pool,
            self._metrics,
            camera_idle_s=settings.camera_idle_s,
            fatal=self._end,
        )
        self._health = HealthServer(
            settings.http_host, settings.http_port, registry, self._why_not_live, self.why_not_ready
        )

    @property
    def http_port(self) -> int:
        """Where /metrics, /live and /ready are."""
        return self._health.port

    def why_not_ready(self) -> str | None:
        """None once frames are recognised as they come, else what is waited for."""
        return self._views.why_not_ready() or self._engine.why_not_ready()

    async def start(self) -> None:
        """Begin to read the views and join the group. Returns while that is under way: see `why_not_ready`.

        Raises StartError, and KafkaError where the broker is away.
        """
        try:
            await self._health.start()
        except OSError as error:
            where = f"{self._settings.http_host}:{self._settings.http_port}"
            raise StartError(f"FACESTREAMS_HTTP_PORT: {where} cannot be listened on: {error.strerror}") from error
        await self._views.start()
        await self._engine.start()
        self._beat.start()
        self._intake.purging.start()

    async def ended(self) -> None:
        """Wait until the worker cannot go on; raises what ended it."""
        crashed = asyncio.create_task(self._engine.ended())
        try:
            await asyncio.wait({self._fatal, crashed}, return_when=asyncio.FIRST_COMPLETED)
            if self._fatal.done():
                self._fatal.result()
            await crashed
        finally:
            crashed.cancel()

    async def stop(self) -> None:
        """Finish what is in flight, commit, leave the group, close everything, whatever fails on the way."""
        self._beat.stop()
        async with AsyncExitStack() as closing:
            closing.callback(self._scratch.cleanup)
            closing.callback(self._pool.close)
            closing.push_async_callback(self._health.stop)
            closing.push_async_callback(self._views.stop)
            closing.push_async_callback(self._intake.close)
            await self._intake.purging.stop()  # it writes through the engine
            await self._engine.stop()

    def _refused(self, short: str, code: Code) -> None:
        """A record of a topic of ours could not be used."""
        self._metrics.record_refused(code)
        self._agents.journal.view_refused(short, code)

    def _why_not_live(self) -> str | None:
        return "stopping" if self._engine.should_stop or self._fatal.done() else None

    def _end(self, error: BaseException) -> None:
        if not self._fatal.done():
            self._fatal.set_exception(error)
