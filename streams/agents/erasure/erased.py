"""Whose names must not stand anywhere any more."""

from dataclasses import dataclass

from models.gallery.keys import KeyDirectory
from streams.agents.gallery.covering import may_cover
from streams.agents.gallery.view import GalleryView
from streams.wire.records import Erasure


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Who must not be named any more."""

    keys: KeyDirectory
    known: GalleryView

    def names(self, erasure: Erasure, gallery: str, person_id: str) -> bool:
        """Whether the deletion covers this person in this gallery, and nobody has enrolled it there since."""
        if not may_cover(erasure, gallery):
            return False
        if erasure.scope == "person" and not self.keys.is_pseudonym(erasure.person or "", gallery, person_id):
            return False
        return not self.known.holds(gallery, person_id)

    def unread(self, erasure: Erasure) -> int:
        """Of a person's deletion: key records that do not open here, of enrollments that it covers if they are its own.

        The deletion of a gallery or an account covers them whosever they are.
        """
        if erasure.scope != "person":
            return 0
        return sum(
            each.has_key
            and each.person_id is None
            and may_cover(erasure, each.gallery)
            and each.enrolled.before(erasure)
            for each in self.known.references()
        )
