"""What the brokers' files still hold of what was deleted: of face-features, visits and gallery-commands."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from streams.agents.erasure.leftovers import named_by
from streams.audit.checks.covering import Judged, Named
from streams.audit.checks.processed import Processed
from streams.audit.copies import look_for_copies
from streams.audit.facts import Facts
from streams.audit.files import Batch, Files
from streams.audit.finding import Findings
from streams.audit.gallery import Gallery
from streams.audit.transactions import Outcome, Transactions, producer_of
from streams.wire import records
from streams.wire.records import OpenVisits
from streams.wire.topics import FACE_FEATURES, GALLERY_COMMANDS, VISITS, is_filler

LOOKED_AT: Final = (FACE_FEATURES, VISITS, GALLERY_COMMANDS)


@dataclass(frozen=True, slots=True)
class _Written:
    """A record that was written in a transaction. home: its directory."""

    home: Path
    producer: int
    offset: int


class OnDisk:
    """gallery: fed with face-features before. processed: fed with the running log before `look`.

    Files are read minutes after the topics' ends were asked for: what lies behind those is passed over.
    """

    def __init__(
        self, facts: Facts, files: Files, gallery: Gallery, *, processed: Processed, findings: Findings
    ) -> None:
        self._facts = facts
        self._files = files
        self._gallery = gallery
        self._processed = processed
        self._findings = findings

    def look(self, named: Named, bound_ms: int) -> None:
        """Read every segment of the three topics. bound_ms: how long an erased value may stay."""
        look_for_copies(self._facts, self._files, LOOKED_AT, self._findings)
        if not self._files.directories:
            return
        values, visits, commands = self._values(bound_ms), self._visits(named), self._commands(named)
        self._findings.saw(
            f"{values} values of face-features, {visits} of visits and {commands} commands lie on the disks, held"
            " against what stands, who was deleted, and when"
        )
        for problem in sorted(self._files.unreadable):
            self._findings.could_not_see(f"a file of the brokers: {problem}", core=True)

    def _values(self, bound_ms: int) -> int:
        live, dead, values = set(self._gallery.live()), self._gallery.erased_at_ms, 0
        before_ms = self._facts.now_ms - bound_ms
        transactions, without_tombstone = Transactions(), list[_Written]()
        for path in self._files.segments(FACE_FEATURES):
            for batch in self._files.batches(path):
                transactions.take(batch)
                producer = producer_of(batch)
                for record in self._judged(batch):
                    if not record.value:
                        continue
                    values += 1
                    if record.key in live or dead.get(record.key, record.timestamp) >= before_ms:
                        continue
                    if record.key in dead or producer is None:
                        self._erased(path.parent, record.offset)
                    else:
                        without_tombstone.append(_Written(path.parent, producer, record.offset))
        self._never_read(without_tombstone, transactions)
        return values

    def _never_read(self, written: Sequence[_Written], transactions: Transactions) -> None:
        """What was taken back stood for nobody: no reader has seen it, and nothing erases it by its key."""
        outcomes = Counter[Outcome]()
        for each in written:
            outcome = transactions.outcome(each.home, each.producer, each.offset)
            outcomes[outcome] += 1
            if outcome == "committed":
                self._erased(each.home, each.offset)
        if count := outcomes["taken back"]:
            self._findings.could_not_see(
                f"whose {count} values of face-features are that lie on the disks and that no reader is shown: the"
                " transactions that wrote them were taken back, and the cleaner's next pass removes them"
            )
        if count := outcomes["unknown"]:
            self._findings.could_not_see(
                f"whether {count} values of face-features that lie on the disks were erased, or taken back by those"
                " who wrote them: no file says how their transactions ended",
                core=True,
            )

    def _erased(self, home: Path, offset: int) -> None:
        self._findings.broke("an erased value on the disks", f"{home.name}@{offset}")

    def _visits(self, named: Named) -> int:
        """Of who is enrolled again, what was written before and after looks alike."""
        visits, judged = 0, dict[tuple[str, str], Judged]()
        for path in self._files.segments(VISITS):
            for record in (each for batch in self._files.batches(path) for each in self._judged(batch)):
                try:
                    persons = named_by(records.decode(record.value or b"", OpenVisits))
                except msgspec.DecodeError:
                    continue
                visits += 1
                judged |= {person: named.judge(*person) for person in persons - judged.keys()}
                if any(judged[person] == "deleted" for person in persons):
                    self._findings.broke(
                        "visits on the disks name a person who was deleted", f"{path.parent.name}@{record.offset}"
                    )
        if perhaps := sum(verdict == "perhaps" for verdict in judged.values()):
            self._findings.could_not_see(
                f"whether {perhaps} persons whom visits on the disks name were deleted: the account keys that would"
                " tell are not at hand",
                core=True,
            )
        return visits

    def _commands(self, named: Named) -> int:
        """A command's key is the person's id. A segment goes as a whole, once the last of its records may go."""
        commands = 0
        for path in self._files.segments(GALLERY_COMMANDS):
            keys, last_offset = {}, -1
            for record in (each for batch in self._files.batches(path) for each in self._files.records(batch)):
                last_offset = record.offset
                if not is_filler(record.key, record.value):
                    keys[record.offset] = record.key or b""
            commands += len(keys)
            partition = self._files.partition(path)
            if partition is None or last_offset >= self._processed.due((partition.short, partition.number)):
                continue
            for offset, key in keys.items():
                if any(named.completed.of_person(key.decode(errors="replace"))):
                    self._findings.broke(
                        "a command on the disks names a person who was deleted", f"{path.parent.name}@{offset}"
                    )
        return commands

    def _judged(self, batch: Batch) -> Iterator[Any]:
        """Its records, without fillers and what came after the topics were read."""
        partition = self._files.partition(batch.path)
        for record in self._files.records(batch):
            is_later = partition is not None and self._facts.is_later(
                (partition.short, partition.number), record.offset, record.timestamp
            )
            if not is_later and not is_filler(record.key, record.value):
                yield record
