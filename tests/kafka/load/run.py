"""`make load` and `make soak`: a worker process on Apache Kafka, fed by eight cameras from the demo's film.

load: what the worker can take, three times that with an age limit and without one, and one camera that floods.
soak: a long run at 80 % of what it can take.

Worker, broker, cameras and readers share this machine: figures are to be read as ratios.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from streams.wire.topics import Topics
from tests.kafka.broker import Kafka
from tests.kafka.jars import KafkaMissingError
from tests.kafka.load import fairness, overload, soak
from tests.kafka.load.course import Course, course
from tests.kafka.load.ground import Ground, pictures

FLOOD_FPS, FLOOD_S = 300.0, 10.0
"""More than a worker here can take, to measure what it can."""

OVERLOAD_S, CALM_S = 120.0, 20.0
MAX_AGE_S, LATE_S = 2.0, 0.5
FAIRNESS_S = 20.0
SLACK_S = 1.0
"""What may be added to the age limit: the frames in flight, on a machine that does everything at once."""


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write the report; 0 when all is as it must be, 1 when not, 2 when Kafka cannot run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("load", "soak"))
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak; of the overload a fifth")
    given = parser.parse_args(arguments)
    measure = _soak if given.what == "soak" else _load
    try:
        with tempfile.TemporaryDirectory(prefix="facestreams-load-") as directory, Kafka(Path(directory)) as kafka:
            report = asyncio.run(measure(kafka, Path(directory), given.minutes * 60))
    except KafkaMissingError as error:
        print(f"{given.what}: {error}", file=sys.stderr)
        return 2
    target = Path("build", f"{given.what}.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    for line in report["faults"]:
        print(f"{given.what}: {line}")
    print(f"{given.what}: written to {target}")
    return 1 if report["faults"] else 0


async def _soak(kafka: Kafka, directory: Path, seconds: float) -> dict:
    ground = await _ground(kafka, directory)
    async with _begun(ground) as (run, capacity_fps):
        frames_per_s = soak.SHARE * capacity_fps
        print(f"a worker takes {capacity_fps:.0f} frames/s; {seconds / 60:g} minutes at {frames_per_s:.0f}", flush=True)
        minutes, grown = await soak.soak(run, frames_per_s, seconds)
        rows = [minute.row() for minute in minutes]
        _show("soak", rows)
        print("flat" if not grown else "not flat")
        faults = [*grown, *_lost(run)]
        return {"capacity_fps": round(capacity_fps, 1), "offered_fps": round(frames_per_s, 1), "faults": faults} | {
            "peak_rss_mib": round(run.vitals.peak_rss_mib(), 1),
            "rows": rows,
        }


async def _load(kafka: Kafka, directory: Path, seconds: float) -> dict:
    ground = await _ground(kafka, directory)
    overload_s = seconds / 5
    async with _begun(ground, MAX_FRAME_AGE_S=f"{MAX_AGE_S:g}") as (run, capacity_fps):
        print(f"a worker takes {capacity_fps:.0f} frames/s; overloads of {overload_s:g} s", flush=True)
        limited = await overload.overload(run, capacity_fps, overload_s, calm_s=CALM_S, late_s=LATE_S)
        faults = [*_lost(run), *_grown(limited), *_late(limited)]
    films = pictures()
    async with course(ground, films) as run:
        flood = await fairness.flood(run, films[0], 2 * capacity_fps, FAIRNESS_S)
        faults += _lost(run)
    async with course(ground, films) as run:
        large = await fairness.flood(run, [fairness.huge(films[0][0])], fairness.HUGE_FPS, FAIRNESS_S)
        faults += [*_lost(run), *_grown(large)]
    async with course(ground, pictures()) as run:
        unlimited = await overload.overload(run, capacity_fps, overload_s, calm_s=0.0, late_s=LATE_S)
        faults += [*_lost(run), *_grown(unlimited)]
    rows = [
        {"scenario": f"3 times the capacity, age limit {MAX_AGE_S:g} s", **limited.row()},
        {"scenario": "3 times the capacity, no age limit", **unlimited.row()},
    ]
    _show("overload", _turned(rows))
    floods = [
        {"scenario": "2 times the capacity from one camera", **flood.row()},
        {"scenario": f"{fairness.HUGE_FPS:g} frames/s of 33 megapixels from one camera", **large.row()},
    ]
    _show("one camera beside the others", _turned(floods))
    return {"faults": faults, "rows": rows, "fairness": floods}


async def _ground(kafka: Kafka, directory: Path) -> Ground:
    ground = await Ground.made(kafka.bootstrap(), Topics(prefix="load", partitions=6), directory)
    async with ground.worker():
        await ground.enroll()
    return ground


@asynccontextmanager
async def _begun(ground: Ground, **settings: str) -> AsyncIterator[tuple[Course, float]]:
    """A course, and what a worker without an age limit takes."""
    films = pictures()
    if settings:
        async with course(ground, films) as run:
            capacity_fps = await run.capacity_fps(FLOOD_FPS, FLOOD_S)
        async with course(ground, films, **settings) as run:
            yield run, capacity_fps
    else:
        async with course(ground, films) as run:
            yield run, await run.capacity_fps(FLOOD_FPS, FLOOD_S)


def _lost(run: Course) -> Iterator[str]:
    """What must not be, whatever the load."""
    codes = run.codes()
    failed = codes.total() - codes["ok"] - codes["too_old"] - codes["none"]
    for number, what in (
        (run.feed.refused, "frames were not taken by the broker"),
        (codes["none"], "frames have no entry in the running log"),
        (failed, "frames have another code than ok and too_old"),
        (len(run.twice()), "frames were answered twice"),
        (len(run.wrong()), "frames are in one of running log and recognitions and not in the other"),
    ):
        if number:
            yield f"{number} {what}"


def _grown(outcome: overload.Outcome | fairness.Outcome) -> Iterator[str]:
    if outcome.peak_rss_mib > overload.MAX_RSS_MIB:
        yield f"the worker held {outcome.peak_rss_mib:.0f} MiB, of which {overload.MAX_RSS_MIB:.0f} are allowed"


def _late(limited: overload.Outcome) -> Iterator[str]:
    if limited.latency_max_s > MAX_AGE_S + SLACK_S:
        yield f"a frame was recognised {limited.latency_max_s:.1f} s after it was taken in"
    if limited.miscounted:
        yield f"the metrics of {limited.miscounted} cameras count other skips than the running log"


def _turned(rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Scenarios as columns: there are few of them, and much to say of each."""
    names = [name for name in rows[0] if name != "scenario"]
    return [{"": name, **{str(row["scenario"]): row[name] for row in rows}} for name in names]


def _show(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console(width=140).print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
