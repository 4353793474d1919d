"""Promise 4: what was deleted is gone: from face-features, from what else names a person, and from the disks."""

from collections import defaultdict
from typing import Final

from streams.agents.erasure.leftovers import named_by
from streams.agents.erasure.workers import GONE_AFTER_MS
from streams.agents.gallery.covering import may_cover
from streams.audit.checks.covering import Covering, Named
from streams.audit.checks.on_disk import OnDisk
from streams.audit.checks.processed import Processed
from streams.audit.checks.receipts import ReceiptsSeen
from streams.audit.checks.sealed import SealedParts
from streams.audit.checks.times import Times
from streams.audit.facts import Facts
from streams.audit.files import Files
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.gallery import Gallery
from streams.audit.limits import deletion_bound_ms
from streams.audit.reading import Seen
from streams.engine.topics.promises import Promise as Rule
from streams.wire.records import Erasure, GalleryEvent, OpenVisits, RunningLogEntry
from streams.wire.topics import CONTROL, ERASURES, FACE_FEATURES, GALLERY_EVENTS


class Deletion:
    """gallery: fed with face-features before this is. files: what the brokers have of it on their disks."""

    needs: Final = (FACE_FEATURES, ERASURES, GALLERY_EVENTS, CONTROL)

    def __init__(self, facts: Facts, gallery: Gallery, files: Files) -> None:
        self.findings = Findings(Promise.DELETION)
        self._facts = facts
        self._gallery = gallery
        self._processed = Processed(facts)
        self._disks = OnDisk(facts, files, gallery, processed=self._processed, findings=self.findings)
        self._bound_ms = deletion_bound_ms(facts)
        self._erasures: dict[str, Erasure] = {}
        self._receipts = ReceiptsSeen(facts.keys, self.findings)
        self._sealed = SealedParts(gallery)
        self._visits: defaultdict[tuple[str, str], list[str]] = defaultdict(list)

    def take(self, seen: Seen) -> None:
        """Erasures, receipts, workers' words, what the running log has sealed, and whom visits name."""
        match seen.record:
            case Erasure():
                self._erasures[seen.record.event_id] = seen.record
            case GalleryEvent():
                self._receipts.take(seen.record, seen)
            case RunningLogEntry():
                self._processed.take(seen.record)
                if not self._sealed.take(seen.record):
                    self.findings.broke("a sealed part of the running log that is not what its key sealed", seen.place)
                if b'"person_id"' in seen.value:
                    self.findings.broke("a PersonID in the open in the running log", seen.place)
            case OpenVisits():
                for person in named_by(seen.record):
                    self._visits[person].append(seen.place)
            case _ if seen.short == CONTROL:
                self._receipts.hear(seen)
            case _ if seen.short in (ERASURES, GALLERY_EVENTS) and seen.form == "unreadable":
                self.findings.broke("a record that is none of its topic", seen.place)

    def finding(self) -> Finding:
        """Nothing can be said before the first deletion is complete."""
        completed = [each for each in self._erasures.values() if each.state == "completed"]
        pending = [each for each in self._erasures.values() if each.state != "completed"]
        self._settings()
        inspection = self._facts.inspection
        in_sync = inspection is None or inspection.in_sync
        Times(self._erasures.values(), self._bound_ms, self._facts.now_ms, self.findings, in_sync=in_sync).look()
        under_way = Covering(pending, self._facts.keys)
        self._standing(Covering(completed, self._facts.keys), pending)
        # visits are read up to an earlier moment than deletions: they may name who was deleted in between
        before = [each for each in completed if each.updated_at_ms < self._facts.now_ms]
        named = Named(self._gallery.persons.keys(), self._gallery.closed, Covering(before, self._facts.keys), under_way)
        if self._facts.keys is None and any(each.scope == "person" for each in completed):
            self.findings.could_not_see(
                "whether what stands under a reference is of somebody who was deleted: no key directory is at hand",
                core=True,
            )
        self._named(named)
        if self._bound_ms is not None:
            self._disks.look(named, self._bound_ms)
        self.findings.could_not_see("what workers hold in memory and in snapshots: that they confirm by their word")
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

    def _settings(self) -> None:
        self.findings.bound_s = None if self._bound_ms is None else self._bound_ms / 1000
        for sentence in self._facts.breaches(Rule.FORGOTTEN):
            self.findings.broke("settings that keep what was erased", sentence)
        broker = self._facts.broker
        if not broker.compacts:
            self.findings.could_not_see(
                f"whether what is erased goes: the {broker.name} broker compacts no topic", core=True
            )
        if self._bound_ms is None:
            reason = self._facts.why_no_inspection or "the settings leave it open"
            self.findings.could_not_see(f"within which time a deletion is to be complete: {reason}", core=True)

    def _standing(self, completed: Covering, pending: list[Erasure]) -> None:
        perhaps = 0
        for (gallery, reference), kept in self._gallery.kept.items():
            place = f"{gallery}/{reference}"
            if not kept.has_key:
                if not any(may_cover(erasure, gallery) for erasure in pending):
                    self.findings.broke("a feature without a person's key, as one that was erased leaves", place)
            elif any(kept.enrolled.before(erasure) for erasure in completed.covering(gallery, kept.person_id)):
                self.findings.broke("a person who was deleted stands on face-features", place)
            else:
                perhaps += any(kept.enrolled.before(erasure) for erasure in completed.perhaps(gallery, kept.person_id))
        self._not_told(perhaps, "references are of persons who were deleted")

    def _named(self, named: Named) -> None:
        perhaps = 0
        for person, places in self._visits.items():
            verdict = named.judge(*person)
            perhaps += verdict == "perhaps"
            if verdict == "deleted":
                self.findings.broke("visits name a person who was deleted", places[-1])
        self._not_told(perhaps, "persons whom visits name were deleted")

    def _not_told(self, perhaps: int, what: str) -> None:
        if perhaps and self._facts.keys is not None:
            self.findings.could_not_see(
                f"whether {perhaps} {what}: the account keys that would tell are not at hand", core=True
            )
