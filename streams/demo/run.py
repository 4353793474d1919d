"""The demo: a broker, a worker, three cameras, and the answers held against the truth. One screen, in order."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.live import Live

from models.gallery.keys import KeyDirectory
from streams.demo.cast import CAST, ENROLLED, CastError
from streams.demo.film import CAMERAS, FRAMES_PER_S, FilmFrame, enrollment_picture, film
from streams.demo.judge import judge
from streams.demo.live import CameraState, after, live_table
from streams.demo.report import Latency, Summary, count_answers, render, write_json
from streams.demo.worker_process import WorkerProcess, WorkerProcessError, free_port
from streams.edge.client import GalleryClient
from streams.edge.errors import EdgeError
from streams.edge.publish import FramePublisher
from streams.edge.readers import recognition_reader, sighting_reader
from streams.engine.brokers import EMBEDDED
from streams.engine.embedded import EmbeddedBroker, EmbeddedBrokerError
from streams.engine.topics import admin
from streams.wire.connection import Connection
from streams.wire.records import Recognition, Sighting
from streams.wire.topics import Topics

CONSENT: Final = "demo"
VISIT_TIMEOUT_S: Final = 3.0
PATIENCE_S: Final = 15.0
"""How long nothing may arrive, after the last frame was published, before the rest counts as missing."""

TOPICS: Final = Topics(prefix="facestreams", account="demo", partitions=6)


class DemoError(Exception):
    """The demo could not be played to its end."""


@dataclass(slots=True)
class Run:
    """What has happened so far. published_at: by frame id, on this process's clock."""

    cameras: dict[str, CameraState] = field(default_factory=lambda: {name: CameraState(name) for name in CAMERAS})
    published_at: dict[str, float] = field(default_factory=dict)
    recognitions: list[Recognition] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    started_at: float = 0.0
    last_at: float = 0.0

    def published(self, frame: FilmFrame) -> None:
        """A frame was handed to the producer."""
        now = time.monotonic()
        self.started_at = self.started_at or now
        self.published_at[frame.truth.frame_id] = self.last_at = now
        before = self.cameras[frame.truth.camera_id]
        self.cameras[before.camera_id] = CameraState(
            before.camera_id, before.published + 1, before.recognised, before.in_view
        )

    def recognised(self, recognition: Recognition) -> None:
        """A recognition has arrived."""
        now = time.monotonic()
        self.last_at = now
        self.recognitions.append(recognition)
        self.latencies_ms.append(1000 * (now - self.published_at[recognition.frame_id or ""]))
        self.cameras[recognition.camera_id] = after(self.cameras[recognition.camera_id], recognition)


def run_demo(*, report: Path, seconds: float) -> int:
    """Play the demo and write its summary to `report`; 0 if every answer was right, 1 otherwise."""
    console = Console()
    report.unlink(missing_ok=True)  # what an earlier run said must not outlive a run that fails
    try:
        summary = asyncio.run(_play(console, seconds))
    except (
        DemoError,
        CastError,
        EdgeError,
        WorkerProcessError,
        EmbeddedBrokerError,
        admin.AdminError,
    ) as error:
        console.print(f"The demo failed: {error}", style="red", highlight=False, markup=False)
        return 1
    console.print(render(summary))
    write_json(summary, report)
    console.print(f"Summary written to {report}", highlight=False)
    return summary.exit_code


async def _play(console: Console, seconds: float) -> Summary:
    with tempfile.TemporaryDirectory(prefix="facestreams-demo-") as scratch, EmbeddedBroker() as broker:
        connection = Connection(broker.bootstrap_servers)
        console.print(f"A broker in memory at {broker.bootstrap_servers}; topics, and keys of its own")
        await admin.create_missing(connection, TOPICS, replication=1)
        keys = Path(scratch, "keys")
        KeyDirectory.create(keys)
        with _worker(_settings(connection, keys)) as worker:
            console.print("A worker is starting; meanwhile three cameras film")
            reels = await asyncio.to_thread(_reels, round(seconds * FRAMES_PER_S))
            await worker.ready()
            await _enroll(console, connection)
            run = await _watch(console, connection, reels, (broker, worker))
    truths = [frame.truth for reel in reels for frame in reel]
    judgement = judge(
        truths,
        run.recognitions,
        run.sightings,
        enrolled=ENROLLED,
        visit_timeout_frames=round(VISIT_TIMEOUT_S * FRAMES_PER_S),
    )
    elapsed_s = max(run.last_at - run.started_at, 1e-9)
    return Summary(judgement, elapsed_s, Latency.of(run.latencies_ms), count_answers(run.recognitions))


def _reels(frames: int) -> list[list[FilmFrame]]:
    return [list(film(camera_id, frames)) for camera_id in CAMERAS]


def _settings(connection: Connection, keys: Path) -> dict[str, str]:
    """hnsw_from: so that this small gallery shows both searches."""
    return {
        "FACESTREAMS_BOOTSTRAP_SERVERS": connection.bootstrap_servers,
        "FACESTREAMS_BROKER": EMBEDDED.name,
        "FACESTREAMS_PREFIX": TOPICS.prefix,
        "FACESTREAMS_ACCOUNT": TOPICS.account,
        "FACESTREAMS_PARTITIONS": str(TOPICS.partitions),
        "FACESTREAMS_KEY_DIR": str(keys),
        "FACESTREAMS_HNSW_FROM": "1",
        "FACESTREAMS_VISIT_TIMEOUT_S": str(VISIT_TIMEOUT_S),
        "FACESTREAMS_HTTP_PORT": str(free_port()),
        **{name: value for name in ("FACESTREAMS_CACHE_DIR",) if (value := os.environ.get(name))},
    }


@contextmanager
def _worker(settings: dict[str, str]) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(settings)
    try:
        yield worker
    finally:
        worker.stop()


async def _enroll(console: Console, connection: Connection) -> None:
    """One picture of each of those who are known; the others stay strangers."""
    async with GalleryClient(connection, TOPICS) as client:
        for person in CAST:
            if not person.enrolled:
                continue
            picture = enrollment_picture(person)
            answer = await client.enroll(person.person_id, picture, consent=CONSENT, consent_basis="of_age")
            if not answer.accepted:
                raise DemoError(f"{person.person_id} was not enrolled: {answer.code} ({answer.detail})")
    strangers = sorted(person.person_id for person in CAST if not person.enrolled)
    console.print(f"Enrolled {', '.join(sorted(ENROLLED))}; strangers are {', '.join(strangers)}", highlight=False)


async def _watch(
    console: Console,
    connection: Connection,
    reels: Sequence[Sequence[FilmFrame]],
    processes: Sequence[EmbeddedBroker | WorkerProcess],
) -> Run:
    run = Run()
    async with (
        recognition_reader(connection, TOPICS, from_beginning=True) as recognitions,
        sighting_reader(connection, TOPICS, from_beginning=True) as sightings,
        FramePublisher(connection, TOPICS) as publisher,
    ):

        async def read_recognitions() -> None:
            async for recognition in recognitions:
                run.recognised(recognition)

        async def read_sightings() -> None:
            async for sighting in sightings:
                run.sightings.append(sighting)

        reading = [asyncio.create_task(read_recognitions()), asyncio.create_task(read_sightings())]
        filming = [asyncio.create_task(_film(reel, publisher, run)) for reel in reels]
        try:
            await _show(console, run, filming, reading, processes, sum(map(len, reels)))
        finally:
            for task in (*filming, *reading):
                task.cancel()
            await asyncio.gather(*filming, *reading, return_exceptions=True)
    return run


async def _film(reel: Sequence[FilmFrame], publisher: FramePublisher, run: Run) -> None:
    """Publish a camera's frames at the rate at which it filmed them."""
    clock = asyncio.get_running_loop()
    begun = clock.time()
    for number, frame in enumerate(reel):
        await asyncio.sleep(max(0.0, begun + number / FRAMES_PER_S - clock.time()))
        run.published(frame)
        await publisher.publish(frame.jpeg, camera_id=frame.truth.camera_id, frame_id=frame.truth.frame_id)


async def _show(
    console: Console,
    run: Run,
    filming: Sequence["asyncio.Task[None]"],
    reading: Sequence["asyncio.Task[None]"],
    processes: Sequence[EmbeddedBroker | WorkerProcess],
    frames: int,
) -> None:
    """Keep the table current until every frame has its recognition, or nothing comes any more."""
    begun = time.monotonic()
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(live_table(list(run.cameras.values()), time.monotonic() - begun), refresh=True)
            for task in (*filming, *reading):
                if task.done():
                    task.result()
            for process in processes:
                process.check()
            filmed = all(task.done() for task in filming)
            if filmed and (len(run.recognitions) >= frames or time.monotonic() - run.last_at > PATIENCE_S):
                return
            await asyncio.sleep(0.25)
