"""The sealed parts of the running log, counted by whether a person's key opens them."""

from models.errors import SealError
from streams.agents.sealing import Locators, open_person
from streams.audit.gallery import Gallery
from streams.wire.records import RunningLogEntry


class SealedParts:
    """opened: by a key that stands on face-features. closed: by none; their persons are erased.

    gallery: fed with face-features before this is.
    """

    def __init__(self, gallery: Gallery) -> None:
        self.opened = self.closed = 0
        self._locators = Locators(kept.data_key for kept in gallery.kept.values() if kept.data_key is not None)

    def take(self, entry: RunningLogEntry) -> bool:
        """Count those of one entry; False where one names a key that is there and does not open with it."""
        sound = True
        for sealed in entry.persons:
            data_key = self._locators.data_key(sealed, entry.requested_at_ms)
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
