import re

import pytest

from models.gallery.keys import KeyDirectory
from streams.audit.reading import Seen
from streams.wire.records import Receipt
from streams.wire.topics import MS_PER_DAY as DAY_MS
from tests.streams.audit.deletions import UNDER_WAY, answer, erasure
from tests.streams.audit.made import EPOCH, NOW_MS, inspection

SWEPT = {"state": "swept", "driven_since_ms": NOW_MS - DAY_MS}


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"state": "accepted"}, "not_observable"),
        (SWEPT, "broken"),
        ({"state": "swept", "driven_since_ms": NOW_MS - 1_000}, "held"),
        ({"state": "confirmed", "in_sync_at_ms": NOW_MS - DAY_MS, "driven_since_ms": NOW_MS - DAY_MS}, "broken"),
        ({"state": "confirmed", "in_sync_at_ms": NOW_MS - DAY_MS, "driven_since_ms": NOW_MS - 1_000}, "held"),
        ({"state": "confirmed", "in_sync_at_ms": NOW_MS - DAY_MS}, "not_observable"),
        ({"state": "confirmed", "in_sync_at_ms": NOW_MS - 1_000}, "held"),
        ({"state": "confirmed", "in_sync_at_ms": None}, "not_observable"),
    ],
)
def test_a_deletion_that_takes_too_long_in_one_workers_hands_while_all_copies_are_in_sync_is_broken(
    audited_deletion, keys, receipt: Receipt, fields, verdict: str
) -> None:
    old = erasure(keys, "carol", event_id=UNDER_WAY, requested_at_ms=NOW_MS - DAY_MS, **fields)
    assert audited_deletion(keys, erasure(keys), old, answer(receipt)).verdict == verdict


def test_while_a_copy_is_away_one_that_waits_for_it_is_not_late(audited_deletion, keys, receipt: Receipt) -> None:
    one_away = inspection(copies=2, in_sync=False)
    old = erasure(keys, "carol", event_id=UNDER_WAY, requested_at_ms=NOW_MS - DAY_MS, **SWEPT)
    found = audited_deletion(keys, erasure(keys), old, answer(receipt), inspection=one_away)
    assert found.verdict == "not_observable"


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"requested_at_ms": NOW_MS - 3 * DAY_MS, "driven_since_ms": NOW_MS - 3 * DAY_MS}, "broken"),
        ({"requested_at_ms": NOW_MS - 3 * DAY_MS, "driven_since_ms": NOW_MS - 60_000}, "held"),
        ({"requested_at_ms": NOW_MS - 3 * DAY_MS, "repeats": 2, "in_sync_at_ms": NOW_MS - 60_000}, "held"),
        (
            {
                "requested_at_ms": NOW_MS - 9 * DAY_MS,
                "driven_since_ms": NOW_MS - 4 * DAY_MS,
                "in_sync_at_ms": NOW_MS - 3 * DAY_MS,
            },
            "broken",
        ),
        ({"requested_at_ms": NOW_MS - 3 * DAY_MS}, "not_observable"),
        ({"requested_at_ms": NOW_MS - 43 * DAY_MS, "updated_at_ms": NOW_MS - 40 * DAY_MS}, "held"),
    ],
    ids=[
        "at once",
        "since another took it over",
        "since a copy was back",
        "long after it was back",
        "nobody says since when",
        "no receipt stands",
    ],
)
def test_a_deletion_that_took_too_long_while_all_copies_were_in_sync_is_broken(
    audited_deletion, keys, receipt: Receipt, fields, verdict: str
) -> None:
    assert audited_deletion(keys, erasure(keys, **fields), answer(receipt)).verdict == verdict


def day_old(keys: KeyDirectory, person_id: str = "bob", **fields) -> Seen:
    """A deletion that took a day in one worker's hands."""
    times = {"requested_at_ms": NOW_MS - DAY_MS, "driven_since_ms": NOW_MS - DAY_MS}
    return erasure(keys, person_id, **(times | fields))


ANOTHER = f"{EPOCH}-gallery-commands-1-6"


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({}, "held"),
        ({"state": "swept", "requested_at_ms": NOW_MS - DAY_MS + 1, "driven_since_ms": NOW_MS - 11_000}, "held"),
        ({"scope": "gallery", "person": None, "key_id": None}, "held"),
        ({"scope": "account", "gallery": None, "person": None, "key_id": None}, "held"),
        ({"gallery": None, "person": "0" * 32}, "held"),
        ({"person": "0" * 32}, "broken"),
        ({"gallery": "vip"}, "broken"),
        ({"requested_at_ms": NOW_MS - 9_999}, "broken"),
        ({"requested_at_ms": NOW_MS - DAY_MS - 1, "driven_since_ms": NOW_MS - 40_000}, "broken"),
    ],
    ids=[
        "the person, enrolled again",
        "taken over since",
        "its gallery",
        "the account",
        "perhaps the person, everywhere",
        "another person",
        "in another gallery",
        "asked for when it was complete",
        "asked for before it",
    ],
)
def test_a_deletion_is_not_late_that_another_one_of_the_same_person_held_up(
    audited_deletion, keys, receipt: Receipt, fields, verdict: str
) -> None:
    later = erasure(keys, **({"event_id": ANOTHER, "state": "tombstoned"} | fields))
    finding = audited_deletion(keys, day_old(keys), later, answer(receipt))
    assert finding.verdict == verdict
    if verdict == "held":
        assert any(re.match(r"why \d deletions took longer than 7 min 21 s from", each) for each in finding.unseen)


def test_the_longest_time_that_a_deletion_took_is_told(audited_deletion, keys, receipt: Receipt) -> None:
    slow = erasure(keys, "carol", event_id=UNDER_WAY, requested_at_ms=NOW_MS - 90_000)
    finding = audited_deletion(keys, erasure(keys), slow, answer(receipt))
    assert finding.evidence[0] == "of 2 deletions of the last 29 d the longest took 1 min 20 s"
