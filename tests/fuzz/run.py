"""`make fuzz`: bad input of every kind against a worker on Apache Kafka; a table, and build/fuzz.json.

Ends with 1 if an input ended the worker or made its code raise, if anything stalled or is not accounted for, or if the
worker took more memory than it may.
"""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.gallery.keys import KeyDirectory
from streams.demo.worker_process import WorkerProcess, free_port
from streams.engine.topics import admin
from streams.wire.connection import Connection
from streams.wire.topics import Topics
from tests.fuzz.campaign import Row
from tests.fuzz.course import MOST_RSS_MIB, PATIENT, Extent, Outcome, run
from tests.kafka.broker import Kafka

REPORT = Path("build/fuzz.json")
PARTITIONS = 4
HEADING = f"{'kind':22}{'inputs':>8}{'crashes':>9}{'stalls':>8}{'unaccounted':>13}{'seconds':>9}  codes"


def main() -> int:
    """Run it; the exit code."""
    given = _arguments()
    extent = Extent(inputs=given.inputs, cameras=given.cameras, stored=given.stored)
    print(
        f"{extent.inputs} requests, {extent.cameras} new cameras, {extent.stored} bad records for each topic of ours,"
    )
    print(
        f"each request with a good frame behind it; one broker, one worker; seed {given.seed}\n\n{HEADING}", flush=True
    )
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, Kafka(Path(scratch, "kafka")) as kafka:
        outcome = asyncio.run(_run(kafka.bootstrap(), Path(scratch, "keys"), given.seed, extent))
    seconds = round(time.monotonic() - begun)
    print(f"\n{seconds} s; the worker held at most {outcome.peak_rss_mib} MiB of {MOST_RSS_MIB}; ended with ", end="")
    print(f"{' and '.join(map(str, outcome.exit_codes))}: {'clean' if outcome.clean else 'NOT CLEAN'}; see {REPORT}")
    _write(outcome, given.seed, seconds)
    return 0 if outcome.clean else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="the same seed, the same inputs")
    parser.add_argument("--inputs", type=int, default=10_000, help="requests, spread over the kinds (10000)")
    parser.add_argument("--cameras", type=int, default=10_000, help="cameras that nobody has seen before (10000)")
    parser.add_argument("--stored", type=int, default=200, help="bad records for each of our own topics (200)")
    return parser.parse_args()


async def _run(bootstrap: str, key_dir: Path, seed: int, extent: Extent) -> Outcome:
    connection, topics = Connection(bootstrap), Topics(prefix="fuzz", partitions=PARTITIONS)
    await admin.create_missing(connection, topics, replication=1)
    KeyDirectory.create(key_dir)
    with _workers(connection, topics, key_dir) as start:
        return await run(connection, topics, start, seed=seed, extent=extent, said=_print)


@contextmanager
def _workers(connection: Connection, topics: Topics, key_dir: Path) -> Iterator[Callable[[], WorkerProcess]]:
    """What starts one; all are ended at the end."""
    started: list[WorkerProcess] = []

    def start() -> WorkerProcess:
        settings = {
            "BOOTSTRAP_SERVERS": connection.bootstrap_servers,
            "PREFIX": topics.prefix,
            "PARTITIONS": str(topics.partitions),
            "KEY_DIR": str(key_dir),
            "GALLERIES": "*=default,vip",
            "HTTP_PORT": str(free_port()),
        }
        ours = {f"FACESTREAMS_{name}": value for name, value in settings.items()}
        started.append(WorkerProcess({**ours, **PATIENT}))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.kill()


def _print(row: Row) -> None:
    codes = ", ".join(f"{code} {number}" for code, number in row.codes.most_common())
    counts = f"{row.inputs:>8}{row.crashes:>9}{row.stalls:>8}{row.unaccounted:>13}{row.seconds:>9.1f}"
    print(f"{row.kind:22}{counts}  {codes}", flush=True)


def _write(outcome: Outcome, seed: int, seconds: int) -> None:
    report = {
        "seed": seed,
        "seconds": seconds,
        "peak_rss_mib": outcome.peak_rss_mib,
        "exit_codes": outcome.exit_codes,
        "rows": [
            {
                "kind": row.kind,
                "inputs": row.inputs,
                "crashes": row.crashes,
                "stalls": row.stalls,
                "unaccounted": row.unaccounted,
                "seconds": round(row.seconds, 1),
                "codes": dict(row.codes),
            }
            for row in outcome.rows
        ],
    }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
