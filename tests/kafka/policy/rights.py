"""Rights given and taken away on the broker, as its administrator."""

from collections.abc import Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from streams.wire.connection import Connection
from streams.wire.rights import Right
from tests.kafka.broker import KafkaError
from tests.kafka.secured import ALLOW, LITERAL, RESOURCES

ANY: Final = 1


async def allow(connection: Connection, name: str, rights: Sequence[Right]) -> None:
    """Give rights to a user. Raises KafkaError if the broker refuses."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        for right in rights:
            for operation in right.operations:
                request = CreateAclsRequest(
                    RESOURCES[right.resource], right.name, LITERAL, f"User:{name}", "*", int(operation), ALLOW
                )
                answer = await admin._send_to_controller(request)
                if answer.creation_responses[0][0]:
                    raise KafkaError(f"{right} was not given to {name}")
    finally:
        await admin.close()


async def take_away(connection: Connection, name: str) -> None:
    """All rights on topics that a user has."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    try:
        await admin._send_to_controller(
            DeleteAclsRequest(RESOURCES["topic"], None, ANY, f"User:{name}", None, ANY, ANY)
        )
    finally:
        await admin.close()
