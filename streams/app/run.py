"""From settings to a worker that runs until it is told to stop."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog

from streams.app.loop import WorkerLoop
from streams.app.process import forbid_core_dumps
from streams.app.vision import make_vision
from streams.app.worker import Worker
from streams.engine.brokers import BROKERS
from streams.engine.errors import EngineError
from streams.engine.topics import admin, reached
from streams.engine.topics.inspection import inspect
from streams.settings import Settings
from streams.wire.header_names import read_any_header_name
from streams.wire.rights import Role, rights_of

_log = structlog.get_logger(__name__)

StopRequested = Callable[[], AbstractContextManager[asyncio.Event]]
"""Entered inside the running loop; the event tells when to end in order."""


async def make_worker(settings: Settings) -> Worker:
    """Check the topics, load networks and keys. Raises AdminError, PackError and KeyDirectoryError."""
    read_any_header_name()
    epochs = await checked_epochs(settings)
    vision = await asyncio.to_thread(make_vision, settings)
    if vision.pack.licence_notice is not None:
        sys.stderr.write(f"facestreams: {vision.pack.licence_notice}\n")  # whatever the log's level
    return Worker(settings, vision, epochs)


async def checked_epochs(settings: Settings) -> dict[str, str]:
    """The epochs of the input topics, once all topics are as promised. Raises AdminError with every difference
    that breaks a promise, and where a topic holds less than was read of it.
    """
    connection, topics, broker = settings.connection(), settings.topics(), BROKERS[settings.broker]
    await admin.require_rights(connection, Role.WORKER, rights_of(Role.WORKER, topics))
    found = await inspect(connection, topics, replication=settings.replication, broker=broker)
    if found.broken:
        raise admin.AdminError(
            f"topics differ ({'; '.join(found.broken)}): run facestreams topics create, or facestreams topics mend"
        )
    if found.remarks:
        _log.warning("topics differ, and keep every promise", differences=found.remarks)
    epochs = await admin.epochs(connection, topics)
    missing = [short for short in admin.EPOCH_TOPICS if short not in epochs]
    if missing:
        raise admin.AdminError(f"no epoch for {', '.join(missing)}: run facestreams topics create")
    if broker.exact_ends:
        await reached.check(connection, topics, epochs)
    return epochs


def run_worker(settings: Settings, stop_requested: StopRequested) -> int:
    """Run a worker until it is told to stop; 0 on a clean stop. Raises what stops the start or ends the worker."""
    forbid_core_dumps()
    with asyncio.Runner(loop_factory=WorkerLoop) as runner:
        return runner.run(_run(settings, stop_requested))


async def _run(settings: Settings, stop_requested: StopRequested) -> int:
    with stop_requested() as told:
        stop, work = asyncio.create_task(told.wait()), asyncio.create_task(_work(settings))
        await asyncio.wait({stop, work}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not work.done():
            work.cancel()
        try:
            await work
        except asyncio.CancelledError as error:
            if not told.is_set():  # the Kafka client may cancel whoever waits for it: that is no clean stop
                raise EngineError("the worker was cancelled, and nobody told it to stop") from error
    return 0


async def _work(settings: Settings) -> None:
    """Start a worker and let it run; whatever ends that, it is stopped in order."""
    worker = await make_worker(settings)
    try:
        await worker.start()
        _log.info("worker started", http_port=worker.http_port, account=settings.account, pack=settings.model_pack)
        await worker.ended()
    finally:
        await worker.stop()
