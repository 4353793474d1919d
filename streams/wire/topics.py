"""The topics, as data: the one place that knows their names, keys, values and policies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

MS_PER_SECOND: Final = 1000
MS_PER_MINUTE: Final = 60_000
MS_PER_HOUR: Final = 3_600_000
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
"""Of a record without content that is there only so that the broker rolls a segment: every reader skips it."""

ERASURE_KEY: Final = b"~erasure"
"""Where the work of a deletion stands among the commands of a partition: no person is called so."""


def is_filler(key: bytes | None, value: bytes | None) -> bool:
    """Whether a record with this key and value is a filler; with content it is a record like any other."""
    return key == FILLER_KEY and not value


ERROR_LOG_CEILING_BYTES: Final = 2_000_000_000
ERROR_LOG_RATE_CAP_BYTES_PER_S: Final = 262_144
"""What the error log may take in a second from all workers together; each keeps to its share."""


PICTURE_HEADROOM_BYTES: Final = 64 * 1024
"""Room for keys, headers and batch heads beside the largest picture."""

MAX_OUTPUT_BYTES: Final = 1_048_588
"""Of a record that carries no picture: what a broker takes by default."""

# A broker removes closed segments only, and closes one when something is appended after segment.ms. By default that
# is 7 days, so that a picture of a quiet camera would lie there for a week, whatever retention.ms says.
SEGMENT_OF_FRAMES_MS: Final = 10 * MS_PER_SECOND  # kept for 15 minutes: at most 91 segments a partition
SEGMENT_OF_COMMANDS_MS: Final = 30 * MS_PER_SECOND  # kept for a day where no worker runs
SEGMENT_OF_RESULTS_MS: Final = MS_PER_DAY

# A removed segment stays for this time under another name; by default for a minute.
DELETE_DELAY_MS: Final = 5 * MS_PER_SECOND

# When at the latest a replaced value is compacted away, once its segment is closed. By default that waits until half
# of the log is new. Each pass writes the whole partition anew: nothing for the small topics, much for a running log.
COMPACTION_LAG_MS: Final = 5 * MS_PER_MINUTE
COMPACTION_LAG_OF_PERSONS_MS: Final = MS_PER_MINUTE  # of what names or shows a person: a deletion waits for it
COMPACTION_LAG_OF_RUNNING_LOG_MS: Final = MS_PER_DAY


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic.

    name: full name, `<prefix>.<account>.<short>`.
    config: the broker's topic settings that a promise rests on, whatever the number of copies.
    carries_pictures: true for the two input topics; nobody but this processor may read them.
    gone_within_ms: the longest that a record (compacted: a replaced or erased value, once more is written to its
        partition) may stay on the disks; None: any limit will do.
    """

    short: str
    name: str
    partitions: int
    key: str
    value: str
    config: Mapping[str, str] = field(default_factory=dict)
    carries_pictures: bool = False
    gone_within_ms: int | None = None

    @property
    def compacted(self) -> bool:
        """Whether it keeps the last record of each key, instead of all records for a time."""
        return self.config["cleanup.policy"] == "compact"

    def settings(self, replication: int) -> dict[str, str]:
        """All that the topic is created with, for this number of copies.

        What is acknowledged is on two disks where there are two: then one can be lost. With two copies that means
        that workers hold while one of the two brokers is away; with three they go on.
        """
        return {
            **self.config,
            "min.insync.replicas": str(min(2, replication)),
            # a copy that was left behind never becomes the leader: it would take acknowledged records with it
            "unclean.leader.election.enable": "false",
        }


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
        yield self._spec(
            CONTROL,
            "a topic's short name, or with a partition behind it",
            "Epoch, Reached, Confirmed",
            # which worker has fallen silent is told by one clock, the broker's
            _compacted(COMPACTION_LAG_MS) | {"message.timestamp.type": "LogAppendTime"},
            partitions=1,
        )
        yield from self._inputs()
        # an account's deletion empties these up to when it was asked for, which the broker's clock tells
        kept_a_week = _kept(7 * MS_PER_DAY, SEGMENT_OF_RESULTS_MS) | {"message.timestamp.type": "LogAppendTime"}
        yield self._spec(GALLERY_EVENTS, "request id", "GalleryEvent", _kept(30 * MS_PER_DAY, SEGMENT_OF_RESULTS_MS))
        yield self._spec(ERASURES, "event id", "Erasure", _compacted(COMPACTION_LAG_MS))
        yield self._spec(
            FACE_FEATURES,
            "gallery/reference or gallery/reference/feature; the reference of a person is drawn at random",
            "a wrapped key or a sealed bit string",
            # what is replayed later, a snapshot or a copy that was away for longer, may miss a tombstone
            _compacted(COMPACTION_LAG_OF_PERSONS_MS) | {"delete.retention.ms": str(MS_PER_DAY)},
            gone_within_ms=10 * MS_PER_MINUTE,
        )
        yield self._spec(RECOGNITIONS, "camera id", "Recognition", kept_a_week)
        yield self._spec(SIGHTINGS, "camera id", "Sighting", kept_a_week)
        yield self._spec(VISITS, "camera id", "OpenVisits", _compacted(COMPACTION_LAG_OF_PERSONS_MS))
        yield self._spec(RUNNING_LOG, "event id", "RunningLogEntry", _compacted(COMPACTION_LAG_OF_RUNNING_LOG_MS))
        yield self._spec(
            ERROR_LOG,
            "none",
            "ErrorLogEntry",
            kept_a_week
            | {"retention.bytes": "1400000000", "segment.bytes": "134217728", "file.delete.delay.ms": "60000"},
            partitions=1,
        )

    def _inputs(self) -> Iterator[TopicSpec]:
        of_pictures = {
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(self.max_record_bytes),
            # The broker takes compressed batches apart, whoever sends them, and holds what comes out to the largest
            # size: a reader may lack the codec, and four megabytes may swell to gigabytes.
            "compression.type": "uncompressed",
            "file.delete.delay.ms": str(DELETE_DELAY_MS),
            "retention.bytes": "-1",  # or frames expire unread before their time
        }
        yield self._spec(
            CAMERA_FRAMES,
            "camera id",
            "the encoded picture's bytes",
            _kept(15 * MS_PER_MINUTE, SEGMENT_OF_FRAMES_MS) | of_pictures,
            pictures=True,
            gone_within_ms=30 * MS_PER_MINUTE,
        )
        yield self._spec(
            GALLERY_COMMANDS,
            "person id",
            "a picture's bytes, or empty",
            _kept(MS_PER_DAY, SEGMENT_OF_COMMANDS_MS) | of_pictures,
            pictures=True,
            gone_within_ms=25 * MS_PER_HOUR,
        )

    def _spec(
        self,
        short: str,
        key: str,
        value: str,
        config: Mapping[str, str],
        *,
        partitions: int = 0,
        pictures: bool = False,
        gone_within_ms: int | None = None,
    ) -> TopicSpec:
        """partitions: 0 for as many as there are."""
        count = partitions or self.partitions
        return TopicSpec(short, self.name(short), count, key, value, config, pictures, gone_within_ms)

    def spec(self, short: str) -> TopicSpec:
        """The topic with this short name."""
        return next(spec for spec in self if spec.short == short)


def _kept(retention_ms: int, segment_ms: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "segment.ms": str(segment_ms),
        "max.message.bytes": str(MAX_OUTPUT_BYTES),
    }


def _compacted(lag_ms: int) -> dict[str, str]:
    return {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(lag_ms),
        "file.delete.delay.ms": str(DELETE_DELAY_MS),
        "max.message.bytes": str(MAX_OUTPUT_BYTES),
    }


def error_log_bound_bytes(spec: TopicSpec, *, retention_check_interval_s: float) -> int:
    """Most bytes that the error log can take on the broker's disk.

    A partition holds what retention.bytes keeps, the active segment and the one just closed, and what
    is written while the broker waits for its next check and for the file's deletion.
    """
    config = spec.config
    delay_s = int(config["file.delete.delay.ms"]) / 1000
    written = ERROR_LOG_RATE_CAP_BYTES_PER_S * (retention_check_interval_s + delay_s)
    return int(spec.partitions * (int(config["retention.bytes"]) + 2 * int(config["segment.bytes"]) + written))
