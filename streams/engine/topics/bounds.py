"""How long a thing is on the brokers' disks at most, as it follows from the settings that are in effect.

A broker removes whole closed segments. It closes one when a record is appended once the segment's first record is
older than segment.ms (compacted: max.compaction.lag.ms, if less), and takes the segment away in a pass of its own,
first under another name for file.delete.delay.ms. So, for every copy that is in sync while its broker runs:

- by time: retention.ms + segment.ms + log.retention.check.interval.ms + file.delete.delay.ms. An idle partition needs
  no append: once its last record has expired, the open segment goes as well. Where the sender dates the record, it may
  date it message.timestamp.after.max.ms ahead.
- a processed picture: its worker deletes it within a second of the commit. Its segment is closed by a request that
  comes once it is older than segment.ms, or by the filler that follows segment.ms after the last one (`purge`): after
  2 x segment.ms at most, so 2 x segment.ms + purge.interval.ms (our own) + log.retention.check.interval.ms +
  file.delete.delay.ms. It counts from when it and what came within segment.ms after it is processed and committed.
- replaced or erased in a compacted topic: max.compaction.lag.ms, then an append that closes the segment, then
  log.cleaner.backoff.ms + file.delete.delay.ms. An idle partition's open segment is never compacted.
- replaced or erased in running-log or erasures, while a worker runs: the same, but the append comes by itself. A filler
  follows once the last record is as old as max.compaction.lag.ms (`closing`), so 2 x max.compaction.lag.ms +
  closing.interval.ms (our own) + log.cleaner.backoff.ms + file.delete.delay.ms.
- an erased key: its tombstone stays for delete.retention.ms after that pass, and goes with the next one, which needs
  another segment: max.compaction.lag.ms, an append and log.cleaner.backoff.ms once more.

A pass over much data takes its time on top of that. Brokers' times are milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from streams.engine.topics.found import FoundTopic, Housekeeping
from streams.engine.topics.in_effect import never, number_of, policy_without
from streams.engine.topics.promises import Promise
from streams.engine.topics.rounds import CLOCKS_MS, CLOSE_EVERY_MS, CLOSED, PURGE_EVERY_MS
from streams.wire.topics import (
    CONTROL,
    ERROR_LOG,
    ERROR_LOG_CEILING_BYTES,
    ERROR_LOG_RATE_CAP_BYTES_PER_S,
    MS_PER_DAY,
    MS_PER_HOUR,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    TopicSpec,
    error_log_bound_bytes,
)

PROCESSED_GONE_WITHIN_MS: Final = 15 * MS_PER_MINUTE
"""What is promised of a processed picture. Kafka's defaults keep it; with those of docker-compose.yml it is seconds."""

PROCESSED: Final = "from when it and what came right after it on its partition is processed, while a worker runs"
SERVED: Final = "while a worker runs"
ONE_MORE: Final = "and the wait for a later record on its partition, without which it stays"
TWO_MORE: Final = "and the waits for two later records on its partition, without which it stays"


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit.

    subject: what is limited. at_most: the limit; None: there is none, `why_none` says which setting leaves it open.
    condition: what must happen besides; empty: nothing.
    promised: the largest limit that keeps the promise; None: any does.
    inputs: the settings that it was computed from, and how often each counts.
    """

    topic: str
    subject: str
    unit: Literal["ms", "bytes"]
    at_most: int | None
    promise: Promise
    inputs: Mapping[str, tuple[int, int]]
    promised: int | None = None
    condition: str = ""
    why_none: str = ""

    @property
    def broken(self) -> bool:
        """Whether the promise is not kept."""
        return self.at_most is None or (self.promised is not None and self.at_most > self.promised)

    @property
    def statement(self) -> str:
        """The limit in words, without the topic; and the promised one where it is broken."""
        if self.at_most is None:
            return f"{self.subject} has no limit, since {self.why_none}"
        condition = f" {self.condition}" if self.condition else ""
        beyond = f"; promised: {in_words(self.promised or 0, self.unit)}" if self.broken else ""
        return f"{self.subject} is at most {in_words(self.at_most, self.unit)}{condition}{beyond}"

    @property
    def sentence(self) -> str:
        """The statement, of its topic."""
        return f"{self.topic}: {self.statement}"


def bounds(spec: TopicSpec, found: FoundTopic, brokers: Housekeeping) -> list[Bound]:
    """All limits of one topic; none for one that holds neither pictures nor persons, or whose settings are not told."""
    if not found.config or spec.short == CONTROL:
        return []
    if spec.compacted:
        return [erased(spec, found, brokers), _erased_key(spec, found, brokers)]
    if spec.short == ERROR_LOG:  # it names nobody: its size is promised, not its age
        return [_ceiling(spec, found, brokers)]
    net = _expired(spec, found, brokers)
    return [net, processed(spec, found, brokers)] if spec.carries_pictures else [net]


def processed(spec: TopicSpec, found: FoundTopic, brokers: Housekeeping) -> Bound:
    """Of an input topic: how long a picture may stay that was answered."""
    counts = {
        "segment.ms": (number_of(found, "segment.ms"), 2),
        "purge.interval.ms": (PURGE_EVERY_MS, 1),
        "log.retention.check.interval.ms": (brokers.retention_check_ms, 1),
        "file.delete.delay.ms": (number_of(found, "file.delete.delay.ms"), 1),
    }
    return _sum(
        spec,
        "a processed picture's time on the disks",
        Promise.TRANSPORT_ONLY,
        counts,
        promised=PROCESSED_GONE_WITHIN_MS,
        condition=PROCESSED,
        why_none=policy_without("delete", found),
    )


def _expired(spec: TopicSpec, found: FoundTopic, brokers: Housekeeping) -> Bound:
    subject = "a picture's time on the disks" if spec.carries_pictures else "a record's time on the disks"
    counts = {
        "retention.ms": (number_of(found, "retention.ms"), 1),
        "segment.ms": (number_of(found, "segment.ms"), 1),
        "log.retention.check.interval.ms": (brokers.retention_check_ms, 1),
        "file.delete.delay.ms": (number_of(found, "file.delete.delay.ms"), 1),
    }
    if found.config["message.timestamp.type"] == "CreateTime":
        counts["message.timestamp.after.max.ms"] = (number_of(found, "message.timestamp.after.max.ms"), 1)
    promise = Promise.TRANSPORT_ONLY if spec.carries_pictures else Promise.FORGOTTEN
    why_none = policy_without("delete", found)
    return _sum(spec, subject, promise, counts, promised=spec.gone_within_ms, why_none=why_none)


def erased(spec: TopicSpec, found: FoundTopic, brokers: Housekeeping) -> Bound:
    """Of a compacted topic: how long a value may stay that was replaced or erased."""
    is_closed = spec.short in CLOSED
    counts = {
        "max.compaction.lag.ms": (number_of(found, "max.compaction.lag.ms"), 2 if is_closed else 1),
        "log.cleaner.backoff.ms": (brokers.cleaner_backoff_ms, 1),
        "file.delete.delay.ms": (number_of(found, "file.delete.delay.ms"), 1),
    }
    if is_closed:
        counts["closing.interval.ms"] = (CLOSE_EVERY_MS + CLOCKS_MS, 1)
    return _sum(
        spec,
        "a replaced or erased value's time on the disks",
        Promise.FORGOTTEN,
        counts,
        promised=spec.gone_within_ms,
        condition=SERVED if is_closed else ONE_MORE,
        why_none=_never_compacted(found, brokers),
    )


def _erased_key(spec: TopicSpec, found: FoundTopic, brokers: Housekeeping) -> Bound:
    counts = {
        "max.compaction.lag.ms": (number_of(found, "max.compaction.lag.ms"), 2),
        "log.cleaner.backoff.ms": (brokers.cleaner_backoff_ms, 2),
        "file.delete.delay.ms": (number_of(found, "file.delete.delay.ms"), 1),
        "delete.retention.ms": (number_of(found, "delete.retention.ms"), 1),
    }
    return _sum(
        spec,
        "an erased key's time on the disks",
        Promise.FORGOTTEN,
        counts,
        condition=TWO_MORE,
        why_none=_never_compacted(found, brokers),
    )


def _never_compacted(found: FoundTopic, brokers: Housekeeping) -> str:
    return policy_without("compact", found) or ("" if brokers.compacts else "log.cleaner.enable is false")


def _ceiling(spec: TopicSpec, found: FoundTopic, brokers: Housekeeping) -> Bound:
    as_found = replace(spec, partitions=found.partitions, config=found.config)
    at_most = error_log_bound_bytes(as_found, retention_check_interval_s=brokers.retention_check_ms / 1000)
    why_none = policy_without("delete", found) or never("retention.bytes", number_of(found, "retention.bytes"))
    return Bound(
        topic=spec.name,
        subject="the size of a copy of the error log",
        unit="bytes",
        at_most=None if why_none else at_most,
        promise=Promise.CEILING,
        inputs={
            "partitions": (found.partitions, 1),
            "bytes a second, of all workers": (ERROR_LOG_RATE_CAP_BYTES_PER_S, 1),
            "retention.bytes": (number_of(found, "retention.bytes"), 1),
            "segment.bytes": (number_of(found, "segment.bytes"), 2),
            "log.retention.check.interval.ms": (brokers.retention_check_ms, 1),
            "file.delete.delay.ms": (number_of(found, "file.delete.delay.ms"), 1),
        },
        promised=ERROR_LOG_CEILING_BYTES,
        why_none=why_none,
    )


def _sum(
    spec: TopicSpec,
    subject: str,
    promise: Promise,
    counts: Mapping[str, tuple[int, int]],
    *,
    condition: str = "",
    promised: int | None = None,
    why_none: str = "",
) -> Bound:
    why_none = why_none or next(filter(None, (never(name, number) for name, (number, _times) in counts.items())), "")
    at_most = None if why_none else sum(number * times for number, times in counts.values())
    return Bound(spec.name, subject, "ms", at_most, promise, counts, promised, condition, why_none)


def in_words(amount: int, unit: Literal["ms", "bytes"]) -> str:
    """A time as of `duration`; bytes in MB or GB of a thousand, rounded to two digits."""
    if unit == "bytes":
        return f"{amount / 1e9:.2f} GB" if amount >= 1e9 else f"{amount / 1e6:.2f} MB"
    return duration(amount)


def duration(time_ms: int) -> str:
    """As `1 d 10 min 5 s`; empty units are left out, less than a second is in ms."""
    if time_ms < MS_PER_SECOND:
        return f"{time_ms} ms"
    words = []
    for unit_ms, name in ((MS_PER_DAY, "d"), (MS_PER_HOUR, "h"), (MS_PER_MINUTE, "min")):
        count, time_ms = divmod(time_ms, unit_ms)
        words += [f"{count} {name}"] if count else []
    return " ".join([*words, f"{time_ms / MS_PER_SECOND:g} s"] if time_ms else words)
