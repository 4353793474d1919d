"""Promise 1: a picture is gone once it is processed, and goes nowhere else."""

from collections import Counter
from pathlib import Path
from typing import Final

from streams.audit.checks.processed import Processed
from streams.audit.copies import look_for_copies
from streams.audit.facts import Facts, Place
from streams.audit.files import SEGMENT, Files
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.pictures import marker_in, markers
from streams.audit.reading import Seen
from streams.engine.topics.bounds import duration
from streams.engine.topics.promises import Promise as Rule
from streams.wire.records import RunningLogEntry
from streams.wire.topics import RUNNING_LOG


class Images:
    """files: what the brokers have on their disks."""

    needs: Final = (RUNNING_LOG,)

    def __init__(self, facts: Facts, files: Files) -> None:
        self.findings = Findings(Promise.NO_IMAGE_AT_REST)
        self._facts = facts
        self._files = files
        self._processed = Processed(facts)
        self._bound_ms = self._processed.bound_ms
        self._read: Counter[str] = Counter()

    def take(self, seen: Seen) -> None:
        """Every record of every output topic; the running log says when a request was processed."""
        self._read[seen.short] += 1
        if seen.form == "picture":
            self.findings.broke("a picture in a record of an output topic", seen.place)
        if isinstance(seen.record, RunningLogEntry):
            self._processed.take(seen.record)

    def finding(self) -> Finding:
        """The core is what the broker still has of processed requests."""
        self.findings.bound_s = None if self._bound_ms is None else self._bound_ms / 1000
        self._positions()
        for sentence in self._facts.breaches(Rule.TRANSPORT_ONLY):
            self.findings.broke("settings that keep pictures", sentence)
        if self._facts.inspection is None:
            self.findings.could_not_see(f"the settings in effect: {self._facts.why_no_inspection}")
        self.findings.saw(
            f"{sum(self._read.values())} records of {len(self._read)} output topics searched for pictures"
        )
        self._on_disk()
        self.findings.could_not_see("what workers keep beside the topics: memory, log lines, metrics, snapshots")
        return self.findings.finding()

    def _positions(self) -> None:
        if self._facts.why_no_positions:
            self.findings.could_not_see(f"what is processed: {self._facts.why_no_positions}", core=True)
            return
        processed = sum(positions.committed or 0 for positions in self._facts.positions.values())
        left = sum(max(0, (each.committed or 0) - each.begin) for each in self._facts.positions.values())
        if not processed:
            self.findings.could_not_see("no request has been processed", core=True)
        elif not self._facts.broker.deletes_records and left:
            self.findings.broke(
                f"the {self._facts.broker.name} broker deletes no records", f"it has {left} processed ones"
            )
        elif self._bound_ms is None:
            self.findings.could_not_see("how old a processed picture may be: the settings are not told", core=True)
        else:
            for (short, partition), positions in sorted(self._facts.positions.items()):
                if positions.begin < (due := self._processed.due((short, partition))):
                    place = f"{short}-{partition}, offsets {positions.begin} to {due - 1}"
                    self.findings.broke(f"processed {duration(self._bound_ms)} ago or longer, and not deleted", place)
            self.findings.saw(
                f"{processed} requests of {len(self._facts.positions)} partitions are processed; the broker still has"
                f" {left} of them, held against the {duration(self._bound_ms)} for which it may"
            )

    def _on_disk(self) -> None:
        look_for_copies(self._facts, self._files, [spec.short for spec in self._facts.topics], self.findings)
        if not self._files.directories:
            return
        files = pictures = 0
        for path in self._files.every():
            files += 1
            partition = self._files.partition(path)
            if partition is None or not self._facts.topics.spec(partition.short).carries_pictures:
                self._other_file(path)
            elif SEGMENT in path.suffixes:
                pictures += self._segment(path, (partition.short, partition.number))
        self.findings.saw(
            f"{files} files of the brokers searched for pictures: {pictures} batches of the input topics hold some,"
            " each held against what is processed"
        )
        for problem in sorted(self._files.unreadable):
            self.findings.could_not_see(f"a file of the brokers: {problem}", core=True)

    def _other_file(self, path: Path) -> None:
        try:
            for found in markers(path):
                self.findings.broke("a picture in a file", f"{found.what} in {path}, byte {found.offset}")
        except OSError as error:
            self.findings.could_not_see(f"a file of the brokers: {path}: {error.strerror}", core=True)

    def _segment(self, path: Path, place: Place) -> int:
        """A segment goes as a whole, once the last of its records may go."""
        pictures, last_offset = 0, -1
        for batch in self._files.batches(path):
            pictures += marker_in(batch.raw) is not None
            last_offset = max(last_offset, *(record.offset for record in self._files.records(batch)), -1)
        if pictures and last_offset < self._processed.due(place):
            self.findings.broke("processed pictures on the disks", f"{path.parent.name}/{path.name}")
        return pictures
