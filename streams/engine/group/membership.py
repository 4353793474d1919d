"""What aiokafka's coordinator is told of this member: answered heartbeats, the end of the membership, a lost name.

A member with an instance id (static membership) keeps its partitions while it is away for less than its session:
the coordinator gives them, in the same generation, to whoever joins under that id. Who was there before is then
unknown to it. aiokafka would join again and take the name back, and so would the other, for ever: so a member that
is unknown under a name of its own sends nothing more and ends. It cannot tell whether its session ran out or the
name was taken, and ends in both cases.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from aiokafka.errors import KafkaError

from streams.engine.errors import FencedInstanceError
from streams.engine.lease import Lease

LOST_NAME: Final = frozenset({25, 82})
"""UNKNOWN_MEMBER_ID, and FENCED_INSTANCE_ID, which aiokafka has no name for."""


def watch_lease(coordinator: Any, lease: Lease) -> None:
    """Let the lease hear of every heartbeat that was answered, and of the end of the membership."""
    do_heartbeat, reset_generation = coordinator._do_heartbeat, coordinator.reset_generation

    async def heartbeat() -> bool:
        sent_at = time.monotonic()
        answered: bool = await do_heartbeat()
        # "rebalancing" is also an answer, but says nothing about how long the partitions stay ours
        if answered and not coordinator._rejoin_needed_fut.done():
            lease.heartbeat_answered(sent_at)
        return answered

    def reset() -> None:
        lease.member_lost()
        reset_generation()

    coordinator._do_heartbeat = heartbeat
    coordinator.reset_generation = reset


def watch_name(coordinator: Any, instance_id: str, fenced: Callable[[FencedInstanceError], object]) -> None:
    """Tell `fenced`, once, when the group does not know this member under its instance id; then send nothing more."""
    send_request = coordinator._send_req
    lost = False

    async def send(request: Any) -> Any:
        nonlocal lost
        if lost:
            raise KafkaError(f"the instance id {instance_id} is lost, nothing more is sent")
        was_member = coordinator.member_id != ""  # who has just lost an old generation is unknown by right
        response = await send_request(request)
        if was_member and not lost and not LOST_NAME.isdisjoint(_codes(response)):
            lost = True
            coordinator.reset_generation()  # the lease hears of it before anything else can go out
            fenced(FencedInstanceError(instance_id))
        return response

    coordinator._send_req = send


def _codes(response: Any) -> Iterator[int]:
    """The error codes in an answer of the coordinator: one, or one for each partition of a commit."""
    if hasattr(response, "error_code"):
        yield response.error_code
    for _topic, partitions in getattr(response, "topics", ()):
        for partition in partitions:
            yield partition[-1]
