"""A worker does not start on topics that differ from what is promised, says every difference, and ends when told to."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.app import run
from streams.app.run import checked_epochs
from streams.engine.errors import EngineError
from streams.engine.topics import admin
from streams.settings import Settings


def settings(broker, connection, topics) -> Settings:
    return Settings.from_environment(
        {
            "FACESTREAMS_BOOTSTRAP_SERVERS": connection.bootstrap_servers,
            "FACESTREAMS_BROKER": broker.name,
            "FACESTREAMS_PREFIX": topics.prefix,
            "FACESTREAMS_PARTITIONS": str(topics.partitions),
        }
    )


@pytest.mark.broker
async def test_topics_as_declared_give_their_epochs(broker, connection, topics) -> None:
    await admin.create_missing(connection, topics, replication=1)
    assert await checked_epochs(settings(broker, connection, topics)) == await admin.epochs(connection, topics)


@pytest.mark.broker
async def test_every_difference_is_said_in_one_line(broker, connection, topics) -> None:
    await admin.create_missing(connection, topics, replication=1)
    wider = replace(topics, partitions=6)
    with pytest.raises(admin.AdminError, match=r"has 4 partitions, expected 6 \(breaks the promise: ") as refusal:
        await checked_epochs(settings(broker, connection, wider))
    assert str(refusal.value).count("has 4 partitions, expected 6") == 9
    assert str(refusal.value).endswith(": run facestreams topics create, or facestreams topics mend")
    assert "\n" not in str(refusal.value)


@pytest.mark.broker
async def test_missing_topics_are_named(broker, connection, topics) -> None:
    with pytest.raises(admin.AdminError, match=f"{topics.name('camera-frames')} does not exist"):
        await checked_epochs(settings(broker, connection, topics))


@pytest.mark.broker
async def test_topics_that_somebody_else_made_have_no_epoch_and_are_refused(broker, connection, topics) -> None:
    client = AIOKafkaAdminClient(**connection.client_options())
    await client.start()
    await client.create_topics([NewTopic(spec.name, spec.partitions, 1, topic_configs=spec.config) for spec in topics])
    while not {spec.name for spec in topics} <= set(await client.list_topics()):  # the broker learns it a moment later
        await asyncio.sleep(0.05)
    await client.close()
    with pytest.raises(admin.AdminError, match="no epoch for camera-frames, gallery-commands, face-features"):
        await checked_epochs(settings(broker, connection, topics))


@pytest.mark.broker
async def test_the_notice_of_a_pack_that_a_business_may_not_use_is_printed_whatever_the_log_says(
    broker, connection, topics, monkeypatch, capsys
) -> None:
    await admin.create_missing(connection, topics, replication=1)
    pack = SimpleNamespace(licence_notice="buffalo_l: for non-commercial research only")
    monkeypatch.setattr(run, "make_vision", lambda settings: SimpleNamespace(pack=pack))
    monkeypatch.setattr(run, "Worker", lambda settings, vision, epochs: None)
    await run.make_worker(settings(broker, connection, topics))
    assert capsys.readouterr().err == "facestreams: buffalo_l: for non-commercial research only\n"


def told(*, told: bool) -> Callable[[], AbstractContextManager[asyncio.Event]]:
    @contextmanager
    def stop_requested() -> Iterator[asyncio.Event]:
        stop = asyncio.Event()
        if told:
            stop.set()
        yield stop

    return stop_requested


async def test_a_worker_that_is_told_to_stop_ends_in_order(monkeypatch) -> None:
    ended: list[str] = []

    async def work(_settings: Settings) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("in order")

    monkeypatch.setattr(run, "_work", work)
    assert await run._run(None, told(told=True)) == 0
    assert ended == ["in order"]


async def test_a_worker_that_is_cancelled_by_others_has_not_been_told_to_stop(monkeypatch) -> None:
    async def work(_settings: Settings) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(run, "_work", work)
    with pytest.raises(EngineError, match="cancelled, and nobody told it to stop"):
        await run._run(None, told(told=False))
