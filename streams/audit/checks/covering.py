"""Whom deletions cover."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from models.gallery.keys import KeyDirectory
from streams.agents.gallery.covering import may_cover
from streams.wire.records import Erasure

Judged = Literal["deleted", "perhaps", "free"]


class Covering:
    """Deletions, found by account, gallery and pseudonym, so that no person is held against every one of them.

    keys: None where no key directory is at hand; then nobody can say whom the deletion of a person covers.
    """

    def __init__(self, erasures: Iterable[Erasure], keys: KeyDirectory | None) -> None:
        self._keys = keys
        self._of_account: list[Erasure] = []
        self._of_gallery: defaultdict[str | None, list[Erasure]] = defaultdict(list)
        self._of_person: defaultdict[str | None, list[Erasure]] = defaultdict(list)
        self._of_persons: list[Erasure] = []
        self._unread: list[Erasure] = []
        for erasure in erasures:
            match erasure.scope:
                case "account":
                    self._of_account.append(erasure)
                case "gallery":
                    self._of_gallery[erasure.gallery].append(erasure)
                case _:
                    self._of_person[erasure.person].append(erasure)
                    self._of_persons.append(erasure)
                    if not is_read(erasure, keys):
                        self._unread.append(erasure)

    def covering(self, gallery: str, person_id: str | None) -> Iterator[Erasure]:
        """Those whose scope this person is in, whenever it was enrolled. person_id: None of one that is not known."""
        yield from self._of_account
        yield from self._of_gallery.get(gallery, ())
        if person_id is not None and self._keys is not None and self._of_person:
            for pseudonym in self._keys.pseudonyms(gallery, person_id):
                yield from (each for each in self._of_person.get(pseudonym, ()) if may_cover(each, gallery))

    def perhaps(self, gallery: str, person_id: str | None) -> Iterator[Erasure]:
        """Those of persons of which nobody can say whether they cover this one, which is or they are not known here."""
        unsure = self._of_persons if person_id is None else self._unread
        yield from (each for each in unsure if may_cover(each, gallery))

    def of_person(self, person_id: str) -> Iterator[Erasure]:
        """Those of this person, in whatever gallery."""
        for gallery in {each.gallery for each in self._of_persons}:
            for pseudonym in () if self._keys is None else self._keys.pseudonyms(gallery, person_id):
                yield from (each for each in self._of_person.get(pseudonym, ()) if each.gallery == gallery)


@dataclass(frozen=True, slots=True)
class Named:
    """What deletions say of whoever is named somewhere.

    enrolled: gallery and person id of all who are enrolled now. closed: galleries in which somebody is besides whose id
    is not known here.
    """

    enrolled: Collection[tuple[str, str]]
    closed: Collection[str]
    completed: Covering
    under_way: Covering

    def judge(self, gallery: str, person_id: str) -> Judged:
        """Free to be named is who is enrolled, was never deleted, or is being deleted."""
        place = (gallery, person_id)
        if place in self.enrolled or any(self.under_way.covering(*place)):
            return "free"
        if any(self.completed.covering(*place)):
            is_open = gallery not in self.closed and not any(self.under_way.perhaps(*place))
            return "deleted" if is_open else "perhaps"
        return "perhaps" if any(self.completed.perhaps(*place)) else "free"


def is_read(erasure: Erasure, keys: KeyDirectory | None) -> bool:
    """Whether it can be told whose pseudonym it bears: the account key that made it is in the directory."""
    return keys is not None and erasure.key_id is not None and keys.has_account_key(erasure.key_id)
