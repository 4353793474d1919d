"""What the lease hears of the coordinator, and what a member does that has lost its name."""

from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaError

from streams.engine.errors import FencedInstanceError
from streams.engine.group.membership import watch_lease, watch_name
from streams.engine.lease import Lease

OK, ILLEGAL_GENERATION, UNKNOWN_MEMBER, FENCED = 0, 22, 25, 82


class Coordinator:
    """Answers what it is told to; counts what reaches it."""

    def __init__(self) -> None:
        self.member_id = "worker-0-1"
        self.answers: list[object] = []
        self.sent: list[object] = []
        self.resets = 0
        self.alive = True
        self._rejoin_needed_fut = SimpleNamespace(done=lambda: False)

    async def _send_req(self, request: object) -> object:
        self.sent.append(request)
        return self.answers.pop(0)

    async def _do_heartbeat(self) -> bool:
        return self.alive

    def reset_generation(self) -> None:
        self.resets += 1
        self.member_id = ""


@pytest.fixture
def lease() -> Lease:
    lease = Lease(session_timeout_s=10, rebalance_timeout_s=6, clock=lambda: 100.0)
    lease.assign(3)
    return lease


def answer(code: int) -> SimpleNamespace:
    return SimpleNamespace(error_code=code)


def commit_answer(code: int) -> SimpleNamespace:
    return SimpleNamespace(topics=[("frames", [(0, OK), (1, code)])])


@pytest.mark.parametrize(("alive", "rejoin", "heard"), [(True, False, 1), (True, True, 0), (False, False, 0)])
async def test_only_an_answer_that_calls_the_group_stable_prolongs_the_lease(monkeypatch, alive, rejoin, heard) -> None:
    coordinator, answered = Coordinator(), []
    coordinator.alive, coordinator._rejoin_needed_fut.done = alive, lambda: rejoin
    watch_lease(coordinator, SimpleNamespace(heartbeat_answered=answered.append))
    assert await coordinator._do_heartbeat() is alive
    assert len(answered) == heard


def test_the_lease_hears_of_the_end_before_the_generation_is_forgotten(lease: Lease) -> None:
    coordinator = Coordinator()
    watch_lease(coordinator, lease)
    coordinator.reset_generation()
    assert not lease.is_member
    assert coordinator.resets == 1


@pytest.mark.parametrize("refusal", [answer(UNKNOWN_MEMBER), answer(FENCED), commit_answer(UNKNOWN_MEMBER)])
async def test_a_member_that_is_unknown_under_its_name_says_so_and_sends_nothing_more(lease: Lease, refusal) -> None:
    coordinator, told = Coordinator(), []
    watch_lease(coordinator, lease)
    watch_name(coordinator, "worker-0", told.append)
    coordinator.answers = [answer(OK), refusal]
    await coordinator._send_req("heartbeat")
    assert told == []
    assert await coordinator._send_req("heartbeat") is refusal
    [error] = told
    assert isinstance(error, FencedInstanceError)
    assert "the instance id worker-0" in str(error)
    assert lease.lost(3)
    with pytest.raises(KafkaError, match="nothing more is sent"):
        await coordinator._send_req("join")
    assert coordinator.sent == ["heartbeat", "heartbeat"]
    assert told == [error]


@pytest.mark.parametrize("refusal", [answer(ILLEGAL_GENERATION), commit_answer(ILLEGAL_GENERATION)])
async def test_a_generation_that_is_over_is_no_loss_of_the_name(lease: Lease, refusal) -> None:
    coordinator, told = Coordinator(), []
    watch_name(coordinator, "worker-0", told.append)
    coordinator.answers = [refusal, answer(OK)]
    await coordinator._send_req("heartbeat")
    await coordinator._send_req("join")
    assert told == []


async def test_who_has_just_reset_its_generation_is_unknown_by_right() -> None:
    coordinator, told = Coordinator(), []
    watch_name(coordinator, "worker-0", told.append)
    coordinator.reset_generation()
    coordinator.answers = [commit_answer(UNKNOWN_MEMBER)]
    await coordinator._send_req("commit")
    assert told == []
