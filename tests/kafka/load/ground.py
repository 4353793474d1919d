"""What a load run stands on: topics of its own, the demo's cast enrolled, workers with settings of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from models.gallery.keys import KeyDirectory
from streams.demo.cast import CAST
from streams.demo.film import CAMERAS, enrollment_picture, film
from streams.demo.worker_process import WorkerProcess, free_port
from streams.edge.client import GalleryClient
from streams.engine.topics.admin import create_missing
from streams.wire.connection import Connection
from streams.wire.topics import Topics

PICTURES_A_CAMERA = 60
"""Four seconds of film, shown again and again."""


@dataclass(frozen=True, slots=True)
class Ground:
    """settings: FACESTREAMS_ variables that every worker here has."""

    connection: Connection
    topics: Topics
    settings: dict[str, str]

    @classmethod
    async def made(cls, bootstrap_servers: str, topics: Topics, directory: Path) -> "Ground":
        """Topics and keys."""
        connection, key_dir = Connection(bootstrap_servers), directory / "keys"
        KeyDirectory.create(key_dir)
        await create_missing(connection, topics, replication=1)
        settings = {
            "FACESTREAMS_BOOTSTRAP_SERVERS": bootstrap_servers,
            "FACESTREAMS_PREFIX": topics.prefix,
            "FACESTREAMS_PARTITIONS": str(topics.partitions),
            "FACESTREAMS_KEY_DIR": str(key_dir),
            "FACESTREAMS_LOG_LEVEL": "warning",
        }
        return cls(connection, topics, settings)

    @asynccontextmanager
    async def worker(self, **settings: str) -> AsyncIterator[WorkerProcess]:
        """A worker that recognises; settings are named as in the README. Raises WorkerProcessError."""
        own = {f"FACESTREAMS_{name}": value for name, value in settings.items()}
        worker = WorkerProcess({**self.settings, "FACESTREAMS_HTTP_PORT": str(free_port()), **own})
        try:
            await worker.ready()
            yield worker
            worker.check()
        finally:
            await asyncio.to_thread(worker.stop)

    async def enroll(self) -> None:
        """Enroll the cast; a worker must run."""
        async with GalleryClient(self.connection, self.topics) as gallery:
            for person in (each for each in CAST if each.enrolled):
                answer = await gallery.enroll(
                    person.person_id, enrollment_picture(person), consent="load", consent_basis="of_age"
                )
                if not answer.accepted:
                    raise ValueError(f"{person.person_id}: {answer.code} ({answer.detail})")


def pictures(each: int = PICTURES_A_CAMERA) -> list[list[bytes]]:
    """What the demo's cameras film, as JPEG."""
    return [[frame.jpeg for frame in film(camera_id, each)] for camera_id in CAMERAS]
