"""A counter that cannot count is worthless: each fault is present once, and is counted once."""

from dataclasses import replace

from tests.kafka.faults.count import Read, Row, Standing, count

FRAMES = [(0, number) for number in range(4)]
OTHER_PARTITION = "0a0b0c0d-camera-frames-1-0"


def event_id(number: int) -> str:
    return f"0a0b0c0d-camera-frames-0-{number}"


def recognition(offset: int, number: int, generation: int = 1, appended_ms: int | None = None) -> Read:
    value = {"event_id": event_id(number), "camera_id": "lobby"}
    return Read(
        partition=0,
        offset=offset,
        appended_ms=1000 * offset if appended_ms is None else appended_ms,
        key="lobby",
        generation=generation,
        value=value,
    )


def entry(offset: int, number: int, *, billed: bool = True, code: str = "ok") -> Read:
    value = {"event_id": event_id(number), "camera_id": "lobby", "billed": billed, "return_code": code}
    return Read(partition=0, offset=offset, appended_ms=0, key=event_id(number), generation=1, value=value)


def failure(number: int, code: str, repeats: int = 1) -> Read:
    value = {"event_id": event_id(number), "camera_id": "lobby", "return_code": code, "repeats": repeats}
    return Read(partition=0, offset=0, appended_ms=0, key=None, generation=-1, value=value)


def sighting(offset: int, generation: int = 1) -> Read:
    value = {
        "event_id": event_id(offset),
        "visit_id": "v",
        "event": "update" if offset else "enter",
        "camera_id": "lobby",
        "person_id": "ada",
        "first_seen_ms": 0,
        "last_seen_ms": 0,
    }
    return Read(partition=0, offset=offset, appended_ms=0, key="lobby", generation=generation, value=value)


def open_visits(offset: int, generation: int) -> Read:
    value = {"camera_id": "lobby", "partition": 0, "offset": 3}
    return Read(partition=0, offset=offset, appended_ms=0, key="lobby", generation=generation, value=value)


GOOD = Standing(
    recognitions=[recognition(number, number) for number in range(4)],
    running=[entry(number, number) for number in range(4)],
    sightings=[sighting(0)],
    visits=[open_visits(0, 1)],
)


def row(**others: list[Read]) -> Row:
    return count("made up", FRAMES, replace(GOOD, **others), visit_timeout_ms=5000)


def test_a_run_without_a_fault() -> None:
    assert row() == Row(
        scenario="made up",
        frames_sent=4,
        recognised=4,
        lost=0,
        processed_twice=0,
        out_of_order=0,
        stale=0,
        log_records=4,
        split_visits=0,
        worst_gap_s=1.0,
        billed_changed=0,
        visits=1,
    )
    assert row().broken == []


def test_a_lost_frame() -> None:
    found = row(recognitions=[recognition(number, number) for number in (0, 1, 3)])
    assert (found.recognised, found.lost) == (3, 1)
    assert found.broken == ["lost is 1"]


def test_a_frame_that_failed_with_a_code_is_not_lost() -> None:
    found = row(recognitions=[recognition(number, number) for number in (0, 1, 3)], errors=[failure(2, "timed_out")])
    assert (found.recognised, found.lost, found.broken) == (3, 0, [])


def test_an_error_record_without_a_code_is_no_answer() -> None:
    assert row(recognitions=[recognition(0, 0)], errors=[failure(2, "")]).lost == 3


def test_failures_that_the_error_log_sums_are_answered_as_far_as_it_tells_of_them() -> None:
    running = [entry(0, 0), *(entry(number, number, billed=False, code="bad_key") for number in (1, 2, 3))]
    first, both = [failure(1, "bad_key")], [failure(1, "bad_key"), failure(1, "bad_key", repeats=2)]
    other = [failure(1, "bad_key"), failure(1, "bad_header", repeats=3)]
    found = [row(recognitions=[recognition(0, 0)], running=running, errors=errors) for errors in (first, both, other)]
    assert [each.lost for each in found] == [2, 1, 2]


def test_a_frame_that_is_processed_twice_is_neither_late_nor_stale() -> None:
    numbers = (0, 1, 2, 1, 2, 3)
    found = row(recognitions=[recognition(at, number, generation=1 + (at > 2)) for at, number in enumerate(numbers)])
    assert (found.processed_twice, found.out_of_order, found.stale, found.broken) == (2, 0, 0, [])


def test_a_first_recognition_behind_a_later_frames() -> None:
    found = row(recognitions=[recognition(at, number) for at, number in enumerate((0, 2, 1, 3))])
    assert found.broken == ["out_of_order is 1"]


def test_a_former_owner_that_speaks_after_its_successor() -> None:
    spoken = [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (3, 2)]
    found = row(recognitions=[recognition(at, number, generation) for at, (number, generation) in enumerate(spoken)])
    assert found.broken == ["stale is 1"]


def test_a_former_owner_that_speaks_on_another_topic() -> None:
    assert row(sightings=[sighting(0, 2), sighting(1, 1)]).broken == ["stale is 1"]
    assert row(visits=[open_visits(0, 2), open_visits(1, 1)]).broken == ["stale is 1"]
    entries = [replace(each, generation=2 - (number == 2)) for number, each in enumerate(GOOD.running)]
    assert row(running=entries).broken == ["stale is 1"]


def test_owners_of_different_input_partitions_do_not_succeed_each_other() -> None:
    other = replace(recognition(4, 0, generation=1), value={"event_id": OTHER_PARTITION, "camera_id": "gate"})
    assert row(recognitions=[*(recognition(at, at, generation=2) for at in range(4)), other]).stale == 0


def test_two_entries_of_the_running_log_that_bill_differently() -> None:
    found = row(running=[*GOOD.running, entry(4, 2, billed=False)])
    assert found.log_records == 4
    assert found.broken == ["billed_changed is 1"]


def test_a_missing_entry_of_the_running_log() -> None:
    assert row(running=[entry(0, 0)]).broken == ["1 running-log entries for 4 frames"]


def test_an_entry_that_compaction_would_not_join_with_its_repetition_is_none() -> None:
    assert row(running=[*GOOD.running[:3], replace(entry(3, 3), key="other")]).log_records == 3
    assert row(running=[*GOOD.running[:3], replace(entry(3, 3), partition=1)]).log_records == 3


def test_the_longest_silence_of_one_camera() -> None:
    appended = [0, 400, 2900, 3000]
    records = [recognition(at, at, appended_ms=appended_ms) for at, appended_ms in enumerate(appended)]
    assert row(recognitions=records).worst_gap_s == 2.5


def test_visits_that_should_have_been_one_are_told() -> None:
    again = replace(sighting(1), value={**sighting(1).value, "visit_id": "w", "event": "enter"})
    assert row(sightings=[sighting(0), again]).broken == ["split_visits is 1"]


def test_a_run_in_which_nobody_was_named_shows_nothing_of_visits() -> None:
    assert row(sightings=[]).broken == ["nobody was named"]


def test_no_frame_is_no_result() -> None:
    nothing = count("idle", [], replace(GOOD, running=[]), visit_timeout_ms=1)
    assert nothing.broken == ["no frame was sent"]
