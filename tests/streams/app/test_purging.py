"""Who deletes pictures in a worker: nobody on a broker that cannot, and a bug of it does not go unseen."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from streams.app.purging import Purging
from streams.engine.lease import Lease
from streams.engine.outlet import Output
from streams.engine.purge.closer import Closer
from streams.engine.purge.purger import Purger
from streams.engine.request import Request
from streams.monitor.metrics import Metrics
from streams.settings import Settings

AGE = "facestreams_pictures_undeleted_seconds"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def make(registry):
    async def never(_output: Output):
        pytest.fail("nothing is to be sent")

    def purging(broker: str, fatal=pytest.fail) -> Purging:
        settings = Settings.from_environment(
            {
                "FACESTREAMS_BROKER": broker,
                "FACESTREAMS_BOOTSTRAP_SERVERS": "127.0.0.1:1",
                "FACESTREAMS_REGION": "eu",
            }
        )
        lease = Lease(session_timeout_s=10, rebalance_timeout_s=10, clock=lambda: 0.0)
        return Purging(settings, send=never, lease=lease, metrics=Metrics(registry), fatal=fatal)

    return purging


async def test_a_broker_that_deletes_nothing_is_asked_for_nothing(make, registry, monkeypatch) -> None:
    for work in (Purger, Closer):
        monkeypatch.setattr(work, "run", lambda _self: pytest.fail("it was asked"))
    purging = make("embedded")
    purging.start()
    purging.arrived(Request("facestreams.main.camera-frames", 0, 0, 0, b"lobby", b"picture", (), 1))
    purging.gauge()
    await purging.stop()
    assert registry.get_sample_value(AGE, {"topic": "camera-frames"}) is None


async def test_the_age_of_what_is_left_is_shown_by_topic(make, registry) -> None:
    purging = make("kafka")
    purging.assigned({("facestreams.main.camera-frames", 0)})
    purging.gauge()
    assert [registry.get_sample_value(AGE, {"topic": each}) for each in ("camera-frames", "gallery-commands")] == [0, 0]
    await purging.stop()


async def test_it_closes_the_partitions_that_go_with_its_cameras(make, monkeypatch) -> None:
    given: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(Closer, "assigned", lambda self, partitions: given.append((self.topic, sorted(partitions))))
    frames, commands = "facestreams.main.camera-frames", "facestreams.main.gallery-commands"
    make("kafka").assigned({(frames, 1), (frames, 2), (commands, 3)})
    assert given == [("facestreams.main.running-log", [1, 2]), ("facestreams.main.erasures", [1, 2])]


@pytest.mark.parametrize("work", [Purger, Closer])
async def test_a_bug_ends_the_worker(make, monkeypatch, work) -> None:
    async def bug(_self: object) -> None:
        raise ZeroDivisionError

    ends: list[BaseException] = []
    monkeypatch.setattr(work, "run", bug)
    purging = make("kafka", ends.append)
    purging.start()
    await asyncio.sleep(0)
    await purging.stop()
    assert {type(each) for each in ends} == {ZeroDivisionError}


async def test_it_stops_in_the_middle_of_a_round(make, monkeypatch) -> None:
    """A broker that is away does not answer for long."""
    ended: list[str] = []

    async def waits(_self: Purger) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("disconnected")

    monkeypatch.setattr(Purger, "run", waits)
    purging = make("kafka")
    purging.start()
    await asyncio.sleep(0)
    await purging.stop()
    assert ended == ["disconnected"]
