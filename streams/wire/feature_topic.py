"""The state of face-features, record by record: which keys and features stand, whoever reads them and whyever."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from streams.wire.feature_keys import FeatureKey

Place = tuple[str, str]
"""Gallery and reference."""


class FeatureRecord(Protocol):
    """A record of the topic, as aiokafka gives it."""

    @property
    def partition(self) -> int:
        """Where it stands."""

    @property
    def key(self) -> bytes | None:
        """As `FeatureKey` encodes it."""

    @property
    def value(self) -> bytes | None:
        """None is a tombstone; an empty one is not."""

    @property
    def headers(self) -> Iterable[tuple[str, bytes | None]]:
        """What is said in the open."""


R = TypeVar("R")
K = TypeVar("K")
F = TypeVar("F")


@dataclass(slots=True)
class Held(Generic[K, F]):
    """What stands under one reference; at least a key or a feature does.

    key: what was read of the key record; None where there is none. has_key: there is one. features: by feature id, what
    was read of each. Those without a key record are orphans, which nobody can open.
    """

    key: K | None = None
    has_key: bool = False
    features: dict[str, F] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class FeatureTopic(Generic[R, K, F]):
    """Takes the records in each partition's order, without fillers.

    partitions: of the topic. What stands in another one than its key names is passed over, since its order is nobody's.
    read_key, read_feature: what is to be kept of a record that is no tombstone; a feature's is told its id as well.
    held: by place, what stands now. passed_over: records with another key than one of ours, or in another partition.
    """

    partitions: int
    read_key: Callable[[R], K]
    read_feature: Callable[[R, str], F]
    held: dict[Place, Held[K, F]] = field(default_factory=dict)
    passed_over: int = 0

    def take(self, partition: int, raw_key: bytes | None, record: R | None) -> FeatureKey | None:
        """Take one record, None for a tombstone; its key, or None if it was passed over."""
        key = _key_of(raw_key)
        if key is None or key.partition(self.partitions) != partition:
            self.passed_over += 1
            return None
        place = (key.gallery, key.reference)
        held = self.held.setdefault(place, Held())
        if key.feature_id is not None:
            self._take_feature(held, key.feature_id, record)
        elif record is not None:
            held.key, held.has_key = self.read_key(record), True
        else:
            held.key, held.has_key = None, False
        if not held.has_key and not held.features:
            del self.held[place]
        return key

    def _take_feature(self, held: Held[K, F], feature_id: str, record: R | None) -> None:
        if record is not None:
            held.features[feature_id] = self.read_feature(record, feature_id)
        else:
            held.features.pop(feature_id, None)


def texts(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """A record's headers by name, as every reader takes them: the last of a name, U+FFFD for what is no UTF-8."""
    return {name: (raw or b"").decode(errors="replace") for name, raw in headers}


def _key_of(raw: bytes | None) -> FeatureKey | None:
    try:
        return FeatureKey.decode(raw or b"")
    except ValueError:
        return None
