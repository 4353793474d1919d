"""May this worker still speak for its partitions?

The group's coordinator gives a partition to another member no earlier than one session timeout after
the last heartbeat that it answered, or one rebalance timeout after it asked for a new join. So output
is allowed for the shorter of the two, less a margin, counted from when that heartbeat was *sent*.
What this cannot exclude (a process frozen between the check and the broker's append) is said in the
README under "Delivery".
"""

import time
from collections.abc import Callable
from typing import Final

MARGIN_S: Final = 0.5
NO_GENERATION: Final = -1


class Lease:
    """The membership's state. Written by the consumer's thread, read by the event loop: plain reads suffice,
    since each attribute is one reference and a late look only delays what the next look finds.
    """

    def __init__(
        self,
        *,
        session_timeout_s: float,
        rebalance_timeout_s: float,
        answered: Callable[[float], object] = lambda _interval_s: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """answered: told, in the consumer's thread, how long after the one before it a heartbeat was answered."""
        self._length_s = min(session_timeout_s, rebalance_timeout_s) - MARGIN_S
        if self._length_s <= 0:
            raise ValueError(f"session and rebalance timeout must exceed {MARGIN_S} s")
        self._clock = clock
        self._answered = answered
        self._answered_at: float | None = None
        self._since = -float("inf")
        self._member_lost = False
        self._revoking = False
        self._given_up = NO_GENERATION
        self.generation = NO_GENERATION
        self.continued = False
        """The generation before this one was ours to its end: no other member can have had what stayed here."""

    def heartbeat_answered(self, sent_at: float) -> None:
        """The coordinator called the group stable in answer to a heartbeat that was sent at `sent_at`."""
        self._since = max(self._since, sent_at)
        now = self._clock()
        if self._answered_at is not None:
            self._answered(now - self._answered_at)
        self._answered_at = now

    def member_lost(self) -> None:
        """The coordinator does not know this member any more, or it has left."""
        self._member_lost = True
        self._answered_at = None

    def revoke(self) -> None:
        """A rebalance has begun: what is in flight may end while the lease lasts."""
        self._revoking = True

    def assign(self, generation: int) -> None:
        """A new assignment came; it counts from now."""
        self.continued = (
            generation == self.generation + 1 and not self._member_lost and self._given_up != self.generation
        )
        self._since = self._answered_at = self._clock()
        self._member_lost = self._revoking = False
        self.generation = generation

    def give_up(self) -> None:
        """Nothing of the present generation will be published or acknowledged any more."""
        self._given_up = self.generation

    @property
    def is_member(self) -> bool:
        """As far as this process has been told."""
        return not self._member_lost

    @property
    def silence_s(self) -> float:
        """Seconds since the coordinator last answered a heartbeat; 0 while this process is no member."""
        answered_at = self._answered_at
        return 0.0 if answered_at is None else self._clock() - answered_at

    @property
    def valid(self) -> bool:
        """Output may go out now. False means: hold, until a heartbeat settles it."""
        return self._clock() - self._since < self._length_s

    def now(self) -> float:
        """By the clock that the lease goes by."""
        return self._clock()

    def heard_since(self, moment: float) -> bool:
        """A heartbeat that was sent after this moment of `now` was answered, or partitions were assigned."""
        return self._since > moment

    @property
    def hopeless(self) -> bool:
        """Waiting for work in flight is in vain: it could not be published."""
        return self._member_lost or (self._revoking and not self.valid)

    def lost(self, generation: int) -> bool:
        """Work of this generation is another member's now: drop it, neither output nor acknowledgement."""
        return generation != self.generation or generation == self._given_up or self.hopeless
