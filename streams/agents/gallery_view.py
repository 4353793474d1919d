"""The gallery view: every record of face-features, opened and put into this worker's gallery.

A record that cannot be read, does not open, or belongs to another template key or model is refused and
counted; the view goes on. What stands on the topic is remembered all the same, so that it can be forgotten.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.errors import GalleryError, SealError, SnapshotError
from models.gallery.gallery import Galleries
from models.gallery.keys import KeyDirectory
from models.gallery.seal import unseal
from streams.wire.codes import Code
from streams.wire.feature_keys import FeatureKey

Person = tuple[str, str]
"""Gallery and person id."""


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a view knows beside its galleries."""

    data_keys: dict[Person, bytes]
    stored: dict[Person, frozenset[str]]


@dataclass(slots=True, kw_only=True)
class GalleryView:
    """What face-features holds, as this worker sees it.

    model_version: of the encoder whose features this worker can match.
    partitions: of the topic; what stands in another one than its key names is refused, since its order is nobody's.
    refused: told the code of each record that was refused.
    """

    keys: KeyDirectory
    galleries: Galleries
    model_version: str
    partitions: int
    refused: Callable[[Code], object]
    _data_keys: dict[Person, bytes] = field(default_factory=dict, repr=False)
    _stored: dict[Person, frozenset[str]] = field(default_factory=dict)

    def apply(self, record: Any) -> None:
        """Take one record of the topic."""
        try:
            key = FeatureKey.decode(record.key or b"")
        except ValueError:
            self.refused(Code.BAD_RECORD)
            return
        if record.partition != key.partition(self.partitions):
            self.refused(Code.BAD_RECORD)
            return
        person = (key.gallery, key.person_id)
        if record.value is None:
            self._forget(person, key.feature_id)
        elif key.feature_id is None:
            self._take_key(person, record)
        else:
            self._take_feature(person, key.feature_id, record)

    def data_key(self, gallery: str, person_id: str) -> bytes | None:
        """The key that seals what is stored of this person; None if there is none."""
        return self._data_keys.get((gallery, person_id))

    def stored(self, gallery: str, person_id: str) -> frozenset[str]:
        """The ids of all features of this person on the topic, also of those that this worker cannot match."""
        return self._stored.get((gallery, person_id), frozenset())

    def holds(self, gallery: str, person_id: str) -> bool:
        """Whether the topic has a key or a feature of this person."""
        person = (gallery, person_id)
        return person in self._data_keys or bool(self._stored.get(person))

    def state(self) -> bytes:
        """What is known beside the galleries, data keys included: to be sealed. Safe from any thread."""
        # copied at one go, and no value of theirs ever changes: the view may go on meanwhile
        return msgspec.msgpack.encode(_State(self._data_keys.copy(), self._stored.copy()))

    def restore(self, state: bytes) -> None:
        """Take over what `state` gave. Raises SnapshotError, and changes nothing, if it is of another form."""
        try:
            read = msgspec.msgpack.decode(state, type=_State)
        except msgspec.DecodeError as error:
            raise SnapshotError(f"state: {error}") from error
        self._data_keys, self._stored = read.data_keys, read.stored

    def _take_key(self, person: Person, record: Any) -> None:
        try:
            self._data_keys[person] = self.keys.unwrap(record.value, place=record.key)
        except SealError:
            self.refused(Code.BAD_SEAL)

    def _take_feature(self, person: Person, feature_id: str, record: Any) -> None:
        self._stored[person] = self._stored.get(person, frozenset()) | {feature_id}
        headers = dict(record.headers)
        key_id, version = ((headers.get(name) or b"").decode(errors="replace") for name in ("key_id", "model_version"))
        data_key = self._data_keys.get(person)
        if data_key is None:
            self.refused(Code.BAD_SEAL)
        elif (key_id, version) != (self.keys.template_key.id, self.model_version):
            self.refused(Code.FOREIGN_FEATURE)
        else:
            try:
                bits = unseal(data_key, record.value, place=record.key, key_id=key_id, model_version=version)
                self.galleries.get(person[0]).add(person[1], feature_id, bits)
            except SealError:
                self.refused(Code.BAD_SEAL)
            except GalleryError:
                self.refused(Code.FOREIGN_FEATURE)

    def _forget(self, person: Person, feature_id: str | None) -> None:
        """A tombstone on a person's key forgets all that it sealed."""
        if not self.holds(*person):
            return  # nor is a gallery made for it: its name may be anybody's
        gallery = self.galleries.get(person[0])
        if feature_id is None:
            self._data_keys.pop(person, None)
            gallery.forget(person[1])
        else:
            gallery.forget_feature(person[1], feature_id)
            if left := self._stored.pop(person, frozenset()) - {feature_id}:
                self._stored[person] = left
