"""Keys of face-features: `gallery/reference` for a person's wrapped key, `gallery/reference/feature` for a feature.

A reference is drawn at random when a person is first enrolled, and again when one is enrolled after a deletion: no
person's id stands on the topic in the open, not in a tombstone either, and what erases the one touches nothing of the
other. Parts are percent-encoded, so that no name can reach into its neighbour. Both kinds of keys go to the partition
that gallery and reference determine, so that the key stands before what it seals.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from streams.wire.partitioning import partition_of

MAX_PART_BYTES: Final = 256
"""Longest part after encoding."""

REFERENCE_BYTES: Final = 16
_REFERENCE: Final = re.compile(rf"[0-9a-f]{{{2 * REFERENCE_BYTES}}}")


def new_reference() -> str:
    """32 hexadecimal digits that nobody else has drawn."""
    return secrets.token_hex(REFERENCE_BYTES)


@dataclass(frozen=True, slots=True)
class FeatureKey:
    """feature_id is None for the person's wrapped key."""

    gallery: str
    reference: str
    feature_id: str | None = None

    def encode(self) -> bytes:
        """The record's key. Raises ValueError if a part is empty or too long, or the reference is none."""
        parts = [self.gallery, self.reference] + ([] if self.feature_id is None else [self.feature_id])
        encoded = [quote(part, safe="") for part in parts]
        if not all(0 < len(part) <= MAX_PART_BYTES for part in encoded):
            raise ValueError(f"a part of a feature's key is empty or longer than {MAX_PART_BYTES} bytes")
        if not _REFERENCE.fullmatch(self.reference):
            raise ValueError("the second part of a feature's key is no reference")
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
        """The same for a person's key and all of its features."""
        return partition_of(FeatureKey(self.gallery, self.reference).encode(), partitions)
