"""Promise 3: a PersonID is the customer's; whoever is not enrolled gets none, and leaves no feature."""

from collections.abc import Iterator
from typing import Final

from streams.agents.gallery.covering import may_cover
from streams.audit.checks.covering import is_read
from streams.audit.checks.keys import feature_key
from streams.audit.facts import Facts
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.gallery import Gallery
from streams.audit.reading import Seen
from streams.wire.event_id import EventId
from streams.wire.records import Erasure, GalleryEvent, OpenVisits, Recognition, Sighting
from streams.wire.topics import FACE_FEATURES, GALLERY_COMMANDS, RECOGNITIONS, SIGHTINGS, VISITS

_NAMING: Final = (RECOGNITIONS, SIGHTINGS, VISITS)


class PersonId:
    """gallery: fed with face-features before this is.

    Who is enrolled stands on face-features; who was, on gallery-events and erasures, under a keyed pseudonym;
    but of whom the deletion of a gallery or of the account covered, nothing is left once the answers have expired.
    """

    needs: Final = (FACE_FEATURES, *_NAMING)

    def __init__(self, facts: Facts, gallery: Gallery) -> None:
        self.findings = Findings(Promise.PERSON_ID)
        self._keys = facts.keys
        self._enrolled = {person for _, person in gallery.ever}
        self._galleries: set[str | None] = {name for name, _ in gallery.kept}
        self._is_partly_closed = gallery.unopened > 0
        self._former: set[str] = set()
        self._known: dict[str, bool] = {}
        self._of_many: list[Erasure] = []
        self._features = self._faces = self._strangers = self._named = self._visits = 0
        self._untold = self._of_deleted_galleries = 0

    def take(self, seen: Seen) -> None:
        """Features by whose command they are; faces and visits by whom they name."""
        if seen.short in _NAMING and seen.form == "unreadable":
            self.findings.broke("a record that is none of its topic", seen.place)
        match seen.record:
            case GalleryEvent() | Erasure():
                self._note(seen.record)
            case Recognition():
                self._recognition(seen.record, seen)
            case Sighting():
                self._visits += 1
                self._name(seen.record.person_id, seen.record.gallery, seen)
            case OpenVisits():
                self._visits += len(seen.record.visits)
                for visit in seen.record.visits:
                    self._name(visit.person_id, visit.gallery, seen)
                for transition in seen.record.transitions:
                    self._name(transition.person_id, transition.gallery, seen)
            case _ if seen.short == FACE_FEATURES and seen.form != "tombstone":
                self._stored(seen)

    def finding(self) -> Finding:
        """Without keys nobody can say whether a name is one that the customer gave."""
        self.findings.saw(f"{self._features} features and keys read on face-features, and which command made each")
        self.findings.saw(
            f"{self._faces} faces and {self._visits} visits read: {self._strangers} without a name, {self._named} named"
            + (f", with {len(self._known)} ids, each looked up among who is or was enrolled" if self._keys else "")
        )
        if self._keys is None:
            self.findings.could_not_see(
                "whether those who are named are enrolled: no key directory is at hand", core=True
            )
        if self._untold:
            self.findings.could_not_see(
                f"whether {self._untold} names are those of persons who are or were enrolled: some of these stand under"
                " account keys that are not in the key directory",
                core=True,
            )
        if self._of_deleted_galleries:
            self.findings.could_not_see(
                f"whether {self._of_deleted_galleries} names, of before the deletion of their gallery or of the"
                " account, are those of persons who were enrolled: nothing says any more who was"
            )
        if not self._faces and not self._visits:
            self.findings.could_not_see("no face and no visit was found", core=True)
        return self.findings.finding()

    def _note(self, said: GalleryEvent | Erasure) -> None:
        self._galleries.add(said.gallery)
        if isinstance(said, Erasure):
            if said.scope != "person":
                self._of_many.append(said)
            elif not is_read(said, self._keys):
                self._is_partly_closed = True
        if said.person is not None and (isinstance(said, Erasure) or said.accepted):
            self._former.add(said.person)

    def _stored(self, seen: Seen) -> None:
        key = feature_key(seen)
        if key is None:
            return  # the second promise's
        self._features += 1
        made_by = seen.headers.get("enrolled_by", "") if key.feature_id is None else key.feature_id
        if not _is_command(made_by):
            self.findings.broke("a feature that no command to enroll has made", seen.place)

    def _recognition(self, recognition: Recognition, seen: Seen) -> None:
        for face in recognition.faces:
            self._faces += 1
            if face.match.status != "matched" and face.match.person_id is not None:
                self.findings.broke("a face that matches nobody and bears a PersonID", seen.place)
            else:
                self._name(face.match.person_id, recognition.gallery, seen)

    def _name(self, person_id: str | None, gallery: str, seen: Seen) -> None:
        if person_id is None:
            self._strangers += 1
            return
        self._named += 1
        if self._keys is None or self._is_known(person_id):
            return
        if self._was_deleted_with_all(gallery, seen.timestamp_ms):
            self._of_deleted_galleries += 1
        elif self._is_partly_closed:
            self._untold += 1
        else:
            self.findings.broke("a PersonID that nobody was enrolled under", seen.place)

    def _was_deleted_with_all(self, gallery: str, at_ms: int) -> bool:
        """Whether whoever stood in the gallery then was deleted with it: that deletion does not say who they were."""
        return any(
            may_cover(each, gallery) and (each.state != "completed" or at_ms <= each.updated_at_ms)
            for each in self._of_many
        )

    def _is_known(self, person_id: str) -> bool:
        if person_id not in self._known:
            self._known[person_id] = person_id in self._enrolled or bool(
                self._former.intersection(self._pseudonyms(person_id))
            )
        return self._known[person_id]

    def _pseudonyms(self, person_id: str) -> Iterator[str]:
        if self._keys is not None:
            for gallery in self._galleries:
                yield from self._keys.pseudonyms(gallery, person_id)


def _is_command(text: str) -> bool:
    try:
        return EventId.parse(text).topic == GALLERY_COMMANDS
    except ValueError:
        return False
