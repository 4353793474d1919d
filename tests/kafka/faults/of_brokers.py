"""Scenarios in which it is the brokers that fail, or the network between them and the workers."""

import asyncio
from pathlib import Path
from typing import Final

from streams.wire.codes import Code
from streams.wire.topics import ERROR_LOG, RECOGNITIONS
from tests.kafka.broker import Kafka
from tests.kafka.disk import fill
from tests.kafka.faults import cluster
from tests.kafka.faults.count import Read
from tests.kafka.faults.reading import Collector
from tests.kafka.faults.rig import Rig, RigError
from tests.kafka.faults.scenario import Length, Scenario
from tests.kafka.faults.supervisor import supervised
from tests.kafka.proxy import Network, ProxiedKafka

DELAY_S: Final = 0.2
TOO_SMALL_BYTES: Final = 900
"""Less than a recognition of one face takes, more than one of none."""
PAST_THE_SESSION: Final = Length(steps=6, pause_s=5.0, outage_s=15.0)
"""With half a minute until a connection is known to have died, still less than workers wait for a broker."""
WORKERS: Final = ("worker-0", "worker-1", "worker-2")


def own(directory: Path) -> Kafka:
    """A broker that nobody else uses: it will be stopped."""
    return Kafka(directory)


def three(directory: Path) -> Kafka:
    """A cluster."""
    return Kafka(directory, nodes=3)


def behind_lines(directory: Path) -> ProxiedKafka:
    """Each worker reaches the broker over a line of its own; the cameras reach it directly."""
    return ProxiedKafka(directory, lines=[line(worker) for worker in WORKERS])


def line(worker: str) -> str:
    """A worker's listener."""
    return worker.upper()


def network(rig: Rig) -> Network:
    """Of a rig whose workers are behind lines."""
    assert isinstance(rig.kafka, ProxiedKafka)
    return rig.kafka.network


async def read(rig: Rig, short: str) -> list[Read]:
    """All that stands on one of the rig's topics."""
    collector = Collector(rig.connection, rig.topics, (short,))
    await collector.start()
    try:
        await collector.read_to_the_end()
    finally:
        await collector.stop()
    return collector.records[short]


async def stopped(rig: Rig, length: Length) -> None:
    """A broker is stopped for a time, in order; of one, nothing is left meanwhile."""
    node = rig.kafka.nodes[0]
    await asyncio.sleep(length.pause_s)
    await asyncio.to_thread(node.terminate)
    await asyncio.sleep(length.outage_s)
    await cluster.started(node)
    await asyncio.sleep(length.pause_s)


async def outlasted(rig: Rig, length: Length) -> None:
    """The broker is away for longer than workers wait for it: they end, and are started again until it is back."""
    async with supervised(rig) as ended:
        await stopped(rig, length)
    if not ended:
        raise RigError("no worker ended, though the broker was away for too long")


async def elected(rig: Rig, length: Length) -> None:
    """The node that coordinates the group, which leads partitions too, is killed and started again; then leadership
    goes back to where it was.
    """
    for _ in range(max(1, length.steps // 2)):
        await asyncio.sleep(length.pause_s)
        node = await cluster.coordinator(rig.kafka, rig.connection, rig.group_id)
        node.kill()
        await asyncio.sleep(length.pause_s)
        await cluster.started(node)
        await cluster.in_sync(rig.connection, rig.topics, copies=3)
        await cluster.elect_preferred(rig.kafka)


async def cut(rig: Rig, length: Length) -> None:
    """Packets of one worker vanish for longer than its session; then they come through again, old ones too.

    Every other time its connections have died meanwhile, and only new ones come through.
    """
    for step in range(max(1, length.steps // 3)):
        worker = WORKERS[step % len(WORKERS)]
        await asyncio.sleep(length.pause_s)
        network(rig).cut(line(worker))
        await asyncio.sleep(length.outage_s)
        network(rig).mend(line(worker), forgetting=step % 2 == 1)
        await rig.ready()
    await asyncio.sleep(length.pause_s)


async def slowed(rig: Rig, length: Length) -> None:
    """Everything between workers and broker takes 200 ms each way."""
    for worker in WORKERS:
        network(rig).slow(line(worker), DELAY_S)
    await asyncio.sleep(length.steps * length.pause_s)
    for worker in WORKERS:
        network(rig).slow(line(worker), 0.0)


async def filled(rig: Rig, length: Length) -> None:
    """The broker's files can grow no further; it stops itself, and is started again with room."""
    node = rig.kafka.nodes[0]
    await asyncio.sleep(length.pause_s)
    fill(node)
    await cluster.ended(node)
    await asyncio.sleep(length.outage_s / 2)
    await cluster.started(node)
    await asyncio.sleep(length.pause_s)


async def too_large(rig: Rig, length: Length) -> None:
    """The topic of recognitions takes no record with a face for a time: such frames fail, others do not."""
    topic = rig.topics.name(RECOGNITIONS)
    await asyncio.sleep(length.pause_s)
    before = await cluster.altered(rig.connection, topic, {"max.message.bytes": str(TOO_SMALL_BYTES)})
    await asyncio.sleep(length.outage_s)
    await cluster.altered(rig.connection, topic, before)
    if Code.OUTPUT_TOO_LARGE not in {record.value["return_code"] for record in await read(rig, ERROR_LOG)}:
        raise RigError("no output was refused, though the topic took none of its size")
    await asyncio.sleep(length.pause_s)


async def unwritable(rig: Rig, length: Length) -> None:
    """Recognitions want more copies in sync than there are brokers left; everything else can be written."""
    topic, node = rig.topics.name(RECOGNITIONS), rig.kafka.nodes[0]
    await asyncio.sleep(length.pause_s)
    await asyncio.to_thread(node.terminate)
    before = await cluster.altered(rig.connection, topic, {"min.insync.replicas": "3"})
    written = await read(rig, RECOGNITIONS)
    await asyncio.sleep(length.outage_s)
    if len(await read(rig, RECOGNITIONS)) > len(written):
        raise RigError("recognitions were written, though their topic wants more copies than there are")
    await cluster.altered(rig.connection, topic, before)
    await asyncio.sleep(length.pause_s)
    await cluster.started(node)


SCENARIOS: Final = (
    Scenario(name="the broker stopped", fault=stopped, ground=own),
    Scenario(name="one of three brokers stopped", fault=stopped, ground=three),
    Scenario(name="the broker away for too long", fault=outlasted, ground=own, settings={"PUBLISH_TIMEOUT_S": "3"}),
    Scenario(name="coordinator and leaders elected", fault=elected, ground=three),
    Scenario(
        name="network of one worker cut",
        fault=cut,
        ground=behind_lines,
        long=PAST_THE_SESSION,
        listener_of=line,
    ),
    Scenario(name="network slowed to 200 ms", fault=slowed, ground=behind_lines, listener_of=line),
    Scenario(name="disk full", fault=filled, ground=own),
    Scenario(name="outputs refused as too large", fault=too_large),
    Scenario(name="recognitions not writable", fault=unwritable, ground=three),
)
