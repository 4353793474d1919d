"""What differs between the topics as declared and as they are, and which promise a difference breaks.

Settings of time and size (retention, segments, compaction) only differ here: `bounds` adds up what follows from
them, together with the brokers' own settings, and that sum keeps a promise or breaks it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from streams.engine.topics.found import FoundTopic
from streams.wire.topics import CONTROL, ERROR_LOG, TopicSpec


class Promise(StrEnum):
    """What users are told, as it stands behind a difference that breaks it."""

    PRESENT = "every topic is there"
    NOTHING_LOST = "nothing is lost"
    ORDERED = "order holds for each camera"
    TAKEN = "what keeps to the limits is taken"
    BROKERS_TIME = "time is the broker's"
    TRANSPORT_ONLY = "pictures are transport only"
    FORGOTTEN = "a person is forgotten everywhere"
    KEPT = "what is kept until it is replaced stays"
    CEILING = "the error log has a ceiling"
    HARMLESS = "bad input does no harm"


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting, or the shape, of one topic.

    setting: `partitions`, `copies` or a topic setting's name; empty where the topic is missing.
    promise: what the difference breaks; None: the topic only differs.
    """

    topic: str
    setting: str
    wanted: str
    found: str
    promise: Promise | None

    @property
    def sentence(self) -> str:
        """What differs, in words."""
        match self.setting:
            case "":
                return f"{self.topic} does not exist"
            case "partitions":
                return f"{self.topic} has {self.found} partitions, expected {self.wanted}"
            case "copies":
                return f"{self.topic} has {self.found} replicas, expected at least {self.wanted}"
        return f"{self.topic} has {self.setting}={self.found}, expected {self.wanted}"


def compare(spec: TopicSpec, found: FoundTopic | None, *, replication: int) -> list[Difference]:
    """All that differs. What the broker tells no settings of is compared by its shape alone."""
    if found is None:
        return [Difference(spec.name, "", "", "", Promise.PRESENT)]
    return [*_shape(spec, found, replication), *_settings(spec, found, replication), *_segment(spec, found)]


def _shape(spec: TopicSpec, found: FoundTopic, replication: int) -> Iterator[Difference]:
    if found.partitions != spec.partitions:
        # the control topic is read and written at partition 0 alone, and the error log has no keys
        promise = None if spec.short in (CONTROL, ERROR_LOG) else Promise.ORDERED
        yield Difference(spec.name, "partitions", str(spec.partitions), str(found.partitions), promise)
    if found.copies < replication:
        yield Difference(spec.name, "copies", str(replication), str(found.copies), Promise.NOTHING_LOST)


def _settings(spec: TopicSpec, found: FoundTopic, replication: int) -> Iterator[Difference]:
    if not found.config:
        return
    for setting, wanted in spec.settings(replication).items():
        value = found.config.get(setting, "")
        # what takes more than is needed takes what is needed
        agrees = _at_least(wanted, value) if setting == "max.message.bytes" else value == wanted
        if not agrees:
            promise = BREAKS[setting](spec, wanted, found) if setting in BREAKS else None
            yield Difference(spec.name, setting, wanted, value, promise)


def _segment(spec: TopicSpec, found: FoundTopic) -> Iterator[Difference]:
    """A segment takes nothing that is larger than itself, whatever max.message.bytes says."""
    segment, largest = found.config.get("segment.bytes", ""), spec.config["max.message.bytes"]
    if segment and int(segment) < int(largest):
        yield Difference(spec.name, "segment.bytes", f"at least {largest}", segment, Promise.TAKEN)


def _policies(value: str) -> frozenset[str]:
    return frozenset(part.strip() for part in value.split(",") if part.strip())


def _at_least(wanted: str, found: str) -> bool:
    return found != "" and int(found) >= int(wanted)


def _cleanup(spec: TopicSpec, _wanted: str, found: FoundTopic) -> Promise:
    policies = _policies(found.config.get("cleanup.policy", ""))
    if spec.compacted:
        return Promise.KEPT if "delete" in policies else Promise.FORGOTTEN
    if "compact" in policies:
        # records of one key replace each other; and a record without one, as in the error log, is refused
        return Promise.NOTHING_LOST
    return Promise.TRANSPORT_ONLY if spec.carries_pictures else Promise.FORGOTTEN


def _insync(_spec: TopicSpec, wanted: str, found: FoundTopic) -> Promise | None:
    value = found.config.get("min.insync.replicas", "")
    if not _at_least(wanted, value):
        return Promise.NOTHING_LOST
    return Promise.TAKEN if int(value) > found.copies else None  # then every record is refused


def _tombstones(_spec: TopicSpec, wanted: str, found: FoundTopic) -> Promise | None:
    return None if _at_least(wanted, found.config.get("delete.retention.ms", "")) else Promise.FORGOTTEN


def _always(promise: Promise) -> Callable[[TopicSpec, str, FoundTopic], Promise | None]:
    return lambda _spec, _wanted, _found: promise


BREAKS: Final[dict[str, Callable[[TopicSpec, str, FoundTopic], Promise | None]]] = {
    "cleanup.policy": _cleanup,
    "message.timestamp.type": _always(Promise.BROKERS_TIME),
    "max.message.bytes": _always(Promise.TAKEN),
    "compression.type": _always(Promise.HARMLESS),
    "min.insync.replicas": _insync,
    "unclean.leader.election.enable": _always(Promise.NOTHING_LOST),
    "delete.retention.ms": _tombstones,
}
"""Which promise a difference breaks, by setting; those that do not stand here only differ."""
