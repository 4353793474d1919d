"""The lease: when output may go out, when work is lost."""

import pytest

from streams.engine.lease import MARGIN_S, Lease


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(clock: Clock) -> Lease:
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=clock)
    lease.assign(7)
    return lease


def test_counts_from_the_assignment_for_the_shorter_timeout_less_a_margin(lease: Lease, clock: Clock) -> None:
    clock.now += 6 - MARGIN_S - 0.001
    assert lease.valid
    clock.now += 0.001
    assert not lease.valid


def test_counts_from_when_the_heartbeat_was_sent_not_from_its_answer(lease: Lease, clock: Clock) -> None:
    sent_at = clock.now + 3
    clock.now += 5
    lease.heartbeat_answered(sent_at)
    clock.now = sent_at + 5.4
    assert lease.valid
    clock.now = sent_at + 5.6
    assert not lease.valid


def test_an_answer_to_an_older_heartbeat_does_not_shorten_it(lease: Lease, clock: Clock) -> None:
    lease.heartbeat_answered(clock.now - 4)
    clock.now += 5
    assert lease.valid


def test_tells_how_long_the_coordinator_was_silent_between_two_answers(clock: Clock) -> None:
    intervals: list[float] = []
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, answered=intervals.append, clock=clock)
    assert lease.silence_s == 0
    lease.assign(7)
    clock.now += 1
    lease.heartbeat_answered(clock.now)
    clock.now += 2.5
    assert lease.silence_s == 2.5
    lease.heartbeat_answered(clock.now - 1)
    assert lease.silence_s == 0
    assert intervals == [1, 2.5]


def test_who_is_no_member_hears_no_silence(lease: Lease, clock: Clock) -> None:
    clock.now += 5
    assert lease.is_member
    lease.member_lost()
    assert not lease.is_member
    assert lease.silence_s == 0
    lease.assign(8)
    assert lease.is_member


def test_work_of_another_generation_is_lost(lease: Lease) -> None:
    assert not lease.lost(7)
    assert lease.lost(6)
    assert lease.lost(8)


def test_an_overdue_lease_alone_loses_nothing(lease: Lease, clock: Clock) -> None:
    clock.now += 60
    assert not lease.valid
    assert not lease.lost(7)


def test_an_overdue_lease_in_a_rebalance_loses_all(lease: Lease, clock: Clock) -> None:
    lease.revoke()
    assert not lease.lost(7)
    clock.now += 60
    assert lease.hopeless
    assert lease.lost(7)


def test_a_member_that_is_not_known_any_more_loses_all_at_once(lease: Lease) -> None:
    lease.member_lost()
    assert lease.lost(7)


def test_what_was_given_up_stays_lost(lease: Lease) -> None:
    lease.give_up()
    assert lease.lost(7)
    lease.assign(8)
    assert not lease.lost(8)


@pytest.mark.parametrize(
    ("before", "generation", "continued"),
    [
        (lambda lease: None, 8, True),
        (lambda lease: lease.revoke(), 8, True),
        (lambda lease: None, 9, False),
        (lambda lease: lease.member_lost(), 8, False),
        (lambda lease: lease.give_up(), 8, False),
    ],
)
def test_continued_only_if_no_other_member_can_have_been_owner(lease: Lease, before, generation, continued) -> None:
    before(lease)
    lease.assign(generation)
    assert lease.continued is continued


def test_timeouts_must_leave_room_for_the_margin() -> None:
    with pytest.raises(ValueError, match=r"0\.5"):
        Lease(session_timeout_s=0.4, rebalance_timeout_s=6)
