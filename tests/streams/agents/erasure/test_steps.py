"""Every state of a deletion: what it does, what it waits for, and what a successor finds."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from streams.agents.erasure.steps import AccountKeyMissingError
from streams.engine.brokers import EMBEDDED
from streams.engine.reading.evidence import EvidenceError
from streams.wire import records
from streams.wire.records import Bill
from streams.wire.topics import CONTROL, FACE_FEATURES, GALLERY_COMMANDS, MAX_OUTPUT_BYTES
from tests.streams.agents.erasure.conftest import (
    ASKED_MS,
    BACKOFF_MS,
    COMMANDS_MS,
    DELAY_MS,
    LAG_MS,
    NOW_MS,
    TOPICS,
    Read,
    Scene,
    erasure,
    full,
    open_visits,
    place,
    reference,
)

ADA = reference(1, "e1", "e2")


def partition(of) -> int:
    return place(of).partition(TOPICS.partitions)


async def test_what_is_covered_is_noted_before_the_first_tombstone(scene: Scene) -> None:
    scene.known.under = [ADA]
    noted = await scene.next(erasure())
    assert scene.outlet.all == []
    assert (noted.state, noted.persons, noted.features) == ("accepted", 1, 2)
    assert noted.reached == {str(partition(ADA)): scene.view.positions[partition(ADA)]}


async def test_features_go_before_the_key_and_what_is_in_flight_is_noted(scene: Scene) -> None:
    scene.known.under = [ADA]
    scene.look.ends_of = {full(GALLERY_COMMANDS): {0: 4, 1: 9}}
    noted = await scene.next(erasure())
    following = await scene.next(noted)
    assert scene.outlet.tombstones() == [place(ADA, name).encode() for name in ("e1", "e2", None)]
    assert {output.partition for output in scene.outlet.all} == {partition(ADA)}
    assert (following.state, following.persons, following.features) == ("tombstoned", 1, 2)
    assert following.waits_for == {"0": 4, "1": 9}
    assert following.reached == {str(partition(ADA)): noted.reached[str(partition(ADA))] + 3}


async def test_a_successor_counts_nobody_twice_and_waits_for_all_tombstones(scene: Scene) -> None:
    """The one before it died behind some of them."""
    noted = erasure(persons=1, features=2, reached={str(partition(ADA)): 5})
    scene.known.under = [reference(1, "e2")]
    following = await scene.next(noted)
    assert (following.persons, following.features) == (1, 2)
    assert following.reached == {str(partition(ADA)): scene.view.positions[partition(ADA)]}


async def test_a_deletion_under_an_account_key_that_is_not_here_is_another_workers_to_drive(scene: Scene) -> None:
    keys = SimpleNamespace(has_account_key=lambda key_id: key_id == "ak-new")
    scene.steps = replace(scene.steps, erased=SimpleNamespace(keys=keys))
    scene.known.under = [ADA]
    with pytest.raises(AccountKeyMissingError, match="ak-newer"):
        await scene.next(erasure(key_id="ak-newer"))
    assert scene.outlet.all == []
    assert (await scene.next(erasure(key_id="ak-new"))).persons == 1


async def test_a_deletion_of_nobody_goes_on_as_well(scene: Scene) -> None:
    following = await scene.next(erasure(scope="gallery", person=None))
    assert (following.state, following.persons, following.reached) == ("tombstoned", 0, {})


async def test_many_features_go_in_several_transactions(scene: Scene) -> None:
    scene.known.under = [reference(1, *(f"e{number}" for number in range(700)))]
    await scene.next(erasure(reached={"0": 1}))
    assert [len(batch) for batch in scene.outlet.batches] == [300, 300, 101]


@pytest.mark.parametrize(
    ("committed", "starts", "goes_on"),
    [
        ({0: 4, 1: 9}, {0: 0, 1: 0}, True),
        ({0: 3, 1: 9}, {0: 0, 1: 0}, False),
        ({1: 9}, {0: 0, 1: 0}, False),
        ({1: 9}, {0: 4, 1: 0}, True),  # expired: nobody will answer it
    ],
)
async def test_the_sweep_waits_for_what_was_in_flight(scene: Scene, committed, starts, goes_on) -> None:
    scene.look.committed_of = {full(GALLERY_COMMANDS): committed}
    scene.look.starts_of = {full(GALLERY_COMMANDS): starts}
    following = await scene.next(erasure(state="tombstoned", waits_for={"0": 4, "1": 9}))
    assert (following is not None and following.state == "swept") == goes_on


async def test_what_was_in_flight_in_a_topic_that_is_no_more_is_not_waited_for(scene: Scene) -> None:
    """gallery-commands was made anew: neither its offsets nor that of the command's own record mean anything."""
    of_before = {"event_id": "0b0b0b0b-gallery-commands-7-99", "waits_for": {"0": 4, "7": 100}}
    assert (await scene.next(erasure(state="tombstoned", **of_before))).state == "swept"
    assert await scene.bytes_gone.of_command(erasure(**of_before), scene.look)


async def test_a_partition_of_which_the_brokers_say_nothing_is_no_bug(scene: Scene) -> None:
    with pytest.raises(EvidenceError, match="partition 7"):
        await scene.bytes_gone.of_command(erasure(event_id="0a0b0c0d-gallery-commands-7-99"), scene.look)


async def test_what_came_late_is_swept_and_looked_for_once_more(scene: Scene) -> None:
    late, orphan = reference(2, "e7"), reference(3, "e8", person=None)
    scene.known.under, scene.known.late = [late], [orphan]
    tombstoned = erasure(state="tombstoned", persons=1, features=2, reached={str(partition(ADA)): 4})
    again = await scene.next(tombstoned)
    assert (again.state, again.persons, again.features) == ("tombstoned", 2, 3)
    assert set(again.reached) == {str(partition(each)) for each in (ADA, late, orphan)}
    assert place(orphan, "e8").encode() in scene.outlet.tombstones()
    scene.known.under, scene.known.late = [], []
    scene.view.positions = {0: 70, 1: 80}
    swept = await scene.next(again)
    assert (swept.state, swept.reached) == ("swept", {"0": 70, "1": 80})


async def test_the_sweep_looks_at_what_the_answered_have_written_and_not_at_what_our_view_had_before(
    scene: Scene, monkeypatch
) -> None:
    """Committed behind a transaction that is open, or while the brokers were asked what is answered."""
    late = reference(2, "e7")
    scene.look.ends_of = {full(FACE_FEATURES): {0: 10, 1: 25}}

    async def reached(where: int, next_offset: int) -> None:
        if next_offset > scene.view.positions[where]:
            scene.known.under, scene.view.positions[where] = [late], next_offset

    monkeypatch.setattr(scene.view, "reached", reached)
    again = await scene.next(erasure(state="tombstoned"))
    assert (again.state, again.persons) == ("tombstoned", 1)
    assert scene.outlet.tombstones() == [place(late, name).encode() for name in ("e7", None)]


async def test_tombstones_that_nobody_has_noted_are_waited_for(scene: Scene) -> None:
    """Their writer died right behind them, or they were orphans and another deletion's sweep wrote them."""
    noted = erasure(state="tombstoned", reached={str(partition(ADA)): 4})
    assert (await scene.next(noted)).reached == {"0": 10, "1": 20}


SWEPT = erasure(state="swept", reached={"0": 11})


async def test_every_worker_that_lives_must_have_carried_it_out(scene: Scene) -> None:
    assert await scene.next(SWEPT) is None  # not even our own word is there
    scene.says("a", applied=11)
    scene.says("b", applied=10)
    assert await scene.next(SWEPT) is None
    scene.says("b", applied=11, saved=10)
    assert await scene.next(SWEPT) is None
    scene.says("b", applied=11, saved=11)
    confirmed = await scene.next(SWEPT)
    assert (confirmed.state, confirmed.workers, confirmed.silent) == ("confirmed", ["a", "b"], [])
    assert confirmed.in_sync_at_ms == NOW_MS


async def test_a_silent_worker_is_named_after_a_minute_and_gone_after_a_day(scene: Scene) -> None:
    scene.says("a", applied=11)
    scene.says("b", applied=10, age_ms=60_000)
    assert await scene.next(SWEPT) is None
    scene.says("b", applied=10, age_ms=60_001)
    scene.says("c", applied=10, age_ms=86_400_001)
    assert (await scene.next(SWEPT)).silent == ["b"]


async def test_no_visit_may_name_the_person_unless_it_is_enrolled_again(scene: Scene) -> None:
    scene.says("a", applied=11)
    scene.sees("ada")
    assert await scene.next(SWEPT) is None
    scene.known.live = {("default", "ada")}
    assert (await scene.next(SWEPT)).state == "confirmed"
    scene.known.live = set()
    scene.sees("bob")
    assert (await scene.next(SWEPT)).state == "confirmed"


async def test_the_passes_do_not_count_while_a_copy_is_away(scene: Scene) -> None:
    scene.says("a", applied=11)
    scene.look.in_sync = False
    assert (await scene.next(SWEPT)).in_sync_at_ms is None


CONFIRMED = erasure(state="confirmed", reached={"0": 11}, in_sync_at_ms=NOW_MS, workers=["a"])


async def test_a_copy_that_drops_out_begins_the_count_anew_and_gets_the_tombstones_again(scene: Scene) -> None:
    scene.look.logs = {(full(FACE_FEATURES), 0): log((1, "k", b"v"), (5, "k", None), (6, "stays", b"v"))}
    assert await scene.next(CONFIRMED) is None
    scene.look.in_sync = False
    away = await scene.next(CONFIRMED)
    assert away.in_sync_at_ms is None
    assert await scene.next(away) is None
    scene.look.in_sync, scene.now_ms = True, NOW_MS + 9000
    back = await scene.next(away)
    assert scene.outlet.tombstones() == [b"k"]
    assert (back.in_sync_at_ms, back.repeats, back.reached) == (NOW_MS + 9000, 1, {"0": 11})
    assert back.driven_since_ms == NOW_MS + 9000
    assert await scene.next(back) is None


async def test_tombstones_outlive_a_long_outage(scene: Scene) -> None:
    """The broker drops a tombstone after a day, and a copy that was away for longer would never see it."""
    scene.look.logs = {(full(FACE_FEATURES), 0): log((1, "k", b"v"), (5, "k", None))}
    scene.look.in_sync = False
    away = structs.replace(CONFIRMED, in_sync_at_ms=None, updated_at_ms=NOW_MS)
    scene.now_ms = NOW_MS + 6 * 3_600_000 - 1
    assert await scene.next(away) is None
    scene.now_ms += 1
    kept = await scene.next(away)
    assert (kept.in_sync_at_ms, kept.repeats, scene.outlet.tombstones()) == (None, 1, [b"k"])
    assert kept.driven_since_ms is None


def log(*rows: tuple[int, str, bytes | None]) -> list[Read]:
    return [Read(key.encode(), value, offset) for offset, key, value in rows]


async def command_is_gone(scene: Scene) -> None:
    """Deleted long ago."""
    scene.look.starts_of = {full(GALLERY_COMMANDS): {0: 0, 1: 8}}
    assert not await scene.is_complete(CONFIRMED)
    scene.now_ms += COMMANDS_MS


async def test_bytes_are_gone_when_a_filler_has_closed_the_segment_and_the_log_shows_no_value(scene: Scene) -> None:
    await command_is_gone(scene)
    scene.says("a", applied=11)
    scene.now_ms = NOW_MS + LAG_MS
    assert not await scene.is_complete(CONFIRMED)
    assert scene.outlet.all == []  # a segment that is as old as the lag is not closed yet
    scene.now_ms += COMMANDS_MS
    scene.look.logs = {(full(FACE_FEATURES), 0): log((1, "k", b"v"), (5, "k", None))}
    assert not await scene.is_complete(CONFIRMED)
    fillers = [(each.topic, each.partition, each.key, each.value) for each in scene.outlet.all]
    assert fillers == [(full(s), p, b"~filler", b"") for s in ("face-features", "visits") for p in (0, 1)]
    assert not await scene.is_complete(CONFIRMED)
    scene.look.logs = {(full(FACE_FEATURES), 0): log((5, "k", None))}
    assert not await scene.is_complete(CONFIRMED)
    scene.now_ms += DELAY_MS - 1
    assert not await scene.is_complete(CONFIRMED)
    scene.now_ms += 1
    scene.says("a", applied=11)
    assert await scene.is_complete(CONFIRMED)
    assert len(scene.outlet.batches) == 1


async def cleaned(scene: Scene) -> None:
    """All but the last look."""
    await command_is_gone(scene)
    assert not await scene.is_complete(CONFIRMED)
    assert not await scene.is_complete(CONFIRMED)
    scene.now_ms += DELAY_MS
    scene.says("a", applied=11)


async def test_several_copies_take_another_round_of_the_cleaner_and_a_broker_that_ended_its_session(scene) -> None:
    scene.look.copies = 3
    await cleaned(scene)
    assert not await scene.is_complete(CONFIRMED)
    scene.now_ms += BACKOFF_MS + 10_000 - 1
    scene.says("a", applied=11)
    assert not await scene.is_complete(CONFIRMED)
    scene.now_ms += 1
    assert await scene.is_complete(CONFIRMED)


async def test_a_worker_that_ended_without_a_word_is_named_at_the_end_and_taken_back_after_a_day(scene: Scene) -> None:
    scene.says("left", applied=10, age_ms=60_001)
    scene.says("long ago", applied=10, age_ms=86_400_001)
    await cleaned(scene)
    completed = await scene.completed(CONFIRMED)
    assert (completed.workers, completed.silent) == (["a"], ["left"])
    taken_back = [(each.key, each.value) for each in scene.outlet.all if each.topic == full(CONTROL)]
    assert taken_back == [(b"worker/long ago", None)]


async def test_the_logs_are_read_once_more_when_all_copies_have_followed(scene: Scene) -> None:
    await cleaned(scene)
    before = len(scene.look.asked)
    scene.now_ms -= 1
    assert not await scene.is_complete(CONFIRMED)
    assert len(scene.look.asked) == before
    scene.now_ms += 1
    assert await scene.is_complete(CONFIRMED)
    assert len(scene.look.asked) > before


async def test_a_cleaner_that_is_late_is_looked_after_ever_more_seldom(scene: Scene) -> None:
    scene.look.logs = {(full(FACE_FEATURES), 0): log((1, "k", b"v"), (5, "k", None))}
    scene.now_ms = filled_ms = NOW_MS + LAG_MS + 1
    assert not await scene.is_complete(CONFIRMED)
    read_s = []
    while scene.now_ms < filled_ms + 300_000:
        before = len(scene.look.asked)
        scene.now_ms += 5_000
        await scene.is_complete(CONFIRMED)
        if len(scene.look.asked) > before:
            read_s.append((scene.now_ms - filled_ms) // 1000)
    assert read_s == [5, 10, 15, 20, 25, 35, 55, 95, 155, 215, 275]


async def test_what_was_seen_before_another_worker_drove_it_is_nobodys_but_that_its_command_is_deleted(scene) -> None:
    await cleaned(scene)
    anew = scene.steps.taken_over(CONFIRMED)
    assert (anew.driven_since_ms, anew.updated_at_ms) == (scene.now_ms, CONFIRMED.updated_at_ms)
    assert not await scene.is_complete(anew)
    scene.now_ms += DELAY_MS - 1
    assert not await scene.is_complete(anew)
    scene.now_ms += 1
    scene.says("a", applied=11)
    assert await scene.is_complete(anew)


async def test_a_leader_that_has_yet_to_delete_the_command_begins_its_time_anew(scene: Scene) -> None:
    await command_is_gone(scene)
    assert await scene.bytes_gone.of_command(CONFIRMED, scene.look)
    for first, gone in ((7, False), (8, False)):
        scene.look.starts_of = {full(GALLERY_COMMANDS): {0: 0, 1: first}}
        assert await scene.bytes_gone.of_command(CONFIRMED, scene.look) == gone
    scene.now_ms += COMMANDS_MS
    assert await scene.bytes_gone.of_command(CONFIRMED, scene.look)


async def test_key_records_that_do_not_open_are_counted_at_the_end_and_warned_of(scene: Scene) -> None:
    await cleaned(scene)
    scene.known.unread = 3
    with capture_logs() as logs:
        completed = await scene.completed(CONFIRMED)
    assert completed.unread == 3
    assert [(each["log_level"], each["count"]) for each in logs] == [("warning", 3)]


async def test_another_filler_follows_where_the_first_did_not_do(scene: Scene) -> None:
    await cleaned(scene)
    scene.look.logs = {(full(FACE_FEATURES), 0): log((1, "k", b"v"), (5, "k", None))}
    assert not await scene.is_complete(CONFIRMED)
    assert len(scene.outlet.batches) == 1
    scene.now_ms += LAG_MS
    assert not await scene.is_complete(CONFIRMED)
    assert len(scene.outlet.batches) == 2


@pytest.mark.parametrize("spoil", ["replaced visit", "newest visit", "a worker that has just begun", "the command"])
async def test_nothing_is_complete_as_long_as_one_place_holds_it(scene: Scene, spoil: str) -> None:
    await cleaned(scene)
    if spoil == "replaced visit":
        scene.look.logs = {(full("visits"), 1): [Read(b"lobby", open_visits("ada"))]}
    elif spoil == "newest visit":
        scene.sees("ada")
    elif spoil == "a worker that has just begun":
        scene.says("late", applied=11, saved=10)
    else:
        scene.look.starts_of = {full(GALLERY_COMMANDS): {0: 0, 1: 7}}
    assert not await scene.is_complete(CONFIRMED)


async def test_it_is_complete_otherwise(scene: Scene) -> None:
    await cleaned(scene)
    assert await scene.is_complete(CONFIRMED)


async def test_a_broker_that_compacts_nothing_is_not_waited_for() -> None:
    scene = Scene(EMBEDDED)
    scene.look.in_sync = False
    scene.says("a", applied=11)
    confirmed = await scene.next(SWEPT)
    assert await scene.next(confirmed) is None
    assert await scene.is_complete(confirmed)
    assert scene.look.asked == []


ENTRY = (
    b'{"event_id":"0a0b0c0d-camera-frames-0-%d","request_interface":"recognize","uin":null,"sub_uin":null,'
    b'"requested_at_ms":%d,"billed":true}'
)


async def test_an_account_is_billed_before_its_log_is_erased(scene: Scene) -> None:
    scene.says("a", applied=11)
    scene.sees("bob")
    scene.sees("bob", "of before", offset=9, epoch="0e0e0e0e")
    scene.sees("bob", "sends on", offset=4)
    of_account = structs.replace(SWEPT, scope="account", gallery=None, person=None)
    asked_at_ms = of_account.requested_at_ms
    entries = [Read(b"k%d" % n, ENTRY % (n, asked_at_ms + n - 2), n) for n in (1, 2, 3)]
    scene.look.logs = {(full("running-log"), 0): entries}
    scene.look.next_of = {full("camera-frames"): {0: 4, 1: 0}, full("sightings"): {0: 6, 1: 7}}
    assert await scene.next(of_account) is None  # a frame of before is not answered
    scene.look.committed_of = {full("camera-frames"): {0: 4}}
    billed = await scene.next(of_account)
    assert (billed.state, billed.bill.requests, billed.bill.billed) == ("swept", 2, 2)
    assert scene.outlet.all == []
    scene.look.logs = {(full("running-log"), 0): entries[1:]}  # who goes on does not make the bill anew
    confirmed = await scene.next(billed)
    assert (confirmed.state, confirmed.bill) == ("confirmed", billed.bill)
    assert confirmed.tombstones == {"running-log": 1, "visits": 2}
    erased = [(each.topic, each.key) for each in scene.outlet.all if each.value is None]
    assert erased == [(full("running-log"), b"k2"), (full("visits"), b"lobby"), (full("visits"), b"of before")]
    of_before = {"recognitions": {0: 0, 1: 0}, "sightings": {0: 6, 1: 7}, "error-log": {0: 0, 1: 0}}
    assert scene.look.emptied == {full(short): offsets for short, offsets in of_before.items()}
    assert isinstance(confirmed.bill, Bill)


async def test_the_last_bill_of_an_account_with_any_number_of_users_fits_into_a_record(scene: Scene) -> None:
    scene.says("a", applied=11)
    of_account = structs.replace(SWEPT, scope="account", gallery=None, person=None)
    user, most = b'"%0256d"', 4000
    entry = ENTRY.replace(b'"uin":null,"sub_uin":null', b'"uin":' + user + b',"sub_uin":' + user)
    scene.look.logs = {(full("running-log"), 0): [Read(b"k", entry % (n, n, n, ASKED_MS), n) for n in range(most)]}
    billed = await scene.next(of_account)
    assert (billed.bill.requests, billed.bill.billed) == (most, most)
    assert sum(line.requests for line in billed.bill.lines) == most
    assert MAX_OUTPUT_BYTES // 3 < len(records.encode(billed)) < 2 * MAX_OUTPUT_BYTES // 3


async def test_an_orphan_alone_is_swept_as_well(scene: Scene) -> None:
    scene.known.late = [reference(3, "e8", person=None)]
    again = await scene.next(erasure(state="tombstoned"))
    assert (again.state, again.persons, again.features) == ("tombstoned", 0, 0)
    assert place(reference(3), "e8").encode() in scene.outlet.tombstones()


async def test_a_log_that_was_clean_before_a_copy_dropped_out_is_waited_for_again(scene: Scene) -> None:
    await cleaned(scene)
    scene.look.in_sync = False
    away = await scene.next(CONFIRMED)
    scene.look.in_sync = True
    back = await scene.next(away)
    assert not await scene.is_complete(back)  # the filler of before does not count
    scene.now_ms += LAG_MS + 1
    assert not await scene.is_complete(back)
    assert not await scene.is_complete(back)
    scene.now_ms += DELAY_MS - 1
    scene.says("a", applied=11)
    assert not await scene.is_complete(back)
    scene.now_ms += 1
    assert await scene.is_complete(back)
