"""A bill: every request once, whatever was repeated, compacted or erased, as a plain set would have it."""

import random
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.logs.billing import MOST_LINES_BYTES, Billing, BillingError, abridged
from streams.wire import records
from streams.wire.event_id import EventId
from streams.wire.records import Bill, BillLine, LoggedFace, RunningLogEntry, SealedPerson

EPOCHS = ("0a0b0c0d", "1a1b1c1d")
FROM_MS, TO_MS = 1000, 3000


@dataclass(frozen=True)
class Standing:
    """An entry as it stands in a partition of the log."""

    partition: int
    entry: RunningLogEntry


def entry(event: EventId, at_ms: int = 1500, **said) -> RunningLogEntry:
    fields = {
        "request_interface": "recognize",
        "uin": None,
        "sub_uin": None,
        "billed": True,
        "persons": [],
        "results": [],
    } | said
    return RunningLogEntry(
        event_id=str(event),
        account="main",
        app_id="77",
        region="eu",
        request_ip=None,
        request_id=None,
        camera_id="lobby",
        gallery="default",
        requested_at_ms=at_ms,
        accessed_at_ms=at_ms + 30,
        return_code="ok",
        **fields,
    )


def billed(standing: list[Standing], **how) -> Bill:
    billing = Billing(FROM_MS, TO_MS, **how)
    for each in sorted(standing, key=lambda each: each.partition):
        billing.take(each.partition, records.encode(each.entry))
    assert billing.unreadable == 0
    return billing.bill(account="main", app_id="77", region="eu")


def as_a_set_has_it(standing: list[Standing]) -> tuple[int, int]:
    once = {each.entry.event_id: each.entry for each in standing if FROM_MS <= each.entry.requested_at_ms < TO_MS}
    return len(once), sum(each.billed for each in once.values())


def compacted(standing: list[Standing]) -> list[Standing]:
    last = {each.entry.event_id: number for number, each in enumerate(standing)}
    return [each for number, each in enumerate(standing) if last[each.entry.event_id] == number]


def erased(standing: list[Standing]) -> list[Standing]:
    """As they were written when nobody's key was there any more."""
    return [Standing(each.partition, msgspec.structs.replace(each.entry, persons=[], results=[])) for each in standing]


EVENTS = st.builds(
    EventId,
    st.sampled_from(EPOCHS),
    st.sampled_from(["camera-frames", "gallery-commands"]),
    st.integers(0, 2),
    st.integers(0, 12),
)


def of_event(event: EventId) -> Standing:
    """What all entries of an event agree on follows from the event."""
    drawn = random.Random(str(event))
    said = {
        "billed": drawn.random() < 0.7,
        "uin": drawn.choice([None, "100001", "100002"]),
        "sub_uin": drawn.choice([None, "7"]),
        "request_interface": drawn.choice(["recognize", "enroll", "forget", "unknown"]),
    }
    return Standing(event.partition, entry(event, 500 + 250 * event.offset, **said))


@given(st.lists(EVENTS, max_size=60).map(lambda events: [of_event(event) for event in events]))
def test_repeats_compaction_and_erasure_change_nothing(standing: list[Standing]) -> None:
    bill = billed(standing)
    assert (bill.requests, bill.billed) == as_a_set_has_it(standing)
    assert billed(compacted(standing)) == bill
    assert billed(erased(standing)) == bill
    assert billed(standing + standing[::-1]) == bill
    assert sum(line.requests for line in bill.lines) == bill.requests


def test_its_lines_are_users_and_interfaces_in_order() -> None:
    said = [
        {"uin": "b", "sub_uin": "2"},
        {"uin": "b", "sub_uin": None, "billed": False},
        {"uin": None, "request_interface": "forget", "billed": False},
        {"uin": "b", "sub_uin": "2", "billed": False},
        {"uin": "b", "sub_uin": "2", "request_interface": "enroll"},
    ]
    standing = [
        Standing(1, entry(EventId(EPOCHS[0], "camera-frames", 1, number), **each)) for number, each in enumerate(said)
    ]
    bill = billed(standing)
    assert bill.lines == [
        BillLine(uin=None, sub_uin=None, request_interface="forget", requests=1, billed=0),
        BillLine(uin="b", sub_uin=None, request_interface="recognize", requests=1, billed=0),
        BillLine(uin="b", sub_uin="2", request_interface="enroll", requests=1, billed=1),
        BillLine(uin="b", sub_uin="2", request_interface="recognize", requests=2, billed=1),
    ]
    assert (bill.requests, bill.billed, bill.from_ms, bill.to_ms) == (5, 2, FROM_MS, TO_MS)
    assert [line.uin for line in billed(standing, uin="b").lines] == ["b", "b", "b"]


@given(st.lists(EVENTS, max_size=60).map(lambda events: [of_event(event) for event in events]), st.integers(0, 1500))
def test_one_that_is_abridged_has_its_first_lines_and_all_that_was_asked_for(standing, most_bytes: int) -> None:
    bill = billed(standing)
    short = abridged(bill, most_bytes)
    assert msgspec.structs.replace(short, lines=bill.lines) == bill
    assert sum(line.requests for line in short.lines) == bill.requests
    assert sum(line.billed for line in short.lines) == bill.billed
    if short.lines == bill.lines:
        assert len(msgspec.json.encode(bill.lines)) <= most_bytes + len("[]")
        return
    *first, others = short.lines
    assert first == bill.lines[: len(first)]
    assert (others.uin, others.sub_uin, others.request_interface) == (None, None, "others")
    assert len(msgspec.json.encode(first)) <= most_bytes + len("[]")
    assert len(msgspec.json.encode(bill.lines[: len(first) + 1])) >= most_bytes


def test_thousands_of_users_stand_on_it_without_an_abridgement() -> None:
    users = [{"uin": f"1000{number:08}", "sub_uin": f"2000{number:08}"} for number in range(4000)]
    standing = [
        Standing(0, entry(EventId(EPOCHS[0], "camera-frames", 0, number), **user)) for number, user in enumerate(users)
    ]
    bill = billed(standing)
    assert abridged(bill) is bill
    assert len(msgspec.json.encode(bill.lines)) < MOST_LINES_BYTES


def test_the_beginning_is_in_it_and_the_end_is_not() -> None:
    times_ms = (FROM_MS - 1, FROM_MS, TO_MS - 1, TO_MS)
    standing = [
        Standing(0, entry(EventId(EPOCHS[0], "camera-frames", 0, number), at_ms))
        for number, at_ms in enumerate(times_ms)
    ]
    assert billed(standing).requests == 2


def test_the_same_offset_of_another_topic_or_epoch_is_another_request() -> None:
    events = [EventId(epoch, topic, 0, 7) for epoch in EPOCHS for topic in ("camera-frames", "gallery-commands")]
    assert billed([Standing(0, entry(event)) for event in events]).requests == 4


@pytest.mark.parametrize("value", [b"<html>", b"{}", b'{"event_id": 7}', b"\xff", b'{"event_id":"\xff"}'])
def test_what_is_no_entry_is_counted_and_what_is_empty_is_not(value: bytes) -> None:
    billing = Billing(FROM_MS, TO_MS)
    for each in (value, b"", None):
        billing.take(0, each)
    assert billing.unreadable == 1


def test_names_and_results_are_not_looked_at() -> None:
    event = EventId(EPOCHS[0], "camera-frames", 0, 7)
    face = LoggedFace(track_id="t", status="unknown", similarity=0.1)
    person = SealedPerson(locator="0" * 16, text="AA==")
    assert billed([Standing(0, entry(event, persons=[person], results=[face]))]) == billed([Standing(0, entry(event))])


def test_requests_of_others_are_no_gaps() -> None:
    of_others = {1, 5}
    standing = [
        Standing(0, entry(EventId(EPOCHS[0], "camera-frames", 0, offset), uin="b" if offset in of_others else "a"))
        for offset in (0, 1, 2, 4, 5, 6, 3)
    ]
    assert billed(standing, uin="a", most_gaps=1).requests == 5


def test_where_it_cannot_tell_it_says_so() -> None:
    billing = Billing(FROM_MS, TO_MS, most_gaps=1)
    for offset in (5, 7):
        billing.take(0, records.encode(entry(EventId(EPOCHS[0], "camera-frames", 0, offset))))
    with pytest.raises(BillingError, match="partition 0: 0a0b0c0d-camera-frames-0-3 stands too far behind"):
        billing.take(0, records.encode(entry(EventId(EPOCHS[0], "camera-frames", 0, 3))))
