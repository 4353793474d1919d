import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator

import pytest

from streams.cli import watch
from streams.cli.exit_codes import ExitCode
from streams.edge.broker import started_producer
from streams.wire.connection import Connection
from streams.wire.records import Sighting, encode
from streams.wire.topics import SIGHTINGS, Topics


def sighting(offset: int) -> Sighting:
    return Sighting(
        event="enter",
        event_id=f"0000000a-camera-frames-0-{offset}",
        visit_id=f"visit {offset}",
        camera_id="lobby",
        account="main",
        region="eu",
        gallery="default",
        person_id="ada",
        first_seen_ms=1,
        last_seen_ms=time.time_ns() // 1_000_000,
        frames=1,
        best_similarity=0.7,
    )


@pytest.mark.broker
def test_sightings_are_lines_where_the_output_is_no_terminal(started, connection: Connection, topics: Topics) -> None:
    process = started("watch")

    async def send_until_seen() -> list[str]:
        """Sightings are sent until the first is printed: when the watcher has begun, it does not say."""
        producer = await started_producer(connection, max_picture_bytes=1000)
        printed = asyncio.create_task(asyncio.to_thread(process.stdout.readline))
        offset = 0
        async with asyncio.timeout(20):
            while not printed.done():
                await producer.send_and_wait(topics.name(SIGHTINGS), encode(sighting(offset)), key=b"lobby")
                offset += 1
                await asyncio.wait((printed,), timeout=0.1)
        await producer.stop()
        return [printed.result()]

    lines = asyncio.run(send_until_seen())
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

    assert json.loads(lines[0])["person_id"] == "ada"
    assert process.returncode == ExitCode.DONE


async def test_sightings_are_a_table_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    async def reader() -> AsyncIterator[Sighting]:
        yield sighting(1)

    await watch._table(reader())

    shown = capsys.readouterr().out
    assert "In front of the cameras" in shown
    assert "ada" in shown
    assert "0.70" in shown
