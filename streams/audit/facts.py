"""What the broker, its files and the key directory say beside the records; asked for before the first is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.gallery.keys import KeyDirectory
from streams.audit.access import Access
from streams.engine.brokers import Broker
from streams.engine.topics.bounds import Bound
from streams.engine.topics.inspection import Inspection
from streams.engine.topics.promises import Promise as Rule
from streams.wire.topics import Topics

Place = tuple[str, int]
"""A topic's short name, and a partition."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Of one partition of an input topic, when the audit began.

    begin: the first offset that the broker still has. end: behind its last record. committed: below this all has been
    processed; None where the group has committed nothing, or does not tell.
    """

    begin: int
    end: int
    committed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """inspection: None where the broker does not tell its settings; why_no_inspection says why.

    epochs: of the input topics. positions: None where they cannot be asked for, why_no_positions says why.
    keys: None where there is no key directory at hand. ends: of the topics that are read, behind the last record that
    is; what came later is nobody's to judge.
    """

    topics: Topics
    account: str
    region: str
    broker: Broker
    keys: KeyDirectory | None
    now_ms: int
    epochs: Mapping[str, str]
    positions: Mapping[Place, Positions]
    why_no_positions: str
    inspection: Inspection | None
    why_no_inspection: str
    access: Access
    ends: Mapping[Place, int] = field(default_factory=dict)

    def is_later(self, place: Place, offset: int, timestamp_ms: int) -> bool:
        """Whether a record came after what is read; of a topic that is not read, by its time."""
        end = self.ends.get(place)
        return timestamp_ms >= self.now_ms if end is None else offset >= end

    def bounds(self, rule: Rule) -> Sequence[Bound]:
        """All limits that this rule rests on; none where the broker tells no settings."""
        return () if self.inspection is None else [each for each in self.inspection.bounds if each.promise is rule]

    def breaches(self, *rules: Rule) -> list[str]:
        """What of the topics' settings breaks one of these rules, one sentence each."""
        if self.inspection is None:
            return []
        differing = [each.sentence for each in self.inspection.differences if each.promise in rules]
        return differing + [each.sentence for each in self.inspection.bounds if each.broken and each.promise in rules]
