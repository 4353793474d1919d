"""Whom the deletions cover that are complete."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from models.gallery.keys import KeyDirectory
from streams.wire.records import Erasure


class Completed:
    """Found by account, gallery and pseudonym, so that no person is held against every deletion.

    keys: None where no key directory is at hand; then nobody can say whom the deletion of a person covers.
    """

    def __init__(self, erasures: Iterable[Erasure], keys: KeyDirectory | None) -> None:
        self._keys = keys
        self._of_account: list[Erasure] = []
        self._of_gallery: defaultdict[str | None, list[Erasure]] = defaultdict(list)
        self._of_person: defaultdict[tuple[str | None, str | None], list[Erasure]] = defaultdict(list)
        for erasure in erasures:
            match erasure.scope:
                case "account":
                    self._of_account.append(erasure)
                case "gallery":
                    self._of_gallery[erasure.gallery].append(erasure)
                case _:
                    self._of_person[erasure.gallery, erasure.person].append(erasure)

    def covering(self, gallery: str, person_id: str | None) -> Iterator[Erasure]:
        """Those whose scope this person is in, whenever it was enrolled. person_id: None of one that is not known."""
        yield from self._of_account
        yield from self._of_gallery.get(gallery, ())
        if person_id is not None and self._keys is not None and self._of_person:
            for pseudonym in self._keys.pseudonyms(gallery, person_id):
                yield from self._of_person.get((gallery, pseudonym), ())


def may_cover(erasure: Erasure, gallery: str) -> bool:
    """Whether what stands in this gallery may be in its scope, whosever it is."""
    return erasure.scope == "account" or erasure.gallery == gallery
