"""An even rate, by a clock that only goes forward."""

from collections.abc import Awaitable, Callable


class Pacer:
    """Lets a loop turn at most `fps` times a second.

    clock: seconds, monotonic. sleep: waits that many seconds. A loop that has fallen behind by more than
    `slack_s` is not driven to catch up: it would send a burst.
    """

    def __init__(
        self,
        fps: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        *,
        slack_s: float = 0.5,
    ) -> None:
        self._period_s = 1 / fps
        self._clock = clock
        self._sleep = sleep
        self._slack_s = slack_s
        self._due_s: float | None = None

    async def wait(self) -> None:
        """Return when the next turn is due; the first one is due at once."""
        now_s = self._clock()
        if self._due_s is None or now_s - self._due_s > self._slack_s:
            self._due_s = now_s
        if self._due_s > now_s:
            await self._sleep(self._due_s - now_s)
        self._due_s += self._period_s
