"""Entries of the running log as who holds the keys may read them."""

from collections.abc import Iterable

import msgspec

from models.errors import SealError
from streams.agents.sealing import Locators, open_person
from streams.wire.records import LoggedFace, LoggedPerson, RunningLogEntry, SealedPerson


class OpenedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A RunningLogEntry with its persons opened. erased: how many do not open, since their keys are gone."""

    event_id: str
    request_interface: str
    account: str
    app_id: str
    uin: str | None
    sub_uin: str | None
    region: str
    request_ip: str | None
    request_id: str | None
    camera_id: str | None
    gallery: str | None
    requested_at_ms: int
    accessed_at_ms: int
    billed: bool
    return_code: str
    persons: list[LoggedPerson]
    erased: int
    results: list[LoggedFace]


class Opener:
    """Opens with the data keys that it is given, one a person."""

    def __init__(self, data_keys: Iterable[bytes]) -> None:
        self._locators = Locators(data_keys)

    def open(self, entry: RunningLogEntry) -> OpenedEntry:
        """The entry as far as it opens."""
        persons = [person for sealed in entry.persons if (person := self._opened(entry, sealed)) is not None]
        rest = {name: getattr(entry, name) for name in OpenedEntry.__struct_fields__ if hasattr(entry, name)}
        return OpenedEntry(**rest | {"persons": persons, "erased": len(entry.persons) - len(persons)})

    def _opened(self, entry: RunningLogEntry, sealed: SealedPerson) -> LoggedPerson | None:
        data_key = self._locators.data_key(sealed, entry.requested_at_ms)
        if data_key is None:
            return None
        try:
            return open_person(data_key, sealed, event_id=entry.event_id)
        except SealError:
            return None
