"""The audit with the rights of its role, and with less."""

import time
from pathlib import Path

import pytest

from models.gallery.keys import KeyDirectory
from streams.audit.asking import Question
from streams.audit.finding import Finding, Promise
from streams.audit.run import audit
from streams.engine.brokers import KAFKA
from streams.engine.topics.admin import create_missing
from streams.wire.rights import Role, rights_of
from tests.kafka.secured import SCRAM, UNTOUCHED, SecuredKafka, topics_of, user

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True)
async def untouched(secured: SecuredKafka) -> None:
    """Its topics, and its users' rights."""
    await secured.allow({user(UNTOUCHED, role): rights_of(role, topics_of(UNTOUCHED)) for role in Role})
    await create_missing(secured.connection(user(UNTOUCHED, Role.OPERATOR), SCRAM), topics_of(UNTOUCHED), replication=1)


async def audited(secured: SecuredKafka, role: Role, keys: KeyDirectory) -> dict[Promise, Finding]:
    question = Question(
        connection=secured.connection(user(UNTOUCHED, role), SCRAM),
        topics=topics_of(UNTOUCHED),
        account=UNTOUCHED,
        region="eu",
        replication=1,
        broker=KAFKA,
        keys=keys,
    )
    findings = await audit(question, broker_data=(), clock_ms=lambda: time.time_ns() // 1_000_000)
    return {finding.promise: finding for finding in findings}


@pytest.fixture
def keys(tmp_path: Path) -> KeyDirectory:
    return KeyDirectory.create(tmp_path / "keys")


async def test_the_auditor_sees_settings_and_who_has_rights(secured: SecuredKafka, keys: KeyDirectory) -> None:
    found = await audited(secured, Role.AUDITOR, keys)
    assert not [text for finding in found.values() for text in finding.unseen if "lacks" in text or "may not" in text]
    ceiling, rights = found[Promise.ERROR_LOG].evidence[0], found[Promise.ACCOUNTS_APART].evidence[0]
    assert ceiling.startswith("the size of a copy of the error log is at most ")
    assert f"User:{user(UNTOUCHED, Role.WORKER)}" in rights
    assert "allow.everyone" not in "".join(found[Promise.ACCOUNTS_APART].unseen)
    assert {promise: each.breaches for promise, each in found.items() if each.verdict == "broken"} == {}


async def test_who_may_not_look_is_told_so_and_nothing_is_held(secured: SecuredKafka, keys: KeyDirectory) -> None:
    found = await audited(secured, Role.CONSUMER, keys)
    assert {finding.verdict for finding in found.values()} == {"not_observable"}
    [unread] = [text for text in found[Promise.CONSENT].unseen if "cannot be read" in text]
    assert "`facestreams rights auditor` prints the commands" in unread
