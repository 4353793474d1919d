"""A broker that asks who comes and what he may, for the tests that need one."""

import asyncio
from collections.abc import Iterator

import pytest

from streams.engine.topics.admin import create_missing
from streams.wire.rights import Role, rights_of
from tests.kafka.jars import KafkaMissingError
from tests.kafka.secured import ACCOUNTS, SCRAM, STRANGERS, UNTOUCHED, SecuredKafka, topics_of, user


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """The topics of two accounts, in each a user for each role with the rights of that role, and strangers."""
    names = [user(account, role) for account in (*ACCOUNTS, UNTOUCHED) for role in Role] + list(STRANGERS)
    try:
        broker = SecuredKafka(tmp_path_factory.mktemp("secured"), {name: f"{name}'s-7f3a-word" for name in names})
        broker.kafka.start()
    except KafkaMissingError as error:
        pytest.skip(str(error))
    try:
        asyncio.run(_prepare(broker))
        yield broker
    finally:
        broker.kafka.stop()


async def _prepare(broker: SecuredKafka) -> None:
    await broker.allow(
        {user(account, role): rights_of(role, topics_of(account)) for account in ACCOUNTS for role in Role}
    )
    for account in ACCOUNTS:
        operator = broker.connection(user(account, Role.OPERATOR), SCRAM)
        created = await create_missing(operator, topics_of(account), replication=1)
        assert sorted(created) == sorted(spec.name for spec in topics_of(account))
