"""The sealed parts of the running log, counted by whether a person's key opens them."""

from collections import OrderedDict
from typing import Final

from models.errors import SealError
from streams.agents.sealing import locator, open_person
from streams.audit.gallery import Gallery
from streams.wire.records import RunningLogEntry
from streams.wire.topics import MS_PER_DAY

DAYS_KEPT: Final = 3
"""Whose locators are kept at a time: entries come nearly in the order of their time."""


class SealedParts:
    """opened: by a key that stands on face-features. closed: by none; their persons are erased.

    gallery: fed with face-features before this is.
    """

    def __init__(self, gallery: Gallery) -> None:
        self.opened = self.closed = 0
        self._data_keys = [kept.data_key for kept in gallery.kept.values() if kept.data_key is not None]
        self._by_day: OrderedDict[int, dict[str, bytes]] = OrderedDict()

    def take(self, entry: RunningLogEntry) -> bool:
        """Count those of one entry; False where one names a key that is there and does not open with it."""
        located = self._located(entry.requested_at_ms)
        sound = True
        for sealed in entry.persons:
            data_key = located.get(sealed.locator)
            if data_key is None:
                self.closed += 1
                continue
            try:
                open_person(data_key, sealed, event_id=entry.event_id)
            except SealError:
                sound = False
            else:
                self.opened += 1
        return sound

    def _located(self, requested_at_ms: int) -> dict[str, bytes]:
        day = requested_at_ms // MS_PER_DAY
        if day not in self._by_day:
            self._by_day[day] = {locator(key, requested_at_ms): key for key in self._data_keys}
            while len(self._by_day) > DAYS_KEPT:
                self._by_day.popitem(last=False)
        return self._by_day[day]
