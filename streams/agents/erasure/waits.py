"""How long a deletion must wait for the brokers, as it follows from the settings that are in effect.

A compacted partition loses a value that a tombstone has erased in these steps, on every copy by itself: a record that
is appended once max.compaction.lag.ms has passed closes the segment that holds it (on all copies alike, since they
go by the records' own times); the cleaner, which looks every log.cleaner.backoff.ms, writes the partition anew; the old
files go after file.delete.delay.ms. The leader shows when it is done; the others have looked within another backoff.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streams.engine.topics.admin import AdminError
from streams.engine.topics.bounds import erased, processed
from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.engine.topics.in_effect import closable_after_ms, number_of
from streams.wire.topics import FACE_FEATURES, GALLERY_COMMANDS, VISITS, Topics

CHECK_EVERY_MS: Final = 5_000
"""How often the brokers are asked about a deletion that waits for them."""

LOSS_SHOWN_MS: Final = 10_000
"""A broker that has ended is still counted as in sync until its session is over, nine seconds by default."""

COMPACTED: Final = (FACE_FEATURES, VISITS)
"""What bears a person's features, or its id, until it is compacted away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Milliseconds.

    lag: until a filler closes the segment of what was written before. copies: from when the leader is clean until all
    copies are. command: from when a command is deleted until its bytes are gone. tombstones: how long one is kept.
    """

    lag: int
    backoff: int
    copies: int
    command: int
    tombstones: int

    @property
    def at_most(self) -> int:
        """From when all copies are in sync until a deletion is complete, each pass of the cleaner taken as short."""
        of_person = self.lag + self.backoff + self.copies + 3 * CHECK_EVERY_MS
        return max(of_person, self.command + CHECK_EVERY_MS)


def waits(topics: Topics, found: Mapping[str, FoundTopic], brokers: Housekeeping) -> Waits:
    """found: the topics' settings, by full name. Raises AdminError where the brokers do not tell one."""
    compacted = [found[topics.name(short)] for short in COMPACTED]
    in_use = [erased(topics.spec(short), topic, brokers) for short, topic in zip(COMPACTED, compacted, strict=True)]
    of_command = processed(topics.spec(GALLERY_COMMANDS), found[topics.name(GALLERY_COMMANDS)], brokers)
    if of_command.at_most is None:
        raise AdminError(of_command.sentence)

    def longest(setting: str) -> int:
        return max(bound.inputs[setting][0] for bound in in_use)

    several = max(topic.copies for topic in compacted) > 1
    shown = brokers.cleaner_backoff_ms + LOSS_SHOWN_MS if several else 0
    return Waits(
        lag=max(map(closable_after_ms, compacted)),
        backoff=longest("log.cleaner.backoff.ms"),
        copies=shown + longest("file.delete.delay.ms"),
        command=of_command.at_most,
        tombstones=min(number_of(topic, "delete.retention.ms") for topic in compacted),
    )
