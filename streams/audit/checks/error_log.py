"""Promise 6: the error log has a ceiling, and names no person."""

from collections.abc import Iterator
from typing import Final

from streams.audit.checks.person_ids import PersonIds
from streams.audit.facts import Facts
from streams.audit.files import Files
from streams.audit.finding import Finding, Findings, Promise
from streams.audit.gallery import Gallery, Kept
from streams.audit.reading import Seen
from streams.engine.topics.bounds import in_words
from streams.engine.topics.promises import Promise as Rule
from streams.wire.records import ErrorLogEntry
from streams.wire.topics import ERROR_LOG, ERROR_LOG_CEILING_BYTES, MAX_OUTPUT_BYTES


class ErrorLog:
    """gallery: fed with face-features before this is. files: what the brokers have of it on their disks."""

    needs: Final = (ERROR_LOG,)

    def __init__(self, facts: Facts, gallery: Gallery, files: Files) -> None:
        self.findings = Findings(Promise.ERROR_LOG)
        self._facts = facts
        self._files = files
        self._since_ms: dict[str, int] = {}
        for kept in gallery.kept.values():
            if kept.has_key and kept.person_id is not None:
                since_ms = _enrolled_at_ms(kept)
                self._since_ms[kept.person_id] = min(since_ms, self._since_ms.get(kept.person_id, since_ms))
        self._persons = PersonIds(self._since_ms)
        self._records = self._largest = 0

    def take(self, seen: Seen) -> None:
        """Of the error log alone."""
        if seen.short != ERROR_LOG:
            return
        self._records += 1
        self._largest = max(self._largest, len(seen.value))
        if seen.form == "unreadable":
            self.findings.broke("a record that is no entry, or lacks a field", seen.place)
        elif isinstance(seen.record, ErrorLogEntry) and self._names_a_person(seen.record):
            self.findings.broke("an entry that names a person", seen.place)

    def finding(self) -> Finding:
        """The ceiling follows from the settings in effect; the records show that nothing exceeds what it counts on."""
        for bound in self._facts.bounds(Rule.CEILING):
            if not bound.broken:
                self.findings.saw(bound.statement)
        for sentence in self._facts.breaches(Rule.CEILING):
            self.findings.broke(sentence)
        if self._facts.inspection is None:
            self.findings.could_not_see(f"the ceiling: {self._facts.why_no_inspection}", core=True)
        self._sizes()
        self.findings.saw(f"{self._records} records read, the largest of {self._largest} bytes")
        if self._largest > MAX_OUTPUT_BYTES:
            self.findings.broke("a record that is larger than the topic's own limit")
        if self._facts.keys is None:
            self.findings.could_not_see("whether a person is named: no key directory is at hand")
        else:
            self.findings.saw(
                f"texts searched for the ids of {len(self._persons)} persons who are enrolled now, and were by then,"
                f" camera, uin, sub_uin, person and parameters compared as wholes; {self._persons.whole_alone} ids are"
                " numbers, or so short, that they were compared as wholes alone"
            )
        return self.findings.finding()

    def _names_a_person(self, entry: ErrorLogEntry) -> bool:
        """Of those who were enrolled when it was written: an id that somebody got later meant another thing then."""
        return any(self._since_ms[person_id] <= entry.logged_at_ms for person_id in _named(entry, self._persons))

    def _sizes(self) -> None:
        if not self._files.directories:
            self.findings.could_not_see("its size on the disks: no files of the brokers were named")
            return
        sizes = self._files.sizes(ERROR_LOG)
        if not sizes:
            self.findings.could_not_see("the error log's size on the disks: no file of it was found")
            return
        largest = max(sizes.values())
        self.findings.saw(f"a copy of it takes {in_words(largest, 'bytes')} on the disks at most")
        if largest > ERROR_LOG_CEILING_BYTES:
            self.findings.broke("a copy that is above the ceiling", in_words(largest, "bytes"))


def _enrolled_at_ms(kept: Kept) -> int:
    return min((kept.enrolled.requested_at_ms, *kept.features.values()))


def _named(entry: ErrorLogEntry, persons: PersonIds) -> Iterator[str]:
    """Which persons are named: by a field that is an id, or in a text.

    What senders give as names and parameters may have an id as a part of it; that is their word.
    """
    parameters = () if entry.input is None else entry.input.parameters.values()
    for text in (entry.person, entry.uin, entry.sub_uin, entry.camera_id, *parameters):
        yield from persons.being(text)
    texts = [entry.upstream, entry.downstream, entry.detail, entry.output, entry.algorithm_output or ""]
    if entry.input is not None:
        texts += [*entry.input.headers, entry.input.media_type or ""]
    for text in texts:
        yield from persons.standing_in(text)
