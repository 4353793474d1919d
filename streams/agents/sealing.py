"""What the running log says of a person, sealed so that it goes with the person's data key, wherever it stands.

Two keys are derived from the data key: one seals, the other names the entry for who holds it (the locator), so that
nobody has to try every key on every entry. A locator holds for one day (UTC): once a person is erased, what is left
of its entries cannot be told to be of one person beyond that day.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from models.errors import SealError
from models.gallery.seal import derived_key, joined, open_bytes, seal_bytes
from streams.wire.records import LoggedPerson, SealedPerson
from streams.wire.topics import MS_PER_DAY

LOCATOR_HEX: Final = 16
PADDED_TO_BYTES: Final = 128
"""The text is filled up with spaces, which JSON allows: its length would tell that of the person's id, which is one
mark more by which the entries of an erased person could be told to belong together."""

DAYS_KEPT: Final = 8
"""For which locators of all persons are held at a time: entries come about in order, partition after partition."""

DataKeys = Callable[[str, str], bytes | None]
"""The data key of a gallery's person; None where there is none, or none that stays."""


def seal_persons(
    data_keys: DataKeys, persons: Iterable[LoggedPerson], *, event_id: str, requested_at_ms: int
) -> list[SealedPerson]:
    """Each of them sealed with its own key as of now; who has none any more is left out.

    In the order of their locators, which tells nothing of their ids, and is the same when the request is repeated.
    """
    sealed = [
        seal_person(data_key, person, event_id=event_id, requested_at_ms=requested_at_ms)
        for person in persons
        if (data_key := data_keys(person.gallery, person.person_id)) is not None
    ]
    return sorted(sealed, key=lambda each: each.locator)


def seal_person(data_key: bytes, logged: LoggedPerson, *, event_id: str, requested_at_ms: int) -> SealedPerson:
    """`logged` under the person's data key (32 bytes), bound to the entry of this event."""
    text = msgspec.json.encode(logged)
    padded = text.ljust(-(-len(text) // PADDED_TO_BYTES) * PADDED_TO_BYTES)
    sealed = seal_bytes(_sealing_key(data_key), padded, _context(event_id))
    return SealedPerson(locator=locator(data_key, requested_at_ms), text=base64.b64encode(sealed).decode("ascii"))


def open_person(data_key: bytes, sealed: SealedPerson, *, event_id: str) -> LoggedPerson:
    """What `seal_person` was given. Raises SealError with another key or entry, or altered bytes."""
    try:
        text = open_bytes(_sealing_key(data_key), base64.b64decode(sealed.text, validate=True), _context(event_id))
        return msgspec.json.decode(text, type=LoggedPerson)
    except ValueError:  # of base64 and of JSON alike
        raise SealError("what is sealed is no person of the running log") from None


def locator(data_key: bytes, requested_at_ms: int) -> str:
    """16 hexadecimal digits that name the key in the entries of requests of this UTC day."""
    day = str(requested_at_ms // MS_PER_DAY).encode("ascii")
    return hmac.new(derived_key(data_key, "running log locator"), day, hashlib.sha256).hexdigest()[:LOCATOR_HEX]


class Locators:
    """Which of these data keys (32 bytes each) a locator names."""

    def __init__(self, data_keys: Iterable[bytes]) -> None:
        self._data_keys = tuple(data_keys)
        self._by_day: OrderedDict[int, dict[str, bytes]] = OrderedDict()

    def data_key(self, sealed: SealedPerson, requested_at_ms: int) -> bytes | None:
        """The key that seals this part of an entry of then; None where it is none of these."""
        day = requested_at_ms // MS_PER_DAY
        if day not in self._by_day:
            self._by_day[day] = {locator(data_key, requested_at_ms): data_key for data_key in self._data_keys}
            if len(self._by_day) > DAYS_KEPT:
                self._by_day.popitem(last=False)
        return self._by_day[day].get(sealed.locator)


def _sealing_key(data_key: bytes) -> bytes:
    return derived_key(data_key, "running log")


def _context(event_id: str) -> bytes:
    return joined(b"running log", event_id.encode())
