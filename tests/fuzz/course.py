"""The course of a campaign: every kind of request, new cameras, bad records everywhere, and a start among them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from streams.demo.worker_process import WorkerProcess, WorkerProcessError
from streams.wire.connection import Connection
from streams.wire.topics import Topics
from tests.fuzz.campaign import Campaign, Row
from tests.fuzz.readers import READ
from tests.fuzz.requests import REQUESTS, Input, Maker, new_camera

MOST_RSS_MIB: Final = 1536
"""Of a worker with the default limits on two cores: two pictures of 33 megapixels are decoded at a time."""

PATIENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FACESTREAMS_REBALANCE_TIMEOUT_S": "60",
        "FACESTREAMS_RECOGNIZE_TIMEOUT_S": "20",
    }
)
"""For a worker on a machine that others use: what takes long is no fault, what never ends is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of each. inputs: requests in all, spread over the kinds. stored: bad records for each of our topics."""

    inputs: int
    cameras: int
    stored: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. exit_codes: of the worker, and of the one that was started when all of it lay on the topics."""

    rows: list[Row]
    peak_rss_mib: int
    exit_codes: tuple[int, ...]

    @property
    def clean(self) -> bool:
        """Nothing went wrong, and memory stayed bounded."""
        clean = all(row.clean for row in self.rows)
        return clean and not any(self.exit_codes) and self.peak_rss_mib <= MOST_RSS_MIB


async def run(
    connection: Connection,
    topics: Topics,
    start: Callable[[], WorkerProcess],
    *,
    seed: int,
    extent: Extent,
    said: Callable[[Row], object],
) -> Outcome:
    """Go through it. start: a worker on these topics, which must exist; called twice. said: told of each row."""
    each = [
        extent.inputs // len(REQUESTS) + (number < extent.inputs % len(REQUESTS)) for number in range(len(REQUESTS))
    ]
    async with Campaign(connection, topics, start()) as first:
        for number, (kind, make) in zip(each, REQUESTS.items(), strict=True):
            said(await first.requests(kind, drawn(make, kind, seed, number)))
        said(await first.requests("new cameras", map(new_camera, range(extent.cameras))))
        for short in READ:
            said(await first.stored(short, extent.stored, Random(f"{seed} {short}")))
        first_code = await first.account()
    second = await _again(connection, topics, start(), seed)
    said(second.rows[0])
    peak_rss_mib = max(first.peak_rss_mib, second.peak_rss_mib)
    return Outcome(first.rows + second.rows, peak_rss_mib, (first_code, *second.exit_codes))


async def _again(connection: Connection, topics: Topics, process: WorkerProcess, seed: int) -> Outcome:
    """A worker that starts when all of it lies on the topics."""
    kind = "after a restart"
    try:
        async with Campaign(connection, topics, process) as again:
            await again.requests(kind, drawn(REQUESTS["headers"], kind, seed, topics.partitions))
            code = await again.account()
    except WorkerProcessError:
        return Outcome([Row(kind, crashes=1)], 0, (process.kill(),))
    return Outcome(again.rows, again.peak_rss_mib, (code,))


def drawn(make: Maker, kind: str, seed: int, number: int) -> Iterator[Input]:
    """So many inputs of a kind; each has a generator of its own, so that one can be made again without the others."""
    return (make(Random(f"{seed} {kind} {which}")) for which in range(number))
