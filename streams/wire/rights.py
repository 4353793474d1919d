"""The rights of each role on the broker, as data: the least with which it can do its work.

Every right names one topic or group in full. A prefix would do for most accounts, but not for all: topics are called
`<prefix>.<account>.<topic>` and a prefix may hold dots, so `a.b.` as a pattern would reach the topics of prefix `a.b`
and of every account of it as well.
"""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final, Literal

from streams.wire.topics import (
    CAMERA_FRAMES,
    CONTROL,
    ERASURES,
    ERROR_LOG,
    FACE_FEATURES,
    GALLERY_COMMANDS,
    GALLERY_EVENTS,
    RECOGNITIONS,
    RUNNING_LOG,
    SIGHTINGS,
    VISITS,
    Topics,
)


class Operation(IntEnum):
    """What a right allows, by Kafka's number of it. Whoever may read or write a topic may describe it as well."""

    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11

    @property
    def word(self) -> str:
        """As kafka-acls.sh takes it."""
        return "".join(part.capitalize() for part in self.name.split("_"))


@dataclass(frozen=True, slots=True)
class Right:
    """Operations on one topic, group, transactional id, or the cluster, which is called `kafka-cluster`; name: in full.

    Delete is needed to remove a topic's records up to an offset, and to Kafka it is the right to remove the topic as
    well: brokers are to be run with delete.topic.enable=false, which leaves the one and takes the other.
    """

    resource: Literal["topic", "group", "transactional-id", "cluster"]
    name: str
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        words = [operation.word for operation in self.operations]
        return f"{' and '.join(words)} on {self.resource} {self.name}"


class Role(StrEnum):
    """Who works with an account's topics."""

    WORKER = "worker"
    CAMERA = "camera"
    CONSUMER = "consumer"
    BILLER = "biller"
    GALLERY_ADMIN = "gallery-admin"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    MENDER = "mender"


READ, WRITE, DELETE = Operation.READ, Operation.WRITE, Operation.DELETE
CONFIGS: Final = Operation.DESCRIBE_CONFIGS
CLUSTER: Final = "kafka-cluster"

PURPOSE: Final = MappingProxyType(
    {
        Role.WORKER: "`facestreams worker`",
        Role.CAMERA: "`facestreams publish`, or any producer of frames",
        Role.CONSUMER: "`facestreams watch`, or any reader of results",
        Role.GALLERY_ADMIN: "`facestreams enroll`, `forget`, `persons` and `receipt`",
        Role.BILLER: "`facestreams bill`",
        Role.AUDITOR: "`facestreams audit` and `log`: reads all but the pictures, and alters nothing",
        Role.OPERATOR: "`facestreams topics create`, `verify`, `show` and `new-epoch`; `facestreams workers`",
        Role.MENDER: "`facestreams topics mend`; who may alter how long a topic keeps its records may empty it",
    }
)

_SHAPE: Final = (Operation.CREATE, Operation.DESCRIBE, CONFIGS)

_TOPIC_RIGHTS: Final[Mapping[Role, Mapping[str, tuple[Operation, ...]]]] = MappingProxyType(
    {
        # it compares every topic's settings with what is promised before it starts
        Role.WORKER: {
            CONTROL: (READ, WRITE, CONFIGS),
            # pictures are deleted once they are processed, which takes a record of ours behind them
            CAMERA_FRAMES: (READ, WRITE, DELETE, CONFIGS),
            GALLERY_COMMANDS: (READ, WRITE, DELETE, CONFIGS),
            GALLERY_EVENTS: (READ, WRITE, CONFIGS),
            ERASURES: (READ, WRITE, CONFIGS),
            FACE_FEATURES: (READ, WRITE, CONFIGS),
            # deleted from where an account is deleted
            RECOGNITIONS: (WRITE, DELETE, CONFIGS),
            SIGHTINGS: (WRITE, DELETE, CONFIGS),
            VISITS: (READ, WRITE, CONFIGS),
            RUNNING_LOG: (READ, WRITE, CONFIGS),  # read for an account's last bill, and which old frames were billed
            ERROR_LOG: (WRITE, DELETE, CONFIGS),
        },
        Role.CAMERA: {CAMERA_FRAMES: (WRITE,)},
        Role.CONSUMER: {RECOGNITIONS: (READ,), SIGHTINGS: (READ,)},
        # face-features for `persons`: what its records' keys and headers say; the features themselves are sealed
        # erasures for `keys revoke`: which deletions need the key
        Role.GALLERY_ADMIN: {
            GALLERY_COMMANDS: (WRITE,),
            GALLERY_EVENTS: (READ,),
            FACE_FEATURES: (READ,),
            ERASURES: (READ,),
        },
        Role.BILLER: {RUNNING_LOG: (READ,)},
        Role.AUDITOR: {
            spec.short: (Operation.DESCRIBE if spec.carries_pictures else READ, CONFIGS) for spec in Topics()
        },
        # control: an epoch is read, and written before a topic is made; workers' words are read, and taken back
        Role.OPERATOR: {spec.short: _SHAPE + ((READ, WRITE) if spec.short == CONTROL else ()) for spec in Topics()},
        Role.MENDER: {spec.short: (Operation.DESCRIBE, CONFIGS, Operation.ALTER_CONFIGS) for spec in Topics()},
    }
)


def workers_group(topics: Topics) -> str:
    """The consumer group of this account's workers; nobody else may read in it."""
    return topics.name("workers")


def transactional_id(topics: Topics, partition: int) -> str:
    """Of the one producer that answers the gallery commands of this partition: the broker fences who had it before."""
    return f"{topics.name(GALLERY_COMMANDS)}.{partition}"


def rights_of(role: Role, topics: Topics, *, groups: Collection[str] = ()) -> tuple[Right, ...]:
    """All that this role needs in this account.

    groups: consumer groups in which it reads besides; the readers of ours use none.
    """
    found = on_topics(topics, _TOPIC_RIGHTS[role])
    own = (workers_group(topics),) if role is Role.WORKER else ()
    found += tuple(Right("group", group, (READ,)) for group in (*own, *groups))
    if role is Role.WORKER:
        names = (transactional_id(topics, number) for number in range(topics.spec(GALLERY_COMMANDS).partitions))
        found += tuple(Right("transactional-id", name, (Operation.DESCRIBE, WRITE)) for name in names)
    if role is Role.AUDITOR:  # how far the workers have come
        found += (Right("group", workers_group(topics), (Operation.DESCRIBE,)),)
    if role in (Role.OPERATOR, Role.MENDER):  # the brokers' own settings, on which the limits rest
        found += (Right("cluster", CLUSTER, (CONFIGS,)),)
    if role is Role.AUDITOR:  # these too, and who has which rights
        found += (Right("cluster", CLUSTER, (Operation.DESCRIBE, CONFIGS)),)
    return found


def on_topics(topics: Topics, operations: Mapping[str, Sequence[Operation]]) -> tuple[Right, ...]:
    """Rights on the account's topics with these short names."""
    return tuple(Right("topic", topics.name(short), tuple(wanted)) for short, wanted in operations.items())


def seeing(topics: Topics) -> tuple[Right, ...]:
    """What it takes to compare an account's topics with what is promised; part of the operator's rights."""
    return tuple(Right("topic", spec.name, (Operation.DESCRIBE, CONFIGS)) for spec in topics)


def commands_for(
    principal: str, rights: Sequence[Right], *, bootstrap_servers: str, command_config: str
) -> Iterator[str]:
    """The lines for a shell that give these rights to `principal`, one for each set of operations.

    command_config: the properties file with which kafka-acls.sh connects; empty: without one.
    """
    alike: dict[tuple[str, tuple[Operation, ...]], list[str]] = {}
    for right in rights:
        alike.setdefault((right.resource, right.operations), []).append(right.name)
    head = f"kafka-acls.sh --bootstrap-server {shlex.quote(bootstrap_servers)}"
    if command_config:
        head += f" --command-config {shlex.quote(command_config)}"
    for (resource, operations), names in alike.items():
        what = [f"--operation {operation.word}" for operation in operations]
        what += ["--cluster"] if resource == "cluster" else [f"--{resource} {shlex.quote(name)}" for name in names]
        yield f"{head} --add --allow-principal {shlex.quote(principal)} {' '.join(what)}"
