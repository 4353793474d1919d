"""Who may do what with this account's topics, as the broker's own list says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import ClusterAuthorizationFailedError, for_code
from aiokafka.protocol.admin import DescribeAclsRequest

from streams.wire.rights import Operation
from streams.wire.topics import CONTROL, Topics

ANY: Final = 1
TOPIC: Final = 2
LITERAL, PREFIXED = 3, 4
ALL_OPERATIONS: Final = 2
ALLOW: Final = 3
NO_AUTHORIZER: Final = 54
EVERY: Final = "*"
EVERYBODY: Final = "User:*"

EVERYBODY_ELSEWHERE: Final = "allow.everyone.if.no.acl.found"
"""With it a topic on which nobody has a right is open to everybody. False where it is not set."""

CROSSING: Final = frozenset({ALL_OPERATIONS, Operation.READ, Operation.WRITE, Operation.DELETE})
"""With these a principal reaches what an account's topics hold. To create, describe and alter them is the operator's,
who may serve several accounts."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One right that the broker gives. pattern: literal or prefixed."""

    principal: str
    name: str
    prefixed: bool
    operation: int

    def reaches(self, topic: str) -> bool:
        """Whether it is about this topic."""
        return topic.startswith(self.name) if self.prefixed else self.name in (topic, EVERY)


@dataclass(frozen=True, slots=True)
class Access:
    """grants: rights on topics; None where they cannot be seen, `why_none` says why.

    enforced: False where the broker asks nobody for rights. others: topics of other accounts under the same prefix.
    everybody_elsewhere: whether topics without any right are open to everybody; None where the brokers do not tell.
    """

    grants: Sequence[Grant] | None
    others: Sequence[str]
    enforced: bool = True
    why_none: str = ""
    everybody_elsewhere: bool | None = None

    def crossing(self, topics: Topics) -> Iterator[str]:
        """Whoever may reach into records of this account and of another one, a sentence each."""
        ours = [spec.name for spec in topics if spec.short != CONTROL]
        theirs = [name for name in self.others if not name.endswith(f".{CONTROL}")]
        reaching = [grant for grant in self.grants or () if grant.operation in CROSSING]
        for principal in sorted({grant.principal for grant in reaching}):
            grants = [grant for grant in reaching if grant.principal == principal]
            if principal == EVERYBODY:
                yield from (f"everybody has a right on {grant.name!r}" for grant in grants if _meets(grant, ours))
                continue
            for grant in grants:
                if (grant.prefixed or grant.name == EVERY) and not _within(grant, topics) and _meets(grant, ours):
                    yield f"{principal} has a right on all topics that begin with {grant.name!r}"
            literal = [grant for grant in grants if not (grant.prefixed or grant.name == EVERY)]
            mine = next((grant for grant in literal if _meets(grant, ours)), None)
            other = next((grant for grant in literal if _of_another(grant, theirs, topics)), None)
            if mine is not None and other is not None:
                yield f"{principal} has rights on {mine.name} and on {other.name}"

    def bare(self, topics: Topics) -> list[str]:
        """Topics of this account on which nobody has a right."""
        return [spec.name for spec in topics if not any(grant.reaches(spec.name) for grant in self.grants or ())]

    def principals(self, topics: Topics) -> list[str]:
        """Whoever has any right on a topic of this account."""
        names = [spec.name for spec in topics]
        return sorted({grant.principal for grant in self.grants or () if _meets(grant, names)})


def _meets(grant: Grant, names: Sequence[str]) -> bool:
    return any(map(grant.reaches, names))


def _within(grant: Grant, topics: Topics) -> bool:
    """Whether what it is about cannot be another account's."""
    return grant.prefixed and grant.name.startswith(topics.name(""))


def _of_another(grant: Grant, theirs: Sequence[str], topics: Topics) -> bool:
    if grant.name.startswith(topics.name("")):
        return False
    return grant.name in theirs or grant.name.startswith(f"{topics.prefix}.")


async def read_access(client: AIOKafkaAdminClient, topics: Topics) -> Access:
    """What the broker tells of it. Raises KafkaError."""
    shorts = {spec.short for spec in topics}
    others = [
        name
        for name in await client.list_topics()
        if name.startswith(f"{topics.prefix}.")
        and not name.startswith(topics.name(""))
        and name.rpartition(".")[2] in shorts
    ]
    answer = await client._send_to_controller(DescribeAclsRequest(TOPIC, None, ANY, None, None, ANY, ANY))
    if answer.error_code == NO_AUTHORIZER:
        return Access(None, others, enforced=False, why_none="the broker asks nobody for rights: it has no authorizer")
    if answer.error_code == ClusterAuthorizationFailedError.errno:
        return Access(None, others, why_none="this user may not see who has rights: it needs Describe on the cluster")
    if answer.error_code:
        return Access(
            None, others, why_none=f"the broker does not tell its rights: {for_code(answer.error_code).__name__}"
        )
    return Access(
        [
            Grant(principal, name, pattern == PREFIXED, operation)
            for _kind, name, pattern, acls in answer.resources
            for principal, _host, operation, permission in acls
            if permission == ALLOW
        ],
        others,
        everybody_elsewhere=await _everybody_elsewhere(client),
    )


async def _everybody_elsewhere(client: AIOKafkaAdminClient) -> bool | None:
    """An authorizer's setting: brokers tell that it is set, and, since they do not know its type, not to what."""
    nodes = [str(broker["node_id"]) for broker in (await client.describe_cluster())["brokers"]]
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.BROKER, node) for node in nodes])
    told = [_of_broker(resource) for answer in answers for resource in answer.resources]
    if True in told:
        return True
    return None if None in told or not told else False


def _of_broker(resource: Any) -> bool | None:
    code, _message, _kind, _node, entries = resource
    if code:
        return None
    value = {entry[0]: entry[1] for entry in entries}.get(EVERYBODY_ELSEWHERE, "false")
    return None if value is None else value.lower() == "true"
