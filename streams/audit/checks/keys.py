"""The key of a record of face-features, read."""

from streams.audit.reading import Seen
from streams.wire.feature_keys import FeatureKey


def feature_key(seen: Seen) -> FeatureKey | None:
    """None where it is no such key."""
    try:
        return FeatureKey.decode(seen.key)
    except ValueError:
        return None
