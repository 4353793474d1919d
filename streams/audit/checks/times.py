"""How long deletions took, and how old those are that are under way, held against the bound."""

from collections.abc import Collection
from typing import Final

from streams.audit.checks.receipts import KEPT_MS
from streams.audit.finding import Findings
from streams.engine.topics.bounds import duration
from streams.wire.records import Erasure


class Times:
    """erasures: all that stand. bound_ms: None where the settings leave it open. in_sync: no copy is away now.

    The bound holds while all copies are in sync and one worker drives the deletion: it counts from the last moment at
    which that began anew. Nor does it hold while another deletion is under way that may cover the same person, enrolled
    again: what names that person then holds up both.
    """

    def __init__(
        self, erasures: Collection[Erasure], bound_ms: int | None, now_ms: int, findings: Findings, *, in_sync: bool
    ) -> None:
        self._erasures: Final = erasures
        self._in_sync = in_sync
        self._bound_ms = bound_ms
        self._now_ms = now_ms
        self._findings = findings
        self._excused = 0

    def look(self) -> None:
        """Note what is found, first of those that are under way. Completed are those whose receipts stand."""
        for erasure in self._erasures:
            if erasure.state == "confirmed" and erasure.in_sync_at_ms is None:
                self._findings.could_not_see(
                    f"how long {erasure.event_id} takes: a copy of the topics is away, and it waits for it", core=True
                )
            elif erasure.state != "completed":
                self._hold_to_bound(erasure, self._now_ms)
        longest_ms = counted = 0
        for erasure in self._erasures:
            if erasure.state == "completed" and self._now_ms - erasure.updated_at_ms < KEPT_MS:
                counted, longest_ms = counted + 1, max(longest_ms, erasure.updated_at_ms - _since_ms(erasure))
                self._hold_to_bound(erasure, erasure.updated_at_ms)
        if counted:
            self._findings.saw(
                f"of {counted} deletions of the last {duration(KEPT_MS)} the longest took {duration(longest_ms)}"
            )
        if self._excused and self._bound_ms is not None:
            self._findings.could_not_see(
                f"why {self._excused} deletions took longer than {duration(self._bound_ms)} from when they were asked"
                " for: a copy was away, another worker took over, or another deletion of the same person came between"
            )

    def _hold_to_bound(self, erasure: Erasure, until_ms: int) -> None:
        if self._bound_ms is None or until_ms - erasure.requested_at_ms <= self._bound_ms:
            return
        since_ms = max(_since_ms(erasure), self._held_up_ms(erasure, until_ms))
        if until_ms - since_ms <= self._bound_ms:
            self._excused += 1
        elif not self._in_sync and erasure.state != "completed":
            self._findings.could_not_see(
                f"how long {erasure.event_id} takes while all copies are in sync: one is away", core=True
            )
        elif erasure.driven_since_ms is None:
            self._findings.could_not_see(
                f"how long {erasure.event_id} takes in one worker's hands: it does not say since when one drives it",
                core=True,
            )
        else:
            said = f"{erasure.event_id} is {erasure.state} after {duration(until_ms - since_ms)}"
            self._findings.broke(f"a deletion that takes longer than {duration(self._bound_ms)}", said)

    def _held_up_ms(self, erasure: Erasure, until_ms: int) -> int:
        """When the last of those began that may have held it up; 0 where there is none."""
        others = (
            _since_ms(each)
            for each in self._erasures
            if each.event_id != erasure.event_id
            and each.requested_at_ms >= erasure.requested_at_ms
            and _may_meet(each, erasure)
        )
        return max((since_ms for since_ms in others if since_ms <= until_ms), default=0)


def _since_ms(erasure: Erasure) -> int:
    return max(erasure.requested_at_ms, erasure.driven_since_ms or 0, erasure.in_sync_at_ms or 0)


def _may_meet(one: Erasure, other: Erasure) -> bool:
    """Whether both may cover one person; pseudonyms tell where they were made alike."""
    if one.scope == other.scope == "person" and (one.gallery, one.key_id) == (other.gallery, other.key_id):
        return one.person == other.person
    return one.gallery is None or other.gallery is None or one.gallery == other.gallery
