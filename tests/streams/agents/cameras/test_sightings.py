"""Visits go to their topic before the sightings that they cause, and a successor takes over from there."""

from dataclasses import dataclass

import pytest

from streams.agents.cameras.sightings import Sightings, VisitsView
from streams.agents.cameras.visits import FrameOf, Visits, VisitSettings
from streams.wire import records
from streams.wire.headers import Deployment
from streams.wire.partitioning import partition_of
from streams.wire.records import OpenVisits, Sighting
from streams.wire.topics import Topics

DEPLOYMENT = Deployment(account="main", app_id="77", region="eu")


@dataclass
class Read:
    """A record as the view hands it on."""

    key: bytes | None
    value: bytes | None
    partition: int = 0


@pytest.fixture
def sightings(view) -> Sightings:
    return Sightings(
        topics=Topics(),
        deployment=DEPLOYMENT,
        epoch="0a0b0c0d",
        settings=VisitSettings(timeout_ms=3000, update_ms=5000),
        newest=VisitsView(1),
        view=view,
        knows=lambda gallery, person_id: True,
    )


def frame(offset: int, at_ms: int) -> FrameOf:
    ref = f"0a0b0c0d-camera-frames-4-{offset}"
    return FrameOf(camera_id="lobby", deployment=DEPLOYMENT, gallery="default", ref=ref, offset=offset, at_ms=at_ms)


def said(outlet) -> list[Sighting]:
    return [records.decode(output.value, Sighting) for output in outlet.on("sightings")]


async def test_the_new_state_is_out_before_what_it_causes_is_said(sightings, outlet, face) -> None:
    await sightings.see(Visits(), [face("ada")], frame(7, 1000), 4, outlet)
    assert [[output.topic.rsplit(".", 1)[1] for output in batch] for batch in outlet.batches] == [
        ["visits"],
        ["sightings"],
    ]
    state = records.decode(outlet.on("visits")[0].value, OpenVisits)
    assert (state.camera_id, state.epoch, state.partition, state.offset) == ("lobby", "0a0b0c0d", 4, 7)
    assert [visit.person_id for visit in state.visits] == ["ada"]
    assert state.transitions == said(outlet)
    assert outlet.on("sightings")[0].key == b"lobby"


async def test_a_frame_that_changes_nothing_writes_nothing(sightings, outlet, face) -> None:
    visits = await sightings.see(Visits(), [face("ada")], frame(7, 1000), 4, outlet)
    before = len(outlet.all)
    await sightings.see(visits, [face("ada")], frame(8, 1100), 4, outlet)
    assert len(outlet.all) == before


async def test_a_successor_goes_on_with_the_named_and_ends_the_unknown(sightings, view, outlet, face) -> None:
    await sightings.see(Visits(), [face("ada", "a"), face(track="b")], frame(7, 1000), 4, outlet)
    written = outlet.on("visits")[0]
    sightings.newest.apply(Read(written.key, written.value))
    outlet.batches.clear()

    visits = await sightings.take_over("lobby", outlet)

    assert view.asked == 1
    assert [visit.person_id for visit in visits.open] == ["ada"]
    assert visits.offset == 7
    repeated = [(each.event, each.person_id, each.reason) for each in said(outlet)]
    assert repeated == [("enter", "ada", None), ("enter", None, None), ("exit", None, "handover")]
    assert len({each.event_id for each in said(outlet)}) == 1

    outlet.batches.clear()
    same = await sightings.see(visits, [face("ada", "c")], frame(6, 900), 4, outlet)
    assert (same, outlet.all) == (visits, [])
    await sightings.see(visits, [face("ada", "c")], frame(8, 1100), 4, outlet)
    assert said(outlet) == []


async def test_a_camera_of_another_epoch_starts_anew(sightings, outlet, face) -> None:
    await sightings.see(Visits(), [face("ada")], frame(7, 1000), 4, outlet)
    written = outlet.on("visits")[0]
    foreign = written.value.replace(b'"epoch":"0a0b0c0d"', b'"epoch":"ffffffff"')
    sightings.newest.apply(Read(written.key, foreign))
    assert await sightings.take_over("lobby", outlet) == Visits()


async def test_a_silent_camera_ends_all_its_visits(sightings, outlet, face) -> None:
    visits = await sightings.see(Visits(), [face("ada", "a"), face(track="b")], frame(7, 1000), 4, outlet)
    outlet.batches.clear()
    after = await sightings.fall_silent(visits, 4, "lobby", outlet)
    assert after.open == ()
    assert [(each.event, each.person_id, each.reason) for each in said(outlet)] == [
        ("exit", "ada", "silent"),
        ("exit", None, "silent"),
    ]
    assert said(outlet)[0].event_id == "0a0b0c0d-camera-frames-4-7"


def test_a_tombstone_and_a_filler_are_no_visits() -> None:
    newest = VisitsView(1)
    newest.apply(Read(b"lobby", b""))
    newest.apply(Read(b"lobby", None))
    newest.apply(Read(None, b""))
    assert newest.of("lobby") is None
    assert newest.all() == []


async def test_a_successor_does_not_name_whoever_was_forgotten_meanwhile(sightings, outlet, face) -> None:
    await sightings.see(Visits(), [face("ada", "a")], frame(7, 1000), 4, outlet)
    written = outlet.on("visits")[0]
    sightings.newest.apply(Read(written.key, written.value))
    outlet.batches.clear()
    object.__setattr__(sightings, "knows", lambda gallery, person_id: False)
    visits = await sightings.take_over("lobby", outlet)
    assert visits.open == ()
    assert [(each.event, each.person_id, each.reason) for each in said(outlet)] == [
        ("enter", None, None),
        ("exit", None, "forgotten"),
    ]
    assert not any(b"ada" in output.value for output in outlet.all)


async def test_what_stands_under_the_key_of_another_camera_is_refused(sightings, outlet, face) -> None:
    await sightings.see(Visits(), [face("ada", "a")], frame(7, 1000), 4, outlet)
    [written] = outlet.on("visits")
    with pytest.raises(ValueError, match="another's key"):
        sightings.newest.apply(Read(b"gate", written.value))
    assert sightings.newest.all() == []


async def test_what_stands_in_a_partition_that_is_not_the_cameras_changes_nothing(sightings, outlet, face) -> None:
    await sightings.see(Visits(), [face("ada", "a")], frame(7, 1000), 4, outlet)
    await sightings.see(Visits(), [face("bob", "b")], frame(8, 1100), 4, outlet)
    ada, bob = (written.value for written in outlet.on("visits"))
    newest, own = VisitsView(2), partition_of(b"lobby", 2)
    with pytest.raises(ValueError, match="another's partition"):
        newest.apply(Read(b"lobby", bob, 1 - own))
    assert newest.all() == []
    newest.apply(Read(b"lobby", ada, own))
    newest.apply(Read(b"lobby", None, 1 - own))  # which is how a deletion erases what stands astray
    assert newest.of("lobby") == records.decode(ada, OpenVisits)
    newest.apply(Read(b"lobby", None, own))
    assert newest.of("lobby") is None
