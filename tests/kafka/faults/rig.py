"""A deployment under fault: worker processes, cameras that publish at a steady rate, and the count at the end."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from models.gallery.keys import KeyDirectory
from streams.demo.cast import CAST
from streams.demo.film import enrollment_picture
from streams.demo.worker_process import WorkerProcess
from streams.edge.client import GalleryClient
from streams.engine.topics import admin
from streams.wire.connection import Connection
from streams.wire.topics import ERROR_LOG, RECOGNITIONS, RUNNING_LOG, SIGHTINGS, VISITS, Topics
from tests.kafka.broker import Kafka
from tests.kafka.faults.cameras import Cameras
from tests.kafka.faults.count import Place, Row, Standing, count, of_frames, place, unanswered
from tests.kafka.faults.reading import Collector, partitions_by_member

PARTITIONS: Final = 12
VISIT_TIMEOUT_S: Final = 5.0
SESSION_S: Final = 10.0
"""The product's default."""
PATIENCE_S: Final = 180.0
LOOK_S: Final = 0.3
_numbers = itertools.count()


class RigError(Exception):
    """The rig cannot go on: frames do not come out, or a worker that should run does not."""


class Rig:
    """Made for one scenario: topics of its own on `kafka`.

    listener_of: by which of the brokers' listeners the worker of this name reaches them.
    settings: FACESTREAMS_ names without the prefix, for all workers. named: static membership, under the names by
    which workers are started. module: what a worker process runs in place of the command itself.
    """

    def __init__(
        self,
        kafka: Kafka,
        *,
        frames_per_s: float,
        listener_of: Callable[[str], str] = lambda _name: "PLAINTEXT",
        settings: Mapping[str, str] | None = None,
        named: bool = False,
        module: str = "streams.cli",
    ) -> None:
        self.kafka = kafka
        self.topics = Topics(prefix=f"faults{os.getpid()}x{next(_numbers)}", partitions=PARTITIONS)
        self.connection = Connection(kafka.bootstrap())
        self.workers: dict[str, WorkerProcess] = {}
        self._listener_of = listener_of
        self._settings = dict(settings or {})
        self._named = named
        self._module = module
        self._cameras = Cameras(self.connection, self.topics, frames_per_s=frames_per_s, patience_s=PATIENCE_S)
        self._stack = AsyncExitStack()
        self._seen = Collector(self.connection, self.topics, (RECOGNITIONS, RUNNING_LOG, ERROR_LOG, SIGHTINGS, VISITS))

    async def __aenter__(self) -> Self:
        directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="facestreams-faults-")))
        self._keys = directory / "keys"
        KeyDirectory.create(self._keys)
        await admin.create_missing(self.connection, self.topics, replication=len(self.kafka.nodes))
        await self._cameras.start()
        self._stack.push_async_callback(self._cameras.stop)
        await self._seen.start()
        self._stack.push_async_callback(self._seen.stop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, worker in self.workers.items():
            worker.kill()  # reaches one that is paused, too
            if error is not None:
                error.add_note(f"the log of {name} ends:\n{worker.log_tail()}")
        await self._stack.aclose()

    def start(self, name: str, **settings: str) -> WorkerProcess:
        """Start a worker under this name, with further settings; it is not waited for."""
        given = {
            "BOOTSTRAP_SERVERS": self.kafka.bootstrap(self._listener_of(name)),
            "PREFIX": self.topics.prefix,
            "PARTITIONS": str(self.topics.partitions),
            "REPLICATION": str(len(self.kafka.nodes)),
            "KEY_DIR": str(self._keys),
            "HTTP_PORT": str(_free_port()),
            "THREADS": "1",
            "VISIT_TIMEOUT_S": str(VISIT_TIMEOUT_S),
            **self._settings,
            **settings,
        }
        cache = os.environ.get("FACESTREAMS_CACHE_DIR")
        given |= {"CACHE_DIR": cache} if cache else {}
        given |= {"INSTANCE_ID": name} if self._named else {}
        environment = {f"FACESTREAMS_{key}": value for key, value in given.items()}
        self.workers[name] = WorkerProcess(environment, module=self._module)
        return self.workers[name]

    async def ready(self, *names: str) -> None:
        """Wait until these workers, or all, recognise frames as they come."""
        await asyncio.gather(*(self.workers[name].ready() for name in names or self.workers))

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.workers.pop(name).kill()

    async def stop(self, name: str) -> None:
        """SIGTERM; it must end in order."""
        worker = self.workers.pop(name)
        if code := await asyncio.to_thread(worker.stop):
            raise RigError(f"{name} ended with code {code} on SIGTERM:\n{worker.log_tail()}")

    async def paused(self, name: str, seconds: float) -> None:
        """SIGSTOP, then SIGCONT."""
        pid = self.workers[name].process.pid
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    @property
    def group_id(self) -> str:
        """Of the workers' consumer group."""
        return f"{self.topics.prefix}.{self.topics.account}.workers"

    @property
    def session_s(self) -> float:
        """After this silence a worker's cameras are given to another."""
        return float(self._settings.get("SESSION_TIMEOUT_S", SESSION_S))

    async def share(self, workers: int) -> None:
        """Wait until so many workers have the partitions, none of them less than its share. Raises RigError."""
        held: list[int] = []
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(held) != workers or min(held) < PARTITIONS // workers or sum(held) != PARTITIONS:
                    await asyncio.sleep(0.2)
                    held = await partitions_by_member(self.connection, self.group_id)
        except TimeoutError:
            raise RigError(f"{workers} workers hold {held} of {PARTITIONS} partitions") from None

    async def enroll(self) -> None:
        """Enroll the cast's persons; a worker must run."""
        async with GalleryClient(self.connection, self.topics, timeout_s=PATIENCE_S) as client:
            for person in (each for each in CAST if each.enrolled):
                answer = await client.enroll(
                    person.person_id, enrollment_picture(person), consent="form-7", consent_basis="of_age"
                )
                if not answer.accepted:
                    raise RigError(f"{person.person_id} was not enrolled: {answer.code}")

    def cameras(self) -> AbstractAsyncContextManager[None]:
        """Eight cameras publish at the rig's rate while this is open; at its end the broker has answered for all."""
        return self._cameras.filming()

    async def send(self, camera: str, picture: bytes) -> Place | None:
        """Publish one frame; where it stands, or None if the broker has not acknowledged it."""
        return await self._cameras.send(camera, picture)

    async def code_of(self, frame: Place, *, patience_s: float = PATIENCE_S) -> str:
        """What the running log says of a frame, once it does. Raises TimeoutError."""
        async with asyncio.timeout(patience_s):
            while True:
                await self._seen.read_to_the_end()
                for record in of_frames(self._seen.records[RUNNING_LOG]):
                    if place(record) == frame:
                        return str(record.value["return_code"])
                await asyncio.sleep(LOOK_S)

    async def row(self, scenario: str, *, patience_s: float = PATIENCE_S) -> Row:
        """Wait until every frame is answered for, but not for ever; stop the workers, and count. Raises RigError."""
        await self._drained(patience_s)
        for name in tuple(self.workers):
            await self.stop(name)
        await self._seen.read_to_the_end()
        return count(scenario, self._cameras.sent, self._standing(), visit_timeout_ms=int(VISIT_TIMEOUT_S * 1000))

    async def _drained(self, patience_s: float) -> None:
        """What is not answered for in this time is left to be counted."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while await self._something_is_missing():
                    for worker in self.workers.values():
                        worker.check()
                    await asyncio.sleep(LOOK_S)

    async def _something_is_missing(self) -> bool:
        await self._seen.read_to_the_end()
        logged = {place(record) for record in of_frames(self._seen.records[RUNNING_LOG])}
        sent = set(self._cameras.sent)
        return bool(sent - logged or unanswered(sent, self._standing()))

    def _standing(self) -> Standing:
        found = self._seen.records
        return Standing(
            recognitions=found[RECOGNITIONS],
            running=found[RUNNING_LOG],
            errors=found[ERROR_LOG],
            sightings=found[SIGHTINGS],
            visits=found[VISITS],
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
