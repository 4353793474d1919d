"""`facestreams publish`."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit_codes import ExitCode
from streams.cli.invocation import invocation
from streams.cli.output import examples, quiet_clients, result, say
from streams.cli.stopping import stop_requested, wait_for
from streams.edge.errors import PictureTooLargeError
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.edge.publish import FramePublisher
    from streams.edge.sources import Source, SourcePicture

commands = typer.Typer()


@dataclass(frozen=True, slots=True)
class _Job:
    source: str
    camera_id: str
    gallery: str | None
    fps: float | None
    loop: bool
    jpeg_quality: int
    frames: int | None


@commands.command(
    epilog=examples(
        "facestreams publish clip.mp4 --camera lobby",
        "facestreams publish pictures/ --camera gate --fps 5 --loop",
        "facestreams publish 0 --camera desk --fps 10",
        "facestreams publish rtsp://camera.local/stream --camera yard --jpeg-quality 80",
    )
)
def publish(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="Video file, picture, directory of pictures, camera index, RTSP or HTTP address.")
    ],
    camera: Annotated[str, typer.Option(help="The camera's id: what is seen is told by it.")],
    gallery: Annotated[str | None, typer.Option(help="Search this gallery, not the camera's default.")] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            min=0, help="Frames a second; 0: as fast as the broker takes them. Recordings keep their own rate."
        ),
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end, until told to stop.")] = False,
    jpeg_quality: Annotated[int, typer.Option(min=1, max=100, help="Of video frames; pictures pass unchanged.")] = 90,
    frames: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
) -> None:
    """Publish a source as a camera's frames. A live source that is lost is opened again."""
    from models.single_opencv import check_single_opencv  # noqa: PLC0415  not before it is known to be our models

    check_single_opencv()
    quiet_clients()
    job = _Job(source, camera, gallery, fps, loop, jpeg_quality, frames)
    if not asyncio.run(_publish(invocation(context).settings(), job)):
        raise typer.Exit(ExitCode.REFUSED)


async def _publish(settings: Settings, job: _Job) -> bool:
    """Whether every frame was taken."""
    from streams.edge.opening import open_source  # noqa: PLC0415  imports OpenCV
    from streams.edge.publish import FramePublisher  # noqa: PLC0415  imports the Kafka client

    source = await asyncio.to_thread(
        open_source, job.source, jpeg_quality=job.jpeg_quality, loop=job.loop, max_fps=job.fps or None, notice=say
    )
    begun_s = time.monotonic()
    async with FramePublisher(settings.connection(), settings.topics()) as publisher:
        await _send_all(publisher, source, job)
    counts, seconds = publisher.counts, time.monotonic() - begun_s
    result(
        f"{counts.published} frames of {source.name} as camera {job.camera_id}: "
        f"{counts.published_bytes / 1e6:.1f} MB in {seconds:.1f} s, {counts.refused} refused for their size"
    )
    return counts.refused == 0


async def _send_all(publisher: "FramePublisher", source: "Source", job: _Job) -> None:
    with stop_requested() as stop, _progress(source, job) as advance:
        number = 0
        async for picture in _pictures(source, job, stop):
            try:
                await publisher.publish(
                    picture.encoded,
                    camera_id=job.camera_id,
                    frame_id=str(number),
                    captured_at_ms=picture.captured_at_ms,
                    gallery=job.gallery,
                )
            except PictureTooLargeError as error:
                say(f"frame {number}: {error}")
            advance()
            number += 1
            if number == job.frames:
                return


async def _pictures(source: "Source", job: _Job, stop: asyncio.Event) -> AsyncIterator["SourcePicture"]:
    """The source's pictures at the rate asked for, read outside the event loop, until told to stop."""
    from streams.edge.pacing import Pacer  # noqa: PLC0415

    async def sleep(seconds: float) -> None:
        await wait_for(stop, seconds)

    async def close_at_stop() -> None:
        # a live source may be pausing before it opens its camera again; closing it ends the pause
        await stop.wait()
        source.close()

    fps = source.fps if job.fps is None else job.fps
    pacer = Pacer(fps, time.monotonic, sleep) if fps and not source.live else None
    closing = asyncio.create_task(close_at_stop())
    pictures = iter(source)
    try:
        while (picture := await asyncio.to_thread(next, pictures, None)) is not None and not stop.is_set():
            if pacer is not None:
                await pacer.wait()
            yield picture
    finally:
        closing.cancel()
        source.close()


@contextmanager
def _progress(source: "Source", job: _Job) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere; to be told of each frame."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    total = job.frames if source.total is None else min(source.total, job.frames or source.total)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(job.camera_id, total=total)
        yield lambda: bar.advance(task)
