"""Promise 4: what was deleted is gone: from face-features, from what else names a person, and from the disks."""

from collections import defaultdict
from typing import Final

from streams.agents.erasure.leftovers import Named, named_by
from streams.agents.erasure.workers import GONE_AFTER_MS
from streams.audit.checks.covering import Completed, may_cover
from streams.audit.checks.receipts import ReceiptsSeen
from streams.audit.checks.sealed import SealedParts
from streams.audit.facts import Facts
from streams.audit.files import Files
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.gallery import Gallery
from streams.audit.limits import deletion_bound_ms
from streams.audit.reading import Seen
from streams.engine.topics.bounds import duration
from streams.engine.topics.promises import Promise as Rule
from streams.wire.records import Erasure, GalleryEvent, OpenVisits, RunningLogEntry
from streams.wire.topics import ERASURES, FACE_FEATURES, FILLER_KEY, GALLERY_EVENTS


class Deletion:
    """gallery: fed with face-features before this is. files: what the brokers have of it on their disks."""

    needs: Final = (FACE_FEATURES, ERASURES, GALLERY_EVENTS)

    def __init__(self, facts: Facts, gallery: Gallery, files: Files) -> None:
        self.findings = Findings(Promise.DELETION)
        self._facts = facts
        self._gallery = gallery
        self._files = files
        self._bound_ms = deletion_bound_ms(facts)
        self._erasures: dict[str, Erasure] = {}
        self._receipts = ReceiptsSeen(facts.keys, self.findings)
        self._sealed = SealedParts(gallery)
        self._visits: defaultdict[Named, list[str]] = defaultdict(list)

    def take(self, seen: Seen) -> None:
        """Erasures, receipts, what the running log has sealed, and whom visits name."""
        match seen.record:
            case Erasure():
                self._erasures[seen.record.event_id] = seen.record
            case GalleryEvent():
                self._receipts.take(seen.record, seen)
            case RunningLogEntry():
                if not self._sealed.take(seen.record):
                    self.findings.broke("a sealed part of the running log that is not what its key sealed", seen.place)
                if b'"person_id"' in seen.value:
                    self.findings.broke("a PersonID in the open in the running log", seen.place)
            case OpenVisits():
                for person in named_by(seen.record):
                    self._visits[person].append(seen.place)
            case _ if seen.short in (ERASURES, GALLERY_EVENTS) and seen.form == "unreadable":
                self.findings.broke("a record that is none of its topic", seen.place)

    def finding(self) -> Finding:
        """Nothing can be said before the first deletion is complete."""
        self.findings.bound_s = None if self._bound_ms is None else self._bound_ms / 1000
        completed = [each for each in self._erasures.values() if each.state == "completed"]
        pending = [each for each in self._erasures.values() if each.state != "completed"]
        for sentence in self._facts.breaches(Rule.FORGOTTEN):
            self.findings.broke("settings that keep what was erased", sentence)
        self._late(pending)
        self._standing(Completed(completed, self._facts.keys), pending)
        # visits are read up to an earlier moment than deletions: they may name who was deleted in between
        self._named(
            Completed((each for each in completed if each.updated_at_ms < self._facts.now_ms), self._facts.keys)
        )
        if self._facts.keys is None and any(each.scope == "person" for each in completed):
            self.findings.could_not_see(
                "whether what stands under a reference is of somebody who was deleted: no key directory is at hand",
                core=True,
            )
        self._on_disk()
        if not completed:
            self.findings.could_not_see("no deletion has been completed yet", core=True)
            return self.findings.finding()
        self._receipts.conclude(completed, self._facts.now_ms, silent_for_ms=GONE_AFTER_MS)
        self.findings.saw(
            f"{len(completed)} deletions are complete, {len(pending)} under way; held against what they cover:"
            f" {len(self._gallery.kept)} references with {self._gallery.features} features"
        )
        self.findings.saw(
            f"{self._sealed.opened} sealed parts of the running log open with the keys of those who are enrolled,"
            f" {self._sealed.closed} open with none"
        )
        return self.findings.finding()

    def _late(self, pending: list[Erasure]) -> None:
        """The bound holds while all copies are in sync; one that is confirmed waits for that alone."""
        for erasure in pending:
            since_ms = erasure.in_sync_at_ms if erasure.state == "confirmed" else erasure.requested_at_ms
            if since_ms is None:
                self.findings.could_not_see(
                    f"how long {erasure.event_id} takes: a copy of the topics is away, and it waits for it", core=True
                )
            elif self._bound_ms is not None and (age_ms := self._facts.now_ms - since_ms) > self._bound_ms:
                said = f"{erasure.event_id} is {erasure.state} after {duration(age_ms)}"
                self.findings.broke(f"a deletion that takes longer than {duration(self._bound_ms)}", said)

    def _standing(self, completed: Completed, pending: list[Erasure]) -> None:
        for (gallery, reference), kept in self._gallery.kept.items():
            place = f"{gallery}/{reference}"
            if not kept.has_key:
                if not any(may_cover(erasure, gallery) for erasure in pending):
                    self.findings.broke("a feature without a person's key, as one that was erased leaves", place)
            elif any(kept.enrolled.before(erasure) for erasure in completed.covering(gallery, kept.person_id)):
                self.findings.broke("a person who was deleted stands on face-features", place)

    def _named(self, completed: Completed) -> None:
        if self._facts.keys is None:
            return
        enrolled = self._gallery.persons.keys()
        for (gallery, person_id), places in self._visits.items():
            if (gallery, person_id) not in enrolled and any(completed.covering(gallery, person_id)):
                self.findings.broke("visits name a person who was deleted", places[-1])

    def _on_disk(self) -> None:
        if not self._files.directories or self._bound_ms is None:
            reason = "their settings are not told" if self._files.directories else "none were named"
            self.findings.could_not_see(f"the brokers' files: {reason}")
            return
        live, dead, values = set(self._gallery.live()), self._gallery.erased_at_ms, 0
        before_ms = self._facts.now_ms - self._bound_ms
        for path in self._files.segments(FACE_FEATURES):
            for batch in self._files.batches(path):
                for record in self._files.records(batch):
                    if not record.value or record.key == FILLER_KEY:
                        continue
                    values += 1
                    if record.key not in live and dead.get(record.key, record.timestamp) < before_ms:
                        self.findings.broke("an erased value on the disks", f"{path.parent.name}@{record.offset}")
        if values:
            self.findings.saw(f"{values} values of face-features lie on the disks, held against what stands and when")
        elif self._gallery.kept:
            self.findings.could_not_see("face-features on the disks: no segment of it was found", core=True)
        for problem in sorted(self._files.unreadable):
            self.findings.could_not_see(f"a file of the brokers: {problem}", core=True)
