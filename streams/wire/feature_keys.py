"""Keys of face-features: `gallery/person` for a person's wrapped key, `gallery/person/feature` for a feature.

Parts are percent-encoded, so that no id can reach into its neighbour. Both kinds go to the partition
that gallery and person determine, so that the key stands before what it seals.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from aiokafka.partitioner import murmur2

MAX_PART_BYTES: Final = 256
"""Longest part after encoding."""


@dataclass(frozen=True, slots=True)
class FeatureKey:
    """feature_id is None for the person's wrapped key."""

    gallery: str
    person_id: str
    feature_id: str | None = None

    def encode(self) -> bytes:
        """The record's key. Raises ValueError if a part is empty or too long."""
        parts = [self.gallery, self.person_id] + ([] if self.feature_id is None else [self.feature_id])
        encoded = [quote(part, safe="") for part in parts]
        if not all(0 < len(part) <= MAX_PART_BYTES for part in encoded):
            raise ValueError(f"a part of a feature's key is empty or longer than {MAX_PART_BYTES} bytes")
        return "/".join(encoded).encode("ascii")

    @classmethod
    def decode(cls, raw: bytes) -> "FeatureKey":
        """The key that `encode` wrote. Raises ValueError on anything else."""
        parts = [unquote(part, errors="strict") for part in raw.decode("ascii").split("/")]
        if len(parts) not in (2, 3):
            raise ValueError(f"a feature's key has 2 or 3 parts, found {len(parts)}")
        key = cls(*parts)
        if key.encode() != raw:
            raise ValueError("a feature's key is not in its one encoded form")
        return key

    def partition(self, partitions: int) -> int:
        """The same for a person's key and all of its features (murmur2, as Kafka's own clients)."""
        place = FeatureKey(self.gallery, self.person_id).encode()
        return (int(murmur2(place)) & 0x7FFFFFFF) % partitions
