"""What each role's rights allow, on a broker that asks: its whole work, and nothing else."""

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError

from models.gallery.keys import KeyDirectory
from streams.cli.opening import opener
from streams.demo.cast import CAST
from streams.demo.film import enrollment_picture, film
from streams.demo.worker_process import WorkerProcess, free_port
from streams.edge.client import GalleryClient
from streams.edge.persons import read_persons
from streams.edge.publish import FramePublisher
from streams.edge.readers import recognition_reader, sighting_reader
from streams.edge.workers import read_workers, take_back
from streams.engine.brokers import KAFKA
from streams.engine.topics.admin import AdminError
from streams.engine.topics.inspection import inspect, mend, mendable
from streams.wire.connection import Connection
from streams.wire.records import Confirmed, encode
from streams.wire.rights import Operation, Role, commands_for, rights_of, transactional_id, workers_group
from streams.wire.topics import CONTROL, ERROR_LOG, FACE_FEATURES, FILLER_KEY, RUNNING_LOG
from streams.wire.workers import key_of
from tests.kafka.allowed import REFUSED, administering, may_delete, may_fence, may_join, may_read, may_write
from tests.kafka.broker import java
from tests.kafka.secured import ACCOUNTS, ADMIN, MUTUAL, PLAIN, SCRAM, SecuredKafka, topics_of, user

pytestmark = pytest.mark.broker

PATIENCE_S = 60.0
TOPICS_STAY = 73
"""Nobody removes a topic from a broker with delete.topic.enable=false, whatever rights he has."""
WAYS = (SCRAM, PLAIN, MUTUAL)
ACLS = "org.apache.kafka.tools.AclCommand"
"""What kafka-acls.sh runs."""
GWEN = next(person for person in CAST if person.person_id == "gwen")


@asynccontextmanager
async def working(secured: SecuredKafka, listener: str, key_dir: Path) -> AsyncIterator[WorkerProcess]:
    """The first account's worker, as a process, with no rights but a worker's."""
    given = {
        "ACCOUNT": ACCOUNTS[0],
        "PARTITIONS": str(topics_of(ACCOUNTS[0]).partitions),
        "KEY_DIR": str(key_dir),
        "HTTP_PORT": str(free_port()),
        "LOG_LEVEL": "debug",
        "MAX_FRAME_AGE_S": "900",  # reads the running log's end as well
    }
    environment = secured.environment(user(ACCOUNTS[0], Role.WORKER), listener)
    worker = WorkerProcess({**environment, **{f"FACESTREAMS_{name}": value for name, value in given.items()}})
    try:
        await worker.ready(PATIENCE_S)
        yield worker
    finally:
        worker.stop()


@pytest.fixture(scope="module")
def key_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "acme"
    KeyDirectory.create(path)
    return path


@pytest.mark.parametrize("listener", WAYS)
async def test_every_role_does_its_work(secured: SecuredKafka, key_dir: Path, listener: str) -> None:
    topics = topics_of(ACCOUNTS[0])
    gwen = f"gwen-{listener}"  # the one before may still be on her way out of the topic

    def connection(role: Role) -> Connection:
        return secured.connection(user(ACCOUNTS[0], role), listener)

    admin, consumer = connection(Role.GALLERY_ADMIN), connection(Role.CONSUMER)
    async with (
        working(secured, listener, key_dir) as worker,
        recognition_reader(consumer, topics) as recognitions,
        sighting_reader(consumer, topics) as sightings,
        GalleryClient(admin, topics, timeout_s=PATIENCE_S) as gallery,
        FramePublisher(connection(Role.CAMERA), topics) as camera,
    ):
        enrolled = await gallery.enroll(gwen, enrollment_picture(GWEN), consent="form-7", consent_basis="of_age")
        assert (enrolled.accepted, enrolled.code) == (True, "enrolled")
        stored = await read_persons(admin, topics, opener(KeyDirectory.open(key_dir)), exact_ends=True)
        assert gwen in [person.person_id for person in stored.enrolled()]

        camera_id = f"desk-{listener}"
        for frame in film("desk", 8):
            await (await camera.publish(frame.jpeg, camera_id=camera_id))
        await (await camera.publish(b"no picture", camera_id=camera_id))
        seen = {face.match.person_id for record in await first(recognitions, 8) for face in record.faces}
        assert seen == {gwen}
        # what another camera's last owner left is said again before
        said = await first((each async for each in sightings if each.camera_id == camera_id), 1)
        assert [(each.event, each.person_id) for each in said] == [("enter", gwen)]
        assert await anything(connection(Role.BILLER), topics.name(RUNNING_LOG))
        assert await anything(connection(Role.AUDITOR), topics.name(ERROR_LOG))

        assert (await gallery.forget(gwen)).accepted
        await no_secret_shows(worker, secured.passwords.values())
        assert "processed pictures are not deleted" not in worker.log(), "the worker's rights suffice for that"


async def no_secret_shows(worker: WorkerProcess, secrets: Collection[str]) -> None:
    process = Path(f"/proc/{worker.process.pid}")
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{worker.port}/metrics") as answer:
        metrics = await answer.text()
    assert "facestreams_" in metrics
    shown = [process.joinpath("cmdline").read_text(), metrics]
    with suppress(PermissionError):  # it lets nobody but root look
        shown.append(process.joinpath("environ").read_text())
    shown.append(worker.log())
    assert '"level": "info"' in shown[-1]
    assert [secret for secret in secrets for text in shown if secret in text] == []


@pytest.mark.parametrize("role", [Role.WORKER, Role.OPERATOR])  # between them every kind of resource
def test_kafkas_own_tool_gives_the_rights_that_are_printed(secured: SecuredKafka, role: Role) -> None:
    rights, principal = rights_of(role, topics_of(ACCOUNTS[0])), f"User:told-{role}"
    where = {
        "bootstrap_servers": secured.kafka.bootstrap(MUTUAL),
        "command_config": str(secured.admin_properties()),
    }
    for line in commands_for(principal, rights, **where):
        program, *arguments = shlex.split(line)
        assert program == "kafka-acls.sh"
        java(ACLS, *arguments)
    [line] = commands_for(principal, rights[:1], **where)
    listed = java(ACLS, *shlex.split(line.partition(" --add ")[0])[1:], "--list", "--principal", principal)

    given: dict[tuple[str, str], set[str]] = {}
    for kind, name, entries in re.findall(
        r"resourceType=(\w+), name=([^,]+), patternType=LITERAL\)`:(.*?)\n *\n", listed, re.S
    ):
        given[kind.lower().replace("_", "-"), name] = set(re.findall(r"operation=(\w+), permissionType=ALLOW", entries))
    wanted = {(right.resource, right.name): {operation.name for operation in right.operations} for right in rights}
    assert given == wanted


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("role", Role)
async def test_a_role_sees_reads_writes_and_empties_what_its_rights_name_and_nothing_else(
    secured: SecuredKafka, role: Role, account: str
) -> None:
    """Tried on every topic of both accounts."""
    given = {right.name: right.operations for right in rights_of(role, topics_of(account)) if right.resource == "topic"}
    connection = secured.connection(user(account, role), SCRAM)
    every = [spec.name for each in ACCOUNTS for spec in topics_of(each)]

    async with administering(connection) as admin:
        assert set(await admin.list_topics()) == given.keys()
    assert await may_read(connection, every) == {name for name in every if Operation.READ in given.get(name, ())}
    assert await may_write(connection, every) == {name for name in every if Operation.WRITE in given.get(name, ())}
    assert await may_delete(connection, every) == {name for name in every if Operation.DELETE in given.get(name, ())}


@pytest.mark.parametrize(
    ("role", "verb", "topic"),
    [
        (Role.CAMERA, "read", "acme.face-features"),
        (Role.CAMERA, "read", "acme.camera-frames"),
        (Role.CAMERA, "write", "acme.gallery-commands"),
        (Role.CAMERA, "write", "zoo.camera-frames"),
        (Role.CONSUMER, "write", "acme.recognitions"),
        (Role.CONSUMER, "write", "acme.sightings"),
        (Role.CONSUMER, "read", "acme.face-features"),
        (Role.CONSUMER, "read", "acme.camera-frames"),
        (Role.CONSUMER, "read", "zoo.recognitions"),
        (Role.GALLERY_ADMIN, "write", "acme.face-features"),
        (Role.GALLERY_ADMIN, "read", "acme.gallery-commands"),
        (Role.GALLERY_ADMIN, "write", "zoo.gallery-commands"),
        (Role.AUDITOR, "read", "acme.camera-frames"),
        (Role.AUDITOR, "read", "acme.gallery-commands"),
        (Role.AUDITOR, "write", "acme.running-log"),
        (Role.AUDITOR, "read", "zoo.running-log"),
        (Role.BILLER, "read", "acme.recognitions"),
        (Role.BILLER, "read", "zoo.running-log"),
        (Role.OPERATOR, "read", "acme.camera-frames"),
        (Role.OPERATOR, "read", "acme.face-features"),
        (Role.OPERATOR, "delete", "acme.camera-frames"),
        (Role.CAMERA, "delete", "acme.camera-frames"),
        (Role.WORKER, "read", "zoo.face-features"),
        (Role.WORKER, "write", "zoo.recognitions"),
        (Role.WORKER, "delete", "zoo.camera-frames"),
        (Role.WORKER, "delete", "acme.running-log"),
    ],
    ids=str,
)
async def test_what_must_never_be_allowed(secured: SecuredKafka, role: Role, verb: str, topic: str) -> None:
    """In words, whatever the data of the rights say."""
    connection = secured.connection(user("acme", role), SCRAM)
    tried = {"read": may_read, "write": may_write, "delete": may_delete}[verb]
    assert await tried(connection, [f"facestreams.{topic}"]) == set()


@pytest.mark.parametrize("role", Role)
async def test_the_workers_alone_join_their_own_accounts_group(secured: SecuredKafka, role: Role) -> None:
    connection = secured.connection(user("acme", role), SCRAM)
    assert await may_join(connection, workers_group(topics_of("acme"))) == (role is Role.WORKER)
    assert not await may_join(connection, workers_group(topics_of("zoo")))


@pytest.mark.parametrize("role", Role)
async def test_the_workers_alone_write_under_their_own_accounts_transactional_ids(
    secured: SecuredKafka, role: Role
) -> None:
    connection = secured.connection(user("acme", role), SCRAM)
    for partition in range(topics_of("acme").partitions):
        assert await may_fence(connection, transactional_id(topics_of("acme"), partition)) == (role is Role.WORKER)
        assert not await may_fence(connection, transactional_id(topics_of("zoo"), partition))


@pytest.mark.parametrize("role", Role)
async def test_the_operator_alone_creates_topics_and_nobody_deletes_one(secured: SecuredKafka, role: Role) -> None:
    own, other, more = (f"facestreams.{each}" for each in ("acme.recognitions", "zoo.recognitions", "acme.another"))
    async with administering(secured.connection(user("acme", role), SCRAM)) as admin:
        codes = [await created(admin, name) for name in (own, other, more)]
        assert codes == [TopicAlreadyExistsError.errno if role is Role.OPERATOR else REFUSED, REFUSED, REFUSED]
        deleted = await admin.delete_topics([own])
        assert [code for _, code in deleted.topic_error_codes] == [TOPICS_STAY]


async def test_a_mender_mends_what_the_operator_may_only_see(secured: SecuredKafka) -> None:
    topics = topics_of("zoo")
    name = topics.name("recognitions")
    async with administering(secured.connection(ADMIN, MUTUAL)) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"cleanup.policy": "compact"})])
    operator = secured.connection(user("zoo", Role.OPERATOR), SCRAM)
    mender = secured.connection(user("zoo", Role.MENDER), SCRAM)

    found = await inspect(operator, topics, replication=1, broker=KAFKA)
    assert {each.topic for each in found.differences} == {name}
    wanted = mendable(found, replication=1)
    with pytest.raises(AdminError, match=f"^the broker refused to alter {name}: TopicAuthorizationFailedError"):
        await mend(operator, wanted)
    await mend(mender, wanted)
    assert (await inspect(mender, topics, replication=1, broker=KAFKA)).differences == []


async def test_the_operator_sees_the_workers_and_takes_the_word_of_one_back(secured: SecuredKafka) -> None:
    """To see face-features is enough: how far the workers are on it is told without a record of it."""
    topics = topics_of("zoo")
    worker = secured.connection(user("zoo", Role.WORKER), SCRAM)
    operator = secured.connection(user("zoo", Role.OPERATOR), SCRAM)
    said = Confirmed(worker="left", applied={}, saved={}, written_at_ms=0)
    async with AIOKafkaProducer(**worker.client_options()) as producer:
        await producer.send_and_wait(topics.name(CONTROL), encode(said), key=key_of("left"), partition=0)
        await producer.send_and_wait(topics.name(FACE_FEATURES), b"", key=FILLER_KEY, partition=0)

    async def found() -> list[tuple[str, str]]:
        workers = await read_workers(operator, topics, exact_ends=True, now_ms=0)
        return [(each.worker, each.memory) for each in workers if each.worker == "left"]

    assert await found() == [("left", "behind")]
    await take_back(operator, topics, ["left"])
    assert await found() == []


async def created(admin: AIOKafkaAdminClient, name: str) -> int:
    answer = await admin.create_topics([NewTopic(name, 1, 1)])
    return int(answer.topic_errors[0][1])


async def first(records, count: int) -> list:
    found = []
    async for record in records:
        found.append(record)
        if len(found) == count:
            return found
    raise AssertionError("the reader ended")


async def anything(connection: Connection, topic: str) -> bool:
    """Whether a record is there to be read, in whichever partition."""
    consumer = AIOKafkaConsumer(topic, group_id=None, auto_offset_reset="earliest", **connection.client_options())
    await consumer.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await consumer.getmany(timeout_ms=1000):
                pass
    except TimeoutError:
        return False
    else:
        return True
    finally:
        await consumer.stop()
