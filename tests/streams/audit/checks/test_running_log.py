from streams.audit.checks.running_log import RunningLog
from streams.audit.finding import Finding
from streams.audit.reading import Seen
from streams.logs.billing import Billing
from streams.wire.records import Erasure, ErrorLogEntry, RunningLogEntry
from streams.wire.topics import ERASURES, ERROR_LOG, RECOGNITIONS, RUNNING_LOG
from tests.streams.audit.made import EPOCH, NOW_MS, concluded, entry, facts, processed, recognition, shown

LATER_MS = NOW_MS - 60_000


def logged(of: RunningLogEntry, offset: int = 0, **where) -> Seen:
    return shown(RUNNING_LOG, of, key=of.event_id.encode(), offset=offset, **where)


def audited(*stream: Seen, committed: int = 3, again: tuple[Seen, ...] | None = None, **said) -> Finding:
    bills = (Billing(0, NOW_MS), Billing(0, NOW_MS))
    for each in stream if again is None else again:
        if each.short == RUNNING_LOG:
            bills[1].take(each.partition, each.value)
    return concluded(RunningLog(facts(**({"positions": processed(committed, committed)} | said)), bills), *stream)


THREE = tuple(logged(entry(offset), offset) for offset in range(3))


def test_one_entry_for_each_request_is_held() -> None:
    finding = audited(*THREE)
    assert finding.verdict == "held"
    assert finding.evidence == (
        "3 entries with all their fields read (0 repeats, 0 of earlier epochs)",
        "3 offsets of the input topics are done with: 3 have an entry, 0 expired unread, 0 have none and were held"
        " against where a filler may stand",
        "a bill over all of it, added up twice: 3 requests, 3 billed",
    )


def test_a_repeat_counts_once() -> None:
    finding = audited(*THREE, logged(entry(1), 3))
    assert (finding.verdict, finding.evidence[0]) == (
        "held",
        "4 entries with all their fields read (1 repeats, 0 of earlier epochs)",
    )


def test_a_request_without_an_entry_between_two_that_have_one_is_broken() -> None:
    assert audited(THREE[0], THREE[2]).breaches == ("requests without an entry: camera-frames-0, offsets 1 to 1",)


def test_the_first_cannot_be_a_filler() -> None:
    assert audited(THREE[1], THREE[2]).verdict == "broken"


def test_after_a_silence_one_offset_may_be_a_filler() -> None:
    late = logged(entry(2, requested_at_ms=LATER_MS), 2)
    assert audited(THREE[0], late).verdict == "held"


def test_a_filler_may_be_the_last() -> None:
    assert audited(THREE[0], THREE[1]).verdict == "held"


def test_more_offsets_than_fillers_fit_into_the_silence_are_broken() -> None:
    after = logged(entry(9, requested_at_ms=entry(0).requested_at_ms + 10_000), 2)
    assert audited(THREE[0], after, committed=10).verdict == "broken"


def test_what_recognitions_tell_of_cannot_be_a_filler() -> None:
    late = logged(entry(2, requested_at_ms=LATER_MS), 2)
    assert audited(THREE[0], late, shown(RECOGNITIONS, recognition(1))).verdict == "broken"
    assert audited(THREE[0], late, shown(RECOGNITIONS, recognition(2))).verdict == "held"


def test_an_entry_that_is_removed_is_broken_until_it_is_there_again() -> None:
    removed = shown(RUNNING_LOG, None, key=THREE[1].key, offset=3)
    assert audited(*THREE, removed).breaches == ("an entry that was removed: running-log-0@3",)
    assert audited(*THREE, removed, logged(entry(1), 4)).verdict == "held"


def test_a_bill_that_does_not_follow_from_the_outcome_is_broken() -> None:
    for altered in ({"billed": False}, {"return_code": "bad_header"}, {"return_code": "made_up"}):
        assert audited(*THREE, logged(entry(1, **altered), 3)).verdict == "broken"


def test_an_entry_in_another_partition_is_broken() -> None:
    assert audited(*THREE, logged(entry(1), 3, partition=1)).verdict == "broken"


def test_what_is_no_entry_is_broken() -> None:
    assert audited(*THREE, shown(RUNNING_LOG, b"{}", key=b"k", offset=3)).verdict == "broken"


def test_two_bills_that_differ_are_broken() -> None:
    assert audited(*THREE, again=THREE[:2]).verdict == "broken"


def test_entries_of_an_earlier_epoch_stand_for_nothing_now() -> None:
    old = entry(1, event_id="ffffffff-camera-frames-0-1")
    assert audited(THREE[0], logged(old, 1), THREE[2]).verdict == "broken"


def test_without_positions_nothing_is_held() -> None:
    finding = audited(*THREE, positions={}, why_no_positions="no right")
    assert (finding.verdict, finding.unseen) == ("not_observable", ("which requests were processed: no right",))


def test_before_the_first_request_nothing_is_seen() -> None:
    assert audited(committed=0).verdict == "not_observable"


def expired(first: int, repeats: int, logged_at_ms: int = LATER_MS, epoch: str = EPOCH) -> Seen:
    return shown(
        ERROR_LOG,
        ErrorLogEntry(
            event_id=f"{epoch}-camera-frames-0-{first}",
            request_interface="recognize",
            account="main",
            app_id="77",
            uin=None,
            sub_uin=None,
            region="eu",
            camera_id=None,
            person=None,
            logged_at_ms=logged_at_ms,
            upstream="camera-frames read too late",
            downstream="outputs writable",
            return_code="expired_unread",
            detail="",
            input=None,
            output="none",
            algorithm_output=None,
            repeats=repeats,
        ),
    )


def test_what_expired_unread_needs_no_entry_in_the_middle_or_before_the_first() -> None:
    between = audited(THREE[0], THREE[2], expired(1, 1))
    assert between.verdict == "held"
    assert between.evidence[1].startswith(
        "3 offsets of the input topics are done with: 2 have an entry, 1 expired unread, 0 have none"
    )
    assert audited(THREE[2], expired(0, 2)).verdict == "held"
    assert audited(expired(0, 3)).verdict == "held"


def test_what_is_beside_what_expired_is_missing_still() -> None:
    assert audited(THREE[2], expired(1, 1)).breaches == ("requests without an entry: camera-frames-0, offsets 0 to 0",)
    assert audited(THREE[2], expired(0, 1)).breaches == ("requests without an entry: camera-frames-0, offsets 1 to 1",)
    assert audited(THREE[0], THREE[2], expired(1, 1, epoch="ffffffff")).verdict == "broken"


def of_account(state: str, requested_at_ms: int, updated_at_ms: int) -> Seen:
    return shown(
        ERASURES,
        Erasure(
            event_id=f"{EPOCH}-gallery-commands-0-1",
            request_id="r-1",
            account="main",
            scope="account",
            gallery=None,
            person=None,
            state=state,
            requested_at_ms=requested_at_ms,
            updated_at_ms=updated_at_ms,
        ),
    )


def test_the_accounts_deletion_removes_entries_until_it_is_complete_with_those_of_an_earlier_one() -> None:
    removed = shown(RUNNING_LOG, None, key=THREE[1].key, offset=3)  # at NOW_MS
    for erasure, verdict in (
        (of_account("swept", NOW_MS - 1_000, NOW_MS - 500), "held"),
        (of_account("completed", NOW_MS - 1_000, NOW_MS), "held"),
        (of_account("completed", NOW_MS - 1_000, NOW_MS - 1), "broken"),
        (of_account("completed", NOW_MS + 1_000, NOW_MS + 2_000), "held"),
        (of_account("confirmed", NOW_MS + 1_000, NOW_MS + 2_000), "held"),
        (of_account("swept", NOW_MS + 1, NOW_MS + 1), "broken"),
    ):
        assert audited(erasure, *THREE, removed).verdict == verdict
