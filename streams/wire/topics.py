"""The topics, as data: the one place that knows their names, keys, values and policies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

MS_PER_MINUTE: Final = 60_000
MS_PER_DAY: Final = 86_400_000

CAMERA_FRAMES: Final = "camera-frames"
GALLERY_COMMANDS: Final = "gallery-commands"
GALLERY_EVENTS: Final = "gallery-events"
ERASURES: Final = "erasures"
FACE_FEATURES: Final = "face-features"
RECOGNITIONS: Final = "recognitions"
SIGHTINGS: Final = "sightings"
VISITS: Final = "visits"
RUNNING_LOG: Final = "running-log"
ERROR_LOG: Final = "error-log"
CONTROL: Final = "control"

FILLER_KEY: Final = b"~filler"
"""A record that is there only so that the broker rolls a segment: every reader skips it."""

ERROR_LOG_CEILING_BYTES: Final = 2_000_000_000
ERROR_LOG_RATE_CAP_BYTES_PER_S: Final = 262_144
"""What the error log may take in a second from all workers together; each keeps to its share."""


PICTURE_HEADROOM_BYTES: Final = 64 * 1024
"""Room for keys, headers and batch heads beside the largest picture."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic.

    name: full name, `<prefix>.<account>.<short>`.
    config: the broker's topic settings that a promise rests on.
    carries_pictures: true for the two input topics; nobody but this processor may read them.
    """

    short: str
    name: str
    partitions: int
    key: str
    value: str
    config: Mapping[str, str] = field(default_factory=dict)
    carries_pictures: bool = False


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one account.

    partitions: of the topics keyed by camera and of running-log; fixed for life, since a camera's
        partition must not change. Two to three times the largest number of workers.
    max_picture_bytes: largest frame or enrollment picture.
    """

    prefix: str = "facestreams"
    account: str = "main"
    partitions: int = 12
    max_picture_bytes: int = 4 * 1024 * 1024

    @property
    def error_log_bytes_per_s(self) -> float:
        """A worker's share of the error log's rate: no more workers than partitions have work."""
        return ERROR_LOG_RATE_CAP_BYTES_PER_S / self.partitions

    @property
    def max_record_bytes(self) -> int:
        """Of the two topics that carry pictures."""
        return self.max_picture_bytes + PICTURE_HEADROOM_BYTES

    def name(self, short: str) -> str:
        """The full name of the topic with this short name."""
        return f"{self.prefix}.{self.account}.{short}"

    def __iter__(self) -> Iterator[TopicSpec]:
        """All topics, in the order in which they are to be created: epochs stand on control before a topic is made."""
        largest = str(self.max_record_bytes)
        compact = {"cleanup.policy": "compact"}

        def spec(
            short: str,
            key: str,
            value: str,
            config: Mapping[str, str],
            *,
            partitions: int = 0,
            pictures: bool = False,
        ) -> TopicSpec:
            return TopicSpec(short, self.name(short), partitions or self.partitions, key, value, dict(config), pictures)

        def kept(retention_ms: int) -> dict[str, str]:
            return {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}

        by_append_time = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": largest}
        yield spec(CONTROL, "a topic's short name", "Epoch", compact, partitions=1)
        yield spec(
            CAMERA_FRAMES,
            "camera id",
            "the encoded picture's bytes",
            kept(15 * MS_PER_MINUTE) | by_append_time,
            pictures=True,
        )
        yield spec(
            GALLERY_COMMANDS,
            "person id",
            "a picture's bytes, or empty",
            kept(MS_PER_DAY) | by_append_time,
            pictures=True,
        )
        yield spec(GALLERY_EVENTS, "request id", "GalleryEvent", kept(30 * MS_PER_DAY))
        yield spec(ERASURES, "request id", "Erasure", compact)
        yield spec(
            FACE_FEATURES,
            "gallery/person or gallery/person/feature",
            "a wrapped key or a sealed bit string",
            compact | {"delete.retention.ms": str(MS_PER_DAY)},  # what is replayed later may miss a tombstone
        )
        yield spec(RECOGNITIONS, "camera id", "Recognition", kept(7 * MS_PER_DAY))
        yield spec(SIGHTINGS, "camera id", "Sighting", kept(7 * MS_PER_DAY))
        yield spec(VISITS, "camera id", "OpenVisits", compact)
        yield spec(RUNNING_LOG, "event id", "RunningLogEntry", compact)
        yield spec(
            ERROR_LOG,
            "none",
            "ErrorLogEntry",
            kept(7 * MS_PER_DAY)
            | {"retention.bytes": "1400000000", "segment.bytes": "134217728", "file.delete.delay.ms": "60000"},
            partitions=1,
        )

    def spec(self, short: str) -> TopicSpec:
        """The topic with this short name."""
        return next(spec for spec in self if spec.short == short)


def error_log_bound_bytes(spec: TopicSpec, *, retention_check_interval_s: float) -> int:
    """Most bytes that the error log can take on the broker's disk.

    A partition holds what retention.bytes keeps, the active segment and the one just closed, and what
    is written while the broker waits for its next check and for the file's deletion.
    """
    config = spec.config
    delay_s = int(config["file.delete.delay.ms"]) / 1000
    written = ERROR_LOG_RATE_CAP_BYTES_PER_S * (retention_check_interval_s + delay_s)
    return int(spec.partitions * (int(config["retention.bytes"]) + 2 * int(config["segment.bytes"]) + written))
