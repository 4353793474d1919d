"""What rests on which key: counted on face-features from what stands there in the open."""

from collections import Counter
from collections.abc import Callable

from streams.edge.persons import Headers
from streams.wire.feature_keys import FeatureKey
from streams.wire.topics import FILLER_KEY

Owner = tuple[str, str]
"""Gallery and reference."""


class Resting:
    """The state of face-features, record by record, in each partition's order.

    wrapped_with: the id of the account key that wrapped a key record's value; None if none is named.
    """

    def __init__(self, wrapped_with: Callable[[bytes], str | None]) -> None:
        self._wrapped_with = wrapped_with
        self._account_keys: dict[Owner, str] = {}
        self._template_keys: dict[Owner, dict[str, str]] = {}

    def apply(self, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Take one record. What names no key counts under the empty id; what has no proper key is passed over."""
        if key == FILLER_KEY:
            return
        try:
            place = FeatureKey.decode(key or b"")
        except ValueError:
            return
        owner = (place.gallery, place.reference)
        if place.feature_id is None:
            self._take_key(owner, value)
        elif value is not None:
            named = next((raw or b"" for name, raw in headers if name == "key_id"), b"")
            self._template_keys.setdefault(owner, {})[place.feature_id] = named.decode(errors="replace")
        else:
            self._template_keys.get(owner, {}).pop(place.feature_id, None)

    def counts(self) -> Counter[str]:
        """By key id: persons whose key record an account key wrapped, features that a template key made."""
        features = Counter(key_id for owned in self._template_keys.values() for key_id in owned.values())
        return Counter(self._account_keys.values()) + features

    def _take_key(self, owner: Owner, value: bytes | None) -> None:
        if value is not None:
            self._account_keys[owner] = self._wrapped_with(value) or ""
        else:  # without its data key no feature of this person opens
            self._account_keys.pop(owner, None)
            self._template_keys.pop(owner, None)
