"""Only a contiguous prefix is acknowledged."""

from hypothesis import given
from hypothesis import strategies as st

from streams.engine.lanes.ledger import Ledger
from streams.engine.request import Request


def request(offset: int, partition: int = 0, generation: int = 1) -> Request:
    return Request("frames", partition, offset, 0, b"k", b"", (), generation, token=(partition, offset))


@given(st.permutations(range(8)))
def test_in_whatever_order_requests_end_acknowledgements_go_up_without_a_hole(order: list[int]) -> None:
    acknowledged: list[tuple[int, int]] = []
    ledger = Ledger(acknowledged.append)
    requests = [request(offset) for offset in range(8)]
    for each in requests:
        ledger.arrived(each)
    finished: set[int] = set()
    for offset in order:
        ledger.done(requests[offset])
        finished.add(offset)
        prefix = next((n for n in range(8) if n not in finished), 8)
        assert acknowledged == [(0, n) for n in range(prefix)]


def test_partitions_do_not_wait_for_each_other() -> None:
    acknowledged: list[tuple[int, int]] = []
    ledger = Ledger(acknowledged.append)
    for each in (request(0), request(0, partition=1)):
        ledger.arrived(each)
    ledger.done(request(0, partition=1))
    assert acknowledged == [(1, 0)]


def test_a_partition_that_returns_starts_anew() -> None:
    acknowledged: list[tuple[int, int]] = []
    ledger = Ledger(acknowledged.append)
    ledger.arrived(request(0))
    ledger.arrived(request(1))
    ledger.done(request(1))
    ledger.forget_other_generations(2)
    again = request(1, generation=2)
    ledger.arrived(again)
    ledger.done(again)
    assert acknowledged == [(0, 1)]
